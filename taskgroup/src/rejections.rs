//! Programs that must not compile, each beside its twin that does.
//!
//! A rule about lifetimes is only worth what it rejects. So each item has two doctests: the rejected program with
//! rustc's code for the reason (checked on nightly; there is none for "lifetime may not live long enough"), and a twin
//! that differs in nothing but the fix. If the first is rejected for some other reason one day, the second breaks.
//!
//! Programs that must compile and run: `tests/signatures.rs`, in the workspace.

// ---- What a child may borrow.

/// A child borrows a local of the body, which may be gone before the child.
///
/// ```compile_fail,E0373
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let local = vec![1];
///     g.spawn(async { assert_eq!(local.len(), 1) });
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `move`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let local = vec![1];
///     g.spawn(async move { assert_eq!(local.len(), 1) });
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_borrows_a_local_of_the_body() {}

/// The same through a reference.
///
/// ```compile_fail,E0597
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn length(list: &[u32]) -> std::io::Result<usize> { Ok(list.len()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let local = vec![1];
///     g.spawn(length(&local));
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: the local lives around the group.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn length(list: &[u32]) -> std::io::Result<usize> { Ok(list.len()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let local = vec![1];
/// task_group(async |g| {
///     g.spawn(length(&local));
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_holds_a_reference_to_a_local_of_the_body() {}

/// Two children borrow the same thing mutably.
///
/// ```compile_fail,E0499
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn push(list: &mut Vec<u32>) -> Result<(), BoxError> { Ok(list.push(1)) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let (mut left, mut right) = (Vec::new(), Vec::new());
/// task_group(async |g| {
///     g.spawn(push(&mut left));
///     g.spawn(push(&mut left));
///     Ok(right.push(2))
/// }).await
/// # }
/// ```
///
/// The fix: each has its own.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn push(list: &mut Vec<u32>) -> Result<(), BoxError> { Ok(list.push(1)) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let (mut left, mut right) = (Vec::new(), Vec::new());
/// task_group(async |g| {
///     g.spawn(push(&mut left));
///     g.spawn(push(&mut right));
///     Ok(())
/// }).await
/// # }
/// ```
fn two_children_borrow_the_same_thing_mutably() {}

/// The body looks at what a child borrows mutably: the child has it until the group ends, also after `await`.
///
/// ```compile_fail,E0502
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn push(list: &mut Vec<u32>) -> Result<(), BoxError> { Ok(list.push(1)) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let mut list = Vec::new();
/// task_group(async |g| {
///     g.spawn(push(&mut list)).await?;
///     assert_eq!(list, [1]);
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// The fix: look after the group.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn push(list: &mut Vec<u32>) -> Result<(), BoxError> { Ok(list.push(1)) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let mut list = Vec::new();
/// task_group(async |g| {
///     g.spawn(push(&mut list)).await?;
///     Ok(())
/// }).await?;
/// assert_eq!(list, [1]);
/// # Ok(())
/// # }
/// ```
fn a_body_reads_what_a_child_borrows_mutably() {}

/// The future of a group leaves the function that owns what its children borrow.
///
/// ```compile_fail,E0597
/// # use std::future::Future;
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn length(word: &str) -> Result<usize, BoxError> { Ok(word.len()) }
/// fn later(word: String) -> impl Future<Output = Result<(), ExceptionGroup<BoxError>>> {
///     task_group(async |g| {
///         g.spawn(length(&word));
///         Ok(())
///     })
/// }
/// ```
///
/// The fix: a future around it owns the word.
///
/// ```
/// # use std::future::Future;
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn length(word: &str) -> Result<usize, BoxError> { Ok(word.len()) }
/// fn later(word: String) -> impl Future<Output = Result<(), ExceptionGroup<BoxError>>> {
///     async move {
///         task_group(async |g| {
///             g.spawn(length(&word));
///             Ok(())
///         })
///         .await
///     }
/// }
/// ```
fn the_future_of_a_group_leaves_what_its_children_borrow() {}

// ---- The group cannot escape. rustc has no code for it.

/// `g` as the value of the body.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = task_group(async |g| {
///     g.spawn(async {});
///     Ok(g)
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// The fix: a handle leaves.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = task_group(async |g| {
///     let task = g.spawn(async {});
///     Ok(task)
/// }).await?;
/// # Ok(())
/// # }
/// ```
fn g_is_returned() {}

/// `g` in a variable around the group.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let mut escaped: Option<&TaskGroup<'_, '_, std::io::Error>> = None;
/// task_group(async |g| {
///     escaped = Some(g);
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: a handle.
///
/// ```
/// # use taskgroup::{ExceptionGroup, Task, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let mut escaped: Option<Task<()>> = None;
/// task_group(async |g| {
///     escaped = Some(g.spawn(async {}));
///     Ok(())
/// }).await
/// # }
/// ```
fn g_escapes_through_an_option() {}

/// `g` in a cell that is shared.
///
/// ```compile_fail
/// # use std::{cell::Cell, rc::Rc};
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = Rc::new(Cell::new(None));
/// let inside = escaped.clone();
/// task_group(async move |g| {
///     inside.set(Some(g));
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: a handle.
///
/// ```
/// # use std::{cell::Cell, rc::Rc};
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = Rc::new(Cell::new(None));
/// let inside = escaped.clone();
/// task_group(async move |g| {
///     inside.set(Some(g.spawn(async {})));
///     Ok(())
/// }).await
/// # }
/// ```
fn g_escapes_through_a_shared_cell() {}

/// `g` through a channel.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// task_group(async |g| Ok(sender.send(g).unwrap_or_default())).await?;
/// let escaped = receiver.recv();
/// # Ok(())
/// # }
/// ```
///
/// The fix: a handle.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// task_group(async |g| Ok(sender.send(g.spawn(async {})).unwrap_or_default())).await?;
/// let escaped = receiver.recv();
/// # Ok(())
/// # }
/// ```
fn g_escapes_through_a_channel() {}

/// An inner `g` in a task of the outer group, which may live longer.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |outer| {
///     task_group(async |inner: &TaskGroup<'_, '_, std::io::Error>| {
///         outer.spawn(async { inner.cancel("from outside") });
///         Ok(())
///     }).await.or(Ok(()))
/// }).await
/// # }
/// ```
///
/// The fix: the other way round.
///
/// ```
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |outer| {
///     task_group(async |inner: &TaskGroup<'_, '_, std::io::Error>| {
///         inner.spawn(async { outer.cancel("from inside") });
///         Ok(())
///     }).await.or(Ok(()))
/// }).await
/// # }
/// ```
fn g_escapes_into_a_task_of_another_group() {}

/// `g` as the value of a task, whose handle leaves.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = task_group(async |g| Ok(g.spawn(async move { Ok(g) }))).await?;
/// # Ok(())
/// # }
/// ```
///
/// The fix: some other value.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// let escaped = task_group(async |g| Ok(g.spawn(async move { Ok(g.live()) }))).await?;
/// # Ok(())
/// # }
/// ```
fn g_escapes_as_the_value_of_a_task() {}

// ---- The lifetimes cannot be stretched or shrunk. rustc has no code for it.

/// `'scope` is invariant: a group whose tasks need not live as long would take tasks that are gone too early.
///
/// ```compile_fail
/// # use taskgroup::TaskGroup;
/// fn shorten<'short, 'scope: 'short, 'env>(
///     g: &'short TaskGroup<'scope, 'env>,
/// ) -> &'short TaskGroup<'short, 'env> {
///     g
/// }
/// ```
///
/// The fix: the reference shrinks, the group does not.
///
/// ```
/// # use taskgroup::TaskGroup;
/// fn shorten<'short, 'scope: 'short, 'env>(
///     g: &'short TaskGroup<'scope, 'env>,
/// ) -> &'short TaskGroup<'scope, 'env> {
///     g
/// }
/// ```
fn scope_is_shortened() {}

/// So is `'env`.
///
/// ```compile_fail
/// # use taskgroup::TaskGroup;
/// fn shorten<'scope, 'short: 'scope, 'env: 'short>(
///     g: &'scope TaskGroup<'scope, 'env>,
/// ) -> &'scope TaskGroup<'scope, 'short> {
///     g
/// }
/// ```
///
/// The fix: it stays what it is.
///
/// ```
/// # use taskgroup::TaskGroup;
/// fn shorten<'scope, 'short: 'scope, 'env: 'short>(
///     g: &'scope TaskGroup<'scope, 'env>,
/// ) -> &'scope TaskGroup<'scope, 'env> {
///     g
/// }
/// ```
fn env_is_shortened() {}

/// A struct with one lifetime for everything.
///
/// ```compile_fail
/// # use taskgroup::TaskGroup;
/// struct Pool<'a> {
///     group: &'a TaskGroup<'a, 'a>,
/// }
/// fn pool<'scope, 'env>(group: &'scope TaskGroup<'scope, 'env>) -> Pool<'scope> {
///     Pool { group }
/// }
/// ```
///
/// The fix: it has both.
///
/// ```
/// # use taskgroup::TaskGroup;
/// struct Pool<'scope, 'env> {
///     group: &'scope TaskGroup<'scope, 'env>,
/// }
/// fn pool<'scope, 'env>(group: &'scope TaskGroup<'scope, 'env>) -> Pool<'scope, 'env> {
///     Pool { group }
/// }
/// ```
fn a_struct_has_one_lifetime_for_all() {}

/// A helper that spawns through a shorter reference, and so could lend a local of its own.
///
/// ```compile_fail,E0621
/// # use taskgroup::TaskGroup;
/// fn helper<'scope>(g: &TaskGroup<'scope, '_>) {
///     g.spawn(async {});
/// }
/// ```
///
/// The fix: the reference lives for the scope.
///
/// ```
/// # use taskgroup::TaskGroup;
/// fn helper<'scope>(g: &'scope TaskGroup<'scope, '_>) {
///     g.spawn(async {});
/// }
/// ```
fn a_helper_spawns_through_a_shorter_reference() {}

/// `E` is invariant too. Types that differ only in a bound lifetime have different ids, and errors are found by theirs.
///
/// ```compile_fail,E0308
/// # use taskgroup::TaskGroup;
/// type General = for<'a> fn(&'a ());
/// type Special = fn(&'static ());
/// fn weaken<'scope, 'env>(g: &'scope TaskGroup<'scope, 'env, General>) -> &'scope TaskGroup<'scope, 'env, Special> {
///     g
/// }
/// ```
///
/// The fix: it stays what it is.
///
/// ```
/// # use taskgroup::TaskGroup;
/// type General = for<'a> fn(&'a ());
/// type Special = fn(&'static ());
/// fn weaken<'scope, 'env>(g: &'scope TaskGroup<'scope, 'env, General>) -> &'scope TaskGroup<'scope, 'env, General> {
///     g
/// }
/// ```
fn the_error_type_is_weakened() {}

// ---- Everything stays on its thread.

/// `g` is used in a thread.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     std::thread::scope(|s| {
///         s.spawn(|| assert_eq!(g.live(), 0));
///     });
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: only a number crosses.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let live = g.live();
///     std::thread::scope(|s| {
///         s.spawn(|| assert_eq!(live, 0));
///     });
///     Ok(())
/// }).await
/// # }
/// ```
fn g_is_sent_to_a_thread() {}

/// A handle is moved into a thread.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let task = g.spawn(async {});
///     std::thread::spawn(move || drop(task));
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: who the task is may cross.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let task = g.spawn(async {}).info();
///     std::thread::spawn(move || drop(task));
///     Ok(())
/// }).await
/// # }
/// ```
fn a_task_is_sent_to_a_thread() {}

/// The future of a group is moved into a thread.
///
/// ```compile_fail,E0277
/// # use taskgroup::{BoxError, block_on, task_group};
/// let group = task_group::<BoxError, _, _>(async |_| Ok(()));
/// std::thread::spawn(move || block_on(group));
/// ```
///
/// The fix: it is made there.
///
/// ```
/// # use taskgroup::{BoxError, block_on, task_group};
/// let group = || task_group::<BoxError, _, _>(async |_| Ok(()));
/// std::thread::spawn(move || block_on(group()));
/// ```
fn the_future_of_a_group_is_sent_to_a_thread() {}

/// The loop itself is moved into a thread.
///
/// ```compile_fail,E0277
/// # use taskgroup::Runtime;
/// let runtime = Runtime::new();
/// std::thread::spawn(move || runtime.block_on(async {}));
/// ```
///
/// The fix: it is made there.
///
/// ```
/// # use taskgroup::Runtime;
/// let runtime = || Runtime::new();
/// std::thread::spawn(move || runtime().block_on(async {}));
/// ```
fn a_runtime_is_sent_to_a_thread() {}

/// The handle of a root task is moved into a thread.
///
/// ```compile_fail,E0277
/// # async fn f() {
/// let handle = taskgroup_runtime::spawn(async {});
/// std::thread::spawn(move || drop(handle));
/// # }
/// ```
///
/// The fix: its value crosses.
///
/// ```
/// # async fn f() {
/// let handle = taskgroup_runtime::spawn(async {}).await.ok();
/// std::thread::spawn(move || drop(handle));
/// # }
/// ```
fn the_handle_of_a_root_task_is_sent_to_a_thread() {}

// ---- What a child and a body may end in.

/// A child ends in a bare value.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async { 5u64 });
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `Ok(..)`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async { Ok(5u64) });
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_ends_in_a_bare_value() {}

/// A child never ends: its type is `!`.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn tick() -> std::io::Result<()> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let pump = async { loop { tick().await?; } };
///     g.spawn(pump);
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: it says what it would end in, as an `async fn` does. (`while true { .. } Ok(())` compiles, with a warning.)
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn tick() -> std::io::Result<()> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let pump = async || -> std::io::Result<()> { loop { tick().await?; } };
///     g.spawn(pump());
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_is_an_endless_loop_with_a_question_mark() {}

/// The same without `?`.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group, yield_now};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let beat = async { loop { yield_now().await; } };
///     g.spawn(beat);
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: it says that it ends in nothing.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group, yield_now};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let beat = async || -> () { loop { yield_now().await; } };
///     g.spawn(beat());
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_is_an_endless_loop() {}

/// A child is nothing but a panic.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async { panic!("not written yet") });
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: a statement, so that the block ends in `()`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async { if true { panic!("not written yet") } });
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_is_a_panic() {}

/// A child is `pending()`, of unknown type.
///
/// ```compile_fail,E0283
/// # use std::future::pending;
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(pending());
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: the type is named.
///
/// ```
/// # use std::future::pending;
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(pending::<()>());
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_is_pending_of_unknown_type() {}

/// A body of type `!`. (A loop in a closure is none: it takes the type that is expected of it. A function has its own.)
///
/// ```compile_fail,E0271
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group, yield_now};
/// async fn body<'scope>(g: &'scope TaskGroup<'scope, '_, std::io::Error>) -> ! {
///     loop {
///         g.spawn(async {});
///         yield_now().await;
///     }
/// }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(body).await
/// # }
/// ```
///
/// The fix: a body ends in a `Result`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, TaskGroup, task_group, yield_now};
/// async fn body<'scope>(g: &'scope TaskGroup<'scope, '_, std::io::Error>) -> std::io::Result<()> {
///     loop {
///         g.spawn(async {});
///         yield_now().await;
///     }
/// }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(body).await
/// # }
/// ```
fn a_body_never_ends() {}

/// An accept loop as a nested group: nothing says what it would end in.
///
/// ```compile_fail,E0282
/// # use taskgroup::{ExceptionGroup, net::{TcpListener, TcpStream}, task_group};
/// # async fn handle(stream: TcpStream) -> std::io::Result<()> { stream.write_all(b"hello").await }
/// # async fn f(listener: &TcpListener) -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |outer| {
///     outer.spawn_group(task_group(async |g| {
///         loop {
///             let (stream, _) = listener.accept().await?;
///             g.spawn(handle(stream));
///         }
///     }));
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: the closure says it.
///
/// ```
/// # use taskgroup::{ExceptionGroup, net::{TcpListener, TcpStream}, task_group};
/// # async fn handle(stream: TcpStream) -> std::io::Result<()> { stream.write_all(b"hello").await }
/// # async fn f(listener: &TcpListener) -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |outer| {
///     outer.spawn_group(task_group(async |g| -> std::io::Result<()> {
///         loop {
///             let (stream, _) = listener.accept().await?;
///             g.spawn(handle(stream));
///         }
///     }));
///     Ok(())
/// }).await
/// # }
/// ```
fn a_nested_group_is_an_accept_loop() {}

/// A body without `Ok(())`.
///
/// ```compile_fail,E0308
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async {});
/// }).await
/// # }
/// ```
///
/// The fix: it has one.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await
/// # }
/// ```
fn a_body_ends_in_nothing() {}

/// A body that is a closure with a block in it, as before async closures.
///
/// ```compile_fail,E0282
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(|g| async move {
///     g.spawn(async {});
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `async |g|`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await
/// # }
/// ```
fn a_body_is_a_closure_with_a_block() {}

/// A child fails with an `io::Error`, the group with an enum.
///
/// ```compile_fail,E0308
/// # use taskgroup::{ExceptionGroup, task_group};
/// # #[derive(Debug, thiserror::Error)] enum AppError { #[error("io")] Io(#[from] std::io::Error) }
/// # async fn leaf() -> std::io::Result<()> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<AppError>> {
/// task_group(async |g| {
///     g.spawn(leaf());
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `?` around it.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # #[derive(Debug, thiserror::Error)] enum AppError { #[error("io")] Io(#[from] std::io::Error) }
/// # async fn leaf() -> std::io::Result<()> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<AppError>> {
/// task_group(async |g| {
///     g.spawn(async { Ok(leaf().await?) });
///     Ok(())
/// }).await
/// # }
/// ```
fn a_child_fails_with_another_error() {}

/// The same, where something has already said what `E` is: then the text is ours.
///
/// ```compile_fail,E0277
/// # use taskgroup::{TaskGroup, task_group};
/// # #[derive(Debug, thiserror::Error)] enum AppError { #[error("io")] Io(#[from] std::io::Error) }
/// # async fn leaf() -> std::io::Result<()> { Ok(()) }
/// fn helper<'scope>(g: &'scope TaskGroup<'scope, '_, AppError>) {
///     g.spawn(leaf());
/// }
/// ```
///
/// The fix: `?` around it.
///
/// ```
/// # use taskgroup::{TaskGroup, task_group};
/// # #[derive(Debug, thiserror::Error)] enum AppError { #[error("io")] Io(#[from] std::io::Error) }
/// # async fn leaf() -> std::io::Result<()> { Ok(()) }
/// fn helper<'scope>(g: &'scope TaskGroup<'scope, '_, AppError>) {
///     g.spawn(async { Ok(leaf().await?) });
/// }
/// ```
fn a_child_fails_with_another_error_than_a_named_group() {}

/// A nested group is started with `spawn`.
///
/// ```compile_fail,E0308
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<std::io::Error>> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn(inner());
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `spawn_group`.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<std::io::Error>> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     g.spawn_group(inner());
///     Ok(())
/// }).await
/// # }
/// ```
fn a_nested_group_is_spawned_as_a_task() {}

/// The same, where something has already said what `E` is: then the text is ours, and names `spawn_group`.
///
/// ```compile_fail,E0277
/// # use taskgroup::{BoxError, ExceptionGroup, boxed::task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<BoxError>> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// task_group(async |g| {
///     g.spawn(inner());
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: `spawn_group`.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, boxed::task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<BoxError>> { Ok(()) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// task_group(async |g| {
///     g.spawn_group(inner());
///     Ok(())
/// }).await
/// # }
/// ```
fn a_nested_group_is_spawned_as_a_task_of_a_named_group() {}

/// A third kind of end. The trait is sealed: one more for a `Result`, and no `E` would be inferred anywhere.
///
/// ```compile_fail,E0277
/// # use taskgroup::Outcome;
/// struct Done;
/// impl Outcome<std::io::Error> for Done {
///     type Value = ();
///     fn into_result(self) -> std::io::Result<()> { Ok(()) }
/// }
/// ```
///
/// The fix: a method.
///
/// ```
/// # use taskgroup::Outcome;
/// struct Done;
/// impl Done {
///     fn into_result(self) -> std::io::Result<()> { Ok(()) }
/// }
/// ```
fn a_third_outcome() {}

// ---- What `E` may be, and who names it.

/// An error that borrows. Errors are erased, and so `'static`. rustc has no code for it here.
///
/// ```compile_fail
/// # use taskgroup::{ExceptionGroup, task_group};
/// # #[derive(Debug)] enum ParseErr<'a> { Unknown(&'a str) }
/// # async fn parse(word: &str) -> Result<(), ParseErr<'_>> { Err(ParseErr::Unknown(word)) }
/// async fn f<'a>(word: &'a str) -> Result<(), ExceptionGroup<ParseErr<'a>>> {
///     task_group(async |g| {
///         g.spawn(parse(word));
///         Ok(())
///     }).await
/// }
/// ```
///
/// The fix: what it tells lives for ever, or is owned.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # #[derive(Debug)] enum ParseErr<'a> { Unknown(&'a str) }
/// # async fn parse(word: &str) -> Result<(), ParseErr<'static>> { Err(ParseErr::Unknown("word")) }
/// async fn f<'a>(word: &'a str) -> Result<(), ExceptionGroup<ParseErr<'static>>> {
///     task_group(async |g| {
///         g.spawn(parse(word));
///         Ok(())
///     }).await
/// }
/// ```
fn an_error_borrows() {}

/// `?` around a nested group, in an enum that has no place for it.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<AppError>> { Ok(()) }
/// #[derive(Debug, thiserror::Error)]
/// enum AppError {
///     #[error("{0}")] Io(#[from] std::io::Error),
/// }
/// async fn f() -> Result<(), ExceptionGroup<AppError>> {
///     task_group(async |_| Ok(inner().await?)).await
/// }
/// ```
///
/// The fix: it has one. (Or `spawn_group`, which keeps the tree.)
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn inner() -> Result<(), ExceptionGroup<AppError>> { Ok(()) }
/// #[derive(Debug, thiserror::Error)]
/// enum AppError {
///     #[error("{0}")] Io(#[from] std::io::Error),
///     #[error("{0}")] Group(#[from] ExceptionGroup<Self>),
/// }
/// async fn f() -> Result<(), ExceptionGroup<AppError>> {
///     task_group(async |_| Ok(inner().await?)).await
/// }
/// ```
fn a_nested_group_has_no_place_in_an_enum() {}

/// `task.await?` in a body whose error has no place for a `JoinError`.
///
/// ```compile_fail,E0277
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<u32, ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let task = g.spawn(async { Ok(5) });
///     Ok(task.await?)
/// }).await
/// # }
/// ```
///
/// The fix: it is converted.
///
/// ```
/// # use taskgroup::{ExceptionGroup, task_group};
/// # async fn f() -> Result<u32, ExceptionGroup<std::io::Error>> {
/// task_group(async |g| {
///     let task = g.spawn(async { Ok(5) });
///     Ok(task.await.map_err(std::io::Error::other)?)
/// }).await
/// # }
/// ```
fn a_join_error_has_no_place_in_an_error() {}

/// `?` on a refused future that borrows: the error in the box is `'static`, and holds the future.
///
/// ```compile_fail,E0597
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn length(word: &str) -> Result<usize, BoxError> { Ok(word.len()) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let word = String::new();
/// task_group(async |g| {
///     g.try_spawn(length(&word))?;
///     Ok(())
/// }).await
/// # }
/// ```
///
/// The fix: it becomes a text first.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, task_group};
/// # async fn length(word: &str) -> Result<usize, BoxError> { Ok(word.len()) }
/// # async fn f() -> Result<(), ExceptionGroup<BoxError>> {
/// let word = String::new();
/// task_group(async |g| {
///     g.try_spawn(length(&word)).map_err(|refused| refused.to_string())?;
///     Ok(())
/// }).await
/// # }
/// ```
fn a_refused_future_that_borrows_is_boxed_as_an_error() {}

/// Only children that end in `()`, and a `?` that takes any error: nothing names `E`.
///
/// ```compile_fail,E0282
/// # use taskgroup::{BoxError, ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), BoxError> {
/// task_group(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// First fix: `E` comes first in the generics.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), BoxError> {
/// task_group::<BoxError, _, _>(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// Second fix: the closure names its group.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), BoxError> {
/// task_group(async |g: &TaskGroup<'_, '_, BoxError>| {
///     g.spawn(async {});
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// Third fix: the result is named.
///
/// ```
/// # use taskgroup::{BoxError, ExceptionGroup, TaskGroup, task_group};
/// # async fn f() -> Result<(), BoxError> {
/// let result: Result<_, ExceptionGroup<BoxError>> = task_group(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await;
/// result?;
/// # Ok(())
/// # }
/// ```
fn an_error_that_nothing_names() {}

/// The same, with the result thrown away.
///
/// ```compile_fail,E0282
/// # use taskgroup::task_group;
/// # async fn f() {
/// let _ = task_group(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await;
/// # }
/// ```
///
/// The fix: it cannot fail, and says so.
///
/// ```
/// # use taskgroup::task_group;
/// # async fn f() {
/// let _ = task_group::<std::convert::Infallible, _, _>(async |g| {
///     g.spawn(async {});
///     Ok(())
/// }).await;
/// # }
/// ```
fn an_error_that_nothing_names_in_a_result_that_nobody_reads() {}

/// Inline children with a `?` of their own do not name it either.
///
/// ```compile_fail,E0282
/// # use taskgroup::{BoxError, task_group};
/// # async fn f() -> Result<(), BoxError> {
/// task_group(async |g| {
///     g.spawn(async {
///         let _: u32 = "7".parse()?;
///         Ok(())
///     });
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
///
/// The fix: the module in which it is `BoxError`.
///
/// ```
/// # use taskgroup::{BoxError, boxed::task_group};
/// # async fn f() -> Result<(), BoxError> {
/// task_group(async |g| {
///     g.spawn(async {
///         let _: u32 = "7".parse()?;
///         Ok(())
///     });
///     Ok(())
/// }).await?;
/// # Ok(())
/// # }
/// ```
fn inline_children_do_not_name_their_error() {}
