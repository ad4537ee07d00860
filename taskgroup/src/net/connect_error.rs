//! Why nobody could be connected to.
//!
//! Before: `exception_group.rs`. After: `net/connect.rs`.

use crate::exception_group::ExceptionGroup;
use std::io::{self, ErrorKind};

/// Why nobody could be connected to: by [`connect_any`](super::connect_any), and, with the feature `blocking`, by `connect`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name could not be looked up.
    #[error("cannot look up {name:?}: {source}")]
    LookUp {
        /// As it was given.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is no address to try.
    #[error("no address to connect to{}", of(.name.as_deref()))]
    NoAddress {
        /// As it was given, if it was a name.
        name: Option<String>,
    },
    /// Nobody answered, at any address.
    #[error("cannot connect{}: {errors}", to(.name.as_deref()))]
    Failed {
        /// As it was given, if it was a name.
        name: Option<String>,
        /// Of each address that was tried: the tasks are called by them.
        errors: ExceptionGroup<io::Error>,
    },
}

fn of(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" of {name:?}"))
}

fn to(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" to {name:?}"))
}

/// For functions that end in `io::Result`. The kind is that of the first error.
impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            ConnectError::LookUp { source, .. } => source.kind(),
            ConnectError::NoAddress { .. } => ErrorKind::AddrNotAvailable,
            ConnectError::Failed { errors, .. } => {
                errors.leaves().next().map_or(ErrorKind::Other, |leaf| leaf.error().kind())
            }
        };
        Self::new(kind, error)
    }
}
