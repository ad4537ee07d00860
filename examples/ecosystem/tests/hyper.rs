//! hyper on this runtime: the programs `hyper_server` and `hyper_client`, and the adapter under them.

#[path = "../support/hyper_rt.rs"]
mod hyper_rt;
mod support;

use async_lock::Barrier;
use futures_lite::future::try_zip;
use futures_lite::{AsyncRead, AsyncWrite};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::Executor as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};
use std::cell::Cell;
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;
use support::{Program, Test, run};
use taskgroup::net::UnixStream;
use taskgroup::{BoxError, Clock, Runtime, now, task_group};

const SERVER: &str = env!("CARGO_BIN_EXE_hyper_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_hyper_client");

/// The server, and where it listens.
fn serve(args: &[&str]) -> Result<(Program, String), BoxError> {
    let mut program = Program::start(SERVER, &[&["127.0.0.1:0"], args].concat())?;
    let line = program.line()?;
    let address = line.strip_prefix("listening on http://").ok_or("an address")?.trim_end().to_owned();
    Ok((program, address))
}

/// Sends something, and reads until the server hangs up; without the line with the date.
fn exchange(address: &str, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(without_date(&answer))
}

fn without_date(answer: &str) -> String {
    answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}

/// Reads until what has come ends so.
fn read_until(stream: &mut TcpStream, end: &str) -> io::Result<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        stream.read_exact(&mut byte)?;
        text.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn each_route_answers_on_one_connection_that_is_kept() -> Test {
    let (_server, address) = serve(&[])?;
    let requests = "GET / HTTP/1.1\r\nhost: x\r\n\r\n\
        POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello\
        GET /slow/1 HTTP/1.1\r\nhost: x\r\n\r\n\
        GET /slow/soon HTTP/1.1\r\nhost: x\r\n\r\n\
        DELETE / HTTP/1.1\r\nhost: x\r\n\r\n\
        GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = exchange(&address, requests)?;
    let expected = "HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\nhyper in a task group\n\
        HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello\
        HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nafter 1 ms\n\
        HTTP/1.1 400 Bad Request\r\ncontent-length: 42\r\n\r\n/slow/ takes milliseconds from 0 to 60000\n\
        HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\ncontent-length: 21\r\n\r\nthis takes GET, HEAD\n\
        HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 31\r\n\r\nthere is /, /echo and /slow/MS\n";
    assert_eq!(answers, expected);
    Ok(())
}

#[test]
fn ctrl_c_lets_the_request_under_way_be_answered() -> Test {
    let (mut server, address) = serve(&[])?;
    let mut idle = TcpStream::connect(&address)?;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")?;
    read_until(&mut idle, "group\n")?;
    let mut busy = TcpStream::connect(&address)?;
    busy.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\nbefore")?;
    read_until(&mut busy, "before")?; // so it is under way

    server.interrupt()?;
    assert_eq!(server.line()?, "no more connections; open: 2\n");
    assert_eq!(idle.read(&mut [0])?, 0); // the idle one is hung up on at once
    assert!(TcpStream::connect(&address).is_err());

    busy.write_all(b", after")?;
    let mut rest = String::new();
    busy.read_to_string(&mut rest)?;
    assert_eq!(rest, ", afte");
    let (status, output, errors) = server.end()?;
    assert_eq!((status.code(), output.as_str(), errors), (Some(0), "ended by SIGINT\n", vec![]));
    Ok(())
}

