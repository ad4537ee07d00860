//! hyper 1, HTTP/1.1, on ourselves and on tokio: the same service, the same limits, another adapter.
//!
//! Before: `../servers.rs`. After: nothing.
//!
//! Ours is the adapter of `examples/ecosystem`, which has no `unsafe`: it reads into a buffer of its own and copies, and
//! that is in the figure. tokio's is `hyper-util`.

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

/// Silent for so long, and the connection is closed: a timer for each request, as a server should have it.
const PATIENCE: Duration = Duration::from_secs(10);

type Body = http_body_util::Full<Bytes>;

async fn answer(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::from("hyper in a task\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

pub fn serve_on_taskgroup(listener: TcpListener) -> io::Result<()> {
    use super::hyper_rt::{Io, Timer};
    super::taskgroup::accept::<crate::heard::Nobody, _>(listener, async |stream| {
        stream.set_nodelay(true)?;
        let mut server = http1::Builder::new();
        server.timer(Timer).header_read_timeout(PATIENCE);
        server.serve_connection(Io::new(stream), service_fn(answer)).await.map_err(io::Error::other)
    })
}

pub fn serve_on_tokio(listener: TcpListener) -> io::Result<()> {
    super::tokio::accept(listener, |stream| async move {
        stream.set_nodelay(true)?;
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        server.serve_connection(TokioIo::new(stream), service_fn(answer)).await.map_err(io::Error::other)
    })
}
