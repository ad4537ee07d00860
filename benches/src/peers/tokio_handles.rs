//! tokio's `LocalRuntime` with `JoinHandle`s in a `Vec`.
//!
//! Before: `../peer.rs`. After: `tokio_joinset.rs`.
//!
//! Everything runs in spawned tasks, `main` too: the future in `block_on` itself is woken more expensively. The task
//! workloads run without drivers, which spares tokio a look at the reactor every 61 polls.

use crate::peer::{Boxed, Either, Peer, Reactor, Timed, Value};
use std::future::Future;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{JoinHandle, spawn_local, yield_now};

pub struct TokioHandles;

/// A runtime with what `drivers` enables.
fn runtime(drivers: impl FnOnce(&mut Builder) -> &mut Builder) -> LocalRuntime {
    let mut builder = Builder::new_current_thread();
    drivers(&mut builder).build_local(LocalOptions::default()).expect("a runtime")
}

/// Runs `main` as a task.
pub(super) fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
    let runtime = runtime(|builder| builder);
    let main = runtime.spawn_local(main);
    runtime.block_on(main).expect("main does not fail")
}

pub(super) fn block_on_timed<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
    let runtime = runtime(Builder::enable_time);
    let main = runtime.spawn_local(main);
    runtime.block_on(main).expect("main does not fail")
}

fn spawn<A, B>(child: Either<A, B>) -> JoinHandle<()>
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(child) => spawn_local(child),
        Either::Right(child) => spawn_local(child),
    }
}

impl Peer for TokioHandles {
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        block_on(main)
    }

    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
    {
        let handles: Vec<_> = children.map(spawn).collect();
        for handle in handles {
            handle.await.expect("no task fails");
        }
    }

    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
        let handles: Vec<_> = children.map(spawn_local).collect();
        let mut sum = 0;
        for handle in handles {
            let Ok(value) = handle.await.expect("no task fails");
            sum += value;
        }
        sum
    }

    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
        let (one, other) = (spawn_local(one), spawn_local(other));
        let (Ok(one), Ok(other)) = (one.await.expect("no task fails"), other.await.expect("no task fails"));
        one + other
    }

    async fn one(child: Boxed) {
        spawn_local(child).await.expect("no task fails");
    }

    async fn beside<A, B, T>(children: impl Iterator<Item = Either<A, B>>, body: impl Future<Output = T> + 'static) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        let handles: Vec<_> = children.map(spawn).collect();
        let value = body.await; // in a task, as `main` is
        for handle in &handles {
            handle.abort();
        }
        for handle in handles {
            let _ = handle.await; // cancelled
        }
        value
    }

    fn yield_now() -> impl Future<Output = ()> {
        yield_now()
    }
}

impl Timed for TokioHandles {
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

impl Reactor for TokioHandles {
    fn start_up() {
        runtime(Builder::enable_all).block_on(async {});
    }

    fn start_up_with_a_socket() {
        runtime(Builder::enable_all)
            .block_on(async { drop(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port")) });
    }
}
