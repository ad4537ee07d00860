//! Child processes: how they end, what they write, and that none is left.
//!
//! They run in real time, and tests wait for what they print or for the ends of their pipes.
#![forbid(unsafe_code)]

mod support;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, test_kill_process, waitid};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::pin::pin;
use std::process::Stdio;
use std::task::Poll;
use std::time::Duration;
use support::{poll_once, run, run_in, turn};
use taskgroup_runtime::process::{Child, ChildStdout, Command};
use taskgroup_runtime::signal::SignalKind;
use taskgroup_runtime::{Runtime, count_cancel_in, count_cancel_out, set_freeze_probe, spawn, tree, yield_now};

const MINUTE: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

/// Waits until a process says that it is ready.
async fn ready(stdout: &ChildStdout) -> io::Result<()> {
    let mut line = [0; 6];
    let n = stdout.read_with(|mut pipe| pipe.read(&mut line)).await?;
    assert_eq!(&line[..n], b"ready\n");
    Ok(())
}

/// Waits until nobody writes into a pipe any more: all processes that could are gone.
async fn nobody_holds(stdout: &ChildStdout) -> io::Result<()> {
    while stdout.read_with(|mut pipe| pipe.read(&mut [0; 64])).await? > 0 {}
    Ok(())
}

/// Whether a process is in the system's table: it runs, or is a zombie.
fn exists(id: u32) -> bool {
    let pid = Pid::from_raw(id as i32).expect("not 0");
    test_kill_process(pid) != Err(Errno::SRCH)
}

/// A shell that has started another process, and waits for it. Both hold the pipe.
async fn family(script: &str) -> io::Result<(Child, ChildStdout)> {
    let mut child = sh(script).stdout(Stdio::piped()).spawn_group()?;
    let stdout = child.stdout.take().expect("piped");
    ready(&stdout).await?;
    Ok((child, stdout))
}

#[test]
fn the_output_is_given_as_bytes_whether_or_not_it_is_utf8() -> io::Result<()> {
    run(async {
        let output = sh(r"printf 'a\377\000b'; printf 'c\376' >&2; exit 3").output().await?;
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"a\xff\0b"[..], &b"c\xfe"[..]));
        assert_eq!(output.status.code(), Some(3));
        Ok(())
    })
}

#[test]
fn output_that_fits_into_no_pipe_is_read_from_both() -> io::Result<()> {
    run(async {
        let script = "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        let output = sh(script).output().await?;
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 600_000));
        Ok(())
    })
}

#[test]
fn output_gives_nothing_to_read() -> io::Result<()> {
    run(async {
        let output = Command::new("cat").output().await?;
        assert!(output.status.success() && output.stdout.is_empty());
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.as_ref().expect("piped").write_with(|mut pipe| pipe.write(b"hello")).await?;
        assert_eq!(child.wait_with_output().await?.stdout, b"hello");
        let mut chosen = Command::new("cat");
        chosen.stdin(Stdio::piped());
        assert!(chosen.output().await?.status.success(), "its end of the pipe is closed");
        Ok(())
    })
}

