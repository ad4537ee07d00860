//! What a child of a group may end in.
//!
//! Before: nothing. After: `child.rs`, `cleanup.rs`.

/// What a task may end in: `Result<T, E>`, or `()` for one that cannot fail. Sealed: these two, and no `Into`. A second
/// implementation for `Result` would end all inference of `E`.
#[diagnostic::on_unimplemented(
    message = "this must end in `()` or `Result<T, {E}>`, not `{Self}`",
    label = "wrap the value in `Ok(..)`, or turn the error into `{E}` (with `?`, or `map_err`)",
    note = "an endless task (`loop {{ f().await?; }}`, whose type is `!`) is an `async fn` that ends in `Result<(), {E}>`",
    note = "a function that ends in `Result<T, ExceptionGroup<{E}>>` is started with `spawn_group`"
)]
pub trait Outcome<E>: sealed::Sealed<E> {
    /// What awaiting the task gives.
    type Value;

    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Value, E>;

    /// How to make the value, if that takes nothing: then it need not be kept anywhere.
    #[doc(hidden)]
    fn made() -> Option<fn() -> Self::Value> {
        None
    }
}

mod sealed {
    pub trait Sealed<E> {}
    impl<E> Sealed<E> for () {}
    impl<T, E> Sealed<E> for Result<T, E> {}
}

impl<E> Outcome<E> for () {
    type Value = ();

    fn into_result(self) -> Result<(), E> {
        Ok(())
    }

    fn made() -> Option<fn()> {
        Some(|| ())
    }
}

impl<T, E> Outcome<E> for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Self {
        self
    }
}
