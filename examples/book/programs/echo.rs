//! The second program of step 9: an echo server and its clients, on one thread.

use super::{Async, Clock, block_on, spawn};
use std::cell::Cell;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

// ANCHOR: echo
const CLIENTS: usize = 3;

/// Gives everything back until the peer writes no more.
async fn serve(stream: TcpStream) -> io::Result<()> {
    let stream = Async::new(stream)?;
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        let mut written = 0;
        while written < n {
            written += stream.write(&buffer[written..n]).await?;
        }
    }
}

/// Sends each word when the one before has come back. Gives how many bytes came back.
async fn talk(stream: TcpStream, words: [&str; 3]) -> io::Result<usize> {
    let stream = Async::new(stream)?;
    let (mut buffer, mut total) = ([0; 1024], 0);
    for word in words {
        stream.write(word.as_bytes()).await?; // a few bytes: there is room
        let mut back = 0;
        while back < word.len() {
            back += stream.read(&mut buffer).await?;
        }
        total += back;
    }
    Ok(total)
}

pub(crate) fn echo() -> io::Result<()> {
    let total = Rc::new(Cell::new(0));
    let count = total.clone();
    block_on(Clock::Real, async move {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let listener = Async::new(listener)?;
        for _ in 0..CLIENTS {
            let stream = TcpStream::connect(address)?; // this blocks, but not here
            let count = count.clone();
            spawn(async move {
                let back =
                    talk(stream, ["to", "and", "fro"]).await.expect("the server gives it back");
                count.set(count.get() + back);
            });
        }
        for _ in 0..CLIENTS {
            let stream = listener.accept().await?;
            spawn(async { serve(stream).await.expect("the client reads it") });
        }
        io::Result::Ok(())
    })??;
    println!("{CLIENTS} clients got {} bytes back", total.get());
    Ok(())
}
// ANCHOR_END: echo
