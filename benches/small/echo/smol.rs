use async_executor::LocalExecutor;
use async_io::{Async, block_on};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let executor = LocalExecutor::new();
    block_on(executor.run(async {
        let listener = Async::<TcpListener>::bind(SocketAddr::from(([127, 0, 0, 1], 7007)))?;
        loop {
            let (stream, _) = listener.accept().await?;
            executor.spawn(echo(stream)).detach();
        }
    }))
}

async fn echo(mut stream: Async<TcpStream>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}
