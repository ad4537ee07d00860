//! TLS: an echo server with a certificate that it has made for itself, and clients that trust it, or do not.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin tls_echo                                 # both, in one process
//! cargo run -p taskgroup-ecosystem --bin tls_echo -- serve 127.0.0.1:8443 cert.pem
//! openssl s_client -connect localhost:8443 -servername localhost -CAfile cert.pem -verify_return_error
//! ```
//!
//! Shows `futures-rustls` around our streams, with no adapter in between; a half that is closed while the other goes on;
//! and a goodbye that a cancel waits for: without it, a peer cannot tell an end from a line that was cut.
//!
//! Look at [`answer`], the server's side of a connection, and at [`connect`], where a certificate is refused.

mod identity;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::pki_types::{InvalidDnsNameError, ServerName};
use futures_rustls::rustls::{self, CertificateError};
use futures_rustls::{TlsAcceptor, TlsConnector, client, server};
use identity::{Identity, trusting};
use lexopt::prelude::*;
use std::convert::Infallible;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::signal::SignalKind;
use taskgroup::{
    BoxError, Elapsed, RunError, Runner, Runtime, TaskGroup, Why, shield, sleep, task_group, timeout, with_resource,
};

const HELP: &str = "\
A TLS echo server with a certificate of its own making, and clients for it.

Usage: tls_echo                            both in one process: a client that trusts the server, and two that do not
       tls_echo [OPTIONS] serve ADDR FILE  the server alone; its certificate is written to FILE, for clients to trust

The certificate is for localhost and 127.0.0.1, and new each time. The server sends everything back, and when the client has
closed its half, says how much it was.

  --handshake-timeout MS  hang up on who has not agreed on keys by then, up to 600000 [default: 10000]
  --help                  print this

Ctrl-C or SIGTERM ends the server in order: it says goodbye to each client, for at most 5 seconds. A second one ends it at
once.

Exit status: 0 if all went as it should, 1 if not, 2 if the arguments are wrong.
";

/// How long goodbyes may take, and how long the clients wait for anything.
const PATIENCE: Duration = Duration::from_secs(5);

enum Command {
    Help,
    Demo,
    Serve(SocketAddr, PathBuf),
}

/// The command, and how long a handshake may take.
fn from_args() -> Result<(Command, Duration), lexopt::Error> {
    let (mut words, mut patience) = (Vec::new(), Duration::from_secs(10));
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("handshake-timeout") => {
                let text = parser.value()?.string()?;
                match text.parse() {
                    Ok(ms @ 1..=600_000) => patience = Duration::from_millis(ms),
                    _ => {
                        let takes = "--handshake-timeout takes milliseconds from 1 to 600000";
                        return Err(format!("{takes}, not {text:?}").into());
                    }
                }
            }
            Long("help") | Short('h') => return Ok((Command::Help, patience)),
            Value(word) => words.push(word.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    let command = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Command::Demo,
        ["serve", address, file] => match address.parse() {
            Ok(address) => Command::Serve(address, file.into()),
            Err(_) => return Err(format!("{address:?} is not an address like 127.0.0.1:8443 or [::1]:8443").into()),
        },
        ["serve", ..] => return Err("serve needs an address and a file for the certificate".into()),
        [other, ..] => return Err(format!("no such command: {other:?}").into()),
    };
    Ok((command, patience))
}

/// What goes wrong with a connection.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    #[error("the server that calls itself {name} is not trusted: {}", in_words(.why))]
    Untrusted { name: &'static str, why: CertificateError },
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no TLS: {0}")]
    Handshake(io::Error),
    #[error("no TLS: {0}")]
    Silent(#[from] Elapsed),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("no name for a server: {0}")]
    Name(#[from] InvalidDnsNameError),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// The commonest case, in more words than rustls has for it.
fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "its certificate is by nobody whom this client trusts (UnknownIssuer)".into()
        }
        error => error.to_string(),
    }
}

