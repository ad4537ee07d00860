use async_signal::{Signal, Signals};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::process::Command;
use smol::stream::StreamExt;
use smol::{LocalExecutor, block_on, unblock};
use std::io;

fn main() -> io::Result<()> {
    let executor = LocalExecutor::new();
    block_on(executor.run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = async move {
            let (stream, _) = listener.accept().await?;
            echo(stream).await
        };
        executor.spawn(server).detach();
        let mut client = TcpStream::connect(address).await?;
        client.write_all(b"hello").await?;
        client.read_exact(&mut [0; 5]).await?;
        Command::new("true").status().await?;
        unblock(|| std::fs::read("/dev/null")).await?;
        Signals::new([Signal::Int])?.next().await;
        Ok(())
    }))
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}
