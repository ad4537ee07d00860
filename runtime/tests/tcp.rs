//! TCP streams and listeners.
#![forbid(unsafe_code)]

mod support;

use futures_core::Stream as _;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::{Domain, Socket, Type};
use std::cell::Cell;
use std::fs;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use support::{both, checksum, echo, noise, poll_once, read_exact, read_to_end, run, run_in, shrink, tcp_pair, turn};
use taskgroup_runtime::net::{TcpListener, TcpStream};
use taskgroup_runtime::{Runtime, spawn, yield_now};

#[test]
fn what_is_sent_to_an_echo_server_comes_back() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (server, address) = listener.accept().await?;
        assert_eq!(address, client.local_addr()?);
        let server = spawn(async move { echo(&server).await });
        for message in [&b"one"[..], b"two", b"three"] {
            client.write_all(message).await?;
            let mut answer = vec![0; message.len()];
            read_exact(&client, &mut answer).await?;
            assert_eq!(answer, message);
        }
        drop(client);
        server.await.expect("the server does not panic")
    })
}

// async-io 0.2.0 (its changelog): writable was taken for connected.
#[test]
fn connecting_to_nobody_is_refused_and_leaves_nothing() -> io::Result<()> {
    let runtime = Runtime::new();
    let address = net::TcpListener::bind("127.0.0.1:0")?.local_addr()?; // and the listener is gone
    let refused = run_in(&runtime, TcpStream::connect(address));
    assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    assert_eq!(runtime.census().sources, 0);
    Ok(())
}

#[test]
fn an_address_that_cannot_be_connected_to_is_an_error_at_once() {
    let runtime = Runtime::new();
    let everybody = SocketAddr::from(([255, 255, 255, 255], 9));
    assert!(run_in(&runtime, TcpStream::connect(everybody)).is_err());
    assert_eq!(runtime.census().sources, 0);
}

/// A listener whose queue is full: who connects now is not answered.
fn full_listener() -> io::Result<(Socket, SocketAddr, Vec<Socket>)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let mut queued = Vec::new();
    for _ in 0..3 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        drop(socket.connect(&address)); // in progress, for ever
        queued.push(socket);
    }
    Ok((listener, address.as_socket().expect("an IPv4 address"), queued))
}

/// Whether the kernel has a connection to `port`, other than those in `queued`, that has not been answered (state 2).
/// `None` where it has no list of them.
fn is_half_open(port: u16, queued: &[Socket]) -> Option<bool> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let peer = format!(":{port:04X}");
    let others: Vec<_> = queued.iter().filter_map(|socket| socket.local_addr().ok()?.as_socket()).collect();
    let is_ours = |line: &str| {
        let mut columns = line.split_whitespace().skip(1);
        let local = columns.next().and_then(|local| u16::from_str_radix(local.split_once(':')?.1, 16).ok());
        columns.next().is_some_and(|remote| remote.ends_with(&peer))
            && columns.next() == Some("02")
            && local.is_some_and(|local| others.iter().all(|other| other.port() != local))
    };
    Some(table.lines().any(is_ours))
}

#[test]
fn a_connect_dropped_half_way_leaves_nothing() -> io::Result<()> {
    let runtime = Runtime::new();
    let (_listener, address, queued) = full_listener()?;
    run_in(&runtime, async {
        let mut connect = Box::pin(TcpStream::connect(address));
        assert!(poll_once(connect.as_mut()).await.is_pending());
        turn().await;
        assert!(poll_once(connect.as_mut()).await.is_pending());
        assert_eq!(runtime.census().sources, 1);
        assert_ne!(is_half_open(address.port(), &queued), Some(false));
        drop(connect);
        assert_eq!(runtime.census().sources, 0);
        assert_ne!(is_half_open(address.port(), &queued), Some(true));
        Ok(())
    })
}

#[test]
fn the_server_still_writes_when_the_client_has_ended() -> io::Result<()> {
    run(async {
        let (client, server) = tcp_pair().await?;
        let answer = noise(256 * 1024, 1);
        let expected = checksum(&answer);
        spawn(async move {
            assert_eq!(read_to_end(&server).await?, b"question");
            server.write_all(&answer).await
        });
        client.write_all(b"question").await?;
        client.shutdown(Shutdown::Write)?;
        assert_eq!(checksum(&read_to_end(&client).await?), expected);
        Ok(())
    })
}