#[test]
fn a_command_that_does_not_exist_is_named_in_the_error() {
    run(async {
        let error = Command::new("/nowhere/at-all").spawn().expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with("cannot run /nowhere/at-all: "), "{error}");
        let error = Command::new("/dev/null").output().await.expect_err("it cannot be run");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
    let outside = Command::new("true").spawn().expect_err("refused");
    assert_eq!(outside.kind(), ErrorKind::NotConnected);
}

#[test]
fn to_wait_twice_gives_the_same_status() -> io::Result<()> {
    run(async {
        for group in [false, true] {
            let mut command = sh("exit 7");
            let mut child = if group { command.spawn_group()? } else { command.spawn()? };
            let first = child.wait().await?;
            assert_eq!((first.code(), child.wait().await?, child.try_wait()?), (Some(7), first, Some(first)));
        }
        Ok(())
    })
}

#[test]
fn the_task_tree_says_who_waits_for_which_process() -> io::Result<()> {
    run(async {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
        let (id, stdin) = (child.id(), child.stdin.take());
        let waits = spawn(async move { child.wait().await });
        turn().await;
        let seen = tree().expect("we are in a runtime").to_string();
        assert!(cfg!(not(target_os = "linux")) || seen.contains(&format!("waits for process {id} to end")), "{seen}");
        drop(stdin);
        assert!(waits.await.expect("no panic")?.success());
        Ok(())
    })
}

#[test]
fn a_leader_that_was_killed_says_by_which_signal() -> io::Result<()> {
    run(async {
        let mut child = sh("kill -USR1 $$").spawn_group()?;
        assert_eq!(child.wait().await?.signal(), Some(SignalKind::USER_DEFINED1.as_raw_value()));
        Ok(())
    })
}

#[test]
fn a_process_that_has_ended_and_was_waited_for_is_no_zombie() -> io::Result<()> {
    run(async {
        let mut child = Command::new("true").spawn()?;
        child.wait().await?;
        assert!(!exists(child.id()));
        Ok(())
    })
}

#[test]
fn signals_to_a_process_that_was_reaped_go_nowhere() -> io::Result<()> {
    run(async {
        let mut child = Command::new("true").spawn()?;
        child.wait().await?;
        child.kill()?;
        child.terminate()?;
        child.signal(SignalKind::HANGUP)?;
        let status = child.shutdown(MINUTE).await?;
        assert!(status.success());
        Ok(())
    })
}

#[test]
fn a_signal_reaches_the_process() -> io::Result<()> {
    run(async {
        for group in [false, true] {
            let mut command = sh("echo ready; exec sleep 3600");
            command.stdout(Stdio::piped());
            let mut child = if group { command.spawn_group()? } else { command.spawn()? };
            ready(child.stdout.as_ref().expect("piped")).await?;
            child.signal(SignalKind::USER_DEFINED1)?; // which nobody ignores, as `nohup` does the one of hanging up
            assert_eq!(child.wait().await?.signal(), Some(SignalKind::USER_DEFINED1.as_raw_value()));
            let unknown = child.signal(SignalKind::from_raw(4000)).expect_err("there is none");
            assert_eq!(unknown.kind(), ErrorKind::InvalidInput);
        }
        Ok(())
    })
}

#[test]
fn a_wait_that_is_dropped_or_frozen_loses_nothing() -> io::Result<()> {
    run(async {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        assert!(poll_once(pin!(child.wait())).await.is_pending());
        drop(stdin);
        set_freeze_probe(|| true);
        count_cancel_in();
        let mut frozen = Poll::Pending;
        while frozen.is_pending() && child.try_wait()?.is_none() {
            frozen = poll_once(pin!(child.wait())).await;
        }
        frozen = poll_once(pin!(child.wait())).await;
        count_cancel_out();
        set_freeze_probe(|| false);
        assert!(frozen.is_pending());
        assert!(child.wait().await?.success());
        Ok(())
    })
}

#[test]
fn who_writes_to_a_process_that_reads_no_more_gets_an_error() -> io::Result<()> {
    run(async {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().expect("piped");
        child.wait().await?;
        loop {
            // A test beside this one may be starting a process just now, which has the pipe until it is loaded.
            match stdin.write_with(|mut pipe| pipe.write(b"hello")).await {
                Ok(_) => turn().await,
                Err(error) => return Ok(assert_eq!(error.kind(), ErrorKind::BrokenPipe)),
            }
        }
    })
}

#[test]
fn shutdown_lets_a_process_end_in_its_own_way() -> io::Result<()> {
    run(async {
        let (mut child, _stdout) = family("trap 'exit 5' TERM; sleep 3600 & echo ready; wait").await?;
        assert_eq!(child.shutdown(MINUTE).await?.code(), Some(5));
        assert!(!exists(child.id()));
        Ok(())
    })
}

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() -> io::Result<()> {
    run(async {
        let (mut child, stdout) = family("trap '' TERM; echo ready; sleep 3600").await?;
        assert_eq!(child.shutdown(Duration::from_millis(10)).await?.signal(), Some(9));
        assert!(!exists(child.id()));
        nobody_holds(&stdout).await
    })
}

#[test]
fn shutdown_reaches_what_the_process_has_started() -> io::Result<()> {
    run(async {
        let (mut child, stdout) = family("sleep 3600 & echo ready; wait").await?;
        child.shutdown(MINUTE).await?;
        nobody_holds(&stdout).await
    })
}

#[test]
fn what_a_leader_left_running_is_killed_when_it_is_shut_down() -> io::Result<()> {
    run(async {
        let (mut child, stdout) = family("(trap '' TERM; echo ready; exec sleep 3600) & exit 4").await?;
        assert_eq!(child.wait().await?.code(), Some(4));
        assert!(exists(child.id()), "the number of the group is kept");
        assert_eq!(child.shutdown(MINUTE).await?.code(), Some(4));
        assert!(!exists(child.id()));
        nobody_holds(&stdout).await
    })
}

#[test]
fn a_stopped_process_is_woken_to_end() -> io::Result<()> {
    run(async {
        let (mut child, _stdout) = family("trap 'exit 6' TERM; sleep 3600 & echo ready; kill -STOP $$; wait").await?;
        let pid = Pid::from_raw(child.id() as i32).expect("not 0");
        waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED)?; // soon
        assert_eq!(child.shutdown(MINUTE).await?.code(), Some(6));
        Ok(())
    })
}

