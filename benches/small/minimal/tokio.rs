use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::task::JoinSet;
use tokio::time::sleep;

const WHILE: Duration = Duration::from_millis(300);

fn main() -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_time().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        tasks.spawn_local(sleep(WHILE));
        tasks.spawn_local(sleep(WHILE));
        tasks.join_all().await;
    });
    Ok(())
}
