//! UDP sockets.
#![forbid(unsafe_code)]

mod support;

use std::io::{self, ErrorKind};
use std::net;
use support::{poll_once, run, turn};
use taskgroup_runtime::net::UdpSocket;
use taskgroup_runtime::spawn;

const HERE: &str = "127.0.0.1:0";

#[test]
fn what_is_sent_to_an_echo_server_comes_back() -> io::Result<()> {
    run(async {
        let (here, there) = (UdpSocket::bind(HERE)?, UdpSocket::bind(HERE)?);
        let server = there.local_addr()?;
        let echo = spawn(async move {
            let mut datagram = [0; 64];
            loop {
                let (n, sender) = there.recv_from(&mut datagram).await?;
                if n == 0 {
                    return io::Result::Ok(());
                }
                there.send_to(&datagram[..n], sender).await?;
            }
        });
        let mut answer = [0; 64];
        for message in [&b"one"[..], b"two", b"three"] {
            here.send_to(message, server).await?;
            assert_eq!(here.recv_from(&mut answer).await?, (message.len(), server));
            assert_eq!(&answer[..message.len()], message);
        }
        here.send_to(b"", server).await?;
        echo.await.expect("nobody panics")
    })
}

#[test]
fn a_connected_socket_hears_only_its_peer() -> io::Result<()> {
    run(async {
        let (here, there, stranger) = (UdpSocket::bind(HERE)?, UdpSocket::bind(HERE)?, UdpSocket::bind(HERE)?);
        here.connect(there.local_addr()?)?;
        assert_eq!(here.peer_addr()?, there.local_addr()?);
        stranger.send_to(b"strange", here.local_addr()?).await?;
        there.send_to(b"known", here.local_addr()?).await?;
        let mut datagram = [0; 64];
        assert_eq!(here.recv(&mut datagram).await?, 5);
        assert_eq!(here.send(b"thanks").await?, 6);
        assert_eq!(there.recv_from(&mut datagram).await?, (6, here.local_addr()?));
        Ok(())
    })
}

#[test]
fn a_datagram_to_nobody_is_an_error_of_the_next_call() -> io::Result<()> {
    run(async {
        let here = UdpSocket::bind(HERE)?;
        here.connect(net::UdpSocket::bind(HERE)?.local_addr()?)?; // who is gone
        here.send(b"hello?").await?;
        let refused = here.recv(&mut [0; 64]).await;
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
        Ok(())
    })
}

#[test]
fn a_recv_dropped_after_it_was_woken_loses_no_datagram() -> io::Result<()> {
    run(async {
        let (here, there) = (UdpSocket::bind(HERE)?, UdpSocket::bind(HERE)?);
        let (mut first, mut second) = ([0; 8], [0; 8]);
        let mut recv = Box::pin(there.recv(&mut first));
        assert!(poll_once(recv.as_mut()).await.is_pending());
        here.send_to(b"hello", there.local_addr()?).await?;
        turn().await;
        drop(recv);
        assert_eq!(there.recv(&mut second).await?, 5);
        Ok(())
    })
}
