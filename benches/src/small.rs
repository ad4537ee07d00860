//! Smallness: what it takes to build a program with each peer, how large it is, and how many threads it runs.
//!
//! Before: `../small/*/*.rs`, the programs. After: `driver.rs`.
//!
//! Each is a package of its own under `target/bench/small`, with the features that it needs and no others, and with the
//! versions of our `Cargo.lock`. What must be downloaded is, before the clock starts.

use crate::machine::{repository, target};
use crate::progress::Progress;
use crate::results::{Pass, Results};
use crate::sample::Sample;
use rustix::param::clock_ticks_per_second;
use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, io};

/// An echo server with each.
pub const ECHO: &str = "small/1";

/// As little as a runtime can be asked for: tasks and sleeps.
pub const MINIMAL: &str = "small-minimal/1";

/// And all that a tool needs: sockets, a child process, a call that blocks, Ctrl-C.
pub const FULL: &str = "small-full/1";

/// The rows, for `--only` and `list`.
pub const ROWS: [(&str, &str); 3] = [
    (ECHO, "echo servers, built"),
    (MINIMAL, "tasks and sleeps, built"),
    (FULL, "sockets, a process, a blocking call and Ctrl-C, built"),
];

struct Build {
    row: &'static str,
    peer: &'static str,
    dependencies: &'static str,
    program: &'static str,
}

macro_rules! builds {
    ($($row:ident $folder:literal $peer:literal: $dependencies:literal;)*) => {
        &[$(Build {
            row: $row,
            peer: $peer,
            dependencies: $dependencies,
            program: include_str!(concat!("../small/", $folder, "/", $peer, ".rs")),
        }),*]
    };
}

/// `std` is a program that does nothing: what every binary weighs.
const BUILDS: &[Build] = builds! {
    ECHO "echo" "std": "";
    ECHO "echo" "raw": r#"rustix = { version = "1", features = ["event"] }"#;
    ECHO "echo" "taskgroup":
        r#"taskgroup = { path = "{repository}/taskgroup", default-features = false, features = ["net"] }"#;
    ECHO "echo" "tokio": r#"tokio = { version = "1", features = ["io-util", "net", "rt"] }"#;
    ECHO "echo" "smol": "async-executor = \"1\"\nasync-io = \"2\"\nfutures-lite = \"2\"";
    ECHO "echo" "monoio": r#"monoio = { version = "0.2", default-features = false, features = ["async-cancel", "legacy"] }"#;
    MINIMAL "minimal" "taskgroup": r#"taskgroup = { path = "{repository}/taskgroup", default-features = false }"#;
    MINIMAL "minimal" "tokio": r#"tokio = { version = "1", features = ["rt", "time"] }"#;
    MINIMAL "minimal" "smol": "async-executor = \"1\"\nasync-io = \"2\"";
    FULL "full" "taskgroup":
        r#"taskgroup = { path = "{repository}/taskgroup", features = ["anyhow", "blocking", "inspect", "process", "tracing"] }"#;
    FULL "full" "tokio": r#"tokio = { version = "1", features = ["io-util", "net", "process", "rt", "signal", "time"] }"#;
    FULL "full" "smol": "smol = \"2\"\nasync-signal = \"0.2\"";
};

/// Crates (all that are built here, the program included), seconds of a clean release build, bytes of the stripped
/// program, those over a bare program of std, and threads while it runs.
pub fn measure(rows: &[&str], repeats: u64, results: &mut Results) -> Result<(), Box<dyn Error>> {
    let builds: Vec<_> = BUILDS.iter().filter(|build| build.peer == "std" || rows.contains(&build.row)).collect();
    for row in rows {
        results.forget(row, Pass::Small);
    }
    let mut progress = Progress::new("builds", repeats * builds.len() as u64);
    let mut bare = 0.0;
    for round in 0..repeats {
        for build in &builds {
            progress.step(format!("{} {}", build.row, build.peer));
            let package = Package::new(build);
            if round == 0 {
                package.write(build)?;
                cargo(&package.folder, &["fetch"])?;
            }
            let mut values = package.build()?;
            if build.peer == "std" {
                bare = values["bytes"];
            }
            values.insert("over_std".to_string(), values["bytes"] - bare);
            if !rows.contains(&build.row) {
                continue; // std, which the others are measured from
            }
            let (workload, peer) = (build.row.trim_end_matches("/1").to_string(), build.peer.to_string());
            let sample = Sample { workload, peer, n: 1, operations: 1, values: values.into_iter().collect() };
            results.add(build.row, Pass::Small, sample);
        }
    }
    Ok(())
}

struct Package {
    folder: PathBuf,
    name: String,
}

impl Package {
    fn new(build: &Build) -> Self {
        let name = format!("{}-{}", build.row.trim_end_matches("/1"), build.peer);
        Self { folder: target().join("small").join(&name), name }
    }

    fn write(&self, build: &Build) -> Result<(), Box<dyn Error>> {
        let repository = repository().canonicalize()?;
        let dependencies = build.dependencies.replace("{repository}", &repository.to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [profile.release]\nstrip = true\n\n[dependencies]\n{dependencies}\n",
            self.name
        );
        fs::create_dir_all(self.folder.join("src"))?;
        fs::write(self.folder.join("Cargo.toml"), manifest)?;
        fs::write(self.folder.join("src/main.rs"), build.program)?;
        fs::copy(repository.join("Cargo.lock"), self.folder.join("Cargo.lock"))?; // Cargo strikes out what is not needed
        Ok(())
    }

    fn build(&self) -> Result<HashMap<String, f64>, Box<dyn Error>> {
        let folder = &self.folder;
        cargo(folder, &["clean"])?;
        let (start, cpu) = (Instant::now(), cpu_of_children()?);
        cargo(folder, &["build", "--release", "--offline"])?;
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_of_children()? - cpu);
        let tree = ["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
        let crates = cargo(folder, &tree)?.lines().map(str::to_string).collect::<BTreeSet<_>>().len();
        let program = folder.join("target/release").join(&self.name);
        let (bytes, threads) = (fs::metadata(&program)?.len() as f64, threads(&program)?);
        let values = [("crates", crates as f64), ("wall", wall), ("cpu", cpu), ("bytes", bytes), ("threads", threads)];
        Ok(values.map(|(metric, value)| (metric.to_string(), value)).into())
    }
}

/// The most threads of the program in its first quarter of a second. The programs last longer than that, or do nothing.
fn threads(program: &Path) -> io::Result<f64> {
    let mut child = Command::new(program).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let (status, mut most) = (format!("/proc/{}/status", child.id()), 1.0f64);
    let end = Instant::now() + Duration::from_millis(250);
    while Instant::now() < end {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let threads = text.lines().find_map(|line| line.strip_prefix("Threads:")?.trim().parse().ok());
        most = most.max(threads.unwrap_or(0.0));
        sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    Ok(most)
}

/// What cargo printed.
fn cargo(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).args(["--quiet", "--target-dir", "target"]).current_dir(folder).stdin(Stdio::null());
    if matches!(arguments, ["fetch" | "tree", ..]) {
        command = Command::new(command.get_program());
        command.args(arguments).arg("--quiet").current_dir(folder).stdin(Stdio::null());
    }
    let output = command.env_remove("RUSTFLAGS").output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Seconds of CPU of all processes that we have waited for, and of those that they have.
fn cpu_of_children() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Ok(ticks.sum::<u64>() as f64 / clock_ticks_per_second() as f64)
}
