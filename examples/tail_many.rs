//! Follows several files as they grow, as `tail -F` does, with the file's name before each line.
//!
//! ```text
//! cargo run --bin tail_many -- /var/log/syslog build.log
//! ```
//!
//! Shows a task for each file, all of which look at a clock: so the same code runs in a test in virtual time, where a minute
//! of log rotation takes none.
//!
//! Look at [`Follower::look`], which notices that a file was truncated, replaced or removed, and at the tests.

#[path = "support/lane.rs"]
mod lane;
#[path = "support/run_options.rs"]
mod run_options;

use lane::Lane;
use lexopt::prelude::*;
use run_options::RunOptions;
use std::convert::Infallible;
use std::env;
use std::fmt::Display;
use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use taskgroup::{RunError, Runner, Runtime, interval};

const HELP: &str = "\
Follows files as they grow, with the name of the file before each line.

Usage: tail_many [OPTIONS] FILE...

  --interval S     look so often, in seconds, from 0.01 to 3600 [default: 0.25]
  --from-start     show what is there already, too
  --trace FILE     write the run down: .svg (a picture), .json (for Perfetto), .jsonl (the events), .txt (a timeline)
  --tree           print the task tree as it was when most tasks lived
  --inspect SOCKET show the tasks while they run: `top SOCKET` draws them
  --help           print this

A file that is not there yet is waited for. One that is truncated, or replaced by another of its name (rotated), is shown
from its start; so is one that was removed, when it is there again. A line is shown when it is complete.

Exit status: 130 after Ctrl-C, which is how it ends; 1 if standard output cannot be written to or a file not be read, 2 if
the arguments are wrong.
";

/// So much is read at once.
const CHUNK: usize = 64 * 1024;

struct Options {
    files: Vec<PathBuf>,
    period: Duration,
    from_start: bool,
    run: RunOptions,
}

impl Options {
    fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let (mut parser, period) = (lexopt::Parser::from_env(), Duration::from_millis(250));
        let mut options = Self { files: Vec::new(), period, from_start: false, run: RunOptions::default() };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("interval") => {
                    let text = parser.value()?.string()?;
                    let seconds = text.parse().ok().filter(|seconds| (0.01..=3600.0).contains(seconds));
                    let seconds = seconds.ok_or_else(|| format!("--interval {text}: not from 0.01 to 3600"))?;
                    options.period = Duration::from_secs_f64(seconds);
                }
                Long("from-start") => options.from_start = true,
                Long("trace") => options.run.trace(&mut parser)?,
                Long("tree") => options.run.tree(),
                Long("inspect") => options.run.inspect(&mut parser)?,
                Long("help") | Short('h') => return Ok(None),
                Value(file) => options.files.push(file.into()),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.files.is_empty() { Err("there is no file to follow".into()) } else { Ok(Some(options)) }
    }
}

/// A file by its name, and how far it has been shown.
struct Follower<'a> {
    path: &'a Path,
    lane: Lane,
    open: Option<(File, u64)>,
    /// Whether it was said that there is none.
    is_missed: bool,
    /// Whether what is there at the first look is left out.
    skips: bool,
}

impl<'a> Follower<'a> {
    fn new(path: &'a Path, lane: Lane, from_start: bool) -> Self {
        Self { path, lane, open: None, is_missed: false, skips: !from_start }
    }

