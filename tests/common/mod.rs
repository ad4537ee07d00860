//! What the tests share: `run`, a log in virtual time, things that count their polls and drops, a gate.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate and uses a part")]

pub mod cancelled;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::{Display, Write};
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use taskgroup::{Clock, ExceptionGroup, Runtime, Task, TaskGroup, What, node_count, now, set_reporter, sleep};

/// The error of most tests: a word.
pub type Word = &'static str;
pub type Errors = ExceptionGroup<Word>;
pub type Group<'scope, 'env> = TaskGroup<'scope, 'env, Word>;

/// `task_group` with words for errors, so that groups whose children cannot fail need no annotation.
#[track_caller]
pub fn group<'env, T, F>(body: F) -> impl Future<Output = Result<T, Errors>>
where
    F: for<'scope> AsyncFnOnce(&'scope Group<'scope, 'env>) -> Result<T, Word>,
{
    taskgroup::task_group(body)
}

/// Runs a test's future in virtual time. Nothing may be left at its end: no node, task, timer or source.
#[track_caller]
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = Runtime::with_clock(Clock::Autojump);
    run_in(&runtime, future)
}

/// The same, in a runtime that the test goes on to look at.
#[track_caller]
pub fn run_in<T>(runtime: &Runtime<'_>, future: impl Future<Output = T>) -> T {
    let nodes = node_count();
    let output = runtime.block_on(future);
    assert_eq!(node_count(), nodes, "nodes are left in the scope tree");
    let left = runtime.census();
    assert_eq!((left.tasks, left.timers, left.sources), (0, 0, 0), "tasks, timers or sources are left");
    output
}

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A value, later.
pub async fn after<T>(n: u64, value: T) -> Result<T, Word> {
    sleep(ms(n)).await;
    Ok(value)
}

/// An error, later.
pub async fn fail_after(n: u64, error: Word) -> Result<(), Word> {
    sleep(ms(n)).await;
    Err(error)
}

/// An error at the first poll.
pub async fn fail(error: Word) -> Result<(), Word> {
    Err(error)
}

/// The end of a body that has started one task and does nothing else.
pub fn only<T, E>(_task: Task<T>) -> Result<(), E> {
    Ok(())
}

/// The shape of an error tree: `[A [B C] D]`.
pub fn shape<E: Display>(errors: &ExceptionGroup<E>) -> String {
    let members = errors.members().iter().map(|member| match member.what() {
        What::Error(error) => error.to_string(),
        What::Group(group) => shape(group),
    });
    format!("[{}]", members.collect::<Vec<_>>().join(" "))
}

/// The shape of what a group failed with.
#[track_caller]
pub fn failed<T, E: Display>(result: Result<T, ExceptionGroup<E>>) -> String {
    match result {
        Ok(_) => panic!("the group should have failed"),
        Err(errors) => shape(&errors),
    }
}

/// What happened, and when. To be made inside [`run`]: times are milliseconds since then.
#[derive(Clone)]
pub struct Log {
    start: Instant,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    pub fn new() -> Self {
        Self { start: now(), lines: Rc::default() }
    }

    pub fn ms(&self) -> u64 {
        u64::try_from((now() - self.start).as_millis()).expect("tests are short")
    }

    pub fn note(&self, text: impl Display) {
        let line = format!("{} {text}", self.ms());
        self.lines.borrow_mut().push(line);
    }

    /// A guard that notes when it is dropped.
    pub fn on_drop(&self, text: impl Into<String>) -> NoteOnDrop {
        NoteOnDrop { log: self.clone(), text: text.into() }
    }

    /// A sleep that notes its start and how it ended.
    pub async fn work(&self, name: &str, n: u64) {
        self.note(format_args!("{name} starts"));
        let mut end = self.on_drop(format!("{name} cancelled"));
        sleep(ms(n)).await;
        end.text = format!("{name} ends");
    }

    /// The lines since the last call.
    pub fn take(&self) -> Vec<String> {
        self.lines.take()
    }
}

pub struct NoteOnDrop {
    log: Log,
    text: String,
}

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.log.note(&self.text);
    }
}

/// Does something when it is dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Counts guards: how many were made and how many were dropped.
#[derive(Clone, Default)]
pub struct Drops {
    made: Rc<Cell<usize>>,
    dropped: Rc<Cell<usize>>,
}

impl Drops {
    pub fn new() -> Self {
        Self::default()
    }

    /// A guard that is counted when it is dropped.
    pub fn guard(&self) -> Dropping {
        self.made.set(self.made.get() + 1);
        Dropping(self.clone())
    }

    pub fn count(&self) -> usize {
        self.dropped.get()
    }

    pub fn alive(&self) -> usize {
        self.made.get() - self.dropped.get()
    }

    /// Every guard that was made is gone, and there were `n`.
    #[track_caller]
    pub fn assert_all(&self, n: usize) {
        assert_eq!((self.made.get(), self.dropped.get()), (n, n), "guards made and dropped");
    }
}

pub struct Dropping(Drops);

impl Drop for Dropping {
    fn drop(&mut self) {
        self.0.dropped.set(self.0.dropped.get() + 1);
    }
}

/// Counts the polls of a future.
pub async fn counted<F: Future>(polls: &Cell<u32>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

/// Holds futures back until it is opened. A foreign leaf: it knows nothing of cancels and does not freeze.
#[derive(Clone, Default)]
pub struct Gate {
    open: Rc<Cell<bool>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        self.open.set(true);
        let wakers = self.wakers.take();
        for waker in wakers {
            waker.wake();
        }
    }

    pub async fn wait(&self) {
        poll_fn(|cx| {
            if self.open.get() {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            self.wakers.borrow_mut().push(waker);
            Poll::Pending
        })
        .await;
    }
}

/// One poll, with the task's own waker.
pub async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Two polls of a group: the first runs its body, the second starts its children.
pub async fn start<F: Future + ?Sized>(mut whole: Pin<&mut F>) {
    assert!(poll_once(whole.as_mut()).await.is_pending());
    assert!(poll_once(whole).await.is_pending());
}

/// One poll, with a waker that does nothing.
pub fn poll_idly<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The text of the panic that a future ends in.
pub async fn panic_of<F: Future>(future: F) -> String {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(_) => panic!("this should have panicked"),
        Err(payload) => text(&*payload),
    }
}

/// What a panic carries.
pub fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "not a text".to_owned(),
    }
}

thread_local! {
    static REPORTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on, reports of this thread are kept for [`reports`].
pub fn keep_reports() {
    set_reporter(Some(|report| REPORTS.with_borrow_mut(|reports| reports.push(report.to_string()))));
}

/// The reports since the last call.
pub fn reports() -> Vec<String> {
    REPORTS.take()
}

/// Writes nowhere, and counts.
#[derive(Default)]
pub struct Sink(pub usize);

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}
