//! `moro-local`, on futures-lite's `block_on`: scopes with children that borrow.
//!
//! Before: `buffered.rs`. After: `monoio.rs`.

use crate::peer::{Boxed, Either, Peer, Value};
use futures_lite::future::{block_on, yield_now};
use moro_local::{Scope, async_scope};
use std::future::Future;

pub struct Moro;

fn spawn<'scope, A, B, R>(scope: &'scope Scope<'scope, '_, R>, child: Either<A, B>)
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(child) => drop(scope.spawn(child)),
        Either::Right(child) => drop(scope.spawn(child)),
    }
}

impl Peer for Moro {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let scope = async_scope!(|scope| {
            for child in children {
                spawn(scope, child);
            }
        });
        scope.await
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let scope = async_scope!(|scope| {
            let tasks: Vec<_> = children.map(|child| scope.spawn(child)).collect();
            let mut sum = 0;
            for task in tasks {
                let Ok(value) = task.await;
                sum += value;
            }
            sum
        });
        scope.await
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let scope = async_scope!(|scope| {
            let (one, other) = (scope.spawn(one), scope.spawn(other));
            let (Ok(one), Ok(other)) = (one.await, other.await);
            one + other
        });
        scope.await
    }

    async fn one(child: Boxed) {
        let scope = async_scope!(|scope| {
            scope.spawn(child);
        });
        scope.await
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let scope = async_scope!(|scope| {
            for child in children {
                spawn(scope, child);
            }
            let value = body.await;
            scope.terminate::<()>(value).await;
            unreachable!("nothing comes after `terminate`")
        });
        scope.await
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}
