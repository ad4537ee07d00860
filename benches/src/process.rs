//! Other programs, run to their end or to the end of our patience.
//!
//! Before: nothing. After: `rounds.rs`, `counted.rs`.

use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Longer than any sample takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// What the program printed; killed if it takes too long.
pub fn run(command: &mut Command) -> io::Result<Ended> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = child.id();
    let (ended, hears) = channel::<()>();
    let watch = thread::spawn(move || {
        if let Err(RecvTimeoutError::Timeout) = hears.recv_timeout(PATIENCE)
            && let Some(pid) = Pid::from_raw(pid as i32)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output();
    drop(ended);
    let _ = watch.join();
    let output = output?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) })
}
