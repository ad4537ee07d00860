use rustix::event::epoll::{self, EventData, EventFlags};
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:7007")?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut events = [MaybeUninit::<epoll::Event>::uninit(); 1024];
    loop {
        let (ready, _) = epoll::wait(&epoll, &mut events, None)?;
        for event in ready {
            let key = event.data.u64();
            if key != LISTENER {
                let place = &mut streams[key as usize];
                if !place.as_mut().is_some_and(|stream| echo(stream).unwrap_or(false)) {
                    *place = None;
                }
                continue;
            }
            let Ok((stream, _)) = listener.accept() else { continue };
            stream.set_nonblocking(true)?;
            let key = stream.as_raw_fd() as usize;
            epoll::add(&epoll, &stream, EventData::new_u64(key as u64), EventFlags::IN)?;
            if streams.len() <= key {
                streams.resize_with(key + 1, || None);
            }
            streams[key] = Some(stream);
        }
    }
}

fn echo(stream: &mut TcpStream) -> io::Result<bool> {
    let mut buffer = [0; 1024];
    match stream.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(n) => Ok(stream.write(&buffer[..n])? == n),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}
