//! One process: its wait, its output, its end.
//!
//! Before: `output.rs`, `status.rs`. After: `foreman.rs`, `each.rs`.

use crate::output::Output;
use crate::printer::Printer;
use std::cell::Cell;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use taskgroup::process::{Child, Command};
use taskgroup::{CancelScope, task_group, with_resource};

/// Runs a process in a process group of its own, prints what it writes, and ends the whole group, with a grace, however
/// this is left. This is `taskgroup::process::scoped`, but it goes on printing while the process is being ended, and
/// `ended` has its status also when this was cancelled.
///
/// # Errors
///
/// If it cannot be started (`NotFound`: there is no such program), or waited for.
pub(crate) async fn run(
    mut command: Command,
    grace: Duration,
    outputs: Vec<Output>,
    printer: &Printer,
    ended: &Cell<Option<ExitStatus>>,
) -> io::Result<ExitStatus> {
    command.stdin(Stdio::null());
    let child = command.spawn_group()?;
    drop(command); // it has the other ends of the pipes, too
    let gone = CancelScope::new();
    let group = task_group(async |g| {
        // A cancel comes to the readers only when the body has ended, with its cleanup: so a process that says something
        // while it is being ended is still heard.
        for output in outputs {
            g.spawn(async { gone.run(output.print(printer)).await.unwrap_or(Ok(())) }).named("output");
        }
        let end = async |mut child: Child, _| {
            let status = child.shutdown(grace).await;
            // Who has left its process group may hold the pipe for ever: what is in it by now is read, and no more. (A scope
            // and not the handles: a process that ends at once may do so before the readers have begun.)
            gone.cancel("the process has ended");
            ended.set(Some(status?));
            Ok(())
        };
        with_resource(child, async |child| child.wait().await, end).await
    });
    group.await.map_err(|errors| errors.single().unwrap_or_else(io::Error::other))
}
