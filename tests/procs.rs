//! The program `procs`: whose output is whose, what the end of one process means for the others, and that none is left.
//!
//! The processes run in real time, and the tests wait for what they write. That a family of processes is gone is seen by the
//! end of a named pipe that all of it holds open.

use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

type Test = Result<(), Box<dyn Error>>;

/// A folder of a test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("procs-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// With this Procfile.
    fn with(procfile: &str) -> io::Result<Self> {
        let folder = Self::new()?;
        fs::write(folder.0.join("Procfile"), procfile)?;
        Ok(folder)
    }

    /// `procs` in it, with nothing on standard input.
    fn procs(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procs"));
        command.args(args).current_dir(&self.0).stdin(Stdio::null());
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit status, standard output, standard error.
fn parts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Exit status, and standard output with its lines sorted.
fn sorted(output: &Output) -> (Option<i32>, Vec<String>) {
    let (status, stdout, _) = parts(output);
    let mut lines: Vec<_> = stdout.lines().map(str::to_owned).collect();
    lines.sort();
    (status, lines)
}

/// `procs` with these items.
fn each(items: &[u8], args: &[&str]) -> io::Result<Output> {
    let mut procs = Command::new(env!("CARGO_BIN_EXE_procs"));
    let mut procs = procs.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = procs.stdin.take() {
        let _ = stdin.write_all(items); // it may have ended before it has read them
    }
    procs.wait_with_output()
}

/// A pipe with a name, of which processes hold one end as descriptor 9: when its other end says that there is no more, all of
/// them are gone.
struct Held(PathBuf);

impl Held {
    fn new(folder: &Folder) -> io::Result<Self> {
        let path = folder.0.join("held");
        let made = Command::new("mkfifo").arg(&path).status()?;
        assert!(made.success());
        Ok(Self(path))
    }

    /// Waits until somebody holds the pipe, and then until nobody does.
    fn all_are_gone(path: &Path) -> io::Result<String> {
        let mut said = String::new();
        File::open(path)?.read_to_string(&mut said)?;
        Ok(said)
    }
}

/// `procs` while it runs, line by line.
struct Running {
    child: Child,
    lines: io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Ok(Self { child, lines })
    }

    /// Waits for this line.
    fn says(&mut self, line: &str) -> io::Result<()> {
        for next in &mut self.lines {
            if next? == line {
                return Ok(());
            }
        }
        panic!("it has ended without saying {line:?}");
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// The rest of its lines, its exit status, and what it complained of.
    fn end(mut self) -> io::Result<(Vec<String>, Option<i32>, String)> {
        let lines = self.lines.collect::<io::Result<_>>()?;
        let mut complaint = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut complaint)?;
        Ok((lines, self.child.wait()?.code(), complaint))
    }
}

#[test]
fn the_first_to_fail_ends_the_others_and_gives_its_status() -> Test {
    let folder =
        Folder::with("# two\n\nweb: echo hello; read x < go; printf partial; exit 3\nworker: echo > go; sleep 3600\n")?;
    assert!(Command::new("mkfifo").arg(folder.0.join("go")).status()?.success());
    let (status, stdout, stderr) = parts(&folder.procs(&[]).output()?);
    assert_eq!(status, Some(3));
    let lines = "web    | hello\nweb    | partial\nweb    | [exit status 3]\nworker | [killed by SIGTERM]\n";
    assert_eq!(stdout, lines);
    assert!(stderr.starts_with("procs: Procfile (1 error)\n|- task web ("), "{stderr}");
    assert!(stderr.contains("`- cancelled (web failed): task worker ("), "{stderr}");
    Ok(())
}

#[test]
fn one_that_ends_well_ends_the_others_too_and_nothing_has_failed() -> Test {
    let folder = Folder::with("a: true\nb: sleep 3600\n")?;
    let (status, stdout, stderr) = parts(&folder.procs(&["Procfile"]).output()?);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(stdout.ends_with("b | [killed by SIGTERM]\n"), "{stdout}");
    Ok(())
}

#[test]
fn with_keep_the_others_go_on() -> Test {
    let folder = Folder::with("a: exit 4\nb: read x < go; exit 5\nc: read x < go2; echo done\n")?;
    assert!(Command::new("mkfifo").args(["go", "go2"]).current_dir(&folder.0).status()?.success());
    let mut procs = Running::start(&mut folder.procs(&["--keep"]))?;
    procs.says("a | [exit status 4]")?;
    fs::write(folder.0.join("go"), "\n")?;
    procs.says("b | [exit status 5]")?;
    fs::write(folder.0.join("go2"), "\n")?;
    let (lines, status, _) = procs.end()?;
    assert_eq!(lines, ["c | done", "c | [exit status 0]"]);
    assert_eq!(status, Some(4), "that of the first");
    Ok(())
}

