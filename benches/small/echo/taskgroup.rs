use std::io;
use taskgroup::net::{TcpListener, TcpStream};
use taskgroup::{BoxError, block_on, task_group};

fn main() -> Result<(), BoxError> {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:7007".parse::<std::net::SocketAddr>()?)?;
        task_group::<BoxError, (), _>(async |g| {
            loop {
                let (stream, _) = listener.accept().await?;
                g.spawn(async move { drop(echo(stream).await) });
            }
        })
        .await?;
        Ok(())
    })
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
