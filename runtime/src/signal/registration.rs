//! What one listener has asked of one signal, and what is left behind when it goes.
//!
//! Before: `kind.rs`. After: `signals.rs`.
//!
//! **Facts.** The handler of `signal-hook` runs the actions of a signal in the order in which they were registered. It
//! stays in place when all its actions are gone: the signal then has no effect at all.
//!
//! **Danger.** A program that has heard Ctrl-C once, and no longer listens, cannot be ended by it.
//!
//! **Remedy.** Where the listener was to give the signal back, it leaves an action behind that does what the system
//! would have done, until somebody listens again. Only where it was to: there may be a handler of somebody else's, which
//! was there before ours and is called by it, and that is for the program to know.
#![forbid(unsafe_code)]

use crate::signal::kind::SignalKind;
use signal_hook::low_level::{pipe, unregister};
use signal_hook::{SigId, consts, flag};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is registered in this process for each signal. No handler looks at it.
static HEARD: Mutex<BTreeMap<SignalKind, Heard>> = Mutex::new(BTreeMap::new());

static ALWAYS: AtomicBool = AtomicBool::new(true);

#[derive(Default)]
struct Heard {
    /// Registrations that live.
    listeners: usize,
    /// The action that was left behind; only while nobody listens.
    default: Option<SigId>,
}

fn heard() -> MutexGuard<'static, BTreeMap<SignalKind, Heard>> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The actions of one listener for one signal, until it is dropped.
pub(super) struct Registration {
    kind: SignalKind,
    /// Set by the handler: it came since it was last [taken](Self::take).
    has_come: Arc<AtomicBool>,
    /// In the order in which the handler runs them.
    actions: Vec<SigId>,
    /// Whether the signal is to have its default effect when nobody listens any more.
    gives_back: bool,
}

impl Registration {
    /// From now on the signal sets the flag, and then writes into `wake`. With `first`, a flag that several share: if
    /// that is set already, the signal has its default effect instead, else it sets that too.
    pub(super) fn new(kind: SignalKind, wake: &UnixStream, first: Option<&Arc<AtomicBool>>) -> io::Result<Self> {
        let number = kind.as_raw_value();
        if consts::FORBIDDEN.contains(&number) {
            let why = format!("{kind} cannot be listened to: the system acts on it, or it is a fault of the program");
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let explain = |error: io::Error| match error.kind() {
            ErrorKind::InvalidInput => io::Error::new(
                ErrorKind::InvalidInput,
                format!("{kind} cannot be listened to: there is none such here"),
            ),
            _ => error,
        };
        let gives_back = first.is_some();
        // Counted already: what fails half-way is taken back by its `Drop`.
        heard().entry(kind).or_default().listeners += 1;
        let mut this = Self { kind, has_come: Arc::default(), actions: Vec::new(), gives_back };
        if let Some(first) = first {
            this.actions.push(flag::register_conditional_default(number, first.clone()).map_err(explain)?);
            this.actions.push(flag::register(number, first.clone()).map_err(explain)?);
        }
        this.actions.push(flag::register(number, this.has_come.clone()).map_err(explain)?);
        this.actions.push(pipe::register(number, wake.try_clone()?).map_err(explain)?);
        if let Some(default) = heard().get_mut(&kind).and_then(|heard| heard.default.take()) {
            unregister(default);
        }
        Ok(this)
    }

    pub(super) fn kind(&self) -> SignalKind {
        self.kind
    }

    /// Whether the signal has come since the last call.
    pub(super) fn take(&self) -> bool {
        self.has_come.load(Ordering::SeqCst) && self.has_come.swap(false, Ordering::SeqCst)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut heard = heard();
        let mine = heard.entry(self.kind).or_default();
        mine.listeners -= 1;
        if self.gives_back && mine.listeners == 0 && !self.actions.is_empty() {
            // Before the others are gone: no signal is lost in between.
            mine.default = flag::register_conditional_default(self.kind.as_raw_value(), &ALWAYS).ok();
        }
        for action in self.actions.drain(..) {
            unregister(action);
        }
    }
}
