//! The program `tail_many`, on files that grow. What becomes of files that are truncated or rotated is tried in its own tests,
//! in virtual time.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

type Test = Result<(), Box<dyn Error>>;

fn tail_many(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tail_many"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn files_are_followed_in_lanes_until_ctrl_c() -> Test {
    let folder = std::env::temp_dir().join(format!("tail_many-{}", std::process::id()));
    fs::create_dir(&folder)?;
    fs::write(folder.join("a"), "there\n")?;
    let mut child = tail_many(&["--from-start", "--interval", "0.01", "a", "later"]).current_dir(&folder).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("piped")?).lines();
    let mut says = move || lines.next().ok_or("it has ended")?.map_err(Box::<dyn Error>::from);
    assert_eq!(says()?, "a     | there");
    assert_eq!(says()?, "later | [not there yet]");
    fs::write(folder.join("later"), "here\n")?;
    assert_eq!(says()?, "later | here");
    File::options().append(true).open(folder.join("a"))?.write_all(b"more\n")?;
    assert_eq!(says()?, "a     | more");
    kill_process(Pid::from_child(&child), Signal::INT)?;
    assert_eq!(child.wait()?.code(), Some(130));
    Ok(fs::remove_dir_all(&folder)?)
}

#[test]
fn what_cannot_be_followed_is_an_error() -> Test {
    for (args, status, words) in [
        (&[][..], 2, "there is no file to follow (tail_many --help tells more)"),
        (&["--interval", "0", "x"], 2, "--interval 0: not from 0.01 to 3600 (tail_many --help tells more)"),
        (&["/dev/null"], 1, "/dev/null: not a regular file"),
    ] {
        let output = tail_many(args).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), complaint), (Some(status), format!("tail_many: {words}\n")));
    }
    Ok(())
}
