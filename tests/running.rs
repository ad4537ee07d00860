//! A program as one group: what Ctrl-C does to it, once and twice.
//!
//! Signals are for a whole process, so what a test does with them happens in a process of its own: the test runs itself
//! again, and looks at what it prints and how it ends.
#![allow(clippy::print_stdout, reason = "that is how a child process talks to its test")]

use signal_hook::consts::{SIGINT, SIGKILL, SIGTERM};
use signal_hook::low_level::raise;
use std::env;
use std::error::Error;
use std::hint::spin_loop;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use taskgroup::signal::{SignalKind, Signals};
use taskgroup::{
    BlockOnError, BoxError, Clock, Reason, RunError, Runner, Runtime, Why, run, set_reporter, shield, sleep,
    with_cleanup, yield_now,
};

type Test = Result<(), Box<dyn Error>>;
type Ended<T = ()> = Result<T, RunError<BoxError>>;

const HOUR: Duration = Duration::from_secs(3600);

/// Runs `program` in a process of its own, which is this test again. Gives what it printed and how it ended.
fn apart(test: &str, program: impl FnOnce()) -> io::Result<Option<(Vec<String>, ExitStatus)>> {
    if env::var_os("TASKGROUP_CHILD").is_some() {
        program();
        return Ok(None);
    }
    let output = Command::new(env::current_exe()?)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("TASKGROUP_CHILD", test)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| Some(line.split_once("> ")?.1.to_owned()));
    Ok(Some((lines.collect(), output.status)))
}

/// Prints a line for [`apart`].
fn say(text: impl std::fmt::Display) {
    println!("> {text}");
}

/// Whether that is the exit code of an error. (An `ExitCode` can only be looked at this way.)
fn is(error: &RunError<BoxError>, code: u8) -> bool {
    format!("{:?}", error.exit_code()) == format!("{:?}", ExitCode::from(code))
}

macro_rules! apart {
    ($test:ident, $program:expr, $said:expr, $status:expr) => {
        if let Some((said, status)) = apart(stringify!($test), $program)? {
            assert_eq!(said, $said);
            assert_eq!(status.code().or(status.signal().map(|signal| -signal)), Some($status));
        }
        return Ok(())
    };
}

#[test]
fn a_program_ends_with_its_value_when_all_its_tasks_have() {
    let mut done = false;
    let ended: Ended<u32> = run(async |g| {
        g.spawn(async {
            yield_now().await;
            done = true;
            Ok(())
        });
        Ok(7)
    });
    assert_eq!(ended.ok(), Some(7));
    assert!(done);
}

#[test]
fn a_program_that_fails_gives_its_errors_and_the_place_of_its_group() {
    let ended: Ended = run(async |g| {
        g.spawn(async { Err::<(), _>("broken".into()) }).named("part");
        Ok(sleep(HOUR).await)
    });
    let error = ended.expect_err("it fails");
    assert!(matches!(&error, RunError::Failed { signal: None, .. }));
    assert_eq!(error.errors().map(|errors| errors.leaves().count()), Some(1));
    assert!(format!("{error:#}").contains("task part (tests/running.rs:"), "{error:#}");
    assert!(is(&error, 1));
}

#[test]
fn a_program_inside_a_task_is_an_error() {
    let nested: Ended = taskgroup::block_on(async { run(async |_| Ok(())) });
    assert!(matches!(nested, Err(RunError::Loop(BlockOnError::Nested))));
}

#[test]
fn a_signal_that_nobody_can_hear_is_an_error_and_nothing_runs() {
    let runtime = Runtime::new();
    let mut ran = false;
    let runner = Runner::new(&runtime).signals([SignalKind::from_raw(SIGKILL)]);
    let refused: Ended = runner.run(async |_| Ok(ran = true));
    let error = refused.expect_err("refused");
    assert!(error.to_string().starts_with("SIGKILL cannot be listened to"), "{error}");
    assert!(!ran);
}

#[test]
fn no_signals_are_none() {
    let runtime = Runtime::new();
    let ended: Ended = Runner::new(&runtime).signals([]).run(async |_| Ok(()));
    assert!(ended.is_ok());
}

