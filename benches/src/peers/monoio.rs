//! monoio, with epoll (its "legacy" driver) and with io_uring.
//!
//! Before: `../peer.rs`. After: `raw.rs`.
//!
//! Its tasks cannot be cancelled. One that wakes itself runs again at once, before all others: so it cannot yield. Wakes from other threads need its feature `sync`, which makes every wake compare
//! thread ids; so it is off, and those rows are left out.

use crate::peer::{Boxed, Either, Peer, Reactor, Timed, Value};
use futures_lite::future::yield_now;
use monoio::net::TcpListener;
use monoio::task::JoinHandle;
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder, spawn};
use std::future::Future;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::time::Duration;

/// `D`: which driver.
pub struct Monoio<D>(PhantomData<D>);

fn start<A, B>(child: Either<A, B>) -> JoinHandle<()>
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(child) => spawn(child),
        Either::Right(child) => spawn(child),
    }
}

/// Says what kernels without io_uring, or with it forbidden, should be known for.
const NO_DRIVER: &str = "the kernel permits this driver";

/// The two drivers share no trait with what is needed here.
macro_rules! monoio {
    ($driver:ty) => {
        impl Peer for Monoio<$driver> {
            const CANCELS: bool = false;
            const YIELDS: bool = false;
            const CROSSES_THREADS: bool = false;

            fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
                let mut runtime = RuntimeBuilder::<$driver>::new().build().expect(NO_DRIVER);
                runtime.block_on(async { spawn(main).await })
            }

            async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
            where
                A: Future<Output = ()> + 'static,
                B: Future<Output = ()> + 'static,
            {
                let handles: Vec<_> = children.map(start).collect();
                for handle in handles {
                    handle.await;
                }
            }

            async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64 {
                let handles: Vec<_> = children.map(spawn).collect();
                let mut sum = 0;
                for handle in handles {
                    let Ok(value) = handle.await;
                    sum += value;
                }
                sum
            }

            async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64 {
                let (one, other) = (spawn(one), spawn(other));
                let (Ok(one), Ok(other)) = (one.await, other.await);
                one + other
            }

            async fn one(child: Boxed) {
                spawn(child).await
            }

            async fn beside<A, B, T>(
                children: impl Iterator<Item = Either<A, B>>,
                body: impl Future<Output = T> + 'static,
            ) -> T
            where
                A: Future<Output = ()> + 'static,
                B: Future<Output = ()> + 'static,
                T: 'static,
            {
                let _handles: Vec<_> = children.map(start).collect();
                body.await
            }

            fn yield_now() -> impl Future<Output = ()> {
                yield_now()
            }
        }

        impl Timed for Monoio<$driver> {
            fn block_on_timed<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
                let mut runtime = RuntimeBuilder::<$driver>::new().enable_timer().build().expect(NO_DRIVER);
                runtime.block_on(async { spawn(main).await })
            }

            fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
                monoio::time::sleep(time)
            }

            async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
                monoio::time::timeout(time, future).await.ok()
            }
        }

        impl Reactor for Monoio<$driver> {
            fn start_up() {
                RuntimeBuilder::<$driver>::new().enable_timer().build().expect(NO_DRIVER).block_on(async {});
            }

            fn start_up_with_a_socket() {
                let socket = async { drop(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")) };
                RuntimeBuilder::<$driver>::new().enable_timer().build().expect(NO_DRIVER).block_on(socket);
            }
        }
    };
}

monoio!(LegacyDriver);
monoio!(IoUringDriver);
