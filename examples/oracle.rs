//! Runs programs of the language that `tests/oracle/LANGUAGE.md` describes, and prints their traces.
//!
//! ```text
//! cargo run --bin oracle -- --check
//! head -1 tests/oracle/cases/visible.jsonl | cargo run --bin oracle
//! ```
//!
//! Shows that groups, timeouts, shields and cleanups behave as recorded from asyncio: `--check` runs all recorded cases
//! and counts those that agree. Without it, each line of standard input is a case, and its answer a line.
//!
//! Look at `tests/oracle/src/interpret.rs` for the interpreter: it is the largest program over the public API.

use lexopt::prelude::*;
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use taskgroup::BoxError;
use taskgroup_oracle::{Case, Check, Differences, Tier, Verdict, Wakers, answer, load, recorded_cases};

const HELP: &str = "\
Runs programs over tasks and groups (see tests/oracle/LANGUAGE.md) and prints their traces.

Usage: oracle < CASES
       oracle --check [--explain] [FILES]

Without options each line of standard input is a case, {\"id\": .., \"program\": ..}; other fields are ignored. For each
a line is printed: {\"id\": .., \"outcome\": .., \"trace\": [..]}, or {\"id\": .., \"error\": ..} for what is no case, no
valid program, or one that stands still.

  --check    run recorded cases and compare: FILES (.json, .jsonl or directories), or all of the project
  --explain  print for each case that differs, where
  --help     print this

Exit status: 0 if all robust cases agree (without --check: when the input ends), 1 if one does not or the output fails,
2 if the arguments or the files are wrong.
";

/// Longer lines are refused unread. The recorded ones have some thousand bytes.
const MAX_LINE: u64 = 16 << 20;

enum Mode {
    Help,
    Answer,
    Check { explain: bool, files: Vec<PathBuf> },
}

impl Mode {
    fn from_args() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let (mut check, mut explain, mut files) = (false, false, Vec::new());
        while let Some(arg) = parser.next()? {
            match arg {
                Long("check") => check = true,
                Long("explain") => explain = true,
                Long("help") | Short('h') => return Ok(Self::Help),
                Value(file) => files.push(file.into()),
                _ => return Err(arg.unexpected()),
            }
        }
        match (check, explain || !files.is_empty()) {
            (true, _) => Ok(Self::Check { explain, files }),
            (false, false) => Ok(Self::Answer),
            (false, true) => Err("--explain and files go with --check".into()),
        }
    }
}

fn main() -> ExitCode {
    let mode = match Mode::from_args() {
        Ok(mode) => mode,
        Err(error) => return wrong(&error),
    };
    let out = &mut io::stdout().lock();
    let written = match mode {
        Mode::Help => out.write_all(HELP.as_bytes()).map(|()| true),
        Mode::Answer => answers(&mut io::stdin().lock(), out).map(|()| true),
        Mode::Check { explain, files } => match (cases(&files), Differences::known()) {
            (Ok(cases), Ok(known)) => check(&cases, &known, explain, out),
            (Err(error), _) => return wrong(&error),
            (_, Err(error)) => return wrong(&error),
        },
    };
    match written {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(1), // who read has seen enough
        Err(error) => {
            let _ = writeln!(io::stderr(), "oracle: {error}");
            ExitCode::from(1)
        }
    }
}

fn wrong(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "oracle: {error} (see --help)");
    ExitCode::from(2)
}

/// Answers each line as soon as it is there. Empty lines are no cases.
fn answers(input: &mut impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while input.take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
        let refused = line.len() as u64 == MAX_LINE && !line.ends_with(b"\n");
        if refused {
            input.skip_until(b'\n')?;
            writeln!(out, r#"{{"id":null,"error":"the line is longer than {MAX_LINE} bytes"}}"#)?;
        } else if !line.trim_ascii().is_empty() {
            writeln!(out, "{}", answer(&line))?;
        }
        out.flush()?;
        line.clear();
    }
    Ok(())
}

fn cases(files: &[PathBuf]) -> Result<Vec<Case>, BoxError> {
    if files.is_empty() {
        return Ok(recorded_cases()?);
    }
    let mut cases = Vec::new();
    for file in files {
        cases.extend(load(file)?);
    }
    if cases.is_empty() {
        return Err("the files hold no cases".into());
    }
    Ok(cases)
}

/// Whether all robust cases agree.
fn check(cases: &[Case], known: &Differences, explain: bool, out: &mut impl Write) -> io::Result<bool> {
    let (mut counts, mut listed) = (Check::default(), 0);
    for case in cases {
        let verdict = case.judge(Wakers::Own);
        counts.add(case, &verdict);
        let (what, where_) = match &verdict {
            Verdict::Agrees => continue,
            Verdict::Differs(where_) => ("differs", where_.as_str()),
            Verdict::Fails(why) => ("fails", why.as_str()),
        };
        let reason = known.reason(&case.id).filter(|_| case.tier != Tier::Robust);
        listed += usize::from(reason.is_some());
        if explain || reason.is_none() {
            let Case { set, tier, id, .. } = case;
            writeln!(out, "{set} {tier:?} {id} {what}; {}", reason.unwrap_or("not in the list of known differences"))?;
        }
        if explain {
            writeln!(out, "{where_}")?;
        }
    }
    write!(out, "{counts}")?;
    writeln!(out, "{listed} differ as listed in tests/oracle/differences.txt, each with its reason")?;
    let (agree, all) = counts.of_tier(Tier::Robust);
    Ok(agree == all)
}
