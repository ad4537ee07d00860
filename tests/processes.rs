//! Processes that end with the scope that started them.
//!
//! They run in real time. That a process is gone, is seen by the end of a pipe that it and its children hold.

use futures_util::FutureExt;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, Read};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use taskgroup::process::{Child, ChildStdout, Command, scoped};
use taskgroup::{BoxError, CancelScope, ExceptionGroup, Runtime, set_reporter, sleep, task_group, timeout, yield_now};

const MINUTE: Duration = Duration::from_secs(60);

/// A shell, and a process that it has started and waits for.
const FAMILY: &str = "sleep 3600 & echo ready; wait";
/// The same, and neither listens to `SIGTERM`.
const STUBBORN: &str = "trap '' TERM; sleep 3600 & echo ready; wait";

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    command
}

/// What hangs for ten seconds fails.
fn run<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(10);
    Runtime::new().block_on(async { timeout(limit, future).await.expect("it hangs") })
}

/// Where a test keeps the pipe of a process, and its number.
#[derive(Default)]
struct Seen {
    stdout: RefCell<Option<ChildStdout>>,
    id: Cell<u32>,
}

impl Seen {
    /// Waits until the process says that it is ready, and keeps its pipe.
    async fn ready(&self, child: &mut Child) -> io::Result<()> {
        let stdout = child.stdout.take().expect("piped");
        let mut line = [0; 6];
        let n = stdout.read_with(|mut pipe| pipe.read(&mut line)).await?;
        assert_eq!(&line[..n], b"ready\n");
        self.id.set(child.id());
        self.stdout.replace(Some(stdout));
        Ok(())
    }

    /// Waits until nobody holds the other end of the pipe any more: the whole family is gone.
    async fn all_are_gone(&self) -> io::Result<()> {
        let stdout = self.stdout.take().expect("it was ready");
        while stdout.read_with(|mut pipe| pipe.read(&mut [0; 64])).await? > 0 {}
        Ok(())
    }

    /// Whether the leader is in the system's table, as a zombie or alive.
    fn exists(&self) -> bool {
        let pid = Pid::from_raw(self.id.get() as i32).expect("it was ready");
        test_kill_process(pid) != Err(Errno::SRCH)
    }
}

#[test]
fn a_body_that_waits_for_its_process_gives_its_status() -> io::Result<()> {
    run(async {
        let status = scoped(&mut sh("exit 3"), MINUTE, async |child| child.wait().await).await?;
        assert_eq!(status.code(), Some(3));
        Ok(())
    })
}

#[test]
fn a_body_that_ends_ends_the_whole_family() -> io::Result<()> {
    run(async {
        let seen = Seen::default();
        scoped(&mut sh(FAMILY), MINUTE, async |child| seen.ready(child).await).await?;
        assert!(!seen.exists());
        seen.all_are_gone().await
    })
}

#[test]
fn a_cancel_ends_the_whole_family_before_it_goes_on() -> io::Result<()> {
    run(async {
        let (seen, scope) = (Seen::default(), CancelScope::new());
        let mut family = sh(FAMILY);
        let ended = scope.run(scoped(&mut family, MINUTE, async |child| {
            seen.ready(child).await?;
            scope.cancel("enough");
            child.wait().await
        }));
        assert!(ended.await.is_err());
        assert!(!seen.exists());
        seen.all_are_gone().await
    })
}

#[test]
fn a_sibling_that_fails_ends_the_family_and_the_group_waits_for_that() -> io::Result<()> {
    run(async {
        let seen = Seen::default();
        let ended: Result<(), ExceptionGroup<BoxError>> = task_group(async |g| {
            let seen = &seen;
            g.spawn(async move {
                let mut family = sh(FAMILY);
                scoped(&mut family, MINUTE, async |child| {
                    seen.ready(child).await?;
                    child.wait().await?;
                    Ok::<_, BoxError>(())
                })
                .await
            });
            while seen.id.get() == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            Err("broken".into())
        })
        .await;
        assert_eq!(ended.expect_err("it fails").leaves().count(), 1);
        assert!(!seen.exists());
        seen.all_are_gone().await
    })
}

#[test]
fn who_does_not_listen_is_killed_after_the_grace() -> io::Result<()> {
    run(async {
        let (seen, scope) = (Seen::default(), CancelScope::new());
        let mut family = sh(STUBBORN);
        let ended = scope.run(scoped(&mut family, Duration::from_millis(10), async |child| {
            seen.ready(child).await?;
            scope.cancel("enough");
            child.wait().await
        }));
        assert!(ended.await.is_err());
        assert!(!seen.exists());
        seen.all_are_gone().await
    })
}

#[test]
fn a_scope_whose_grace_is_shorter_kills_the_family() -> io::Result<()> {
    set_reporter(Some(|_| {}));
    run(async {
        let (seen, scope) = (Seen::default(), CancelScope::new());
        scope.grace(Duration::from_millis(10));
        let mut family = sh(STUBBORN);
        let ended = scope.run(scoped(&mut family, MINUTE, async |child| {
            seen.ready(child).await?;
            scope.cancel("enough");
            child.wait().await
        }));
        assert!(ended.await.expect_err("cancelled").was_cut_off());
        seen.all_are_gone().await?;
        while seen.exists() {
            sleep(Duration::ZERO).await; // the runtime reaps
        }
        Ok(())
    })
}

#[test]
fn dropped_it_kills_the_whole_family() -> io::Result<()> {
    run(async {
        let seen = Seen::default();
        {
            let mut family = sh(STUBBORN);
            let mut scoped = pin!(scoped(&mut family, MINUTE, async |child| {
                seen.ready(child).await?;
                child.wait().await
            }));
            while seen.id.get() == 0 {
                assert!(scoped.as_mut().now_or_never().is_none());
                yield_now().await;
            }
        }
        seen.all_are_gone().await?;
        while seen.exists() {
            sleep(Duration::ZERO).await;
        }
        Ok(())
    })
}

#[test]
fn a_panic_ends_the_family_first() -> io::Result<()> {
    run(async {
        let seen = Seen::default();
        let mut family = sh(FAMILY);
        let scoped = scoped(&mut family, MINUTE, async |child| {
            seen.ready(child).await?;
            if seen.exists() {
                panic!("oops");
            }
            io::Result::Ok(())
        });
        assert!(AssertUnwindSafe(scoped).catch_unwind().await.is_err());
        assert!(!seen.exists());
        seen.all_are_gone().await
    })
}

#[test]
fn a_process_that_cannot_be_started_is_an_error_and_the_body_does_not_run() {
    run(async {
        let mut ran = false;
        let refused = scoped(&mut Command::new("/nowhere"), MINUTE, async |_| io::Result::Ok(ran = true)).await;
        assert!(refused.is_err_and(|error| error.to_string().starts_with("cannot run /nowhere: ")));
        assert!(!ran);
    });
}
