//! What threads share, and what each has for itself: std's. In the models of `tests/models`, `loom_sync.rs` stands in its
//! place, and each of these is one whose every order of steps is tried.
//!
//! Before: nothing. After: `remote.rs`, `local.rs`.
#![forbid(unsafe_code)]

pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::thread::{Thread, current, park, park_timeout};

/// Statics that all threads share.
macro_rules! shared {
    ($($(#[$meta:meta])* static $name:ident: $of:ty = $value:expr;)*) => {
        $($(#[$meta])* static $name: $of = $value;)*
    };
}
pub(crate) use shared;

/// Statics that each thread has for itself.
macro_rules! per_thread {
    ($($(#[$meta:meta])* static $name:ident: $of:ty = const { $value:expr };)*) => {
        std::thread_local! { $($(#[$meta])* static $name: $of = const { $value };)* }
    };
}
pub(crate) use per_thread;
