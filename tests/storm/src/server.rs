//! A server in a process of its own, and what can be seen of it from outside.
//!
//! Before: `findings.rs`. After: `peers.rs`.

use crate::findings::Findings;
use std::env::current_exe;
use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use taskgroup::BoxError;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Of the inspector, if it has one.
    inspected: Option<PathBuf>,
}

/// What a server holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) descriptors: usize,
    pub(crate) tasks: usize,
    pub(crate) timers: u64,
    pub(crate) sockets: u64,
}

impl Server {
    /// Starts `name`, which lies beside this program and says where it listens.
    pub(crate) fn start(name: &str, arguments: &[&str], inspect: bool) -> Result<Self, BoxError> {
        let inspected = inspect.then(|| std::env::temp_dir().join(format!("storm-{}.socket", std::process::id())));
        let mut command = Command::new(program(name)?);
        command.args(arguments);
        if let Some(socket) = &inspected {
            command.arg("--inspect").arg(socket);
        }
        Self::run(command, inspected)
    }

    /// The same with so many open files, and no inspector.
    pub(crate) fn start_with_files(name: &str, arguments: &[&str], files: u32) -> Result<Self, BoxError> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]).arg(program(name)?).args(arguments);
        Self::run(command, None)
    }

    fn run(mut command: Command, inspected: Option<PathBuf>) -> Result<Self, BoxError> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut out = BufReader::new(child.stdout.take().ok_or("it has no output")?);
        let mut line = String::new();
        out.read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().and_then(|address| address.parse().ok());
        let Some(address) = address else { return Err(format!("the server said {line:?}").into()) };
        std::thread::spawn(move || io::copy(&mut out, &mut io::sink())); // a full pipe would hold it up
        Ok(Self { child, address, inspected })
    }

    /// As the kernel and its inspector see it. Both count what asking costs, so two of these can be compared.
    pub(crate) fn holdings(&self) -> Result<Holdings, BoxError> {
        let Some(socket) = &self.inspected else { return Err("it is not inspected".into()) };
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"json\n")?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        let seen: serde_json::Value = serde_json::from_str(&line)?;
        let number = |key: &str| seen[key].as_u64().ok_or(format!("no number {key:?} in {line}"));
        let tasks = seen["tasks"].as_array().map_or(0, Vec::len) + seen["left_out"].as_u64().unwrap_or(0) as usize;
        Ok(Holdings { descriptors: self.descriptors()?, tasks, timers: number("timers")?, sockets: number("sockets")? })
    }

    /// Waits until it holds what it held, for a while: it may not have seen the end of all connections yet.
    pub(crate) fn settles_at(&self, before: Holdings, findings: &mut Findings) -> Result<(), BoxError> {
        let end = Instant::now() + Duration::from_secs(10);
        let mut after = self.holdings()?;
        while after != before && Instant::now() < end {
            sleep(Duration::from_millis(50));
            after = self.holdings()?;
        }
        findings.exactly("descriptors afterwards", after.descriptors, before.descriptors);
        findings.exactly("tasks afterwards", after.tasks, before.tasks);
        findings.exactly("timers afterwards", after.timers, before.timers);
        findings.exactly("registered sockets afterwards", after.sockets, before.sockets);
        Ok(())
    }

    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// Kilobytes.
    pub(crate) fn resident(&self) -> Result<u64, BoxError> {
        self.status("VmRSS:")
    }

    /// How often it has given up its CPU to wait: once a turn, if it has nothing else to do.
    pub(crate) fn waits(&self) -> Result<u64, BoxError> {
        self.status("voluntary_ctxt_switches:")
    }

    fn status(&self, key: &str) -> Result<u64, BoxError> {
        let text = fs::read_to_string(self.proc("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such line in its status")?;
        Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(socket) = &self.inspected {
            let _ = fs::remove_file(socket);
        }
    }
}

fn program(name: &str) -> Result<PathBuf, BoxError> {
    let path = current_exe()?.with_file_name(name);
    if path.is_file() {
        return Ok(path);
    }
    let why = format!("{} is not there: build the servers first (cargo build --release --bin {name})", path.display());
    Err(io::Error::new(ErrorKind::NotFound, why).into())
}
