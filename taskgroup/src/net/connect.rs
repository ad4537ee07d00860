//! Connecting to whichever of several addresses answers first: "happy eyeballs", as RFC 8305 has it.
//!
//! Before: `net/connect_error.rs`; `timeout.rs`, `policy.rs`. After: nothing.
//!
//! A group is all that it takes. Each attempt is a task; the next one begins when the last has failed or has taken a
//! quarter of a second; the first that succeeds cancels the others; and if none does, the errors of all are in the group's.

use super::connect_error::ConnectError;
use crate::exception_group::ExceptionGroup;
use crate::task_group::task_group;
use crate::timeout::timeout;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use taskgroup_runtime::net::TcpStream;
#[cfg(feature = "blocking")]
use {std::net::ToSocketAddrs, taskgroup_runtime::unblock};

/// How long an attempt may take before the next one begins beside it. Source: RFC 8305, section 5.
const DELAY: Duration = Duration::from_millis(250);

/// Connects to a host by name and port, `"example.org:443"`: looks the name up and then does as [`connect_any`] does. An
/// address with a port, `"127.0.0.1:80"` or `"[::1]:80"`, is not looked up.
///
/// It takes as long as the system takes; put a [`timeout`] around it.
///
/// # Errors
///
/// When the name cannot be looked up or has no address; when nobody answers at any of its addresses, with the error of each.
///
/// # Cancel
///
/// A cancellation point. No connection is left behind. A look-up that is under way goes on to its end on its thread.
///
/// ```no_run
/// use std::time::Duration;
/// use taskgroup::net::connect;
/// use taskgroup::{BoxError, block_on, timeout};
///
/// # fn main() -> Result<(), BoxError> {
/// let stream = block_on(timeout(Duration::from_secs(10), connect("example.org:80")))??;
/// println!("connected to {}", stream.peer_addr()?);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "blocking")]
pub async fn connect(name: impl Into<String>) -> Result<TcpStream, ConnectError> {
    let name = name.into();
    let addresses = match resolve(name.as_str()).await {
        Ok(addresses) => addresses,
        Err(source) => return Err(ConnectError::LookUp { name, source }),
    };
    first_of(interleaved(addresses), Some(name)).await
}

/// The addresses of a host by name and port, in the order in which the system would try them. Each once; there may be none.
///
/// Looked up by `getaddrinfo` on another thread, as [`unblock`] does it; an address is not looked up at all.
///
/// # Errors
///
/// What the system says, and when there is no port.
///
/// # Cancel
///
/// A cancellation point. A look-up that is under way goes on to its end on its thread.
///
/// ```
/// use taskgroup::{block_on, net::resolve};
///
/// # fn main() -> std::io::Result<()> {
/// let addresses = block_on(resolve("localhost:80"))?;
/// assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "blocking")]
pub async fn resolve(name: impl Into<String>) -> io::Result<Vec<SocketAddr>> {
    let name = name.into();
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let mut addresses = Vec::new();
    for address in unblock(move || name.to_socket_addrs()).await? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Connects to whichever of these addresses answers first. They are tried in turn, IPv6 and IPv4 alternating: the next one
/// when the one before has failed, or after a quarter of a second beside it. Those that are late are cancelled.
///
/// It takes as long as the system takes; put a [`timeout`] around it.
///
/// Source: RFC 8305.
///
/// # Errors
///
/// When there is no address; when nobody answers at any of them, with the error of each.
///
/// # Cancel
///
/// A cancellation point. No connection is left behind.
pub async fn connect_any(addresses: impl IntoIterator<Item = SocketAddr>) -> Result<TcpStream, ConnectError> {
    first_of(interleaved(addresses), None).await
}

async fn first_of(addresses: Vec<SocketAddr>, name: Option<String>) -> Result<TcpStream, ConnectError> {
    match staggered(&addresses, TcpStream::connect).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(ConnectError::NoAddress { name }),
        Err(errors) => Err(ConnectError::Failed { name, errors }),
    }
}

/// The first connection that comes about. `None`: no addresses.
async fn staggered<T>(
    addresses: &[SocketAddr],
    connect: impl AsyncFn(SocketAddr) -> io::Result<T>,
) -> Result<Option<T>, ExceptionGroup<io::Error>> {
    let winner = RefCell::new(None);
    let tried = task_group(async |g| {
        g.collect_all(); // that one fails is no reason for another to end
        for address in addresses {
            let attempt = g.spawn(async {
                let connected = connect(*address).await?;
                // There is no second winner: whoever else is ready at this moment is dropped in its turn, and not polled.
                *winner.borrow_mut() = Some(connected);
                g.cancel("another address has answered");
                Ok(())
            });
            _ = timeout(DELAY, attempt.named(address.to_string())).await;
            if winner.borrow().is_some() {
                break;
            }
        }
        Ok(())
    });
    let tried = tried.await;
    match winner.into_inner() {
        Some(connected) => Ok(Some(connected)), // what the others failed with does not matter
        None => tried.map(|()| None),
    }
}

/// The families take turns, beginning with that of the first address; within each the order stays. Source: RFC 8305,
/// section 4.
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let begins_with_6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.partition(|address| address.is_ipv6() == begins_with_6);
    let mut mixed = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let before = mixed.len();
        mixed.extend(first.next());
        mixed.extend(second.next());
        if mixed.len() == before {
            return mixed;
        }
    }
}

#[cfg(test)]
mod tests;