#[test]
fn listening_keeps_no_clock_from_moving_and_hides_no_stall() {
    let runtime = Runtime::with_clock(Clock::Autojump);
    let start = runtime.now();
    let slept: Ended = Runner::new(&runtime).run(async |_| Ok(sleep(HOUR).await));
    assert!(slept.is_ok());
    assert_eq!(runtime.now() - start, HOUR);
    let stalled: Ended = Runner::new(&runtime).run(async |_| Ok(std::future::pending().await));
    assert!(matches!(stalled, Err(RunError::Loop(BlockOnError::Stalled(_)))));
}

#[test]
fn ctrl_c_cancels_the_root_and_cleanups_run_innermost_first() -> Test {
    let program = || {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let ended: Ended = Runner::new(&runtime).run(async |g| {
            g.spawn(with_cleanup(
                with_cleanup(async { Ok(sleep(HOUR).await) }, async |why| {
                    sleep(Duration::from_millis(5)).await;
                    say(format_args!("inner {why}"));
                }),
                async |why| {
                    assert_eq!(why, Why::Cancelled(Reason::Parent(Reason::Interrupt.into())));
                    say("outer");
                },
            ));
            g.spawn(async {
                sleep(Duration::from_secs(1)).await;
                raise(SIGINT)?;
                Ok(())
            });
            with_cleanup(async { Ok(sleep(HOUR).await) }, async |why| say(format_args!("body {why}"))).await
        });
        let error = ended.expect_err("interrupted");
        assert_eq!(error.signal(), Some(SignalKind::INTERRUPT));
        say(error);
        say(runtime.census().tasks);
    };
    let said =
        ["body was cancelled: interrupted", "inner was cancelled: interrupted", "outer", "interrupted by SIGINT", "0"];
    apart!(ctrl_c_cancels_the_root_and_cleanups_run_innermost_first, program, said, 0);
}

#[test]
fn ctrl_c_is_heard_when_it_comes_and_not_at_the_next_timer() -> Test {
    let program = || {
        let runtime = Runtime::with_clock(Clock::Autojump);
        let start = runtime.now();
        let ended: Ended = Runner::new(&runtime).run(async |_| {
            sleep(Duration::from_secs(1)).await;
            raise(SIGINT)?;
            Ok(sleep(HOUR).await)
        });
        assert!(ended.is_err());
        say((runtime.now() - start).as_secs());
    };
    apart!(ctrl_c_is_heard_when_it_comes_and_not_at_the_next_timer, program, ["1"], 0);
}

#[test]
fn an_interrupted_program_has_exit_code_130() -> Test {
    let program = || {
        let ended: Ended = run(async |_| {
            raise(SIGINT)?;
            Ok(sleep(HOUR).await)
        });
        say(is(&ended.expect_err("interrupted"), 130));
    };
    apart!(an_interrupted_program_has_exit_code_130, program, ["true"], 0);
}

#[test]
fn the_second_ctrl_c_ends_a_cleanup_that_hangs() -> Test {
    let program = || {
        let ended: Ended = run(async |_| {
            raise(SIGINT)?;
            with_cleanup(async { Ok(sleep(HOUR).await) }, async |_| {
                say("cleaning up");
                raise(SIGINT).map_err(BoxError::from)?;
                say("never");
                Ok::<_, BoxError>(())
            })
            .await
        });
        say(format_args!("never: {ended:?}"));
    };
    apart!(the_second_ctrl_c_ends_a_cleanup_that_hangs, program, ["cleaning up"], -SIGINT);
}

#[test]
fn the_second_ctrl_c_ends_a_loop_that_has_not_noticed_the_first() -> Test {
    let program = || {
        let _: Ended = run(async |_| {
            raise(SIGINT)?;
            say("stuck");
            raise(SIGINT)?;
            loop {
                spin_loop();
            }
        });
    };
    apart!(the_second_ctrl_c_ends_a_loop_that_has_not_noticed_the_first, program, ["stuck"], -SIGINT);
}

#[test]
fn after_it_ctrl_c_ends_the_process_again() -> Test {
    let program = || {
        let ended: Ended = run(async |_| Ok(()));
        assert!(ended.is_ok());
        say("after");
        raise(SIGINT).expect("it works");
        say("never");
    };
    apart!(after_it_ctrl_c_ends_the_process_again, program, ["after"], -SIGINT);
}

