//! A server: a group with a task for each connection, on one thread. And the sockets for several of them.
//!
//! Before: `connection.rs`, `log.rs`. After: `main.rs`.

use crate::connection::{Site, serve};
use crate::log::Log;
use socket2::{Domain, Protocol, Socket, Type};
use std::convert::Infallible;
use std::io;
use std::net::{self, SocketAddr};
use std::time::Duration;
use taskgroup::net::{Acceptor, TcpListener};
use taskgroup::signal::SignalKind;
use taskgroup::{BoxError, RunError, Runner, Runtime};

/// How many connections the system keeps for us that we have not accepted yet.
const BACKLOG: i32 = 1024;

/// So many sockets at one address, among which the system distributes the connections.
pub(crate) fn listeners(address: SocketAddr, count: usize) -> io::Result<Vec<net::TcpListener>> {
    // The first one shares with nobody: so a port that another server has is an error, even if that one would share it.
    let alone = listener(address, false)?;
    if count == 1 {
        return Ok(vec![alone]);
    }
    let address = alone.local_addr()?;
    drop(alone);
    (0..count).map(|_| listener(address, true)).collect()
}

fn listener(address: SocketAddr, is_shared: bool) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?; // also while connections of the last run are being closed
    socket.set_reuse_port(is_shared)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What one server needs.
pub(crate) struct Server<'a> {
    pub(crate) listener: net::TcpListener,
    pub(crate) site: &'a Site,
    pub(crate) connections: usize,
    pub(crate) drain: Duration,
    pub(crate) log: &'a Log,
}

impl Server<'_> {
    /// Serves until a signal ends it, and says which.
    pub(crate) fn run(self, runtime: &Runtime<'_>) -> Result<SignalKind, BoxError> {
        let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(self.drain);
        let ended: Result<Infallible, RunError<BoxError>> = runner.run(async |g| {
            let Self { listener, site, connections, log, .. } = self;
            let listener = TcpListener::try_from(listener)?;
            g.limit(connections);
            let mut acceptor = Acceptor::new(async || listener.accept().await);
            loop {
                let (stream, peer) = acceptor.accept(g).await?;
                let peer = peer.to_string();
                let name = peer.clone();
                g.spawn(async move {
                    _ = stream.set_nodelay(true); // it is slower without, and no worse
                    serve(stream, site, |entry| log.add(&peer, &entry)).await;
                })
                .named(name);
            }
        });
        match ended {
            Ok(never) => match never {},
            Err(RunError::Interrupted { signal, cut_off: false }) => Ok(signal),
            Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
            Err(error) => Err(error.into()),
        }
    }
}
