//! A program to be swept.
//!
//! Before: nothing. After: `run.rs`.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;

/// A program on its way: what it ends in, printed.
pub(crate) type Boxed = Pin<Box<dyn Future<Output = String>>>;

/// A program: a name, and how to make its future.
///
/// It has to be deterministic: two runs poll the same futures in the same order. It must end by itself, and, cancelled,
/// in bounded time.
pub struct Program {
    name: Cow<'static, str>,
    make: Box<dyn Fn() -> Boxed + Send + Sync>,
    traits: Traits,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Traits {
    /// It catches panics, or may end in one by itself.
    pub(crate) panics: bool,
    /// What it ends in depends on the order of things that happen at one instant.
    pub(crate) ordered: bool,
    /// It uses descriptors.
    pub(crate) sockets: bool,
    /// It uses a container of another crate that leaks what is left when a destructor in it panics.
    pub(crate) leaks_when_a_drop_panics: bool,
    /// What it leaves when a part of it is forgotten is not compared with what that part held.
    pub(crate) leaves_more: bool,
}

impl Program {
    /// A program. What it ends in is compared where an injection may not change it.
    pub fn new<F, T>(name: impl Into<Cow<'static, str>>, make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = T> + 'static,
        T: Debug,
    {
        let make = move || -> Boxed {
            let future = make();
            Box::pin(async move { format!("{:?}", future.await) })
        };
        Self { name: name.into(), make: Box::new(make), traits: Traits::default() }
    }

    /// It catches panics or ends in one by itself: what becomes of an injected one is its own affair.
    #[must_use]
    pub fn panics(mut self) -> Self {
        self.traits.panics = true;
        self
    }

    /// What it ends in depends on the order of things that happen at one instant, which a needless poll may change.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        self.traits.ordered = true;
        self
    }

    /// It uses a container of another crate that leaks what is left in it when a destructor panics, as
    /// `FuturesUnordered` does.
    #[must_use]
    pub fn leaks_when_a_drop_panics(mut self) -> Self {
        self.traits.leaks_when_a_drop_panics = true;
        self
    }

    /// What it leaves when it or a part of it is forgotten is not compared with what that gives back when it is dropped:
    /// its tasks spawn into a group elsewhere, which takes them in when it is forgotten and would refuse them when it is
    /// over; or its destructor asks a task to end, which makes a node as it gives one back.
    #[must_use]
    pub fn leaves_more(mut self) -> Self {
        self.traits.leaves_more = true;
        self
    }

    /// It uses descriptors. What it forgets stays open, so not every poll of it is forgotten at.
    #[must_use]
    pub fn sockets(mut self) -> Self {
        self.traits.sockets = true;
        self
    }

    /// Its name, by which it is replayed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn make(&self) -> Boxed {
        (self.make)()
    }

    pub(crate) fn traits(&self) -> Traits {
        self.traits
    }
}

impl Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.name).finish()
    }
}
