//! A runtime in somebody else's loop: what the host waits for, and how it is told.
//!
//! Before: `event_loop.rs`, for the turn that the host makes. After: nothing.
#![forbid(unsafe_code)]

use crate::runtime::Runtime;
#[cfg(feature = "net")]
use std::io;
#[cfg(feature = "net")]
use std::os::fd::BorrowedFd;

/// # In a host's loop
///
/// A host that has a loop of its own calls [`turn`](Runtime::turn) with a limit of zero, and waits in between for
/// whatever comes first: the [`poller`](Runtime::poller) to become readable, the [`next
/// deadline`](crate::Turn::next_deadline), or something of its own. It turns again without waiting while
/// [`Turn::ready`](crate::Turn::ready) says so. A host that cannot wait for descriptors has a
/// [`wake_hook`](Runtime::wake_hook) instead.
///
/// Who spawns or wakes between two turns need not tell the host: the poller shows it, and the hook is called. (Who moves
/// a virtual clock turns as well.)
impl Runtime<'_> {
    /// The descriptor (of epoll or kqueue) that becomes readable when a [turn](Self::turn) has something to do other than
    /// timers: a descriptor of the runtime's is ready, or something was woken since the last turn. Level-triggered: it
    /// stays readable until a turn has taken notice.
    ///
    /// Only to be waited for. A host that has to own what it waits for takes a duplicate
    /// ([`try_clone_to_owned`](BorrowedFd::try_clone_to_owned)).
    ///
    /// Makes the poller if there is none yet: three descriptors on Linux. From then on each turn looks into it, which is a
    /// system call.
    ///
    /// # Errors
    ///
    /// When the system has no more descriptors.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use rustix::event::{PollFd, PollFlags, Timespec, poll};
    /// use taskgroup_runtime::{Runtime, sleep};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let runtime = Runtime::new();
    /// runtime.spawn(sleep(Duration::from_millis(2)));
    /// loop {
    ///     let turn = runtime.turn(Some(Duration::ZERO))?;
    ///     if turn.live == 0 {
    ///         break;
    ///     }
    ///     let timeout = match turn.next_deadline {
    ///         _ if turn.ready => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
    ///         Some(deadline) => Some(Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?),
    ///         None => None,
    ///     };
    ///     // and whatever else the host waits for
    ///     poll(&mut [PollFd::from_borrowed_fd(runtime.poller()?, PollFlags::IN)], timeout.as_ref())?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "net")]
    pub fn poller(&self) -> io::Result<BorrowedFd<'_>> {
        self.local.reactor().show(&self.local)
    }

    /// Has `hook` called when a turn has something to do that comes from outside it: at the first wake since the last
    /// turn began that another thread makes, or this one between two turns. Descriptors and timers are no wakes; without
    /// the feature `net` there are only timers besides.
    ///
    /// For hosts without descriptors: post "turn" to their queue in it. It is called by whoever wakes, on their thread; it
    /// must not block, nor call into this runtime. A second hook is not taken.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use std::time::Duration;
    /// use taskgroup_runtime::Runtime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (post, events) = channel();
    /// let runtime = Runtime::new().wake_hook(move || _ = post.send("turn"));
    /// let task = runtime.spawn(async { 7 }); // between two turns: that is a wake
    /// while !task.is_finished() {
    ///     assert_eq!(events.recv()?, "turn");
    ///     while runtime.turn(Some(Duration::ZERO))?.ready {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn wake_hook(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.local.remote().tell_rings_to(Box::new(hook));
        self
    }
}
