use async_executor::LocalExecutor;
use async_io::{Timer, block_on};
use std::time::Duration;

const WHILE: Duration = Duration::from_millis(300);

fn main() {
    let executor = LocalExecutor::new();
    block_on(executor.run(async {
        let tasks = [executor.spawn(Timer::after(WHILE)), executor.spawn(Timer::after(WHILE))];
        for task in tasks {
            task.await;
        }
    }));
}
