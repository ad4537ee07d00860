//! What users of asyncio write, and how it is written here: thirteen programs, each of which runs.
//!
//! | | asyncio | here |
//! |---|---|---|
//! | [1](#1-spawn-several-read-the-results-after-the-block) | `t.result()` after the block | [`Task::result`] |
//! | [2](#2-fetch-a-list-fail-fast) | a list of `create_task` | `spawn` in a loop, or [`gather`] |
//! | [3](#3-successes-and-failures-apart) | `except*`, then `task.done()` for each | [`ExceptionGroup::error_of`] |
//! | [4](#4-a-timeout-for-each-task) | `timeout(5)` in each child | [`timeout`] in each child |
//! | [5](#5-gather-in-the-order-of-the-arguments) | `gather(a, b, c)` | [`gather`] |
//! | [6](#6-gather-with-errors-as-values) | `return_exceptions=True` | [`gather_settled`] |
//! | [7](#7-a-resource-for-each-task) | `try` / `finally` with an awaited `close()` | [`with_resource`] |
//! | [8](#8-spawn-at-run-time-from-the-body-and-from-tasks) | `tg.create_task` in a child | `g.spawn` in a child |
//! | [9](#9-one-after-the-other-or-at-once) | `await f()` against tasks | the same |
//! | [10](#10-handle-errors-by-their-kind) | `except* ValueError` | [`ExceptionGroup::catch`] |
//! | [11](#11-await-a-task-inside-the-block) | `await t1` | the same |
//! | [12](#12-a-task-cancels-its-parent) | `parent.cancel()` | [`CancelScope`] |
//! | [13](#13-the-pictures-of-success-and-failure) | drawn by hand | drawn from the run |
//!
//! # 1. Spawn several, read the results after the block
//!
//! Handles leave the group; after it, every one of them has a result.
//!
//! ```
//! # use taskgroup::{BoxError, block_on, boxed::task_group};
//! # fn main() -> Result<(), BoxError> {
//! # block_on(async {
//! # async fn price(of: &str) -> Result<u32, BoxError> { Ok(of.len() as u32) }
//! let mut tasks = Vec::new();
//! task_group(async |g| {
//!     tasks.push(g.spawn(price("tea")));
//!     tasks.push(g.spawn(price("coffee")));
//!     Ok(())
//! })
//! .await?;
//! let prices: Vec<_> = tasks.iter().filter_map(|task| task.result()?.ok()).collect();
//! assert_eq!(prices, [3, 6]);
//! # Ok(()) })
//! # }
//! ```
//!
//! # 2. Fetch a list, fail fast
//!
//! For any list, and any function over its elements; they are borrowed.
//!
//! ```
//! use taskgroup::{BoxError, ExceptionGroup, gather};
//!
//! async fn for_each<T, R>(
//!     inputs: &[T],
//!     work: impl AsyncFn(&T) -> Result<R, BoxError>,
//! ) -> Result<Vec<R>, ExceptionGroup> {
//!     gather(inputs.iter().map(|input| work(input))).await
//! }
//! # fn main() -> Result<(), BoxError> {
//! # taskgroup::block_on(async {
//! let pages = vec!["/index".to_string(), "/about".to_string()];
//! let sizes = for_each(&pages, async |page| Ok(page.len())).await?;
//! assert_eq!(sizes, [6, 6]);
//! let failed = for_each(&["7", "x"], async |word| Ok(word.parse::<u8>()?)).await;
//! assert_eq!(failed.unwrap_err().leaves().count(), 1);
//! # Ok(()) })
//! # }
//! ```
//!
//! # 3. Successes and failures apart
//!
//! The results of tasks that had ended survive the failure of another; and for each that has none, it is known why.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{Clock, Runtime, sleep, task_group};
//!
//! async fn fetch(page: &str, seconds: u64) -> Result<String, String> {
//!     sleep(Duration::from_secs(seconds)).await;
//!     if page == "/b" { Err(format!("{page} is gone")) } else { Ok(page.to_uppercase()) }
//! }
//!
//! Runtime::with_clock(Clock::Autojump).block_on(async {
//!     let mut tasks = Vec::new();
//!     let ended = task_group(async |g| {
//!         tasks.extend([("/a", 1), ("/b", 2), ("/c", 3)].map(|(page, n)| g.spawn(fetch(page, n)).named(page)));
//!         Ok(())
//!     })
//!     .await;
//!     let errors = ended.expect_err("/b fails");
//!     let report = tasks.iter().map(|task| match task.result() {
//!         Some(Ok(page)) => page,
//!         _ if errors.error_of(task).is_some() => "failed".to_string(),
//!         Some(Err(error)) => error.kind().to_string(),
//!         None => unreachable!("a group ends after its tasks"),
//!     });
//!     assert_eq!(report.collect::<Vec<_>>(), ["/A", "failed", "cancelled: /b failed"]);
//! });
//! ```
//!
//! # 4. A timeout for each task
//!
//! One that is late is `None`, and the others go on.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{Clock, ExceptionGroup, Runtime, gather, sleep, timeout};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let answers = Runtime::with_clock(Clock::Autojump).block_on(gather([1, 9, 2].map(async |seconds| {
//!     let answer = timeout(Duration::from_secs(5), sleep(Duration::from_secs(seconds))).await;
//!     Ok(answer.ok().map(|()| seconds))
//! })))?;
//! assert_eq!(answers, [Some(1), None, Some(2)]);
//! # Ok(())
//! # }
//! ```
//!
//! # 5. Gather, in the order of the arguments
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{Clock, ExceptionGroup, Runtime, gather, sleep};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let values = Runtime::with_clock(Clock::Autojump).block_on(gather([3, 1, 2].map(async |n| {
//!     sleep(Duration::from_secs(n)).await; // the second ends first
//!     Ok(n)
//! })))?;
//! assert_eq!(values, [3, 1, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! # 6. Gather, with errors as values
//!
//! ```
//! use taskgroup::{block_on, gather_settled};
//!
//! let parsed = block_on(gather_settled(["1", "x", "3"].map(async |word: &str| word.parse::<u32>())));
//! let (good, bad): (Vec<_>, Vec<_>) = parsed.into_iter().partition(Result::is_ok);
//! assert_eq!((good.len(), bad.len()), (2, 1));
//! ```
//!
//! # 7. A resource for each task
//!
//! `Drop` closes what can be closed at once. What has to be awaited is closed by [`with_resource`], however its task
//! ends; the group does not end before.
//!
//! ```
//! use std::cell::RefCell;
//! use std::time::Duration;
//! use taskgroup::{Clock, Runtime, sleep, task_group, with_resource};
//!
//! # let log = RefCell::new(Vec::new());
//! struct Connection(&'static str);
//!
//! async fn use_it(connection: &mut Connection) -> Result<(), String> {
//!     sleep(Duration::from_secs(1)).await;
//!     if connection.0 == "db" { Err("db is down".into()) } else { Ok(sleep(Duration::from_secs(60)).await) }
//! }
//!
//! let ended = Runtime::with_clock(Clock::Autojump).block_on(task_group(async |g| {
//!     for name in ["db", "cache"] {
//!         g.spawn(with_resource(Connection(name), async |c| use_it(c).await, async |c: Connection, why| {
//!             sleep(Duration::from_millis(20)).await; // say goodbye
//!             log.borrow_mut().push(format!("{} closed, since its task {why}", c.0));
//!         }))
//!         .named(name);
//!     }
//!     Ok(())
//! }));
//! assert!(ended.is_err());
//! let lines = ["db closed, since its task failed", "cache closed, since its task was cancelled: db failed"];
//! assert_eq!(*log.borrow(), lines);
//! ```
//!
//! # 8. Spawn at run time, from the body and from tasks
//!
//! ```
//! use std::cell::Cell;
//! use taskgroup::{ExceptionGroup, TaskGroup, block_on, task_group};
//!
//! type Group<'scope, 'env> = TaskGroup<'scope, 'env, std::io::Error>;
//!
//! /// Counts the nodes of a binary tree, a task for each.
//! async fn count<'scope>(g: &'scope Group<'scope, '_>, depth: u32, nodes: &'scope Cell<u32>) {
//!     nodes.set(nodes.get() + 1);
//!     for _ in 0..depth.min(1) * 2 {
//!         g.spawn(count(g, depth - 1, nodes));
//!     }
//! }
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let nodes = Cell::new(0);
//! block_on(task_group(async |g| {
//!     g.spawn(count(g, 4, &nodes));
//!     Ok(())
//! }))?;
//! assert_eq!(nodes.get(), 31);
//! # Ok(())
//! # }
//! ```
//!
//! # 9. One after the other, or at once
//!
//! The lanes are drawn from what the clock said.
//!
//! ```
//! use std::cell::Cell;
//! use std::time::Duration;
//! use taskgroup::{Clock, ExceptionGroup, Runtime, gather, now, sleep};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! # Runtime::with_clock(Clock::Autojump).block_on(async {
//! let start = Cell::new(now());
//! let at = || (now() - start.get()).as_secs() as usize;
//! let job = async |name: &str, seconds| {
//!     let from = at();
//!     sleep(Duration::from_secs(seconds)).await;
//!     Ok::<_, std::io::Error>(format!("{name} {}{}", " ".repeat(from), "=".repeat(at() - from)))
//! };
//! let mut in_turn = Vec::new();
//! for name in ["a", "b", "c"] {
//!     in_turn.extend(job(name, 3).await);
//! }
//! assert_eq!(in_turn, ["a ===", "b    ===", "c       ==="]); // nine seconds
//!
//! start.set(now());
//! let at_once = gather(["a", "b", "c"].map(|name| job(name, 3))).await?;
//! assert_eq!(at_once, ["a ===", "b ===", "c ==="]); // three
//! # Ok(()) })
//! # }
//! ```
//!
//! # 10. Handle errors by their kind
//!
//! Each handler takes its part of the tree; what nobody took goes on.
//!
//! ```
//! use std::io;
//! use std::num::ParseIntError;
//! use taskgroup::boxed::task_group;
//! use taskgroup::{BoxError, ExceptionGroup, block_on};
//!
//! async fn load(item: &str) -> Result<u32, BoxError> {
//!     match item {
//!         "" => Err(io::Error::other("no such file"))?,
//!         "!" => Err("out of paper")?,
//!         number => Ok(number.parse()?),
//!     }
//! }
//!
//! let mut said = Vec::new();
//! let loaded = block_on(task_group(async |g| {
//!     g.collect_all();
//!     for item in ["7", "seven", "", "!"] {
//!         g.spawn(load(item));
//!     }
//!     Ok(())
//! }));
//! let rest = loaded.or_else(|errors| {
//!     errors
//!         .catch(|part: ExceptionGroup<ParseIntError>| said.push(format!("{} is no number", part.count())))
//!         .catch(|part: ExceptionGroup<io::Error>| said.push(format!("{} has no file", part.count())))
//!         .rest()
//! });
//! assert_eq!(said, ["1 is no number", "1 has no file"]);
//! assert_eq!(rest.unwrap_err().to_string(), "1 error in task group: out of paper");
//! ```
//!
//! # 11. Await a task inside the block
//!
//! If another fails meanwhile, this wait is cancelled at once: the body does not sit out its sleep.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{Clock, Runtime, now, sleep, task_group};
//!
//! Runtime::with_clock(Clock::Autojump).block_on(async {
//!     let start = now();
//!     let mut got_it = false;
//!     let ended = task_group(async |g| {
//!         let slow = g.spawn(async { Ok(sleep(Duration::from_secs(60)).await) });
//!         g.spawn(async {
//!             sleep(Duration::from_secs(1)).await;
//!             Err::<(), _>("broken")
//!         });
//!         let _ = slow.await; // cancelled here, after a second
//!         got_it = true;
//!         Ok(())
//!     })
//!     .await;
//!     assert!(ended.is_err() && !got_it);
//!     assert_eq!((now() - start).as_secs(), 1);
//! });
//! ```
//!
//! # 12. A task cancels its parent
//!
//! There is no handle of the parent to steal: the parent runs its group in a scope, and the task gets that. The others
//! are cancelled at once instead of running to their ends.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{CancelScope, Clock, Runtime, now, sleep, task_group};
//!
//! Runtime::with_clock(Clock::Autojump).block_on(async {
//!     let (start, parent) = (now(), CancelScope::new());
//!     let ended = parent
//!         .run(task_group::<std::io::Error, _, _>(async |g| {
//!             g.spawn(sleep(Duration::from_secs(60)));
//!             g.spawn(async {
//!                 sleep(Duration::from_secs(1)).await;
//!                 parent.cancel("found what we looked for");
//!             });
//!             Ok(())
//!         }))
//!         .await;
//!     assert_eq!(ended.unwrap_err().to_string(), "cancelled: found what we looked for");
//!     assert_eq!((now() - start).as_secs(), 1);
//! });
//! ```
//!
//! # 13. The pictures of success and failure
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::{Clock, JoinErrorKind, Runtime, sleep, task_group};
//!
//! async fn run(jobs: &[(&'static str, u64, Result<(), &'static str>)]) -> String {
//!     let mut tasks = Vec::new();
//!     let ended = task_group(async |g| {
//!         for (name, seconds, end) in jobs {
//!             let job = async {
//!                 sleep(Duration::from_secs(*seconds)).await;
//!                 *end
//!             };
//!             tasks.push((*name, g.spawn(job).named(*name)));
//!         }
//!         Ok(())
//!     })
//!     .await;
//!     let lanes = tasks.iter().map(|(name, task)| match task.result() {
//!         Some(Ok(())) => format!("[{name}] --> done\n"),
//!         Some(Err(error)) if *error.kind() == JoinErrorKind::Failed => format!("[{name}] --X failed\n"),
//!         _ => format!("[{name}] --X cancelled\n"),
//!     });
//!     let end = ended.map_or_else(|errors| errors.to_string(), |()| "all done".to_string());
//!     lanes.collect::<String>() + &end
//! }
//!
//! let runtime = Runtime::with_clock(Clock::Autojump);
//! let success = runtime.block_on(run(&[("A", 1, Ok(())), ("B", 2, Ok(()))]));
//! assert_eq!(success, "[A] --> done\n[B] --> done\nall done");
//! let failure = runtime.block_on(run(&[("A", 1, Ok(())), ("B", 2, Err("broken")), ("C", 3, Ok(()))]));
//! assert_eq!(failure, "[A] --> done\n[B] --X failed\n[C] --X cancelled\n1 error in task group: broken");
//! ```
//!
//! # Events, queues, locks
//!
//! They are not ours: [`async-lock`](https://docs.rs/async-lock) and [`async-channel`](https://docs.rs/async-channel)
//! work here as anywhere, and a wait in them that is cancelled loses nothing.
//!
//! | asyncio | |
//! |---|---|
//! | `Semaphore` | `async_lock::Semaphore`; or [`limit`] of a group |
//! | `Lock` | `async_lock::Mutex` |
//! | `Event` | `async_lock::OnceCell` for one that is set once, with a value if you like; else `event_listener::Event` |
//! | `Queue` | `async_channel::bounded` |
//!
//! A semaphore whose waiter is cancelled passes its turn on:
//!
//! ```
//! use async_lock::Semaphore;
//! use taskgroup::{ExceptionGroup, block_on, checkpoint, task_group};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let places = Semaphore::new(1);
//! let served = block_on(task_group(async |g| {
//!     let place = places.acquire().await;
//!     let first = g.spawn(async { Ok(places.acquire().await).map(drop) });
//!     let second = g.spawn(async { Ok(places.acquire().await).map(drop) });
//!     checkpoint().await; // both wait now
//!     first.cancel("changed its mind");
//!     drop(place);
//!     Ok((first.await.is_ok(), second.await.is_ok()))
//! }))?;
//! assert_eq!(served, (false, true));
//! # Ok(())
//! # }
//! ```
//!
//! So does a lock; and who holds it when it is cancelled, gives it back as its guard is dropped:
//!
//! ```
//! use async_lock::Mutex;
//! use taskgroup::{ExceptionGroup, block_on, checkpoint, task_group};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let list = Mutex::new(Vec::new());
//! block_on(task_group(async |g| {
//!     let holder = g.spawn(async {
//!         list.lock().await.push("first");
//!         let _held = list.lock().await;
//!         std::future::pending::<()>().await;
//!     });
//!     checkpoint().await;
//!     let waiter = g.spawn(async { list.lock().await.push("second") });
//!     checkpoint().await; // it waits now
//!     holder.cancel("took too long");
//!     waiter.await.map_err(std::io::Error::other)
//! }))?;
//! assert_eq!(list.into_inner(), ["first", "second"]);
//! # Ok(())
//! # }
//! ```
//!
//! An event is seen by all who wait for it, but for those that were cancelled:
//!
//! ```
//! use async_lock::OnceCell;
//! use taskgroup::{ExceptionGroup, block_on, checkpoint, task_group};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let opened = OnceCell::new();
//! let seen = block_on(task_group(async |g| {
//!     let tasks = [1, 2, 3].map(|_| g.spawn(async { Ok(*opened.wait().await) }));
//!     checkpoint().await; // all wait now
//!     tasks[0].cancel("changed its mind");
//!     opened.set("at nine").await.ok();
//!     let mut seen = Vec::new();
//!     for task in tasks {
//!         seen.push(task.await.ok());
//!     }
//!     Ok(seen)
//! }))?;
//! assert_eq!(seen, [None, Some("at nine"), Some("at nine")]);
//! # Ok(())
//! # }
//! ```
//!
//! A channel whose receiver is cancelled keeps its message for the next:
//!
//! ```
//! use taskgroup::{ExceptionGroup, block_on, checkpoint, task_group};
//!
//! # fn main() -> Result<(), ExceptionGroup<std::io::Error>> {
//! let (sender, receiver) = async_channel::bounded::<u32>(1);
//! let got = block_on(task_group(async |g| {
//!     let first = g.spawn(async { Ok(receiver.recv().await) });
//!     checkpoint().await; // it waits now
//!     first.cancel("changed its mind");
//!     let sent = sender.send(7).await; // the first is woken for the message, and is dropped instead
//!     let second = g.spawn(async { Ok(receiver.recv().await) });
//!     Ok((sent.is_ok(), first.await.is_ok(), second.await))
//! }))?;
//! assert_eq!(got, (true, false, Ok(Ok(7))));
//! # Ok(())
//! # }
//! ```
//!
//! [`limit`]: crate::TaskGroup::limit
//! [`Task::result`]: crate::Task::result
//! [`gather`]: crate::gather()
//! [`gather_settled`]: crate::gather_settled
//! [`timeout`]: crate::timeout()
//! [`with_resource`]: crate::with_resource
//! [`CancelScope`]: crate::CancelScope
//! [`ExceptionGroup::error_of`]: crate::ExceptionGroup::error_of
//! [`ExceptionGroup::catch`]: crate::ExceptionGroup::catch