/// Waits until a process is reaped, by the runtime.
async fn is_reaped(id: u32) {
    while exists(id) {
        turn().await;
    }
}

#[test]
fn a_child_that_is_dropped_is_killed_and_reaped_by_the_runtime() -> io::Result<()> {
    run(async {
        let mut command = sh("echo ready; exec sleep 3600");
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let (id, stdout) = (child.id(), child.stdout.take().expect("piped"));
        ready(&stdout).await?;
        drop(child);
        nobody_holds(&stdout).await?;
        is_reaped(id).await;
        Ok(())
    })
}

#[test]
fn a_family_that_is_dropped_is_killed_whole() -> io::Result<()> {
    run(async {
        let (child, stdout) = family("sleep 3600 & echo ready; wait").await?;
        let id = child.id();
        drop(child);
        nobody_holds(&stdout).await?;
        is_reaped(id).await;
        let (mut child, stdout) = family("(trap '' TERM; echo ready; exec sleep 3600) &").await?;
        child.wait().await?;
        let id = child.id();
        drop(child); // the leader has ended, and the group has not
        nobody_holds(&stdout).await?;
        assert!(!exists(id));
        Ok(())
    })
}

#[test]
fn a_loop_that_sleeps_is_woken_to_reap() -> io::Result<()> {
    let runtime = Runtime::new();
    let child = run_in(&runtime, async { Command::new("sleep").arg("3600").spawn() })?;
    let id = child.id();
    drop(child);
    while exists(id) {
        runtime.turn(None).expect("not nested");
    }
    assert_eq!(runtime.census().sources, 0);
    Ok(())
}

#[test]
fn what_is_left_when_a_runtime_ends_is_reaped_with_the_next_spawn() -> io::Result<()> {
    let runtime = Runtime::new();
    let mut command = Command::new("sleep");
    let before = run_in(&runtime, async { command.arg("3600").stdout(Stdio::piped()).spawn() })?;
    let late = run_in(&runtime, async { command.spawn() })?;
    let ids = [before.id(), late.id()];
    drop(before);
    drop(runtime);
    drop(late);
    run(async {
        while ids.into_iter().any(exists) {
            Command::new("true").status().await?;
        }
        Ok(())
    })
}

#[test]
fn a_process_that_is_let_go_runs_on() -> io::Result<()> {
    let mut child = run(async {
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let mut std = child.into_std();
        yield_now().await;
        assert_eq!(std.try_wait()?, None);
        drop(pipes);
        io::Result::Ok(std)
    })?;
    assert!(child.wait()?.success());
    Ok(())
}

#[test]
fn a_command_of_std_is_one_and_everything_of_it_can_be_set() -> io::Result<()> {
    run(async {
        let mut std = std::process::Command::new("/bin/sh");
        std.args(["-c", "echo $A$B$C; pwd"]).env("A", "1");
        let mut command = Command::from(std);
        command.env("B", "2").env("C", "3").env_remove("C").current_dir("/");
        command.as_std_mut().arg0("sh");
        assert_eq!(command.output().await?.stdout, b"12\n/\n");
        command.env_clear();
        assert_eq!(command.output().await?.stdout, b"\n/\n");
        Ok(())
    })
}

#[test]
fn processes_leave_nothing_behind() -> io::Result<()> {
    let runtime = Runtime::new();
    run_in(&runtime, async {
        Command::new("true").output().await?; // the poller is made
        io::Result::Ok(())
    })?;
    let sources = runtime.census().sources;
    run_in(&runtime, async {
        for _ in 0..50 {
            Command::new("true").output().await?;
        }
        io::Result::Ok(())
    })?;
    assert_eq!((sources, runtime.census().sources), (0, 0));
    Ok(())
}