#[test]
fn another_listener_hears_it_too() -> Test {
    let program = || {
        let ended: Ended = run(async |_| {
            let signals = Signals::new([SignalKind::INTERRUPT])?;
            raise(SIGINT)?;
            shield(async {
                say(signals.recv().await?);
                io::Result::Ok(())
            })
            .await?;
            Ok(sleep(HOUR).await)
        });
        say(ended.expect_err("interrupted"));
    };
    apart!(another_listener_hears_it_too, program, ["SIGINT", "interrupted by SIGINT"], 0);
}

#[test]
fn a_second_program_hears_ctrl_c_again() -> Test {
    let program = || {
        for _ in 0..2 {
            let ended: Ended = run(async |_| {
                raise(SIGINT)?;
                Ok(sleep(HOUR).await)
            });
            say(ended.expect_err("interrupted"));
        }
    };
    let said = ["interrupted by SIGINT", "interrupted by SIGINT"];
    apart!(a_second_program_hears_ctrl_c_again, program, said, 0);
}

#[test]
fn sigterm_is_heard_if_asked_for_and_is_another_exit_code() -> Test {
    let program = || {
        let runtime = Runtime::new();
        let runner = Runner::new(&runtime).signals([SignalKind::INTERRUPT, SignalKind::TERMINATE]);
        let ended: Ended = runner.run(async |_| {
            raise(SIGTERM)?;
            Ok(sleep(HOUR).await)
        });
        say(is(&ended.expect_err("terminated"), 143));
    };
    apart!(sigterm_is_heard_if_asked_for_and_is_another_exit_code, program, ["true"], 0);
}

#[test]
fn sigterm_is_left_alone_if_not() -> Test {
    let program = || {
        let _: Ended = run(async |_| {
            raise(SIGTERM)?;
            Ok(say("never"))
        });
    };
    apart!(sigterm_is_left_alone_if_not, program, [""; 0], -SIGTERM);
}

#[test]
fn an_error_in_a_cleanup_wins_and_the_signal_is_still_told() -> Test {
    let program = || {
        let ended: Ended = run(async |g| {
            g.spawn(with_cleanup(async { Ok(sleep(HOUR).await) }, async |_| Err("cannot say goodbye".into())))
                .named("connection");
            raise(SIGINT)?;
            Ok(sleep(HOUR).await)
        });
        let error = ended.expect_err("failed");
        assert_eq!(error.signal(), Some(SignalKind::INTERRUPT));
        assert!(is(&error, 1));
        let text = format!("{error:#}");
        say(text.lines().next().unwrap_or_default());
        assert!(text.contains("cannot say goodbye"), "{text}");
    };
    let said = ["interrupted by SIGINT, and failed then: 1 error in task group"];
    apart!(an_error_in_a_cleanup_wins_and_the_signal_is_still_told, program, said, 0);
}

#[test]
fn a_value_that_is_there_before_the_signal_is_noticed_wins() -> Test {
    let program = || {
        let ended: Ended<u32> = run(async |_| {
            raise(SIGINT)?;
            Ok(7)
        });
        say(ended.expect("it had ended"));
    };
    apart!(a_value_that_is_there_before_the_signal_is_noticed_wins, program, ["7"], 0);
}

#[test]
fn what_takes_longer_than_the_grace_is_cut_off() -> Test {
    let program = || {
        set_reporter(Some(|report| say(report)));
        let runtime = Runtime::with_clock(Clock::Autojump);
        let start = runtime.now();
        let runner = Runner::new(&runtime).grace(Duration::from_secs(5));
        let ended: Ended = runner.run(async |_| {
            raise(SIGINT)?;
            shield(sleep(HOUR)).await;
            Ok(())
        });
        say(ended.expect_err("interrupted"));
        assert_eq!(runtime.now() - start, Duration::from_secs(5));
    };
    let (cut, end) = (
        "cut off: the root task or a part of it, which was cancelled: interrupted",
        "interrupted by SIGINT, and cut off before its cleanups had ended",
    );
    apart!(what_takes_longer_than_the_grace_is_cut_off, program, [cut, end], 0);
}
