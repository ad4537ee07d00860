//! On what it was measured, with what, and when.
//!
//! Before: nothing. After: `results.rs`.

use serde::{Deserialize, Serialize};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub rustc: String,
    pub python: String,
    /// Of this repository; with a `+` if it was measured with changes on top.
    pub commit: String,
    pub date: String,
    /// Of the peers.
    pub versions: Vec<(String, String)>,
}

/// The crates that a reader wants to know the version of.
const PEERS: [&str; 10] = [
    "tokio",
    "async-executor",
    "async-io",
    "monoio",
    "futures-util",
    "futures-buffered",
    "moro-local",
    "futures-lite",
    "async-channel",
    "rustix",
];

impl Machine {
    pub fn look() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let dirty = !first_line("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
        let mut versions = locked_versions();
        let trio = first_line(&python(), &["-c", "import trio; print(trio.__version__)"]);
        if !trio.is_empty() {
            versions.push(("trio".to_string(), trio));
        }
        Self {
            cpu: cpu.map_or("unknown", |(_, name)| name).to_string(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: format!("Linux {}", kernel.trim()),
            rustc: first_line("rustc", &["-V"]),
            python: first_line(&python(), &["-V"]),
            commit: first_line("git", &["rev-parse", "--short=10", "HEAD"]) + if dirty { "+" } else { "" },
            date: first_line("date", &["-u", "+%F"]),
            versions,
        }
    }
}

/// What the binary was built with.
fn locked_versions() -> Vec<(String, String)> {
    let lock = include_str!("../../Cargo.lock");
    let packages = lock.split("[[package]]").filter_map(|package| {
        let value = |key: &str| package.lines().find_map(|line| line.strip_prefix(key)?.strip_suffix('"'));
        Some((value("name = \"")?.to_string(), value("version = \"")?.to_string()))
    });
    let packages: Vec<_> = packages.collect();
    let newest = |name: &&str| packages.iter().rfind(|package| package.0 == *name).cloned();
    PEERS.iter().filter_map(newest).collect()
}

/// Empty if the program is absent or fails.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(repository()).output();
    let output = output.ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_string()
}

/// Which Python the programs in `python/` are run with.
pub fn python() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".to_string())
}

/// Whether a program can be called.
pub fn has(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

/// Where this repository is.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of it")
}

/// Where results go.
pub fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    target.join("bench")
}