#[test]
fn a_connection_beyond_the_limit_waits_for_a_place() -> Test {
    let (_server, address) = serve(&["--connections", "1"])?;
    let mut first = TcpStream::connect(&address)?;
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")?;
    read_until(&mut first, "group\n")?;
    let second = thread::spawn({
        let address = address.clone();
        move || exchange(&address, "GET /slow/0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    });
    // The first has the only place, however often it asks.
    for _ in 0..20 {
        first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")?;
        read_until(&mut first, "group\n")?;
        assert!(!second.is_finished());
    }
    drop(first);
    let answer = second.join().map_err(|_| "no panic")??;
    assert!(answer.ends_with("after 0 ms\n"), "{answer}");
    Ok(())
}

#[test]
fn several_threads_share_a_port_and_all_end_at_one_ctrl_c() -> Test {
    let (mut server, address) = serve(&["--threads", "2"])?;
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(&address)?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")?;
        read_until(&mut stream, "group\n")?;
        open.push(stream);
    }
    server.interrupt()?;
    let mut count = 0;
    for _ in 0..2 {
        let line = server.line()?;
        let number: usize = line.strip_prefix("no more connections; open: ").ok_or(line.clone())?.trim_end().parse()?;
        assert_ne!(number, 0); // the system has dealt them out
        count += number;
    }
    assert_eq!(count, 40);
    let (status, output, errors) = server.end()?;
    assert_eq!((status.code(), output.as_str(), errors), (Some(0), "ended by SIGINT\n", vec![]));
    Ok(())
}

#[test]
fn what_is_no_http_is_answered_with_400_and_reported() -> Test {
    let (server, address) = serve(&[])?;
    let answer = exchange(&address, "hello?\r\n\r\n")?;
    assert_eq!(answer, "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let error = server.error()?;
    assert!(error.ends_with(": invalid HTTP method parsed"), "{error}");
    Ok(())
}

#[test]
fn a_peer_that_hangs_up_in_the_middle_is_reported_and_ends_no_other() -> Test {
    let (server, address) = serve(&[])?;
    let mut stream = TcpStream::connect(&address)?;
    let name = stream.local_addr()?;
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\nbefore")?;
    read_until(&mut stream, "before")?;
    stream.shutdown(Shutdown::Write)?;
    let error = server.error()?;
    assert!(error.starts_with(&format!("hyper_server: {name}: ")), "{error}");
    let answer = exchange(&address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    Ok(())
}

#[test]
fn a_silent_peer_is_hung_up_on() -> Test {
    let (server, address) = serve(&["--header-timeout", "20"])?;
    for head in ["", "GET / HTTP/1.1\r\nhost"] {
        exchange(&address, head)?;
        let error = server.error()?;
        assert!(error.ends_with(": no head of a request within 20ms"), "{error}");
    }
    Ok(())
}

/// A peer that never says anything.
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for Silent {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn the_timer_of_the_adapter_is_the_virtual_clock() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let start = now();
        let service =
            service_fn(async |_: Request<Incoming>| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())));
        let mut server = http1::Builder::new();
        server.timer(hyper_rt::Timer).header_read_timeout(Duration::from_secs(3600));
        let ended = server.serve_connection(hyper_rt::Io::new(Silent), service).await;
        assert!(ended.is_err_and(|error| error.is_timeout()));
        assert_eq!(now() - start, Duration::from_secs(3600));
    });
}

