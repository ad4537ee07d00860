//! One process: its wait, its output, its end.
//!
//! Before: `output.rs`, `status.rs`. After: `foreman.rs`, `each.rs`.

use crate::output::Output;
use crate::printer::Printer;
use std::cell::Cell;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;
use taskgroup::process::Command;
use taskgroup::{CancelScope, shield, task_group, with_resource};

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
    command.stdin(std::process::Stdio::null());
    let child = command.spawn_group()?;
    drop(command); // it has the other ends of the pipes, too
    let group = task_group(async |g| {
        let mut readers = Vec::new();
        for output in outputs {
            // Shielded: a cancel reaches the process, which may say goodbye. The readers end when it has.
            let gone = std::rc::Rc::new(CancelScope::new());
            let scope = gone.clone();
            g.spawn(shield(async move { scope.run(output.print(printer)).await.unwrap_or(Ok(())) })).named("output");
            readers.push(gone);
        }
        let end = async |mut child: taskgroup::process::Child, _| {
            let status = child.shutdown(grace).await;
            readers.iter().for_each(|reader| reader.cancel("the process has ended"));
            ended.set(Some(status?));
            Ok(())
        };
        with_resource(child, async |child| child.wait().await, end).await
    });
    group.await.map_err(|errors| errors.single().unwrap_or_else(io::Error::other))
}
