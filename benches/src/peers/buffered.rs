//! `futures-buffered`, on futures-lite's `block_on`: children of one type, side by side in slabs.
//!
//! Before: `unordered.rs`. After: `moro.rs`.
//!
//! To hold two types without a box, it is given an enum of the two. That works only where a program can name all the
//! types of its children, and `push` needs `&mut`: so its rows are marked.

use crate::peer::{Boxed, Either, Peer, Value};
use futures_buffered::FuturesUnordered;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, yield_now};
use std::future::Future;

pub struct Buffered;

impl Peer for Buffered {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let mut group: FuturesUnordered<_> = children.collect();
        while group.next().await.is_some() {}
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let mut group: FuturesUnordered<_> = children.collect();
        let mut sum = 0;
        while let Some(Ok(value)) = group.next().await {
            sum += value;
        }
        sum
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let mut group: FuturesUnordered<_> = [one, other].into_iter().collect();
        let mut sum = 0;
        while let Some(Ok(value)) = group.next().await {
            sum += value;
        }
        sum
    }

    async fn one(child: Boxed) {
        let mut group: FuturesUnordered<_> = [child].into_iter().collect();
        group.next().await;
    }

    /// The body stays outside: inside, its size would be that of every child.
    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let mut group: FuturesUnordered<_> = children.collect();
        let forever = async {
            while group.next().await.is_some() {}
            std::future::pending().await
        };
        or(body, forever).await
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}
