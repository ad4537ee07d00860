//! `taskgroup`, through its front door.
//!
//! Before: `../peer.rs`. After: the other peers.

use crate::heard::{Hearing, Nobody};
use crate::peer::{Boxed, Either, Peer, Reactor, Timed, Value};
use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::time::Duration;
use taskgroup::net::TcpListener;
use taskgroup::{ExceptionGroup, TaskGroup, block_on, sleep, task_group, timeout, yield_now};

pub struct Taskgroup<H = Nobody>(PhantomData<H>);

type Never = Infallible;

/// Starts the children, as a program would that has two kinds of them. The handles are not needed.
fn spawn<'scope, A, B>(g: &'scope TaskGroup<'scope, '_, Never>, child: Either<A, B>)
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(child) => drop(g.spawn(child)),
        Either::Right(child) => drop(g.spawn(child)),
    }
}

/// No task here fails.
fn unfailed<T>(ended: Result<T, ExceptionGroup<Never>>) -> T {
    ended.unwrap_or_else(|errors| panic!("{errors}"))
}

impl<H: Hearing> Peer for Taskgroup<H> {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        H::block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let ended = task_group(async |g| {
            for child in children {
                spawn(g, child);
            }
            Ok(())
        });
        unfailed(ended.await)
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let ended = task_group(async |g| {
            let tasks: Vec<_> = children.map(|child| g.spawn(child)).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.expect("no task fails");
            }
            Ok(sum)
        });
        unfailed(ended.await)
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let ended = task_group(async |g| {
            let (one, other) = (g.spawn(one), g.spawn(other));
            Ok(one.await.expect("no task fails") + other.await.expect("no task fails"))
        });
        unfailed(ended.await)
    }

    async fn one(child: Boxed) {
        let ended = task_group(async |g| {
            g.spawn(child);
            Ok(())
        });
        unfailed(ended.await)
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let ended = task_group(async |g| {
            for child in children {
                spawn(g, child);
            }
            let value = body.await;
            g.cancel("enough");
            Ok(value)
        });
        unfailed(ended.await)
    }

    async fn keeping<A, B, T>(
        children: impl Iterator<Item = Either<A, B>>,
        body: impl Future<Output = T> + 'static,
    ) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let ended = task_group(async |g| {
            let spawn = |child| match child {
                Either::Left(child) => g.spawn(child),
                Either::Right(child) => g.spawn(child),
            };
            let handles: Vec<_> = children.map(spawn).collect();
            let value = body.await;
            drop(handles);
            g.cancel("enough");
            Ok(value)
        });
        unfailed(ended.await)
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}

impl<H: Hearing> Timed for Taskgroup<H> {
    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        sleep(time)
    }

    async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
        timeout(time, future).await.ok()
    }
}

impl Reactor for Taskgroup {
    fn start_up() {
        block_on(async {});
    }

    fn start_up_with_a_socket() {
        block_on(async { drop(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")) });
    }
}
