//! What a workload asks of a peer: few things, so that every workload is written once.
//!
//! Before: nothing. After: `peers.rs`, those who answer; `tasks.rs`, the workloads.
//!
//! **Two kinds of children.** A group is given children of two types, since tasks of one type only are a special case.
//! Peers whose `spawn` takes any type spawn both as they are; the others box them, or wrap them in an enum
//! (`Either` is a future itself), whichever is their better idiom.
//!
//! **Everything is `'static`.** Half of the peers cannot borrow. So children share what they need through leaked
//! references, which cost nobody anything: a sample is a process, and ends soon.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A future behind a pointer: where a recursion needs one.
pub type Boxed<T = ()> = Pin<Box<dyn Future<Output = T>>>;

/// What a task with a result ends in. It has the layout of `T`, and reads like the tasks of a program, which can fail.
pub type Value<T> = Result<T, Infallible>;

/// One of two types of children.
pub use futures_util::future::Either;

/// For peers that hold one type, which is then a pointer.
pub fn boxed<A, B>(child: Either<A, B>) -> Boxed
where
    A: Future<Output = ()> + 'static,
    B: Future<Output = ()> + 'static,
{
    match child {
        Either::Left(future) => Box::pin(future),
        Either::Right(future) => Box::pin(future),
    }
}

/// A way to run tasks in groups.
pub trait Peer: 'static {
    /// Whether the children of [`beside`](Self::beside) can be cancelled one by one or all at once, and waited for.
    const CANCELS: bool = true;

    /// Whether a task that wakes itself lets the others run first.
    const YIELDS: bool = true;

    /// Whether a task may be woken from another thread.
    const CROSSES_THREADS: bool = true;

    /// Makes a loop, runs `main` on it as it runs best, and drops the loop. No drivers for time and sockets where they
    /// can be left out.
    fn block_on<T: 'static>(main: impl Future<Output = T> + 'static) -> T;

    /// A group of tasks without results: starts them, and ends when all have ended.
    async fn all<A, B>(children: impl Iterator<Item = Either<A, B>>)
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static;

    /// A group of tasks with results, which are added up.
    async fn sum(children: impl Iterator<Item = impl Future<Output = Value<u64>> + 'static>) -> u64;

    /// A group of two tasks with results, which are added up.
    async fn pair(one: Boxed<Value<u64>>, other: Boxed<Value<u64>>) -> u64;

    /// A group of a single task.
    async fn one(child: Boxed);

    /// A group whose tasks never end by themselves. `body` runs as its peers would write it: as a task beside the
    /// others, or as the body of the group. When it ends, the tasks are cancelled and waited for; without
    /// [`CANCELS`](Self::CANCELS) they are left behind.
    async fn beside<A, B, T>(
        children: impl Iterator<Item = Either<A, B>>,
        body: impl Future<Output = T> + 'static,
    ) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static;

    /// The same, with every handle kept while `body` runs, where `spawn` gives one.
    async fn keeping<A, B, T>(
        children: impl Iterator<Item = Either<A, B>>,
        body: impl Future<Output = T> + 'static,
    ) -> T
    where
        A: Future<Output = ()> + 'static,
        B: Future<Output = ()> + 'static,
        T: 'static,
    {
        Self::beside(children, body).await
    }

    /// Lets the others run.
    fn yield_now() -> impl Future<Output = ()>;
}

/// A peer with timers.
pub trait Timed: Peer {
    /// As [`block_on`](Peer::block_on), with timers.
    fn block_on_timed<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        Self::block_on(main)
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static;

    /// `None` if `time` was over first.
    async fn timeout<T>(time: Duration, future: impl Future<Output = T>) -> Option<T>;
}

/// A peer with a reactor of its own.
pub trait Reactor {
    /// Makes a runtime with all it has, runs a future that is ready, and drops the runtime.
    fn start_up();

    /// The same, but the future opens a listening socket.
    fn start_up_with_a_socket();
}