    /// Shows what is new. Blocks, as reading a file does.
    fn look(&mut self, out: &impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let there = match fs::metadata(self.path) {
            Ok(there) if there.is_file() => Some(there),
            // To open a pipe would wait for whoever writes to it, and the other files would wait, too.
            Ok(_) => return Err(explain(self.path, io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(explain(self.path, error)),
        };
        if let Some((file, offset)) = &mut self.open {
            let ours = file.metadata()?;
            if ours.len() < *offset {
                *offset = file.seek(SeekFrom::Start(0))?;
                self.note("truncated", out)?;
            }
            self.read(out)?; // also the end of one that was replaced
            if there.as_ref().is_none_or(|there| !is_same(there, &ours)) {
                self.open = None;
                self.note(if there.is_some() { "replaced" } else { "removed" }, out)?;
                self.is_missed = there.is_none();
            }
        }
        let skips = std::mem::take(&mut self.skips);
        match there {
            Some(_) if self.open.is_none() => {
                let mut file = match File::open(self.path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()), // gone this moment
                    Err(error) => return Err(explain(self.path, error)),
                };
                let offset = file.seek(if skips { SeekFrom::End(0) } else { SeekFrom::Start(0) })?;
                (self.open, self.is_missed) = (Some((file, offset)), false);
                self.read(out)
            }
            None if !self.is_missed => {
                self.is_missed = true;
                self.note("not there yet", out)
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, out: &impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        while let Some((file, offset)) = &mut self.open {
            let n = file.read(&mut buffer).map_err(|error| explain(self.path, error))?;
            if n == 0 {
                break;
            }
            *offset += n as u64;
            out(&self.lane.push(&buffer[..n]))?;
        }
        Ok(())
    }

    /// Says what became of the file, behind a last line that has no end.
    fn note(&mut self, what: &str, out: &impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        out(&self.lane.finish())?;
        out(&self.lane.push(format!("[{what}]\n").as_bytes()))
    }

    /// Looks again and again.
    async fn follow(mut self, period: Duration, out: &impl Fn(&[u8]) -> io::Result<()>) -> io::Result<Infallible> {
        let mut ticks = interval(period);
        loop {
            ticks.tick().await;
            self.look(out)?;
        }
    }
}

fn explain(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn run(runtime: &Runtime<'_>, options: &Options) -> Result<(), RunError<io::Error>> {
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let has_colours = io::stdout().is_terminal() && !is_plain;
    let names: Vec<_> = options.files.iter().map(|file| lane::label(file.as_os_str().as_encoded_bytes())).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let out = |text: &[u8]| {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text).and_then(|()| stdout.flush());
        written.map_err(|error| io::Error::new(error.kind(), format!("cannot write to standard output: {error}")))
    };
    Runner::new(runtime).run(async |g| {
        for (number, (file, name)) in options.files.iter().zip(names).enumerate() {
            let lane = Lane::new(&name, width, has_colours.then_some(number));
            g.spawn(Follower::new(file, lane, options.from_start).follow(options.period, &out)).named(name);
        }
        Ok(())
    })
}

fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "tail_many: {text}"); // if that is gone too, nobody is left to tell
}

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => {
            let shown = io::stdout().write_all(HELP.as_bytes());
            return if shown.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Err(error) => {
            complain(format_args!("{error} (tail_many --help tells more)"));
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new();
    if let Err(error) = options.run.begin(&runtime) {
        complain(error);
        return ExitCode::from(2);
    }
    let ended = run(&runtime, &options);
    if let Err(error) = options.run.finish() {
        complain(error);
        return ExitCode::FAILURE;
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ RunError::Interrupted { .. }) => error.exit_code(),
        Err(RunError::Failed { errors, .. }) => {
            match errors.single() {
                Ok(error) => complain(error),
                Err(errors) => complain(format_args!("{errors:#}")),
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use taskgroup::{Clock, ExceptionGroup, sleep, task_group};

    /// Does something with a file.
    type Step<'a> = &'a dyn Fn(&Path) -> io::Result<()>;

    /// What is shown of a file with which `story` does something, with a second between its steps.
    fn shown(name: &str, from_start: bool, story: &[Step<'_>]) -> String {
        let folder = env::temp_dir().join(format!("tail_many-{}-{name}", std::process::id()));
        fs::create_dir(&folder).expect("a folder of its own");
        let path = folder.join("log");
        let text = RefCell::new(Vec::new());
        let out = |bytes: &[u8]| io::Result::Ok(text.borrow_mut().extend_from_slice(bytes));
        let ended: Result<(), ExceptionGroup<io::Error>> = Runtime::with_clock(Clock::Autojump).block_on(async {
            story[0](&path).expect("the first step");
            task_group(async |g| {
                let follower = Follower::new(&path, Lane::new("log", 3, None), from_start);
                g.spawn(follower.follow(Duration::from_millis(250), &out));
                for step in &story[1..] {
                    sleep(Duration::from_millis(1100)).await;
                    step(&path)?;
                }
                sleep(Duration::from_secs(1)).await;
                g.cancel("the story is over");
                Ok(())
            })
            .await
        });
        fs::remove_dir_all(&folder).expect("it is ours");
        ended.expect("no error");
        String::from_utf8(text.take()).expect("always UTF-8")
    }

    fn append(path: &Path, text: &str) -> io::Result<()> {
        File::options().append(true).create(true).open(path)?.write_all(text.as_bytes())
    }

    #[test]
    fn what_is_appended_is_shown_when_its_line_is_complete() {
        let story: [Step<'_>; 3] =
            [&|path| append(path, "old\n"), &|path| append(path, "one\ntw"), &|path| append(path, "o\n")];
        assert_eq!(shown("appended", false, &story), "log | one\nlog | two\n");
        assert_eq!(shown("from_start", true, &story), "log | old\nlog | one\nlog | two\n");
    }

    #[test]
    fn a_file_that_is_truncated_is_shown_from_its_start() {
        let story: [Step<'_>; 3] =
            [&|path| append(path, "a long line\n"), &|path| append(path, "torn"), &|path| fs::write(path, "new\n")];
        assert_eq!(shown("truncated", false, &story), "log | torn\nlog | [truncated]\nlog | new\n");
    }

    #[test]
    fn a_file_that_is_rotated_is_shown_to_its_end_and_the_new_one_from_its_start() {
        let story: [Step<'_>; 2] = [&|path| append(path, ""), &|path| {
            append(path, "last\n")?;
            fs::rename(path, path.with_extension("1"))?;
            append(path, "first\n")
        }];
        assert_eq!(shown("rotated", false, &story), "log | last\nlog | [replaced]\nlog | first\n");
    }

    #[test]
    fn a_file_that_is_not_there_is_waited_for_also_when_it_has_gone() {
        let story: [Step<'_>; 4] =
            [&|_| Ok(()), &|path| append(path, "one\n"), &|path| fs::remove_file(path), &|path| append(path, "two\n")];
        let expected = "log | [not there yet]\nlog | one\nlog | [removed]\nlog | two\n";
        assert_eq!(shown("missing", false, &story), expected);
    }
}
