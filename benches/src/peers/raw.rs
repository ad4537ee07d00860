//! The primitives on a loop written by hand.
//!
//! Before: `raw_loop.rs`. After: `../peers.rs`.

use super::raw_loop::{Group, Loop, here};
use crate::peer::{Boxed, Either, Peer, Reactor, Timed, Value, boxed};
use rustix::event::epoll;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::mem;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

pub struct Raw;

impl Peer for Raw {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let the_loop = Loop::install();
        let value = Rc::new(Cell::new(None));
        let (place, done) = (value.clone(), Rc::new(Cell::new(false)));
        let is_done = done.clone();
        the_loop.spawn(
            Box::pin(async move {
                place.set(Some(main.await));
                is_done.set(true);
            }),
            None,
        );
        the_loop.run(|| done.get());
        value.take().expect("main has ended")
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let group = Rc::new(Group::default());
        for child in children {
            group.spawn(boxed(child));
        }
        group.join().await
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let (group, sum) = (Rc::new(Group::default()), Rc::new(Cell::new(0)));
        for child in children {
            let sum = sum.clone();
            group.spawn(Box::pin(async move {
                let Ok(value) = child.await;
                sum.set(sum.get() + value);
            }));
        }
        group.join().await;
        sum.get()
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        Self::sum([one, other].into_iter()).await
    }

    async fn one(child: Boxed) {
        let group = Rc::new(Group::default());
        group.spawn(child);
        group.join().await
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let group = Rc::new(Group::default());
        let tasks: Vec<_> = children.map(|child| group.spawn(boxed(child))).collect();
        let value = body.await;
        for task in tasks {
            here().remove(task);
        }
        value
    }

    async fn yield_now() {
        let mut yielded = false;
        poll_fn(|_| {
            if mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            here().wake(here().current.get());
            Poll::Pending
        })
        .await
    }
}

/// Its place among the timers, given up when it is dropped.
struct Timer((Instant, usize));

impl Drop for Timer {
    fn drop(&mut self) {
        here().timers.borrow_mut().remove(&self.0);
    }
}

impl Timed for Raw {
    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        let deadline = Instant::now() + time;
        let mut timer = None;
        poll_fn(move |_| {
            if timer.is_some() && Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.get_or_insert_with(|| {
                let number = here().timers_made.get();
                here().timers_made.set(number + 1);
                here().timers.borrow_mut().insert((deadline, number), here().current.get());
                Timer((deadline, number))
            });
            Poll::Pending
        })
    }

    async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
        let late = async {
            Self::sleep(time).await;
            None
        };
        futures_lite::future::or(async { Some(future.await) }, late).await
    }
}

impl Reactor for Raw {
    fn start_up() {
        drop(epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll"));
    }

    fn start_up_with_a_socket() {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        socket.set_nonblocking(true).expect("a socket can be set so");
        epoll::add(&epoll, &socket, epoll::EventData::new_u64(0), epoll::EventFlags::IN).expect("a fresh descriptor");
    }
}
