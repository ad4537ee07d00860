//! Tests of the fallback for pollers without edge mode: what tests/reactor.rs claims, with one-shot registrations.
//!
//! Before: `reactor.rs`. After: nothing.
#![forbid(unsafe_code)]

use crate::io::Async;
use crate::net::{TcpListener, TcpStream, UnixStream};
use crate::{Runtime, sleep, spawn};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// Runs the future of a test with one-shot registrations. What takes five seconds hangs.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = Runtime::new();
    runtime.local().reactor().use_one_shot();
    let mut future = pin!(future);
    let mut limit = pin!(sleep(Duration::from_secs(5)));
    let output = runtime.block_on(poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        assert!(limit.as_mut().poll(cx).is_pending(), "it hangs");
        Poll::Pending
    }));
    assert!(!runtime.local().reactor().is_waited_on());
    output
}

async fn turn() {
    sleep(Duration::ZERO).await;
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Two streams, of which the first has no room to write.
async fn full_pair() -> io::Result<(UnixStream, net::UnixStream)> {
    let (here, there) = net::UnixStream::pair()?;
    let here = UnixStream::try_from(here)?;
    while poll_once(pin!(here.write(&[7; 4096]))).await.is_ready() {}
    Ok((here, there))
}

// smol-rs/smol#161: a hang where both directions wait.
#[test]
fn an_event_for_one_direction_leaves_the_other_waited_for() -> io::Result<()> {
    run(async {
        let (here, mut there) = full_pair().await?;
        let here = Rc::new(here);
        let (reader, writer) = (here.clone(), here);
        let write = spawn(async move { writer.write(b"x").await });
        let read = spawn(async move { reader.read(&mut [0; 8]).await });
        turn().await;
        there.write_all(b"hello")?;
        assert_eq!(read.await.expect("nobody panics")?, 5); // and nobody reads any more
        assert!(!write.is_finished());
        there.set_nonblocking(true)?;
        while there.read(&mut [0; 4096]).is_ok() {}
        assert_eq!(write.await.expect("nobody panics")?, 1);
        Ok(())
    })
}

#[test]
fn both_directions_of_one_socket_wait_at_once() -> io::Result<()> {
    const BYTES: usize = 256 * 1024;
    run(async {
        let (here, there) = UnixStream::pair()?;
        let mut tasks = Vec::new();
        for stream in [Rc::new(here), Rc::new(there)] {
            socket2::SockRef::from(&*stream).set_send_buffer_size(1)?;
            let (reader, writer) = (stream.clone(), stream);
            tasks.push(spawn(async move {
                let (mut buffer, mut read) = ([0; 512], 0);
                while read < BYTES {
                    read += reader.read(&mut buffer).await?;
                }
                io::Result::Ok(())
            }));
            tasks.push(spawn(async move { writer.write_all(&[7; BYTES]).await }));
        }
        for task in tasks {
            task.await.expect("nobody panics")?;
        }
        Ok(())
    })
}

#[test]
fn two_tasks_that_wait_for_the_same_direction_are_both_woken() -> io::Result<()> {
    run(async {
        let (reader, mut writer) = io::pipe()?;
        let reader = Rc::new(Async::new(reader)?);
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let reader = reader.clone();
                spawn(async move { reader.read_with(|mut pipe| pipe.read(&mut [0])).await })
            })
            .collect();
        turn().await;
        writer.write_all(b"ab")?;
        for task in tasks {
            assert_eq!(task.await.expect("nobody panics")?, 1);
        }
        Ok(())
    })
}

#[test]
fn what_is_sent_to_an_echo_server_comes_back() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut buffer = [0; 8];
            loop {
                match stream.read(&mut buffer).await? {
                    0 => return io::Result::Ok(()),
                    n => stream.write_all(&buffer[..n]).await?,
                }
            }
        });
        turn().await; // the accept waits
        let client = TcpStream::connect(address).await?;
        let mut byte = [0];
        for n in 0..50 {
            client.write_all(&[n]).await?;
            client.read(&mut byte).await?;
            assert_eq!(byte, [n]);
        }
        client.shutdown(Shutdown::Write)?;
        server.await.expect("nobody panics")
    })
}

#[test]
fn connecting_to_nobody_is_refused() -> io::Result<()> {
    run(async {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let refused = TcpStream::connect(address).await;
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
        Ok(())
    })
}

#[test]
fn a_hang_up_ends_a_reader_that_waits_after_the_last_byte() -> io::Result<()> {
    run(async {
        let (here, mut there) = net::UnixStream::pair()?;
        let here = UnixStream::try_from(here)?;
        let reader = spawn(async move { Ok((here.read(&mut [0; 8]).await?, here.read(&mut [0; 8]).await?)) });
        turn().await;
        there.write_all(b"last")?;
        drop(there);
        assert_eq!(reader.await.expect("nobody panics").map_err(|error: io::Error| error.kind()), Ok((4, 0)));
        Ok(())
    })
}

#[test]
fn a_hang_up_fails_a_writer_that_waits() -> io::Result<()> {
    run(async {
        let (here, there) = full_pair().await?;
        let writer = spawn(async move { here.write(b"x").await });
        turn().await;
        drop(there);
        let error = writer.await.expect("nobody panics").err().map(|error| error.kind());
        assert!(matches!(error, Some(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)), "{error:?}");
        Ok(())
    })
}

/// A hang-up is reported to a registration that asks for nothing, too: but only once.
#[test]
fn a_hang_up_that_interests_nobody_does_not_keep_the_loop_awake() -> io::Result<()> {
    let runtime = Runtime::new();
    runtime.local().reactor().use_one_shot();
    let (_here, there) = runtime.block_on(async { UnixStream::pair() })?;
    drop(there);
    runtime.turn(Some(Duration::ZERO)).map_err(io::Error::other)?;
    let before = std::time::Instant::now();
    for _ in 0..3 {
        runtime.turn(Some(Duration::from_millis(2))).map_err(io::Error::other)?;
    }
    assert!(before.elapsed() >= Duration::from_millis(6));
    Ok(())
}

#[test]
fn a_descriptor_number_can_be_reused_at_once() -> io::Result<()> {
    run(async {
        for round in 0..1000 {
            let (reader, mut writer) = io::pipe()?;
            let _held = (round % 2 == 0).then(|| reader.try_clone()).transpose()?;
            let reader = Async::new(reader)?;
            let mut byte = [0];
            let mut read = pin!(reader.read_with(|mut pipe| pipe.read(&mut byte)));
            assert!(poll_once(read.as_mut()).await.is_pending());
            if round % 16 < 2 {
                writer.write_all(b"!")?;
                assert_eq!(read.await?, 1);
            }
        }
        Ok(())
    })
}