#[test]
fn with_restart_one_that_fails_starts_again_until_it_ends_well() -> Test {
    let folder = Folder::with("a: test -e there && exit; touch there; exit 1\n")?;
    let (status, stdout, _) = parts(&folder.procs(&["--restart"]).output()?);
    assert_eq!(stdout, "a | [exit status 1]\na | [starts again in 100ms]\na | [exit status 0]\n");
    assert_eq!(status, Some(0));
    Ok(())
}

#[test]
fn a_command_that_does_not_exist_is_what_the_shell_says() -> Test {
    let folder = Folder::with("a: no-such-command-anywhere\n")?;
    let (status, stdout, _) = parts(&folder.procs(&[]).output()?);
    assert!(stdout.contains("not found\n"), "{stdout}");
    assert_eq!(status, Some(127));
    Ok(())
}

#[test]
fn everything_wrong_with_a_procfile_is_said_before_anything_starts() -> Test {
    let folder = Folder::with("a: touch started\nno colon\n: b\na b: c\nd:\na: again\n")?;
    let expected = "Procfile:2: no colon: a line is `name: command`\n\
                    Procfile:3: there is no name before the colon\n\
                    Procfile:4: \"a b\" is no name: take letters, digits, `-` and `_`\n\
                    Procfile:5: d has no command\n\
                    Procfile:6: a is there already, in line 1\n";
    assert_eq!(parts(&folder.procs(&[]).output()?), (Some(2), String::new(), expected.to_owned()));
    assert!(!folder.0.join("started").exists());
    let missing = parts(&folder.procs(&["none"]).output()?);
    assert_eq!((missing.0, missing.2.starts_with("procs: cannot read none: ")), (Some(2), true));
    Ok(())
}

#[test]
fn what_is_no_text_is_shown_safely() -> Test {
    let folder = Folder::with("a: printf 'x\\377\\376y'\n")?;
    let (_, stdout, _) = parts(&folder.procs(&[]).output()?);
    assert_eq!(stdout, "a | x\u{fffd}\u{fffd}y\na | [exit status 0]\n");
    Ok(())
}

#[test]
fn ctrl_c_ends_all_in_order_and_hears_their_last_words() -> Test {
    let script = "exec 9> held; trap 'echo bye; exit 0' TERM; sleep 3600 & echo up; wait";
    let folder = Folder::with(&format!("a: {script}\n"))?;
    let held = Held::new(&folder)?;
    let gone = std::thread::spawn(move || Held::all_are_gone(&held.0));
    let mut procs = Running::start(&mut folder.procs(&["--grace", "3600"]))?;
    procs.says("a | up")?;
    procs.signal(Signal::INT)?;
    let (lines, status, complaint) = procs.end()?;
    assert!(lines.ends_with(&["a | bye".to_owned(), "a | [exit status 0]".to_owned()]), "{lines:?}");
    assert_eq!((status, complaint.as_str()), (Some(130), ""));
    gone.join().expect("no panic")?;
    Ok(())
}

#[test]
fn a_second_ctrl_c_kills_them_all() -> Test {
    let script = "exec 9> held; trap 'echo no' TERM; echo up; while :; do sleep 3600 & wait; done";
    let folder = Folder::with(&format!("a: {script}\n"))?;
    let held = Held::new(&folder)?;
    let gone = std::thread::spawn(move || Held::all_are_gone(&held.0));
    let mut procs = Running::start(&mut folder.procs(&["--grace", "3600"]))?;
    procs.says("a | up")?;
    procs.signal(Signal::INT)?;
    procs.says("a | no")?; // it was asked, and does not think of it
    procs.signal(Signal::INT)?;
    assert_eq!(procs.end()?.1, Some(130));
    gone.join().expect("no panic")?;
    Ok(())
}

#[test]
fn who_does_not_listen_is_killed_after_the_grace() -> Test {
    let folder = Folder::with("a: trap '' TERM; echo up; sleep 3600\n")?;
    let mut procs = Running::start(&mut folder.procs(&["--grace", "0.01"]))?;
    procs.says("a | up")?;
    procs.signal(Signal::TERM)?;
    let (lines, status, _) = procs.end()?;
    assert_eq!(lines, ["a | [killed by SIGKILL]"]);
    assert_eq!(status, Some(143));
    Ok(())
}

