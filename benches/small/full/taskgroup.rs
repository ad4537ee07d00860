use std::io;
use std::net::SocketAddr;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::process::Command;
use taskgroup::signal::ctrl_c;
use taskgroup::{ExceptionGroup, block_on, task_group, unblock};

fn main() -> Result<(), ExceptionGroup<io::Error>> {
    block_on(task_group(async |g| {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        g.spawn(async move {
            let (stream, _) = listener.accept().await?;
            echo(stream).await
        });
        let client = TcpStream::connect(address).await?;
        client.write_all(b"hello").await?;
        client.read(&mut [0; 5]).await?;
        Command::new("true").status().await?;
        unblock(|| std::fs::read("/dev/null")).await?;
        ctrl_c().await?;
        g.cancel("interrupted");
        Ok(())
    }))
}

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}
