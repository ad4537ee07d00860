//! smol, that is `async-executor` (its `LocalExecutor`) and `async-io` (timers, sockets, `block_on`).
//!
//! Before: `../peer.rs`. After: the other peers.
//!
//! Everything runs in spawned tasks, `main` too. `Task::cancel` waits for one task after the other; dropping the
//! handles cancels all at once, and as the queue is first in, first out, the last to be gone is the last that was spawned.
//! That is the faster of the two.

use crate::peer::{Boxed, Either, Peer, Reactor, Timed, Value};
use async_executor::{LocalExecutor, Task};
use async_io::{Async, Timer, block_on};
use futures_lite::future::{or, yield_now};
use std::cell::Cell;
use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

pub struct Smol;

thread_local! {
    /// Of this thread's only `block_on`. Leaked, so that tasks reach it at no cost.
    static EXECUTOR: Cell<Option<&'static LocalExecutor<'static>>> = const { Cell::new(None) };
}

fn executor() -> &'static LocalExecutor<'static> {
    EXECUTOR.get().expect("inside `block_on`")
}

fn spawn<A, B>(child: Either<A, B>) -> Task<()>
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(child) => executor().spawn(child),
        Either::Right(child) => executor().spawn(child),
    }
}

impl Peer for Smol {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let executor: &'static LocalExecutor<'static> = Box::leak(Box::default());
        EXECUTOR.set(Some(executor));
        block_on(executor.run(executor.spawn(main)))
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let tasks: Vec<_> = children.map(spawn).collect();
        for task in tasks {
            task.await;
        }
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let tasks: Vec<_> = children.map(|child| executor().spawn(child)).collect();
        let mut sum = 0;
        for task in tasks {
            let Ok(value) = task.await;
            sum += value;
        }
        sum
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let (one, other) = (executor().spawn(one), executor().spawn(other));
        let (Ok(one), Ok(other)) = (one.await, other.await);
        one + other
    }

    async fn one(child: Boxed) {
        executor().spawn(child).await;
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let mut tasks: Vec<_> = children.map(spawn).collect();
        let value = body.await;
        let last = tasks.pop();
        drop(tasks);
        if let Some(last) = last {
            last.cancel().await;
        }
        value
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}

impl Timed for Smol {
    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        let timer = Timer::after(time);
        async {
            timer.await;
        }
    }

    async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
        let late = async {
            Timer::after(time).await;
            None
        };
        or(async { Some(future.await) }, late).await
    }
}

impl Reactor for Smol {
    fn start_up() {
        block_on(LocalExecutor::new().run(async {}));
    }

    fn start_up_with_a_socket() {
        let socket = async { drop(Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")) };
        block_on(LocalExecutor::new().run(socket));
    }
}
