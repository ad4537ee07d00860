//! A runtime inside a real host loop: that of calloop, as window systems use it.
//!
//! ```text
//! cargo run -p taskgroup-ecosystem --bin embed_calloop
//! ```
//!
//! The host has its own sources (here a timer that ticks, where a program would have a window). One more is the runtime's
//! descriptor, which wakes the host. After whatever has woken it, the host lets the runtime turn.
//!
//! Look at [`run`], which is all of the glue.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, Mode, PostAction};
use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use taskgroup::{Async, BoxError, ExceptionGroup, Runtime, sleep, task_group};

/// What the host's callbacks share.
#[derive(Default)]
struct Host {
    ticks: u32,
}

/// The program: a task that sleeps, one that waits for bytes, and the group that waits for both.
async fn work(mut peer: UnixStream, reader: UnixStream) -> Result<String, ExceptionGroup<BoxError>> {
    task_group(async |g| {
        let reader = Async::new(reader)?;
        g.spawn(async move {
            sleep(Duration::from_millis(30)).await;
            peer.write_all(b"tea")?;
            Ok::<_, BoxError>(())
        });
        let mut bytes = [0; 16];
        let n = reader.read_with(|mut stream| stream.read(&mut bytes)).await?;
        Ok(String::from_utf8_lossy(&bytes[..n]).into_owned())
    })
    .await
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut event_loop = EventLoop::<Host>::try_new()?;
    let handle = event_loop.handle();
    let runtime = Runtime::new();

    // The host's own: here ticks.
    let ticks = handle.insert_source(Timer::immediate(), |_, (), host| {
        host.ticks += 1;
        TimeoutAction::ToInstant(Instant::now() + Duration::from_millis(5))
    });
    ticks.map_err(|error| error.to_string())?;

    // The runtime's descriptor: a duplicate, since calloop owns what it waits for. That the host is woken is enough.
    let poller = Generic::new(runtime.poller()?.try_clone_to_owned()?, Interest::READ, Mode::Level);
    let poller = handle.insert_source(poller, |_, _, _| Ok(PostAction::Continue));
    poller.map_err(|error| error.to_string())?;

    let (near, far) = UnixStream::pair()?;
    let task = runtime.spawn(work(near, far));
    let mut host = Host::default();
    loop {
        let turn = runtime.turn(Some(Duration::ZERO))?;
        if task.is_finished() {
            break;
        }
        let deadline = turn.next_deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        event_loop.dispatch(if turn.ready { Some(Duration::ZERO) } else { deadline }, &mut host)?;
    }
    let said = runtime.block_on(task)??;
    println!("the tasks say {said:?}, and the host has ticked meanwhile: {}", host.ticks > 1);
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embed_calloop: {error}");
            ExitCode::FAILURE
        }
    }
}