// tokio-rs/tokio#7872, #8251: a write of a part was taken for one of all.
#[test]
fn tiny_buffers_lose_nothing_in_either_direction() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        shrink(&here, 32 * 1024)?; // with less, the kernel's timers for silly windows set the pace
        shrink(&there, 32 * 1024)?;
        let (here, there) = (Rc::new(here), Rc::new(there));
        let outward = noise(1 << 20, 2);
        let inward = noise(1 << 19, 3);
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
fn an_accept_dropped_while_it_waits_loses_no_connection() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(accept.as_mut()).await.is_pending());
        drop(accept);
        let client = net::TcpStream::connect(listener.local_addr()?)?;
        let (_, address) = listener.accept().await?;
        assert_eq!(address, client.local_addr()?);
        Ok(())
    })
}

#[test]
fn an_accept_dropped_after_it_was_woken_loses_no_connection() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut accept = Box::pin(listener.accept());
        assert!(poll_once(accept.as_mut()).await.is_pending());
        let client = net::TcpStream::connect(listener.local_addr()?)?;
        turn().await;
        drop(accept);
        let (_, address) = listener.accept().await?;
        assert_eq!(address, client.local_addr()?);
        Ok(())
    })
}

// tokio-rs/tokio#8260: what was taken was dropped at a wait behind it.
/// Between the system's `accept` and the caller there is no wait in which the connection could be dropped.
#[test]
fn an_accept_ends_in_the_poll_that_takes_the_connection() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let _client = net::TcpStream::connect(listener.local_addr()?)?;
        assert!(poll_once(pin!(listener.accept())).await.is_ready());
        Ok(())
    })
}

#[test]
fn several_tasks_accept_from_one_listener() -> io::Result<()> {
    run(async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0")?);
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let listener = listener.clone();
                spawn(async move { listener.accept().await.map(|(_, address)| address) })
            })
            .collect();
        turn().await;
        let mut clients = Vec::new();
        for _ in 0..5 {
            clients.push(TcpStream::connect(listener.local_addr()?).await?);
        }
        let mut accepted = Vec::new();
        for task in tasks {
            accepted.push(task.await.expect("nobody panics")?);
        }
        let mut connected: Vec<_> = clients.iter().map(TcpStream::local_addr).collect::<Result<_, _>>()?;
        accepted.sort();
        connected.sort();
        assert_eq!(accepted, connected);
        Ok(())
    })
}

#[test]
fn incoming_gives_every_connection() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        spawn(async move {
            for n in 0..3 {
                TcpStream::connect(address).await?.write_all(&[n]).await?;
            }
            io::Result::Ok(())
        });
        let mut incoming = pin!(listener.incoming());
        for n in 0..3 {
            let stream = poll_fn(|cx| incoming.as_mut().poll_next(cx)).await.expect("it never ends")?;
            assert_eq!(read_to_end(&stream).await?, [n]);
        }
        Ok(())
    })
}

#[test]
fn a_peek_leaves_the_bytes() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let peeks = spawn(async move {
            let mut byte = [0];
            there.peek(&mut byte).await?; // waits
            read_exact(&there, &mut byte).await?;
            io::Result::Ok(byte)
        });
        turn().await;
        here.write_all(b"x").await?;
        assert_eq!(peeks.await.expect("nobody panics")?, *b"x");
        Ok(())
    })
}

#[test]
fn a_wait_for_readability_reads_nothing_and_ends_with_the_first_byte() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let mut byte = [0];
        there.readable().await?; // nobody has tried yet
        assert_eq!(there.try_read(&mut byte).err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        let mut readable = pin!(there.readable());
        assert!(poll_once(readable.as_mut()).await.is_pending());
        here.write_all(b"xy").await?;
        readable.await?;
        there.readable().await?; // nothing was read
        assert_eq!((there.try_read(&mut byte)?, byte), (1, *b"x"));
        assert_eq!((there.try_read(&mut byte)?, byte), (1, *b"y"));
        drop(here);
        there.readable().await?;
        there.readable().await?;
        assert_eq!(there.try_read(&mut byte)?, 0);
        Ok(())
    })
}

#[test]
fn a_wait_for_writability_ends_when_there_is_room() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let chunk = [7; 64 * 1024];
        let mut written = 0;
        let full = loop {
            here.writable().await?;
            match here.try_write(&chunk) {
                Ok(n) => written += n,
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(full, ErrorKind::WouldBlock);
        let mut writable = pin!(here.writable());
        assert!(poll_once(writable.as_mut()).await.is_pending());
        let mut rest = vec![0; written];
        read_exact(&there, &mut rest).await?;
        writable.await?;
        assert_eq!(here.try_write(b"x")?, 1);
        Ok(())
    })
}

/// A stream that was told "would block", and its peer.
async fn drained_pair() -> io::Result<(TcpStream, net::TcpStream)> {
    let (here, there) = tcp_pair().await?;
    assert!(poll_once(pin!(here.read(&mut [0; 8]))).await.is_pending());
    Ok((here, there.into_std()))
}

