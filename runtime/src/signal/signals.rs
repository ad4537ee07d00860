//! A listener for signals.
//!
//! Before: `registration.rs`. After: nothing.
#![forbid(unsafe_code)]

use crate::io::Async;
use crate::local::Local;
use crate::reactor::Meaning;
use crate::signal::kind::SignalKind;
use crate::signal::registration::Registration;
use futures_core::Stream;
use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Hears signals of some kinds, from when it is made until it is dropped.
///
/// What comes while nobody waits is kept for the next [`recv`](Self::recv). Signals of one kind are not counted: several
/// that come before the first was received are one, as for the system itself. If several kinds have come, each is given
/// once, in the order in which they were listed, beginning behind the one that was given last: no flood of one keeps
/// another back. In which order they came, nobody knows.
///
/// Several listeners, also of other runtimes and threads, each hear every signal. Two tasks that wait for one listener
/// share: each signal is for one of them.
///
/// The wait is one for a descriptor. So on a virtual clock time stands still meanwhile, and a program that only waits for a signal has not stalled; see
/// [`in_background`](Self::in_background). Costs two descriptors, and some system calls when it is made.
///
/// Source: tokio's `signal::unix`, signal-hook's `Signals`.
///
/// ```
/// use taskgroup_runtime::signal::{SignalKind, Signals};
/// use taskgroup_runtime::{block_on, spawn};
/// # use signal_hook::{consts::SIGWINCH, low_level::raise};
///
/// # fn main() -> std::io::Result<()> {
/// block_on(async {
///     let signals = Signals::new([SignalKind::WINDOW_CHANGE])?;
///     for _ in 0..3 {
///         raise(SIGWINCH)?;
///     }
///     assert_eq!(signals.recv().await?.to_string(), "SIGWINCH"); // once, for all three
///     Ok(())
/// })
/// # }
/// ```
#[must_use = "nothing is heard when this is dropped"]
pub struct Signals {
    /// One for each kind. Dropped before the descriptor of which they hold the other end.
    registrations: Vec<Registration>,
    pipe: Async<UnixStream>,
    /// Which of the registrations is looked at first.
    next: Cell<usize>,
}

impl Signals {
    /// Listens to signals of these kinds. A signal that came before this call is not heard.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a signal that does not exist, or that no program can hear
    /// (`SIGKILL`, `SIGSTOP`) or should (`SIGSEGV`, `SIGILL`, `SIGFPE`), and where no kind is given. Outside a runtime
    /// [`NotConnected`](ErrorKind::NotConnected), and what the system says.
    pub fn new(kinds: impl IntoIterator<Item = SignalKind>) -> io::Result<Self> {
        Self::listen(Async::new, kinds, false)
    }

    /// The same for the first signal only: from the second on (of any of these kinds) each does at once what the system
    /// does by default, which mostly is to end the process, and goes on to do so when this is dropped. No destructor and
    /// no cleanup runs then, and it works also while the program is stuck in a loop and hears nothing.
    ///
    /// For programs that clean up after the first Ctrl-C and can be ended by the second. Dropped, it leaves the signals
    /// to another `Signals` if there is one for the same kind. A handler that was in the process before is called first,
    /// and then the default effect comes all the same: this is for the one place in a program that decides about its end.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); and `InvalidInput` for signals of which no default effect is known (real-time signals).
    pub fn then_default(kinds: impl IntoIterator<Item = SignalKind>) -> io::Result<Self> {
        Self::listen(Async::new, kinds, true)
    }

    /// The same in a runtime that need not be in its turn.
    pub(super) fn new_in(local: &Rc<Local>, kind: SignalKind) -> io::Result<Self> {
        Self::listen(|pipe| Async::new_in(local.clone(), pipe), [kind], false)
    }

    fn listen(
        watch: impl FnOnce(UnixStream) -> io::Result<Async<UnixStream>>,
        kinds: impl IntoIterator<Item = SignalKind>,
        then_default: bool,
    ) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let pipe = watch(read)?.meaning(Meaning::Signal);
        let first = then_default.then(Arc::default);
        let mut registrations: Vec<Registration> = Vec::new();
        for kind in kinds {
            if registrations.iter().all(|other| other.kind() != kind) {
                registrations.push(Registration::new(kind, &write, first.as_ref())?);
            }
        }
        if registrations.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no signal to listen to: name at least one kind"));
        }
        Ok(Self { registrations, pipe, next: Cell::new(0) })
    }

    /// Its waits count for nothing: virtual time goes on while something waits for a signal, and if nothing else could
    /// wake the program, that is a stall.
    ///
    /// For what is there all the time, beside the work of the program.
    pub fn in_background(self) -> Self {
        Self { pipe: self.pipe.in_background(), ..self }
    }

    /// Waits for the next signal. What came since the last call, or since this was made, is there at once.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] when awaited under another runtime.
    ///
    /// # Cancel
    ///
    /// A cancellation point. No signal is lost: one that nobody received is there for the next call.
    pub async fn recv(&self) -> io::Result<SignalKind> {
        self.pipe.read_with(|pipe| self.take(pipe)).await
    }

    /// The same as a poll. Only the last task that polls this way is woken.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<io::Result<SignalKind>> {
        self.pipe.poll_read_with(cx, |pipe| self.take(pipe))
    }

    pub(super) fn hears(&self, kind: SignalKind) -> bool {
        self.registrations.iter().any(|registration| registration.kind() == kind)
    }

    /// Whether any has come, without a wait. What there is, is taken.
    pub(super) fn take_all(&self) -> bool {
        let has_come = self.registrations.iter().filter(|registration| registration.take()).count() > 0;
        if has_come {
            let emptied = empty(self.pipe.get_ref());
            debug_assert!(emptied.is_ok(), "a pipe of our own: {emptied:?}");
        }
        has_come
    }

    /// A signal that has come. `WouldBlock`: there is none, and the next one will be an event.
    fn take(&self, pipe: &UnixStream) -> io::Result<SignalKind> {
        // First the pipe is emptied: a handler sets the flag first, so what comes in between is at worst looked for in
        // vain. The other way round it would be a flag without an event.
        empty(pipe)?;
        let count = self.registrations.len();
        for place in (0..count).map(|step| (self.next.get() + step) % count) {
            if self.registrations[place].take() {
                self.next.set(place + 1);
                return Ok(self.registrations[place].kind());
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

/// Reads what there is.
fn empty(mut pipe: &UnixStream) -> io::Result<()> {
    loop {
        match pipe.read(&mut [0; 64]) {
            Ok(0) => return Ok(()), // cannot be: each registration holds the other end
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// # Cancel
///
/// As [`Signals::recv`]. Only the last task that polls is woken.
impl Stream for Signals {
    type Item = io::Result<SignalKind>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Some)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.registrations.iter().map(Registration::kind)).finish()
    }
}
