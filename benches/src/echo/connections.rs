//! The client: connections on an epoll of its own, with one request under way on each.
//!
//! Before: nothing. After: `http.rs`, `load.rs`, `idle.rs`.

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What each connection asks over and over.
#[derive(Clone)]
pub struct Question {
    pub request: &'static [u8],
    /// Bytes of its answer, which is always as long.
    pub answer: usize,
}

/// To an echo server.
pub const ECHO: Question = Question { request: &[0x5a; 64], answer: 64 };

pub struct Connections {
    epoll: OwnedFd,
    streams: Vec<TcpStream>,
    sent: Vec<Instant>,
    question: Question,
}

impl Connections {
    /// One after the other: a listener's queue is short, and who does not fit in waits for a second.
    pub fn open(address: SocketAddr, n: u64, question: Question) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut streams = Vec::new();
        for number in 0..n {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            set_socket_linger(&stream, Some(Duration::ZERO))?; // closed at once, leaving no port behind
            epoll::add(&epoll, &stream, EventData::new_u64(number), EventFlags::IN)?;
            streams.push(stream);
        }
        let sent = vec![Instant::now(); streams.len()];
        Ok(Self { epoll, streams, sent, question })
    }

    /// Sends so many requests and waits for all answers. Each connection sends its next when it has its answer. How
    /// long each took, in nanoseconds.
    pub fn exchange(&mut self, requests: u64) -> io::Result<Vec<f64>> {
        let mut latencies = Vec::with_capacity(requests as usize);
        let mut left = requests;
        let mut events = [MaybeUninit::<epoll::Event>::uninit(); 1024];
        let mut buffer = vec![0; self.question.answer];
        for connection in 0..self.streams.len() {
            self.send(connection, &mut left)?;
        }
        while latencies.len() < requests as usize {
            let (ready, _) = match epoll::wait(&self.epoll, &mut events, None) {
                Err(Errno::INTR) => continue,
                waited => waited?,
            };
            for event in ready {
                let connection = event.data.u64() as usize;
                (&self.streams[connection]).read_exact(&mut buffer)?;
                latencies.push(self.sent[connection].elapsed().as_nanos() as f64);
                self.send(connection, &mut left)?;
            }
        }
        Ok(latencies)
    }

    fn send(&mut self, connection: usize, left: &mut u64) -> io::Result<()> {
        if *left > 0 {
            *left -= 1;
            self.sent[connection] = Instant::now();
            (&self.streams[connection]).write_all(self.question.request)?;
        }
        Ok(())
    }
}