#[test]
fn a_closed_standard_output_ends_all() -> Test {
    let folder = Folder::with("a: exec 9> held; sleep 3600 & while echo x; do :; done; wait\nb: sleep 3600\n")?;
    let held = Held::new(&folder)?;
    let gone = std::thread::spawn(move || Held::all_are_gone(&held.0));
    let (reader, writer) = io::pipe()?;
    drop(reader);
    let output = folder.procs(&[]).stdout(OwnedFd::from(writer)).stderr(Stdio::piped()).spawn()?.wait_with_output()?;
    let complaint = "procs: cannot write to standard output: Broken pipe (os error 32)\n";
    assert_eq!(parts(&output), (Some(1), String::new(), complaint.to_owned()));
    gone.join().expect("no panic")?;
    Ok(())
}

#[test]
fn what_has_left_its_group_and_holds_the_pipe_is_not_waited_for() -> Test {
    let folder = Folder::with(
        "a: setsid sh -c 'echo $$ > pid; exec sleep 3600' & while ! test -s pid; do :; done; echo done\n",
    )?;
    let (status, stdout, _) = parts(&folder.procs(&[]).output()?);
    assert_eq!((status, stdout.as_str()), (Some(0), "a | done\na | [exit status 0]\n"));
    let pid = fs::read_to_string(folder.0.join("pid"))?.trim().parse()?;
    Ok(kill_process(Pid::from_raw(pid).ok_or("no number")?, Signal::KILL)?)
}

#[test]
fn items_go_last_or_where_they_are_wanted() -> Test {
    let (status, lines) = sorted(&each(b"1\n\n2 3", &["--", "echo", "x"])?);
    assert_eq!((status, lines), (Some(0), vec!["1 | x 1".to_owned(), "2 3 | x 2 3".to_owned()]));
    let (status, stdout, _) = parts(&each(b"a\nb\0", &["-0", "--", "echo", "{}-{}"])?);
    assert_eq!((status, stdout.as_str()), (Some(0), "a\u{fffd}b | a\na\u{fffd}b | b-a\na\u{fffd}b | b\n"));
    Ok(())
}

#[test]
fn items_from_a_file_and_no_items() -> Test {
    let folder = Folder::with("1\n2\n")?;
    let file = File::open(folder.0.join("Procfile"))?;
    let (status, lines) = sorted(&folder.procs(&["--", "echo"]).stdin(file).output()?);
    assert_eq!((status, lines), (Some(0), vec!["1 | 1".to_owned(), "2 | 2".to_owned()]));
    assert_eq!(parts(&folder.procs(&["--", "echo"]).output()?), (Some(0), String::new(), String::new()));
    Ok(())
}

#[test]
fn with_group_each_output_is_whole_and_as_it_is() -> Test {
    // The second writes first, and the first ends last.
    let folder = Folder::new()?;
    assert!(Command::new("mkfifo").args(["one", "two"]).current_dir(&folder.0).status()?.success());
    fs::write(folder.0.join("items"), "one two\ntwo one\n")?;
    let script = "set -- $1; echo $1; if [ $1 = one ]; then read x < two; else echo > two; fi; printf '\\377'";
    let items = File::open(folder.0.join("items"))?;
    let output = folder.procs(&["-P2", "--group", "--", "sh", "-c", script, "sh"]).stdin(items).output()?;
    let one_first = b"one\n\xfftwo\n\xff";
    let two_first = b"two\n\xffone\n\xff";
    assert!(output.stdout == one_first || output.stdout == two_first, "{:?}", output.stdout.escape_ascii());
    Ok(())
}

#[test]
fn failures_are_told_at_the_end_and_the_status_is_that_of_xargs() -> Test {
    let script = "case $1 in a) exit 1;; b) exit 7;; esac";
    let (status, stdout, stderr) = parts(&each(b"a\nb\nc\n", &["-P1", "--", "sh", "-c", script, "sh"])?);
    assert_eq!((status, stdout.as_str()), (Some(123), ""));
    let lines: Vec<_> = stderr.lines().map(|line| line.split(" (").next().unwrap_or(line)).collect();
    assert_eq!(lines, ["procs: items", "|- task a", "`- task b"]);
    assert!(stderr.contains("exit status 1\n") && stderr.ends_with("exit status 7\n"), "{stderr}");
    Ok(())
}

#[test]
fn some_failures_end_the_reading_as_with_xargs() -> Test {
    let folder = Folder::new()?;
    let program = folder.0.join("not_executable");
    fs::write(&program, "")?;
    let program = program.to_str().ok_or("a name in UTF-8")?;
    for (expected, command) in [
        (124, &["sh", "-c", "echo $1; exit 255", "sh"][..]),
        (125, &["sh", "-c", "echo $1; kill -KILL $$", "sh"]),
        (126, &[program]),
        (127, &["no-such-command-anywhere"]),
    ] {
        let (status, stdout, stderr) = parts(&each(b"a\nb\n", &[&["-P1", "--"], command].concat())?);
        assert_eq!(status, Some(expected), "{command:?}");
        assert!(!stdout.contains('b'), "a second one was begun: {stdout}");
        assert!(stderr.starts_with("procs: items (1 error)\n`- task a ("), "{stderr}");
    }
    Ok(())
}

