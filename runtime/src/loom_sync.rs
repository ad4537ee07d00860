//! The stand-in for `sync.rs` in the models of `tests/models`: loom's, so that every order of steps is tried.
//!
//! Before: `sync.rs`. After: `loom_reactor.rs`. Compiled with `--cfg taskgroup_loom` and nowhere else; `.ci/check.sh models`
//! does it.
#![forbid(unsafe_code)]

pub(crate) use loom::sync::atomic;
pub(crate) use loom::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use std::time::Duration;

loom::thread_local! {
    /// Its own thread.
    static CURRENT: Thread = Thread::default();
}

/// A thread that can be unparked. Not loom's own: its `unpark` also ends another wait than `park`, say for a thread that is
/// to be joined. And a `park` that returns for no reason, as std's may, would be one more turn, and ten times the orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thread(std::sync::Arc<(Mutex<bool>, Condvar)>);

impl Thread {
    pub(crate) fn unpark(&self) {
        *self.0.0.lock().expect("nobody panics with it") = true;
        self.0.1.notify_one();
    }
}

pub(crate) fn current() -> Thread {
    CURRENT.with(Clone::clone)
}

pub(crate) fn park() {
    let Thread(token) = current();
    let mut is_unparked = token.0.lock().expect("nobody panics with it");
    while !*is_unparked {
        is_unparked = token.1.wait(is_unparked).expect("nobody panics with it");
    }
    *is_unparked = false;
}

/// In a model no time passes: who sleeps until a timeout would sleep for ever, and a wake that got lost shows.
pub(crate) fn park_timeout(_: Duration) {
    park();
}

/// loom has none. What is in it is published as by std's: release and acquire; who comes second in `get_or_init` waits.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    setting: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { is_set: AtomicBool::new(false), setting: Mutex::new(()), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.is_set.load(Ordering::Acquire).then(|| self.value.get()).flatten()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _setting = self.setting.lock();
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _setting = self.setting.lock();
        let value = self.value.get_or_init(make);
        self.is_set.store(true, Ordering::Release);
        value
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! shared {
    ($($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;)*) => {
        loom::lazy_static! { $($(#[$meta])* static ref $name: $of = $value;)* }
    };
}
pub(crate) use shared;

macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $of:ty = const { $value:expr };)*) => {
        loom::thread_local! { $($(#[$meta])* static $name: $of = $value;)* }
    };
}
pub(crate) use per_thread;
