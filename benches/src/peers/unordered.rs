//! `FuturesUnordered`, on futures-lite's `block_on`: a group as a value inside one task.
//!
//! Before: `../peer.rs`. After: `buffered.rs`.
//!
//! It holds one type, so children are boxed. `push` needs `&mut`: a child could not spawn a sibling.

use crate::peer::{Boxed, Either, Peer, Value, boxed};
use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use futures_util::stream::FuturesUnordered;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

pub struct Unordered;

impl Peer for Unordered {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let mut group: FuturesUnordered<_> = children.map(boxed).collect();
        while group.next().await.is_some() {}
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let child = |child| -> Boxed<Value<u64>> { Box::pin(child) };
        let mut group: FuturesUnordered<_> = children.map(child).collect();
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
        let mut group = FuturesUnordered::new();
        group.push(child);
        group.next().await;
    }

    /// The body is one of the children: so it is polled when it was woken, and not with each of them.
    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let value = Cell::new(None);
        let body = async { value.set(Some(body.await)) };
        let child = |child| -> Pin<Box<dyn Future<Output = ()> + '_>> { boxed(child) };
        let mut group: FuturesUnordered<_> = children.map(child).collect();
        group.push(Box::pin(body));
        loop {
            group.next().await;
            if let Some(value) = value.take() {
                return value;
            }
        }
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}
