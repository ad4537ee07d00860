//! Looks names up, all at the same time.
//!
//! ```text
//! cargo run --bin dns_lookup -- localhost example.org
//! ```
//!
//! Shows blocking calls: the system's look-up blocks, so it is done on other threads (`unblock`), and this one waits for as
//! many at once as it likes, with a limit and a timeout each. A look-up that is given up goes on there; nobody waits for it.
//!
//! Look at [`look_up_all`].
#![allow(clippy::print_stdout, reason = "a program prints")]

#[path = "support/run_options.rs"]
mod run_options;

use lexopt::prelude::*;
use run_options::RunOptions;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::net::resolve;
use taskgroup::{BoxError, Elapsed, ExceptionGroup, Runtime, task_group, timeout};

const HELP: &str = "\
Looks names up, all at the same time.

Usage: dns_lookup [OPTIONS] NAME...

  --at-most N      so many at once [default: 50]
  --timeout S      seconds for each [default: 5]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

Prints a line for each name that has addresses, in the order of the arguments, and then what failed and why.

Exit status: 0 if all names have addresses, 1 if not, 2 if the arguments are wrong.
";

struct Options {
    names: Vec<String>,
    at_most: usize,
    timeout: Duration,
    run: RunOptions,
}

impl Options {
    /// `None`: help was asked for.
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (run, timeout) = (RunOptions::default(), Duration::from_secs(5));
        let mut options = Self { names: Vec::new(), at_most: 50, timeout, run };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("at-most") => options.at_most = parser.value()?.parse()?,
                Long("timeout") => {
                    let seconds = Duration::try_from_secs_f64(parser.value()?.parse()?).ok();
                    options.timeout = seconds.ok_or("--timeout takes seconds, such as 2.5")?;
                }
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(name) => options.names.push(name.string()?),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.names.is_empty() {
            return Err("name what to look up".into());
        }
        if options.at_most == 0 {
            return Err("--at-most is 1 at least".into());
        }
        Ok(Some(options))
    }
}

#[derive(Debug, thiserror::Error)]
enum LookUpError {
    #[error("{0}")]
    Unknown(#[from] io::Error),
    #[error("no addresses")]
    Empty,
    #[error("no answer within {:?}", .0.limit())]
    Silent(#[from] Elapsed),
}

/// The addresses of each name, and the errors of those that have none.
async fn look_up_all(options: &Options) -> (Vec<(&str, Vec<IpAddr>)>, Option<ExceptionGroup<LookUpError>>) {
    let found = RefCell::new(vec![None; options.names.len()]);
    let all = task_group(async |g| {
        g.collect_all(); // one that fails ends nobody else
        g.limit(options.at_most);
        for (place, name) in options.names.iter().enumerate() {
            let found = &found;
            g.spawn(async move {
                let addresses = timeout(options.timeout, look_up(name)).await??;
                found.borrow_mut()[place] = Some(addresses);
                Ok(())
            })
            .named(name.as_str());
        }
        Ok(())
    });
    let errors = all.await.err();
    let names = options.names.iter().map(String::as_str);
    let found = names.zip(found.into_inner()).filter_map(|(name, addresses)| Some((name, addresses?))).collect();
    (found, errors)
}

async fn look_up(name: &str) -> Result<Vec<IpAddr>, LookUpError> {
    // The port does not matter, but the system's function wants one. (A name may be an IPv6 address.)
    let with_port =
        if name.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) { format!("[{name}]:0") } else { format!("{name}:0") };
    let mut addresses: Vec<_> = resolve(with_port).await?.iter().map(|address| address.ip()).collect();
    addresses.dedup();
    if addresses.is_empty() { Err(LookUpError::Empty) } else { Ok(addresses) }
}

fn run(options: &Options) -> Result<ExitCode, BoxError> {
    let runtime = Runtime::new();
    options.run.begin(&runtime)?;
    let (found, errors) = runtime.try_block_on(look_up_all(options))?;
    let mut text = String::new();
    for (name, addresses) in &found {
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        writeln!(text, "{name}: {}", addresses.join(" "))?;
    }
    io::stdout().write_all(text.as_bytes())?;
    options.run.finish()?;
    let Some(errors) = errors else { return Ok(ExitCode::SUCCESS) };
    writeln!(io::stderr(), "dns_lookup: {} of {} not found", errors.leaves().count(), options.names.len())?;
    for leaf in errors.leaves() {
        writeln!(io::stderr(), "- {}: {}", leaf.task().map_or("?".into(), |task| task.name()), leaf.error())?;
    }
    Ok(ExitCode::FAILURE)
}

fn complain(text: &str) {
    _ = writeln!(io::stderr(), "dns_lookup: {text}");
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&format!("{error} (see --help)"));
            return ExitCode::from(2);
        }
    };
    run(&options).unwrap_or_else(|error| {
        complain(&error.to_string());
        ExitCode::FAILURE
    })
}
