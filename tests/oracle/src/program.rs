//! A program, as its JSON is read: a type for each form, and what is not of that form is an error.
//!
//! Before: `LANGUAGE.md`, section 2. After: `validate.rs`.
//!
//! Objects must be objects (serde would also take `["sleep", 5]` for a step) and have no fields that the language does
//! not know: a mistyped `on_reject` would otherwise run as a program that nobody wrote.

use crate::validate::{Invalid, validate};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::rc::Rc;

/// A name of a task, a group or an error.
pub type Name = Rc<str>;

/// Steps, run in order. Shared, as whoever runs them outlives whoever starts them.
pub type Body = Rc<[Step]>;

/// A valid program.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) main: Body,
}

/// Why something is no program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// It is no JSON, nested too deeply (127 levels, which is about 60 blocks), or not of the language's form.
    #[error("not a program: {0}")]
    Form(#[from] serde_json::Error),
    /// It has the form and breaks a rule.
    #[error("invalid program: {0}")]
    Invalid(#[from] Invalid),
}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    ///
    /// [`ProgramError`] says what is wrong, and for a wrong form where.
    pub fn parse(json: &str) -> Result<Self, ProgramError> {
        let Whole { main } = parse_object(json.as_bytes())?;
        validate(&main)?;
        Ok(Self { main })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    main: Body,
}

/// One step.
#[derive(Clone, Debug, Deserialize)]
pub struct Step(#[serde(deserialize_with = "object")] pub Op);

/// What a step does.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the table in LANGUAGE.md, section 2, is their documentation")]
pub enum Op {
    Log {
        label: Name,
    },
    Sleep {
        ms: NonZeroU64,
    },
    Yield {},
    Raise {
        error: Name,
    },
    Panic {
        name: Name,
    },
    Return {
        value: Value,
    },
    Spawn {
        group: Name,
        name: Name,
        body: Body,
        #[serde(default)]
        on_reject: OnReject,
    },
    Group {
        name: Name,
        body: Body,
        on_error: OnError,
    },
    Try {
        body: Body,
        on_error: OnError,
    },
    TryFinally {
        body: Body,
        cleanup: Body,
    },
    Timeout {
        ms: u64,
        body: Body,
        on_timeout: OnTimeout,
    },
    Shield {
        body: Body,
    },
    Gather {
        bodies: Rc<[Member]>,
        return_exceptions: bool,
    },
    AwaitTask {
        task: Name,
    },
    CancelTask {
        task: Name,
    },
    CancelSelf {},
}

/// A task of a `gather`.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: Name,
    /// What it runs.
    pub body: Body,
}

/// What becomes of errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// They go on.
    Propagate,
    /// All are taken.
    Swallow,
    /// Those with these names are taken.
    Catch(Vec<Name>),
}

/// What a refused `spawn` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// It fails.
    #[default]
    Raise,
    /// Nothing but the event.
    Log,
}

/// What an expired `timeout` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It is ok.
    Catch,
    /// It fails.
    Propagate,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: Name,
            body: Body,
        }
        object(deserializer).map(|Fields { name, body }| Self { name, body })
    }
}

/// Reads a text that is one JSON object and nothing more.
pub(crate) fn parse_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = object(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads an object, and takes no list for one.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}