#[test]
fn the_executor_of_the_adapter_starts_nothing_in_a_group_that_is_over() {
    Runtime::with_clock(Clock::Autojump).block_on(async {
        let (ran, after) = (Rc::new(Cell::new(0)), Cell::new(None));
        let add = |ran: &Rc<Cell<u32>>| {
            let ran = ran.clone();
            async move { ran.set(ran.get() + 1) }
        };
        let group = task_group::<BoxError, _, _>(async |g| {
            let executor = hyper_rt::Executor(g.spawner());
            executor.execute(add(&ran));
            after.set(Some(executor.clone()));
            Ok(())
        });
        group.await.expect("no errors");
        after.take().expect("it was set").execute(add(&ran));
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn http2_runs_and_its_streams_are_tasks_of_the_group() -> Test {
    let live = Rc::new(Cell::new(0));
    let answers = Runtime::new().block_on(async {
        let (near, far) = UnixStream::pair()?;
        let exchange = task_group::<BoxError, _, _>(async |g| {
            let (together, live, spawner) = (Rc::new(Barrier::new(2)), live.clone(), g.spawner());
            let service = service_fn(move |request: Request<Incoming>| {
                let (together, live, spawner) = (together.clone(), live.clone(), spawner.clone());
                async move {
                    together.wait().await; // answered only if both are there at once
                    live.set(spawner.live());
                    Ok::<_, Infallible>(Response::new(request.into_body()))
                }
            });
            let executor = hyper_rt::Executor(g.spawner());
            let server = server::conn::http2::Builder::new(executor.clone());
            let server = server.serve_connection(hyper_rt::Io::new(far), service);
            g.spawn(async { Ok(server.await?) });
            let (sender, client) = client::conn::http2::handshake(executor, hyper_rt::Io::new(near)).await?;
            g.spawn(async { Ok(client.await?) });
            let ask = async |text: &'static str| {
                let request = Request::post("http://x/").body(Full::new(Bytes::from(text)))?;
                let answer = sender.clone().send_request(request).await?;
                Ok::<_, BoxError>(answer.into_body().collect().await?.to_bytes())
            };
            let answers = try_zip(ask("one"), ask("two")).await?;
            g.cancel("that was all");
            Ok(answers)
        });
        exchange.await.map_err(BoxError::from)
    })?;
    assert_eq!((&answers.0[..], &answers.1[..]), (&b"one"[..], &b"two"[..]));
    assert!(live.get() >= 4, "of {} tasks two are connections, and two streams", live.get());
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_exit_1() -> Test {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let (code, output, error) = run(SERVER, &[&address])?;
    let expected = format!("hyper_server: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!((code, output.as_str(), error), (Some(1), "", expected));
    Ok(())
}

#[test]
fn the_client_prints_what_it_gets_and_a_tree_of_what_it_does_not() -> Test {
    let (_server, address) = serve(&[])?;
    let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let (good, missing, refused) =
        (format!("http://{address}/"), format!("http://{address}/nothing"), format!("http://{dead}/"));
    let (code, output, error) = run(CLIENT, &[&good, &missing, &refused])?;
    assert_eq!((code, output), (Some(1), format!("200        22 bytes  {good}\n")));
    let lines: Vec<_> = error.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "hyper_client: 2 errors in task group"));
    let has = |url: &str, text: &str| {
        lines.iter().any(|line| line.contains(&format!("- task {url} (")) && line.ends_with(text))
    };
    assert!(has(&missing, ": the server says 404 Not Found"), "{error}");
    assert!(has(&refused, &format!(": cannot connect to {dead}: Connection refused (os error 111)")), "{error}");
    Ok(())
}

#[test]
fn the_client_waits_no_longer_than_it_is_told_to() -> Test {
    let (_server, address) = serve(&[])?;
    let (code, output, error) = run(CLIENT, &["--timeout", "50", &format!("http://{address}/slow/60000")])?;
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(error.ends_with(": not done within 50ms\n"), "{error}");
    Ok(())
}

#[test]
fn the_client_says_that_an_answer_is_cut_off_or_no_http() -> Test {
    for (answer, text) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", ": end of file before message length reached"),
        ("220 mail.example ESMTP\r\n", ": invalid HTTP version parsed"),
        ("", ": connection closed before message completed"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/", listener.local_addr()?);
        let impostor = thread::spawn(move || -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            read_until(&mut stream, "\r\n\r\n")?;
            stream.write_all(answer.as_bytes())
        });
        let (code, _, error) = run(CLIENT, &[&url])?;
        impostor.join().map_err(|_| "no panic")??;
        assert_eq!(code, Some(1));
        assert!(error.trim_end().ends_with(text), "{error}");
    }
    Ok(())
}

#[test]
fn wrong_arguments_are_exit_2() -> Test {
    for (program, args, error) in [
        (SERVER, &["here"][..], "hyper_server: \"here\" is not an address like 127.0.0.1:8080 or [::1]:8080"),
        (
            SERVER,
            &["--connections", "0"],
            "hyper_server: --connections takes a whole number from 1 to 100000, not \"0\"",
        ),
        (SERVER, &["--fast"], "hyper_server: invalid option '--fast'"),
        (CLIENT, &[], "hyper_client: no URL is given"),
        (CLIENT, &["example.com"], "hyper_client: \"example.com\" is no URL like http://example.com/"),
        (CLIENT, &["https://example.com"], "hyper_client: https://example.com: there is no TLS here"),
        (
            CLIENT,
            &["--timeout", "0", "http://x"],
            "hyper_client: --timeout takes milliseconds from 1 to 600000, not \"0\"",
        ),
    ] {
        let (code, _, stderr) = run(program, args)?;
        assert_eq!(code, Some(2), "{args:?}");
        assert!(stderr.starts_with(error), "{stderr}");
    }
    Ok(())
}

#[test]
fn help_is_printed() -> Test {
    for (program, usage) in [(SERVER, "Usage: hyper_server"), (CLIENT, "Usage: hyper_client")] {
        let (code, output, _) = run(program, &["--help"])?;
        assert_eq!(code, Some(0));
        assert!(output.contains(usage), "{output}");
    }
    Ok(())
}