#[test]
fn with_fail_fast_the_first_that_fails_ends_all() -> Test {
    let folder = Folder::new()?;
    assert!(Command::new("mkfifo").arg(folder.0.join("go")).status()?.success());
    fs::write(folder.0.join("items"), "a\nb\nc\n")?;
    let script = "if [ $1 = a ]; then read x < go; exit 9; fi; echo > go; sleep 3600";
    let items = File::open(folder.0.join("items"))?;
    let output = folder.procs(&["-P2", "--fail-fast", "--", "sh", "-c", script, "sh"]).stdin(items).output()?;
    let (status, _, stderr) = parts(&output);
    assert_eq!(status, Some(123));
    assert!(stderr.contains("task a (") && stderr.contains("cancelled (a failed): task b ("), "{stderr}");
    assert!(!stderr.contains("task c"), "{stderr}");
    Ok(())
}

#[test]
fn only_so_many_run_at_once() -> Test {
    // Each makes a folder that the next one could not make if it were still there.
    let folder = Folder::new()?;
    let mut procs = folder.procs(&[
        "-P1",
        "--fail-fast",
        "--",
        "sh",
        "-c",
        "mkdir alone && ls > list && ls > list && ls > list && rmdir alone",
        "sh",
    ]);
    let mut procs = procs.stdin(Stdio::piped()).spawn()?;
    procs.stdin.take().ok_or("piped")?.write_all(&b"x\n".repeat(20))?;
    assert_eq!(procs.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_closed_standard_output_ends_an_endless_input() -> Test {
    let folder = Folder::new()?;
    let mut yes = Command::new("yes").stdout(Stdio::piped()).spawn()?;
    let items = yes.stdout.take().ok_or("piped")?;
    let mut procs = Running::start(folder.procs(&["-P2", "--", "echo"]).stdin(items))?;
    procs.says("y | y")?;
    let Running { mut child, lines } = procs;
    drop(lines);
    let mut complaint = String::new();
    child.stderr.take().ok_or("piped")?.read_to_string(&mut complaint)?;
    assert_eq!(complaint, "procs: cannot write to standard output: Broken pipe (os error 32)\n");
    assert_eq!(child.wait()?.code(), Some(1));
    yes.wait()?; // its pipe has lost its reader
    Ok(())
}

#[test]
fn ctrl_c_ends_the_items_while_more_could_come() -> Test {
    let folder = Folder::new()?;
    let held = Held::new(&folder)?;
    let gone = std::thread::spawn(move || Held::all_are_gone(&held.0));
    let mut command = folder.procs(&["-P2", "--", "sh", "-c", "exec 9> held; echo up; sleep 3600", "sh"]);
    let mut procs = Running::start(command.stdin(Stdio::piped()))?;
    let mut stdin = procs.child.stdin.take().ok_or("piped")?;
    stdin.write_all(b"a\n")?;
    procs.says("a | up")?;
    procs.signal(Signal::INT)?;
    assert_eq!(procs.end()?.1, Some(130));
    gone.join().expect("no panic")?;
    Ok(())
}

#[test]
fn an_item_that_no_command_can_take_is_an_error() -> Test {
    let (status, _, stderr) = parts(&each(&b"x".repeat(300_000), &["--", "true"])?);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("an item is longer than 131071 bytes, which no command can take"), "{stderr}");
    Ok(())
}

#[test]
fn wrong_arguments_are_refused() -> Test {
    let folder = Folder::new()?;
    for (args, words) in [
        (&["--"][..], "there is no command behind --"),
        (&["--keep", "--", "x"], "--keep is for a Procfile, not for a command"),
        (&["-P2"], "-P needs a command: procs -P -- COMMAND"),
        (&["-P0", "--", "x"], "-P 0: not from 1 to 10000"),
        (&["a", "--", "x"], "a Procfile or a command, not both"),
        (&["a", "b"], "one argument too many: \"b\"; a command stands behind --"),
        (&["--grace", "-1"], "--grace -1: not from 0 to 86400"),
    ] {
        let expected = format!("procs: {words} (procs --help tells more)\n");
        assert_eq!(parts(&folder.procs(args).output()?), (Some(2), String::new(), expected));
    }
    assert_eq!(folder.procs(&["--help"]).output()?.status.code(), Some(0));
    Ok(())
}
