//! The servers, one for each peer that has sockets, as each peer's documentation would write it.
//!
//! Before: nothing. After: `server_process.rs`, which starts this in a process.
//!
//! All accept from the same listener, switch off Nagle's delay, and echo through a buffer of 1 KiB that belongs to the
//! connection's task. The style `idle-readable` has no such buffer: the task waits until something can be read, and
//! reads it into the stack. Those of the workload `http` are hyper's, with the same service and the same limits.

use super::server_process::{pin, raise_limit};
use crate::heard::{Counter, Nobody, Recording};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

mod hyper;
mod monoio;
mod raw;
mod smol;
mod taskgroup;
mod tokio;

#[path = "../../../examples/ecosystem/support/hyper_rt.rs"]
mod hyper_rt;

/// Of the buffer of a connection.
const BUFFER: usize = 1024;

/// Whether the peer has a server for the workload.
pub fn exists(peer: &str, workload: &str) -> bool {
    server(peer, workload).is_some()
}

type Server = fn(TcpListener) -> io::Result<()>;

fn server(peer: &str, workload: &str) -> Option<Server> {
    Some(match (peer, workload) {
        ("taskgroup", "http") => hyper::serve_on_taskgroup,
        ("tokio", "http") => hyper::serve_on_tokio,
        (_, "http") => return None,
        ("taskgroup", "idle-readable") => taskgroup::serve_readable,
        ("tokio", "idle-readable") => tokio::serve_readable,
        (_, "idle-readable") => return None,
        ("taskgroup", _) => taskgroup::serve::<Nobody>,
        ("heard", _) => taskgroup::serve::<Counter>,
        ("recorded", _) => taskgroup::serve::<Recording>,
        ("tokio", _) => tokio::serve,
        ("smol", _) => smol::serve,
        ("monoio", _) => monoio::serve_with_epoll,
        ("monoio-uring", _) => monoio::serve_with_io_uring,
        ("raw", _) => raw::serve,
        _ => return None,
    })
}

/// Listens, says where and who it is, and serves until it is killed.
pub fn serve(peer: &str, workload: &str) -> io::Result<()> {
    let Some(server) = server(peer, workload) else {
        return Err(io::Error::other(format!("no server of {peer} for {workload}")));
    };
    raise_limit();
    pin(0);
    set_parent_process_death_signal(Some(Signal::KILL))?; // it does not outlive whoever measures it
    let listener = listener()?;
    println!("{} {}", listener.local_addr()?.port(), std::process::id());
    io::stdout().flush()?;
    server(listener)
}

/// With a queue long enough for whoever connects a thousand times at once; non-blocking, as the peers want it.
fn listener() -> io::Result<TcpListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    listen(&socket, 4096)?;
    Ok(socket.into())
}
