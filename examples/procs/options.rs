//! The arguments.
//!
//! Before: nothing. After: `main.rs`.

use crate::each::Each;
use crate::foreman::WhenOneEnds;
use crate::items::Separator;
use crate::run_options::RunOptions;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Runs processes side by side: those of a Procfile, or a command for each item on standard input.

Usage: procs [OPTIONS] [PROCFILE]          [default: Procfile]
       procs [OPTIONS] -- COMMAND [ARGS]   items are lines; {} in ARGS is the item, else it goes last

  --grace S        a process that is asked to end (SIGTERM) is killed after so many seconds [default: 5]
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

With a Procfile, whose lines are `name: command` for /bin/sh, empty, or comments (#):
  --keep           when one process has ended, the others go on; otherwise they are asked to end
  --restart        the same, and one that has failed starts again, after 0.1 s, 0.2 s and so on up to a minute

With a command:
  -P, --at-most N  so many at once, from 1 to 10000 [default: one a core]
  -0, --null       items end with a NUL, not with the line
  --group          print the output of each whole, when it has ended (in parts from 16 MiB on), not line by line
  --fail-fast      the first that fails ends all

Processes read nothing, and each is a process group of its own: what it has started ends with it. Lines that are no UTF-8
are shown with replacement characters, lines of more than 8 KiB in parts; --group shows the bytes as they are.

Ctrl-C, SIGTERM and SIGHUP ask all processes to end; a second one kills them. At SIGUSR1 it says on standard error what each
task waits for.

Exit status with a Procfile: that of the first process that failed (128 and the number of the signal that killed it), 0 if
none has. With a command, as xargs: 0 if all went well, 123 if one has failed, 124 if one had exit status 255, 125 if one
was killed by a signal, 126 if it cannot be run, 127 if there is no such command; but for 123, nothing is begun after that,
and what runs goes on to its end. Both: 128 and the number of the signal that ended procs (130 after Ctrl-C), 1 if procs
itself has failed, 2 if the arguments or the Procfile are wrong: then nothing was started.
";

pub(crate) struct Options {
    pub(crate) job: Job,
    pub(crate) grace: Duration,
    pub(crate) run: RunOptions,
}

pub(crate) enum Job {
    Procfile(PathBuf, WhenOneEnds),
    Each(Each),
}

impl Options {
    /// `None`: help was asked for.
    pub(crate) fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
        let command = args.iter().position(|word| word == "--").map(|place| {
            let command = args.split_off(place + 1);
            args.pop();
            command
        });
        let mut parser = lexopt::Parser::from_args(args);
        let (mut run, mut grace, mut file) = (RunOptions::default(), Duration::from_secs(5), None);
        let mut when_one_ends = WhenOneEnds::EndAll;
        let (mut separator, mut at_once, mut fail_fast, mut whole) = (Separator::Line, None, false, false);
        // The last option of each kind of job, to be refused with the other.
        let (mut of_file, mut of_command) = (None, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("keep") => {
                    of_file = Some("--keep");
                    if when_one_ends == WhenOneEnds::EndAll {
                        when_one_ends = WhenOneEnds::Keep;
                    }
                }
                Long("restart") => (of_file, when_one_ends) = (Some("--restart"), WhenOneEnds::Restart),
                Short('P') | Long("at-most") => {
                    (of_command, at_once) = (Some("-P"), Some(number(&mut parser, "-P", 1, 10_000)?));
                }
                Short('0') | Long("null") => (of_command, separator) = (Some("-0"), Separator::Nul),
                Long("group") => (of_command, whole) = (Some("--group"), true),
                Long("fail-fast") => (of_command, fail_fast) = (Some("--fail-fast"), true),
                Long("grace") => grace = Duration::from_secs_f64(number(&mut parser, "--grace", 0.0, 86_400.0)?),
                Long("trace") => run.trace(&mut parser)?,
                Long("tree") => run.tree(),
                Long("inspect") => run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(word) if file.is_none() => file = Some(PathBuf::from(word)),
                Value(word) => {
                    return Err(format!("one argument too many: {word:?}; a command stands behind --").into());
                }
                _ => return Err(arg.unexpected()),
            }
        }
        let job = match (command, of_file, of_command) {
            (None, _, Some(option)) => {
                return Err(format!("{option} needs a command: procs {option} -- COMMAND").into());
            }
            (None, _, None) => Job::Procfile(file.unwrap_or_else(|| "Procfile".into()), when_one_ends),
            (Some(_), Some(option), _) => return Err(format!("{option} is for a Procfile, not for a command").into()),
            (Some(command), None, _) if command.is_empty() => return Err("there is no command behind --".into()),
            (Some(_), None, _) if file.is_some() => return Err("a Procfile or a command, not both".into()),
            (Some(command), None, _) => {
                let at_once = at_once.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
                Job::Each(Each { command, separator, at_once, fail_fast, whole })
            }
        };
        Ok(Some(Self { job, grace, run }))
    }
}

fn number<T>(parser: &mut lexopt::Parser, name: &str, least: T, most: T) -> Result<T, lexopt::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display> + PartialOrd + std::fmt::Display,
{
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if (&least..=&most).contains(&&number) => Ok(number),
        Ok(_) => Err(format!("{name} {text}: not from {least} to {most}").into()),
        Err(error) => Err(format!("{name} {text:?}: {error}").into()),
    }
}
