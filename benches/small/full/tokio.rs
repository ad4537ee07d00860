use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::runtime::{Builder, LocalOptions};
use tokio::signal::ctrl_c;
use tokio::task::{spawn_blocking, spawn_local};

fn main() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        spawn_local(async move {
            let (stream, _) = listener.accept().await?;
            echo(stream).await
        });
        let mut client = TcpStream::connect(address).await?;
        client.write_all(b"hello").await?;
        client.read_exact(&mut [0; 5]).await?;
        Command::new("true").status().await?;
        spawn_blocking(|| std::fs::read("/dev/null")).await??;
        ctrl_c().await
    })
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
