//! Smallness: what it takes to build an echo server with each peer, and how large it is.
//!
//! Before: `../small/*.rs`, the servers. After: `driver.rs`.
//!
//! Each is a package of its own under `target/bench/small`, with the features that its server needs and no others, and
//! with the versions of our `Cargo.lock`. What must be downloaded is, before the clock starts.

use crate::machine::{repository, target};
use crate::progress::Progress;
use crate::results::{Pass, Results};
use crate::sample::Sample;
use rustix::param::clock_ticks_per_second;
use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, io};

pub const ROW: &str = "small/1";

/// Who, its dependencies, its program. `std` is a program that does nothing: what every binary weighs.
const SERVERS: [(&str, &str, &str); 6] = [
    ("std", "", include_str!("../small/std.rs")),
    ("raw", "rustix = { version = \"1\", features = [\"event\"] }", include_str!("../small/raw.rs")),
    ("taskgroup", "taskgroup = { path = \"{repository}/taskgroup\" }", include_str!("../small/taskgroup.rs")),
    (
        "tokio",
        "tokio = { version = \"1\", features = [\"io-util\", \"net\", \"rt\"] }",
        include_str!("../small/tokio.rs"),
    ),
    ("smol", "async-executor = \"1\"\nasync-io = \"2\"\nfutures-lite = \"2\"", include_str!("../small/smol.rs")),
    (
        "monoio",
        "monoio = { version = \"0.2\", default-features = false, features = [\"async-cancel\", \"legacy\"] }",
        include_str!("../small/monoio.rs"),
    ),
];

/// Crates (all that are built here, the server included), seconds of a clean release build, bytes of the stripped
/// program, and those over a bare program of std.
pub fn measure(repeats: u64, results: &mut Results) -> Result<(), Box<dyn Error>> {
    results.forget(ROW, Pass::Small);
    let mut progress = Progress::new("builds", repeats * SERVERS.len() as u64);
    let mut bare = 0.0;
    for round in 0..repeats {
        for (peer, dependencies, program) in SERVERS {
            progress.step(peer.to_string());
            let folder = target().join("small").join(peer);
            if round == 0 {
                write(&folder, peer, dependencies, program)?;
                cargo(&folder, &["fetch"])?;
            }
            let mut values = build(&folder, peer)?;
            if peer == "std" {
                bare = values["bytes"];
            }
            values.insert("over_std".to_string(), values["bytes"] - bare);
            let (workload, peer) = ("small".to_string(), peer.to_string());
            let sample = Sample { workload, peer, n: 1, operations: 1, values: values.into_iter().collect() };
            results.add(ROW, Pass::Small, sample);
        }
    }
    Ok(())
}

fn write(folder: &Path, peer: &str, dependencies: &str, program: &str) -> Result<(), Box<dyn Error>> {
    let repository = repository().canonicalize()?;
    let dependencies = dependencies.replace("{repository}", &repository.to_string_lossy());
    let manifest = format!(
        "[package]\nname = \"echo-{peer}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n{dependencies}\n"
    );
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), program)?;
    fs::copy(repository.join("Cargo.lock"), folder.join("Cargo.lock"))?; // Cargo strikes out what is not needed
    Ok(())
}

fn build(folder: &Path, peer: &str) -> Result<HashMap<String, f64>, Box<dyn Error>> {
    cargo(folder, &["clean"])?;
    let (start, cpu) = (Instant::now(), cpu_of_children()?);
    cargo(folder, &["build", "--release", "--offline"])?;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_of_children()? - cpu);
    let tree = ["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let crates = cargo(folder, &tree)?.lines().map(str::to_string).collect::<BTreeSet<_>>().len();
    let bytes = fs::metadata(folder.join(format!("target/release/echo-{peer}")))?.len();
    let values = [("crates", crates as f64), ("wall", wall), ("cpu", cpu), ("bytes", bytes as f64)];
    Ok(values.map(|(metric, value)| (metric.to_string(), value)).into())
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
