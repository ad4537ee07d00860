//! What the tests share: futures that count, wakers that count, a watchdog.
#![allow(dead_code, unreachable_pub, reason = "every file of tests uses its own part")]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;
use taskgroup_runtime::Runtime;

/// "Look, but do not wait."
pub const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// Milliseconds, of which these tests speak much.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A future that stays pending until it is opened, and counts. Clones are the same gate; each [`Gate::wait`] is one
/// future before it. It is woken by [`Gate::open`] only: whoever wants a wake without cause takes [`Gate::waker`].
#[derive(Clone, Default)]
pub struct Gate(Rc<State>);

#[derive(Default)]
struct State {
    open: Cell<bool>,
    polls: Cell<u32>,
    drops: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    /// A future that ends when the gate is open.
    pub fn wait(&self) -> Waiting {
        Waiting(self.clone())
    }

    pub fn open(&self) {
        self.0.open.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }

    /// Of all futures before this gate.
    pub fn polls(&self) -> u32 {
        self.0.polls.get()
    }

    pub fn drops(&self) -> u32 {
        self.0.drops.get()
    }

    /// The waker of the last poll.
    #[track_caller]
    pub fn waker(&self) -> Waker {
        self.0.waker.borrow().clone().expect("the gate has been polled and not opened")
    }
}

/// The future of [`Gate::wait`].
pub struct Waiting(Gate);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let state = &*self.0.0;
        state.polls.set(state.polls.get() + 1);
        if state.open.get() {
            return Poll::Ready(());
        }
        let before = state.waker.replace(Some(cx.waker().clone()));
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.drops.set(self.0.0.drops.get() + 1);
    }
}

/// A waker that is none of the runtime's: it counts.
#[derive(Default)]
pub struct Counter(AtomicU32);

impl Counter {
    pub fn new() -> (Waker, Arc<Self>) {
        let counter = Arc::new(Self::default());
        (counter.clone().into(), counter)
    }

    pub fn wakes(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a future with a waker of your choice, wherever you are.
pub fn poll_with<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Makes something inside a runtime, to be used elsewhere.
pub fn inside<T>(runtime: &Runtime<'_>, make: impl FnOnce() -> T) -> T {
    runtime.block_on(async { make() })
}

/// Does something when it is dropped, once.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<Vec<&'static str>>>);

impl Trace {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn note(&self, what: &'static str) {
        self.0.borrow_mut().push(what);
    }

    pub fn so_far(&self) -> String {
        self.0.borrow().join(" ")
    }
}

/// Turns without waiting until nothing is ready. Gives the number of polls.
#[track_caller]
pub fn settle(runtime: &Runtime<'_>) -> u32 {
    let mut polled = 0;
    for _ in 0..10_000 {
        let turn = runtime.turn(AT_ONCE).expect("a turn");
        polled += turn.polled;
        if !turn.ready {
            return polled;
        }
    }
    panic!("the runtime does not come to rest");
}

/// Runs something that might hang on a thread of its own and gives it a time that only a hang can use up.
#[track_caller]
pub fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (report, done) = channel();
    let thread = thread::spawn(move || {
        let result = run();
        let _ = report.send(());
        result
    });
    if done.recv_timeout(Duration::from_secs(10)) == Err(RecvTimeoutError::Timeout) {
        panic!("it hangs");
    }
    match thread.join() {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    }
}

/// A thread that answers: it wakes whoever asks, after a while.
pub struct Echo {
    questions: Sender<(Waker, Arc<AtomicBool>, u32)>,
}

impl Echo {
    pub fn new() -> Self {
        let (questions, inbox) = channel::<(Waker, Arc<AtomicBool>, u32)>();
        thread::spawn(move || {
            for (waker, answered, delay) in inbox {
                (0..delay).for_each(|_| thread::yield_now());
                answered.store(true, Ordering::SeqCst);
                waker.wake();
            }
        });
        Self { questions }
    }

    /// Ends when the thread has answered, which it does once it was scheduled `delay` times. Only the waker of the
    /// first poll is woken.
    pub async fn answer(&self, delay: u32) {
        let answered = Arc::new(AtomicBool::new(false));
        let mut question = Some(answered.clone());
        poll_fn(|cx| {
            if let Some(question) = question.take() {
                self.questions.send((cx.waker().clone(), question, delay)).expect("the thread runs");
            }
            if answered.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The text of the panic that `run` ends in.
#[track_caller]
pub fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("this should have panicked"),
        Err(payload) => text(&*payload),
    }
}

/// What a panic carries, if it is a text.
pub fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "not a text".to_owned(),
    }
}
