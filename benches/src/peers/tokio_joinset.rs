//! tokio's `LocalRuntime` with `JoinSet`.
//!
//! Before: `tokio_handles.rs`. After: the other peers.

use super::tokio_handles::{block_on, block_on_timed};
use crate::peer::{Boxed, Either, Peer, Timed, Value};
use std::future::Future;
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};

pub struct TokioJoinSet;

fn spawn<A, B>(children: impl Iterator<Item = Either<A, B>>) -> JoinSet<()>
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    let mut set = JoinSet::new();
    for child in children {
        match child {
            Either::Left(child) => set.spawn_local(child),
            Either::Right(child) => set.spawn_local(child),
        };
    }
    set
}

async fn add_up(mut set: JoinSet<Value<u64>>) -> u64 {
    let mut sum = 0;
    while let Some(ended) = set.join_next().await {
        let Ok(value) = ended.expect("no task fails");
        sum += value;
    }
    sum
}

impl Peer for TokioJoinSet {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let mut set = spawn(children);
        while let Some(ended) = set.join_next().await {
            ended.expect("no task fails");
        }
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let mut set = JoinSet::new();
        for child in children {
            set.spawn_local(child);
        }
        add_up(set).await
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let mut set = JoinSet::new();
        set.spawn_local(one);
        set.spawn_local(other);
        add_up(set).await
    }

    async fn one(child: Boxed) {
        let mut set = JoinSet::new();
        set.spawn_local(child);
        set.join_next().await.expect("one task").expect("no task fails");
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let mut set = spawn(children);
        let value = body.await;
        set.shutdown().await; // aborts all and waits for them
        value
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}

impl Timed for TokioJoinSet {
    fn block_on_timed<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on_timed(main)
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(time)
    }

    async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(time, future).await.ok()
    }
}
