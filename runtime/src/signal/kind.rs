//! Which signal.
//!
//! Before: nothing. After: `registration.rs`.
#![forbid(unsafe_code)]

use signal_hook::consts;
use signal_hook::low_level::signal_name;
use std::fmt;

/// A kind of signal, by its number.
///
/// Those that programs listen to are constants, so that they can be matched; [`from_raw`](Self::from_raw) takes any
/// number, and what does not exist is refused where it is used. The names are those of tokio's `SignalKind`, whose
/// `interrupt()` is [`INTERRUPT`](Self::INTERRUPT) here.
///
/// ```
/// use taskgroup_runtime::signal::SignalKind;
///
/// assert_eq!(SignalKind::TERMINATE.to_string(), "SIGTERM");
/// assert_eq!(SignalKind::from_raw(4000).to_string(), "signal 4000");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalKind(i32);

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $constant:ident $raw:ident;)+) => {
        impl SignalKind {
            $(
                $(#[doc = $doc])+
                pub const $constant: Self = Self(consts::$raw);
            )+
        }
    };
}

kinds! {
    /// `SIGALRM`: a timer of the process has run out.
    ALARM SIGALRM;
    /// `SIGCHLD`: a child process has changed its state.
    CHILD SIGCHLD;
    /// `SIGHUP`: the terminal is gone; for a daemon, by custom: read the configuration again.
    HANGUP SIGHUP;
    /// `SIGINT`: Ctrl-C.
    INTERRUPT SIGINT;
    /// `SIGPIPE`: nobody reads what is written. Rust programs ignore it, and get an error from the write.
    PIPE SIGPIPE;
    /// `SIGQUIT`: Ctrl-\.
    QUIT SIGQUIT;
    /// `SIGTERM`: end in order. What `kill`, service managers and containers send.
    TERMINATE SIGTERM;
    /// `SIGUSR1`: of no fixed meaning.
    USER_DEFINED1 SIGUSR1;
    /// `SIGUSR2`: of no fixed meaning.
    USER_DEFINED2 SIGUSR2;
    /// `SIGWINCH`: the window of the terminal has another size.
    WINDOW_CHANGE SIGWINCH;
}

impl SignalKind {
    /// The signal of this number. Whether there is one, is asked when it is used.
    #[must_use]
    pub const fn from_raw(number: i32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn as_raw_value(self) -> i32 {
        self.0
    }
}

impl From<SignalKind> for i32 {
    fn from(kind: SignalKind) -> Self {
        kind.0
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