// netty/netty#4317, libuv (partial read after POLLHUP).
#[test]
fn a_short_read_does_not_hide_an_end_that_came_with_the_bytes() -> io::Result<()> {
    run(async {
        let (here, mut there) = drained_pair().await?;
        there.write_all(b"hi")?;
        there.shutdown(Shutdown::Write)?;
        assert_eq!(here.read(&mut [0; 8]).await?, 2);
        assert_eq!(here.read(&mut [0; 8]).await?, 0);
        Ok(())
    })
}

#[test]
fn a_short_read_does_not_hide_an_end_that_came_between_event_and_read() -> io::Result<()> {
    run(async {
        let (here, mut there) = drained_pair().await?;
        there.write_all(b"hi")?;
        here.readable().await?;
        there.shutdown(Shutdown::Write)?;
        assert_eq!(here.try_read(&mut [0; 8])?, 2);
        assert_eq!(here.read(&mut [0; 8]).await?, 0);
        Ok(())
    })
}

#[test]
fn a_short_read_does_not_hide_a_reset() -> io::Result<()> {
    run(async {
        let (here, mut there) = drained_pair().await?;
        here.write_all(b"nobody reads this").await?;
        there.write_all(b"hi")?;
        drop(there);
        let mut bytes = [0; 8];
        let mut read = 0;
        let error = loop {
            match here.read(&mut bytes).await {
                Ok(n) => read += n,
                Err(error) => break error,
            }
        };
        assert!(read <= 2);
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        Ok(())
    })
}

#[test]
fn a_read_that_stops_at_urgent_data_does_not_hide_what_follows() -> io::Result<()> {
    run(async {
        let (here, mut there) = drained_pair().await?;
        there.write_all(b"before")?;
        socket2::SockRef::from(&there).send_out_of_band(b"!")?;
        there.write_all(b"after")?;
        let mut bytes = [0; 64];
        assert_eq!(here.read(&mut bytes).await?, 6);
        assert_eq!(here.read(&mut bytes).await?, 5);
        assert_eq!(&bytes[..5], b"after");
        Ok(())
    })
}

/// The reactor then hears of ends by itself; elsewhere the next read has to look.
#[cfg(target_os = "linux")]
#[test]
fn after_a_short_read_nothing_is_tried_until_an_event() -> io::Result<()> {
    run(async {
        let (here, mut there) = drained_pair().await?;
        there.write_all(b"hi")?;
        assert_eq!(here.read(&mut [0; 8]).await?, 2);
        there.write_all(b"there")?;
        assert_eq!(here.try_read(&mut [0; 8]).err().map(|error| error.kind()), Some(ErrorKind::WouldBlock));
        assert_eq!(here.read(&mut [0; 8]).await?, 5);
        Ok(())
    })
}

#[test]
fn nothing_read_or_written_is_not_the_end() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        assert_eq!(here.write(&[]).await?, 0);
        here.write_all(&[]).await?;
        here.write_all(b"x").await?;
        assert_eq!(there.read(&mut []).await?, 0);
        let mut byte = [0];
        assert_eq!(there.read(&mut byte).await?, 1);
        Ok(())
    })
}

#[test]
fn poll_close_ends_the_write_half_even_without_room() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let mut written = 0;
        let chunk = [7; 64 * 1024];
        let mut stream = &here;
        loop {
            let write = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_write(cx, &chunk))).await;
            match write {
                Poll::Ready(n) => written += n?,
                Poll::Pending => break,
            }
        }
        poll_fn(|cx| Pin::new(&mut stream).poll_flush(cx)).await?;
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await?;
        assert_eq!(read_to_end(&there).await?.len(), written);
        there.write_all(b"still open").await?;
        let mut answer = [0; 32];
        assert_eq!(poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut answer)).await?, 10);
        drop(there);
        assert_eq!(here.read(&mut answer).await?, 0);
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await // closed already: no error
    })
}

#[test]
fn a_socket_of_std_comes_in_and_goes_out_again() -> io::Result<()> {
    run(async {
        let listener = net::TcpListener::bind("127.0.0.1:0")?;
        let mut peer = net::TcpStream::connect(listener.local_addr()?)?;
        let (stream, _) = TcpListener::try_from(listener)?.into_std().accept()?;
        let stream = TcpStream::try_from(TcpStream::try_from(stream)?.into_std())?; // not known from the first time
        stream.write_all(b"in").await?;
        let mut stream = stream.into_std();
        stream.set_nonblocking(false)?;
        stream.write_all(b"out")?;
        drop(stream);
        let mut text = String::new();
        peer.read_to_string(&mut text)?;
        assert_eq!(text, "inout");
        Ok(())
    })
}

