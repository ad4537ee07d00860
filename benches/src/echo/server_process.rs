//! The server, seen from the load: where it listens, what it has used.
//!
//! Before: `servers.rs`, what runs in it. After: `load.rs`, `idle.rs`.
//!
//! Its CPU and memory are read from `/proc`, so that it needs no code to tell them.

use rustix::param::page_size;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::env::current_exe;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::available_parallelism;

pub struct ServerProcess {
    /// The server, or the strace around it.
    child: Child,
    /// Of the server.
    pid: u32,
    pub address: SocketAddr,
    /// Where strace writes, if it does.
    counts: Option<PathBuf>,
}

impl ServerProcess {
    pub fn start(peer: &str, workload: &str, strace: bool) -> io::Result<Self> {
        let exe = current_exe()?;
        let counts = strace.then(|| std::env::temp_dir().join(format!("echo-{}.strace", std::process::id())));
        let mut command = match &counts {
            None => Command::new(&exe),
            Some(file) => {
                let mut command = Command::new("strace");
                command.args(["-c", "-f", "-o"]).arg(file).arg(&exe);
                command
            }
        };
        let mut child = command.args(["serve", peer, workload]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::parse::<u32>);
        let (Some(Ok(port)), Some(Ok(pid))) = (words.next(), words.next()) else {
            return Err(io::Error::new(ErrorKind::InvalidData, format!("the server said {line:?}")));
        };
        Ok(Self { child, pid, address: (Ipv4Addr::LOCALHOST, port as u16).into(), counts })
    }

    /// Nanoseconds of CPU, of all its threads.
    pub fn cpu(&self) -> io::Result<f64> {
        let mut sum = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            sum += first_number(&task?.path().join("schedstat"), 0)?;
        }
        Ok(sum)
    }

    /// Bytes of memory.
    pub fn resident(&self) -> io::Result<f64> {
        Ok(first_number(Path::new(&format!("/proc/{}/statm", self.pid)), 1)? * page_size() as f64)
    }

    /// Ends the server and says how many system calls it made, if they were counted.
    pub fn end(mut self) -> io::Result<Option<f64>> {
        self.kill()?;
        let Some(file) = self.counts.take() else { return Ok(None) };
        let text = fs::read_to_string(&file)?;
        fs::remove_file(&file)?;
        Ok(crate::counted::total_calls(&text))
    }

    fn kill(&mut self) -> io::Result<()> {
        if let Some(pid) = Pid::from_raw(self.pid as i32) {
            kill_process(pid, Signal::TERM)?;
        }
        self.child.wait().map(drop)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.kill(); // it ends with its parent's terminal otherwise
        }
    }
}

fn first_number(file: &Path, place: usize) -> io::Result<f64> {
    let text = fs::read_to_string(file)?;
    let number = text.split_whitespace().nth(place).and_then(|number| number.parse().ok());
    number.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, format!("{}: {text:?}", file.display())))
}

/// Keeps this process on one CPU, where there are two: the server on the first, the load on the second.
pub fn pin(cpu: usize) {
    if available_parallelism().is_ok_and(|cpus| cpus.get() > 1) {
        let mut set = CpuSet::new();
        set.set(cpu);
        let _ = sched_setaffinity(None, &set); // where that is forbidden, it is not done
    }
}

/// As many descriptors as this process may have.
pub fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if raised.is_ok() { limit.maximum } else { limit.current }.unwrap_or(u64::MAX)
}
