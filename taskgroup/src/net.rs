//! Sockets, which are the runtime's; an [`Acceptor`], which a server's loop needs; and names: how to look them up and
//! connect to them.
//!
//! ```
//! use std::io::ErrorKind;
//! use taskgroup::net::{ConnectError, TcpListener, connect_any};
//! use taskgroup::{BoxError, block_on};
//!
//! # fn main() -> Result<(), BoxError> {
//! block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let (good, bad) = (listener.local_addr()?, "127.0.0.1:1".parse()?);
//!     let stream = connect_any([bad, good]).await?; // the second is tried as soon as the first has failed
//!     assert_eq!(stream.peer_addr()?, good);
//!
//!     let Err(ConnectError::Failed { errors, .. }) = connect_any([bad]).await else { return Err("it listens?".into()) };
//!     assert_eq!(errors.leaves().next().map(|leaf| leaf.error().kind()), Some(ErrorKind::ConnectionRefused));
//!     Ok(())
//! })
//! # }
//! ```

mod acceptor;
mod connect;
mod connect_error;

pub use acceptor::Acceptor;
pub use connect::connect_any;
#[cfg(feature = "blocking")]
pub use connect::{connect, resolve};
pub use connect_error::ConnectError;
pub use taskgroup_runtime::net::*;