/// Accepts connections and gives each a task, until it is cancelled.
async fn listen<'scope>(
    g: &'scope TaskGroup<'scope, '_, BoxError>,
    listener: &TcpListener,
    acceptor: &'scope TlsAcceptor,
    patience: Duration,
) -> Result<Infallible, BoxError> {
    g.limit(1000);
    loop {
        g.admit().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                // The task ends in `()`: to the group it cannot fail, so no connection ends another.
                g.spawn(async move {
                    if let Err(error) = answer(acceptor, stream, patience).await {
                        complain(format_args!("{peer}: {error}"));
                    }
                })
                .named(peer.to_string());
            }
            // Most likely there are no descriptors left: `accept` fails at once until some connection has ended.
            Err(error) => {
                complain(format_args!("cannot accept: {error}"));
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The server's side of a connection.
async fn answer(acceptor: &TlsAcceptor, stream: TcpStream, patience: Duration) -> Result<(), TlsError> {
    stream.set_nodelay(true)?;
    let stream = timeout(patience, acceptor.accept(stream)).await?.map_err(TlsError::Handshake)?;
    with_resource(stream, echo, async |mut stream, why| match why {
        Why::Failed | Why::Panicked => Ok(()), // a line that is broken takes no goodbye
        _ => Ok(stream.close().await?),
    })
    .await
}

/// Sends everything back; in the end, when the peer's half is closed and ours is not, how much it was.
async fn echo(stream: &mut server::TlsStream<TcpStream>) -> Result<(), TlsError> {
    let mut buffer = vec![0; 16 * 1024];
    let mut total = 0;
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            break;
        }
        total += n;
        // A cancel comes between two messages, so that nothing is lost that was read.
        let back = async {
            stream.write_all(&buffer[..n]).await?;
            stream.flush().await // rustls keeps what it has not been able to send
        };
        shield(back).await?;
    }
    stream.write_all(format!("{total} bytes in all\n").as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// Connects, if the server shows a certificate for that name that is trusted.
async fn connect(
    connector: &TlsConnector,
    name: &'static str,
    address: SocketAddr,
) -> Result<client::TlsStream<TcpStream>, TlsError> {
    let stream = TcpStream::connect(address).await.map_err(TlsError::Connect)?;
    stream.set_nodelay(true)?;
    let connected = timeout(PATIENCE, connector.connect(ServerName::try_from(name)?, stream)).await?;
    connected.map_err(|error| match error.get_ref().and_then(|cause| cause.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => TlsError::Untrusted { name, why: why.clone() },
        _ => TlsError::Handshake(error),
    })
}

/// Says something, closes its half, and hears the rest.
async fn client(connector: &TlsConnector, name: &'static str, address: SocketAddr) -> Result<String, TlsError> {
    let mut stream = connect(connector, name, address).await?;
    for line in ["hello\n", "world\n"] {
        stream.write_all(line.as_bytes()).await?;
    }
    stream.close().await?;
    let mut heard = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut heard)).await??;
    Ok(heard)
}

/// A server and its clients in one group.
async fn demo(patience: Duration) -> Result<(), BoxError> {
    let (identity, stranger) = (Identity::new("tls_echo")?, Identity::new("a stranger")?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let ended = task_group(async |g| {
        let server = task_group(async |g| listen(g, &listener, &identity.acceptor, patience).await);
        let server = g.spawn_group(server).named("server");
        let (trusts, does_not) = (trusting(&identity.certificate)?, trusting(&stranger.certificate)?);
        let mut failed = false;
        for (who, connector, name, is_to_work) in [
            ("trusts another certificate", &does_not, "localhost", false),
            ("wants another server", &trusts, "example.com", false),
            ("trusts this one", &trusts, "localhost", true),
        ] {
            let heard = client(connector, name, address).await;
            failed |= heard.is_ok() != is_to_work;
            writeln!(io::stdout(), "a client that {who}:")?;
            match heard {
                Ok(heard) => heard.lines().try_for_each(|line| writeln!(io::stdout(), "  hears {line:?}"))?,
                Err(error) => writeln!(io::stdout(), "  {error}")?,
            }
        }
        server.cancel("the clients are done");
        if failed { Err("a client was wrong about whom to trust".into()) } else { Ok(()) }
    });
    ended.await.map_err(|errors| errors.single().unwrap_or_else(BoxError::from))
}

/// A server, until a signal ends it.
fn serve(runtime: &Runtime<'_>, address: SocketAddr, file: PathBuf, patience: Duration) -> Result<(), BoxError> {
    let identity = Identity::new("tls_echo")?;
    let runner = Runner::new(runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]).grace(PATIENCE);
    let ended = runner.run(async |g| {
        let listener = TcpListener::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
        fs::write(&file, &identity.pem).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
        listen(g, &listener, &identity.acceptor, patience).await
    });
    match ended {
        Ok(never) => match never {},
        Err(RunError::Interrupted { signal, .. }) => Ok(writeln!(io::stdout(), "ended by {signal}")?),
        Err(RunError::Failed { errors, .. }) => Err(errors.single().unwrap_or_else(BoxError::from)),
        Err(error) => Err(error.into()),
    }
}

fn run() -> Result<(), Failure> {
    let (command, patience) = from_args()?;
    let runtime = Runtime::new();
    match command {
        Command::Help => Ok(io::stdout().write_all(HELP.as_bytes()).map_err(BoxError::from)?),
        Command::Serve(address, file) => Ok(serve(&runtime, address, file, patience)?),
        Command::Demo => Ok(runtime.try_block_on(demo(patience)).map_err(BoxError::from)??),
    }
}

/// What ends the program, by its exit status.
enum Failure {
    Arguments(lexopt::Error),
    Run(BoxError),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Arguments(error)
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        Self::Run(error)
    }
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "tls_echo: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Arguments(error)) => {
            complain(format_args!("{error} (tls_echo --help tells more)"));
            ExitCode::from(2)
        }
        Err(Failure::Run(error)) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}
