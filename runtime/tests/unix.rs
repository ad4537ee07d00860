//! Unix streams and listeners.
#![forbid(unsafe_code)]

mod support;

use futures_core::Stream as _;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::{Domain, SockAddr, Socket, Type};
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::pin::pin;
use std::rc::Rc;
use support::{SocketPath, both, checksum, echo, noise, read_exact, read_to_end, run, run_in, shrink, turn};
use taskgroup_runtime::net::{UnixListener, UnixStream};
use taskgroup_runtime::{Runtime, spawn};

#[test]
fn what_is_sent_to_an_echo_server_comes_back() -> io::Result<()> {
    let path = SocketPath::new("echo");
    run(async {
        let listener = UnixListener::bind(&path)?;
        assert_eq!(listener.local_addr()?.as_pathname(), Some(path.as_ref()));
        let server = spawn(async move {
            let (stream, _) = listener.accept().await?;
            echo(&stream).await
        });
        let client = UnixStream::connect(&path).await?;
        assert_eq!(client.peer_addr()?.as_pathname(), Some(path.as_ref()));
        for message in [&b"one"[..], b"two", b"three"] {
            client.write_all(message).await?;
            let mut answer = vec![0; message.len()];
            read_exact(&client, &mut answer).await?;
            assert_eq!(answer, message);
        }
        drop(client);
        server.await.expect("nobody panics")
    })
}

#[test]
fn connecting_to_nobody_is_an_error_and_leaves_nothing() -> io::Result<()> {
    let runtime = Runtime::new();
    let path = SocketPath::new("nobody");
    let missing = run_in(&runtime, UnixStream::connect(&path));
    assert_eq!(missing.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    drop(net::UnixListener::bind(&path)?);
    let refused = run_in(&runtime, UnixStream::connect(&path));
    assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    assert_eq!(runtime.census().sources, 0);
    Ok(())
}

// async-io 2.2.2 (its changelog): `EAGAIN` of a connect was waited out, and no event comes.
#[test]
fn a_full_queue_is_an_error_and_not_a_hang() -> io::Result<()> {
    let runtime = Runtime::new();
    let path = SocketPath::new("full");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    listener.bind(&SockAddr::unix(&path)?)?;
    listener.listen(1)?;
    run_in(&runtime, async {
        let mut connected = Vec::new();
        let error = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => connected.push(stream),
                Err(error) => break error,
            }
            assert!(connected.len() < 10, "the queue has one place, or a few");
        };
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert_eq!(runtime.census().sources, connected.len());
        listener.accept()?;
        connected.push(UnixStream::connect(&path).await?); // there is room again
        Ok(())
    })
}

#[test]
fn a_path_that_is_taken_is_an_error() -> io::Result<()> {
    let path = SocketPath::new("taken");
    run(async {
        let _listener = UnixListener::bind(&path)?;
        let taken = UnixListener::bind(&path);
        assert_eq!(taken.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
        Ok(())
    })
}

#[test]
fn incoming_gives_every_connection() -> io::Result<()> {
    let path = SocketPath::new("incoming");
    run(async {
        let listener = UnixListener::bind(&path)?;
        for n in 0..3 {
            UnixStream::connect(&path).await?.write_all(&[n]).await?;
        }
        let mut incoming = pin!(listener.incoming());
        for n in 0..3 {
            let stream = poll_fn(|cx| incoming.as_mut().poll_next(cx)).await.expect("it never ends")?;
            assert_eq!(read_to_end(&stream).await?, [n]);
        }
        Ok(())
    })
}

#[test]
fn tiny_buffers_lose_nothing_in_either_direction() -> io::Result<()> {
    run(async {
        let (here, there) = UnixStream::pair()?;
        shrink(&here, 1)?;
        shrink(&there, 1)?;
        let (here, there) = (Rc::new(here), Rc::new(there));
        let outward = noise(1 << 20, 4);
        let inward = noise(64 << 10, 5);
        let sums = (checksum(&outward), checksum(&inward));
        for (stream, bytes) in [(here.clone(), outward), (there.clone(), inward)] {
            spawn(async move {
                stream.write_all(&bytes).await?;
                stream.shutdown(Shutdown::Write)
            });
        }
        let (inward, outward) = both(read_to_end(&*here), read_to_end(&*there)).await;
        assert_eq!((checksum(&outward?), checksum(&inward?)), sums);
        Ok(())
    })
}

#[test]
fn a_stream_of_std_comes_in_and_goes_out_again() -> io::Result<()> {
    run(async {
        let (here, there) = net::UnixStream::pair()?;
        let here = UnixStream::try_from(here)?;
        here.write_all(b"in").await?;
        drop(here.into_std());
        assert_eq!(read_to_end(&UnixStream::try_from(there)?).await?, b"in");
        Ok(())
    })
}

#[test]
fn a_read_that_stops_at_a_message_with_descriptors_does_not_hide_the_next() -> io::Result<()> {
    run(async {
        let (here, there) = UnixStream::pair()?;
        let here = Rc::new(here);
        let reader = here.clone();
        let first = spawn(async move { reader.read(&mut [0; 64]).await });
        turn().await;
        let there = there.into_std();
        let descriptors = [there.as_fd()];
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(&there, &[IoSlice::new(b"first")], &mut control, SendFlags::empty())?;
        (&there).write_all(b"second")?;
        assert_eq!(first.await.expect("nobody panics")?, 5);
        assert_eq!(here.read(&mut [0; 64]).await?, 6);
        Ok(())
    })
}