#[test]
fn options_can_be_set_and_asked_for() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        here.set_nodelay(true)?;
        assert!(here.nodelay()?);
        assert_eq!(here.peer_addr()?, there.local_addr()?);
        assert!(format!("{here:?}").starts_with("TcpStream"));
        Ok(())
    })
}

#[test]
fn bind_tries_one_address_after_the_other() -> io::Result<()> {
    run(async {
        let taken = TcpListener::bind("127.0.0.1:0")?.into_std();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(&[taken.local_addr()?, free][..])?;
        assert_ne!(listener.local_addr()?, taken.local_addr()?);
        Ok(())
    })
}

#[test]
fn a_task_that_wakes_itself_does_not_starve_a_socket() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let server = spawn(async move { echo(&there).await });
        let over = Rc::new(Cell::new(false));
        for _ in 0..3 {
            let over = over.clone();
            spawn(async move {
                while !over.get() {
                    yield_now().await;
                }
            });
        }
        let mut byte = [0];
        for n in 0..50 {
            here.write_all(&[n]).await?;
            read_exact(&here, &mut byte).await?;
            assert_eq!(byte, [n]);
        }
        over.set(true);
        drop(here);
        server.await.expect("nobody panics")
    })
}

/// B7: libuv, "don't accept() connections in a loop". A full queue of connections lets those that are there get on: a turn
/// is over when somebody did 64 operations in one poll.
#[test]
fn an_accept_loop_that_never_waits_starves_no_connection() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(500)?;
        let listener = TcpListener::try_from(net::TcpListener::from(listener))?;
        let address = listener.local_addr()?;
        let newcomers: Vec<_> = (0..400).map(|_| net::TcpStream::connect(address)).collect::<Result<_, _>>()?;
        let server = spawn(async move { echo(&there).await });
        let accepted = Rc::new(Cell::new(0));
        here.write_all(b"x").await?;
        let counter = accepted.clone();
        let acceptor = spawn(async move {
            let mut streams = Vec::new();
            while counter.get() < 400 {
                streams.push(listener.accept().await);
                counter.set(counter.get() + 1);
            }
            streams.into_iter().all(|stream| stream.is_ok())
        });
        read_exact(&here, &mut [0]).await?;
        assert!(accepted.get() <= 2 * 64, "{} were accepted before", accepted.get());
        assert!(acceptor.await.expect("nobody panics"));
        drop((here, newcomers));
        server.await.expect("nobody panics")
    })
}

#[test]
fn a_read_into_more_buffers_than_the_system_takes_is_no_short_one() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        there.write_all(&[7; 2000]).await?;
        for _ in 0..9 {
            turn().await; // the event that tells of the bytes comes, and no further one
        }
        let mut bytes = [0; 1100];
        let mut buffers: Vec<_> = bytes.chunks_mut(1).map(io::IoSliceMut::new).collect();
        let mut n = poll_fn(|cx| Pin::new(&mut &here).poll_read_vectored(cx, &mut buffers)).await?;
        while n < 2000 {
            n += here.read(&mut [0; 2000]).await?;
        }
        Ok(())
    })
}

#[test]
fn more_buffers_than_the_system_takes_are_written_in_part() -> io::Result<()> {
    run(async {
        let (here, there) = tcp_pair().await?;
        let slices = vec![io::IoSlice::new(b"x"); 1100];
        let written = poll_fn(|cx| Pin::new(&mut &here).poll_write_vectored(cx, &slices)).await?;
        assert!((1..=1100).contains(&written), "{written}");
        let mut bytes = vec![0; written];
        read_exact(&there, &mut bytes).await
    })
}

/// Trio's history (listeners on macOS): a peer gives up and resets the connection while it is in the queue. Linux hands it
/// out, others do not.
#[test]
fn connections_that_were_reset_in_the_queue_end_no_other() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut clients = Vec::new();
        for n in 0..20 {
            let client = net::TcpStream::connect(listener.local_addr()?)?;
            if n % 2 == 0 {
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO))?; // reset when it is dropped
            } else {
                clients.push(client);
            }
        }
        let mut served = 0;
        while served < clients.len() {
            let (stream, address) = listener.accept().await?;
            match stream.write_all(b"hello").await {
                Ok(()) => served += usize::from(clients.iter().any(|client| client.local_addr().ok() == Some(address))),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)),
            }
        }
        for mut client in clients {
            client.read_exact(&mut [0; 5])?;
        }
        Ok(())
    })
}
