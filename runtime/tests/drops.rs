//! Drops: every future once, on its own thread, whatever it does meanwhile.

mod common;

use common::{AT_ONCE, Gate, OnDrop, Trace, ms, panic_of, poll_with, settle};
use std::cell::{Cell, OnceCell, RefCell};
use std::future::pending;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};
use taskgroup_runtime::{Async, Clock, JoinError, JoinHandle, Local, Runtime, now, sleep, spawn};

fn manual<'env>() -> Runtime<'env> {
    Runtime::with_clock(Clock::Manual)
}

/// The state of a handle, without a runtime.
fn outcome<T>(task: &mut JoinHandle<T>) -> Poll<Result<T, JoinError>> {
    poll_with(Pin::new(task), Waker::noop())
}

#[track_caller]
fn assert_cancelled<T>(task: &mut JoinHandle<T>) {
    assert!(task.is_finished());
    assert!(matches!(outcome(task), Poll::Ready(Err(JoinError::Cancelled))));
}

// ---- A runtime with tasks: C10: tokio#1842, #5162 ----

#[test]
fn dropping_a_runtime_drops_every_task_once() {
    let gates: [Gate; 4] = Default::default();
    let [waiting, woken, cancelled, unpolled] = &gates;
    let runtime = manual();
    for gate in [waiting, woken] {
        runtime.spawn(gate.wait());
    }
    let task = runtime.spawn(cancelled.wait());
    settle(&runtime);
    woken.open();
    task.cancel();
    runtime.spawn(unpolled.wait());
    drop(runtime);
    assert_eq!(gates.each_ref().map(Gate::polls), [1, 1, 1, 0]);
    assert_eq!(gates.each_ref().map(Gate::drops), [1, 1, 1, 1]);
    assert!(task.is_finished());
}

/// Spawned by the last task of a turn (the 64th poll), and not taken over yet.
#[test]
fn dropping_a_runtime_drops_what_was_just_spawned() {
    let gate = Gate::new();
    let runtime = manual();
    for _ in 1..64 {
        runtime.spawn(async {});
    }
    let (wait, place) = (gate.wait(), Rc::new(Cell::new(None)));
    let handle = place.clone();
    runtime.spawn(async move { handle.set(Some(spawn(wait))) });
    assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| (turn.polled, turn.live) == (64, 1)));
    drop(runtime);
    assert_eq!((gate.polls(), gate.drops()), (0, 1));
    assert_cancelled(&mut place.take().expect("spawned"));
}

#[test]
fn a_task_is_dropped_on_the_thread_of_its_runtime() {
    let place: Rc<Cell<Option<ThreadId>>> = Rc::default();
    let gate = Gate::new();
    let runtime = manual();
    let (inside, wait) = (place.clone(), gate.wait());
    runtime.spawn(async move {
        let _guard = OnDrop(|| inside.set(Some(thread::current().id())));
        wait.await;
    });
    settle(&runtime);
    let waker = gate.waker();
    drop(runtime);
    gate.open(); // drops the gate's own waker
    thread::spawn(move || drop(waker)).join().expect("the last waker, elsewhere");
    assert_eq!(place.get(), Some(thread::current().id()));
}

#[test]
fn handles_of_a_dropped_runtime_say_cancelled() {
    let runtime = manual();
    let mut waiting = runtime.spawn(pending::<i32>());
    let mut ended = runtime.spawn(async { 7 });
    settle(&runtime);
    let mut unpolled = runtime.spawn(async { 1 });
    drop(runtime);
    assert_cancelled(&mut waiting);
    assert!(!waiting.cancel());
    assert_cancelled(&mut unpolled);
    assert!(matches!(outcome(&mut ended), Poll::Ready(Ok(7))), "it ended before");
}

#[test]
fn a_joiner_in_another_runtime_hears_that_the_runtime_was_dropped() {
    let (home, away) = (manual(), manual());
    let joiner = away.spawn(home.spawn(pending::<()>()));
    settle(&away);
    settle(&home);
    drop(home);
    settle(&away);
    assert!(matches!(away.block_on(joiner), Ok(Err(JoinError::Cancelled))));
}

/// C7. Its place in the thread's table, its wakers, its queue: nothing keeps it.
#[test]
fn a_dropped_runtime_is_freed() {
    let runtime = manual();
    let gate = Gate::new();
    runtime.spawn(gate.wait());
    let local = runtime.block_on(async { Local::current().map(|local| Rc::downgrade(&local)) }).expect("current");
    assert!(local.upgrade().is_some());
    drop(runtime);
    assert!(local.upgrade().is_none());
}

/// C7: tokio#4724.
#[test]
fn tasks_that_hold_each_other_are_dropped() {
    let gate = Gate::new();
    let runtime = manual();
    let own: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
    for _ in 0..2 {
        let (own_too, gate) = (own.clone(), gate.clone());
        let task = runtime.spawn(async move {
            let other = own_too.borrow_mut().pop().expect("two handles");
            let _waker_of_its_own = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let counted = gate.wait();
            drop(other.await);
            drop(counted);
        });
        own.borrow_mut().insert(0, task);
    }
    settle(&runtime);
    drop(runtime);
    assert_eq!((gate.drops(), Rc::strong_count(&own)), (2, 1));
}

/// C10. Tasks that wait for everything there is; others wait for them, here and elsewhere.
#[test]
fn a_runtime_dropped_with_everything_alive_drops_all_of_it() {
    let gate = Gate::new();
    let (home, away) = (manual(), manual());
    let mut writer = home.block_on(async {
        let (reader, writer) = io::pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        let counted = [(); 4].map(|()| gate.wait());
        let [a, b, c, d] = counted;
        spawn(async move {
            let _counted = a;
            sleep(ms(1)).await;
        });
        spawn(async move {
            let _counted = b;
            let _read = reader.read_with(|mut pipe| pipe.read(&mut [0])).await;
        });
        let waited_for = spawn(async move {
            let _counted = c;
            taskgroup_runtime::interval(ms(1)).tick().await;
            pending::<()>().await;
        });
        spawn(async move {
            let _counted = d;
            drop(waited_for.await);
        });
        writer
    });
    let waiting = away.spawn(home.spawn(gate.wait()));
    settle(&home);
    settle(&away);
    let census = home.census();
    assert_eq!((census.tasks, census.timers, census.sources), (5, 2, 1));
    drop(home);
    assert_eq!(gate.drops(), 5);
    assert_eq!(writer.write(b"x").err().map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    settle(&away);
    assert!(waiting.is_finished());
}

#[test]
fn a_runtime_dropped_inside_a_task_of_another_restores_what_was_current() {
    let inner = manual();
    let trace = Trace::new();
    let inside = trace.clone();
    inner.spawn(async move {
        let _guard = OnDrop(move || inside.note(if Local::current().is_some() { "dropped in its turn" } else { "?" }));
        pending::<()>().await;
    });
    settle(&inner);
    let outer = Runtime::with_clock(Clock::Autojump);
    outer.block_on(async move {
        let before = now();
        drop(inner);
        sleep(ms(1)).await;
        assert_eq!(now() - before, ms(1));
        assert_eq!(spawn(async { 5 }).await.ok(), Some(5));
    });
    assert_eq!(trace.so_far(), "dropped in its turn");
}

// ---- Destructors that do things: C5 ----

/// How a task with a busy destructor comes to its end.
const ENDS: [fn(&Runtime<'_>, &Gate, &JoinHandle<()>); 3] = [
    |_, gate, _| gate.open(),
    |_, _, task| assert!(task.cancel()),
    |_, _, _| {}, // the runtime is dropped
];

/// Runs a destructor in a task that ends in each of the ways, among tasks that wait.
fn in_a_destructor(act: impl Fn() + Clone + 'static) {
    for end in ENDS {
        let (gate, bystanders) = (Gate::new(), Gate::new());
        let ran: Rc<Cell<u32>> = Rc::default();
        {
            let runtime = manual();
            runtime.spawn(bystanders.wait());
            let task = runtime.spawn({
                let (act, wait, ran) = (act.clone(), gate.wait(), ran.clone());
                async move {
                    let _guard = OnDrop(|| {
                        act();
                        ran.set(ran.get() + 1);
                    });
                    wait.await;
                }
            });
            runtime.spawn(bystanders.wait());
            settle(&runtime);
            end(&runtime, &gate, &task);
            settle(&runtime);
        }
        assert_eq!((ran.get(), gate.drops(), bystanders.drops()), (1, 1, 2));
    }
}

#[test]
fn a_destructor_may_spawn() {
    let gate = Gate::new();
    let spawned = gate.clone();
    in_a_destructor(move || drop(spawn(spawned.wait())));
    assert_eq!(gate.drops(), 3);
    assert_eq!(gate.polls(), 2, "the last one found the runtime closed");
}

#[test]
fn a_destructor_may_wake() {
    let runtime = manual();
    let other = Gate::new();
    runtime.spawn(other.wait());
    settle(&runtime);
    let waker = other.waker();
    in_a_destructor(move || waker.wake_by_ref());
    settle(&runtime);
    assert_eq!(other.polls(), 2);
}

/// Others of its own runtime, those included that are dropped before and after it.
#[test]
fn a_destructor_may_wake_and_cancel_its_neighbours() {
    let gates: Vec<Gate> = (0..5).map(|_| Gate::new()).collect();
    let handles: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
    let runtime = manual();
    for n in 0..5 {
        let (wait, all, handles_too) = (gates[n].wait(), gates.clone(), handles.clone());
        let task = runtime.spawn(async move {
            let _guard = OnDrop(|| {
                all.iter().for_each(Gate::open);
                assert!(handles_too.borrow().iter().all(|task| task.cancel() || task.is_finished()));
            });
            wait.await;
        });
        handles.borrow_mut().push(task);
    }
    settle(&runtime);
    drop(runtime);
    assert!(gates.iter().all(|gate| (gate.polls(), gate.drops()) == (1, 1)));
    handles.borrow_mut().iter_mut().for_each(assert_cancelled);
}

#[test]
fn a_destructor_may_arm_a_timer_and_drop_it() {
    in_a_destructor(|| {
        for _ in 0..2 {
            assert!(poll_with(pin!(sleep(ms(1))), Waker::noop()).is_pending());
        }
    });
}

#[test]
fn a_destructor_may_register_a_descriptor_and_close_it() {
    in_a_destructor(|| {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let reader = Async::new(reader).expect("a source");
        {
            let read = pin!(reader.read_with(|mut pipe| pipe.read(&mut [0])));
            assert!(poll_with(read, Waker::noop()).is_pending());
        }
        drop(reader);
        assert_eq!(writer.write(b"x").err().map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_destructor_may_drop_the_handle_of_its_own_task_and_others() {
    thread_local! { static HANDLES: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) }; }
    in_a_destructor(|| {
        let handles = HANDLES.take();
        drop(handles);
        HANDLES.with_borrow_mut(|handles| handles.push(spawn(pending())));
    });
    HANDLES.take();
}

#[test]
fn a_destructor_may_leave_a_task_that_sleeps() {
    in_a_destructor(|| drop(spawn(sleep(ms(1)))));
}

#[test]
fn a_destructor_may_run_another_runtime() {
    in_a_destructor(|| {
        let inner = manual();
        inner.spawn(pending::<()>());
        let task = inner.spawn(async { spawn(async { 5 }).await });
        settle(&inner);
        assert!(task.is_finished());
    });
}

/// Spawns another of its kind when it is dropped, so many times.
struct Chain {
    left: u32,
    drops: Rc<Cell<u32>>,
    /// How many of the handles said at once that their task had ended.
    refused: Rc<Cell<u32>>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        if self.left > 0 {
            let next = Self { left: self.left - 1, drops: self.drops.clone(), refused: self.refused.clone() };
            let task = spawn(async move {
                let _next = next;
                pending::<()>().await;
            });
            self.refused.set(self.refused.get() + u32::from(task.is_finished()));
        }
    }
}

/// glommio#51. When the runtime goes, the first is refused already: the chain unwinds inside the first destructor.
#[test]
fn a_chain_of_spawns_in_destructors_ends() {
    let (drops, refused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let chain = Chain { left: 200, drops: drops.clone(), refused: refused.clone() };
    let runtime = manual();
    runtime.spawn(async move {
        let _chain = chain;
        pending::<()>().await;
    });
    settle(&runtime);
    drop(runtime);
    assert_eq!((drops.get(), refused.get()), (201, 200));
}

#[test]
fn a_task_is_dropped_as_itself() {
    let gate = Gate::new();
    let runtime = manual();
    let place: Rc<Cell<Option<u32>>> = Rc::default();
    let (inside, wait) = (place.clone(), gate.wait());
    runtime.spawn(async move {
        let slot = taskgroup_runtime::current::Current::get().slot();
        let _guard = OnDrop(|| {
            assert_eq!(taskgroup_runtime::current::Current::get().slot(), slot);
            inside.set(Some(slot));
        });
        wait.await;
    });
    settle(&runtime);
    drop(runtime);
    assert!(place.get().is_some());
    assert_eq!(taskgroup_runtime::current::Current::get(), taskgroup_runtime::current::Current::NOBODY);
}

// ---- A runtime in a thread-local ----

/// Leaves a waiting task behind in `runtime`, which is dropped when its thread ends.
fn leave_a_task(runtime: &Runtime<'static>) -> std::sync::mpsc::Receiver<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let _guard = OnDrop(|| sender.send(()).expect("the thread is awaited"));
        sleep(ms(1)).await;
    });
    assert!(runtime.turn(AT_ONCE).is_ok_and(|turn| turn.live == 1));
    receiver
}

#[test]
fn a_runtime_in_a_thread_local_ends_with_its_thread() {
    thread_local! {
        static RUNTIME: Runtime<'static> = Runtime::with_clock(Clock::Manual);
    }
    let dropped = thread::spawn(|| RUNTIME.with(leave_a_task)).join().expect("no panic");
    assert_eq!(dropped.try_recv(), Ok(()));
}

/// Here the thread-local is older than the table of runtimes, and so dies after it.
#[test]
fn a_runtime_in_a_thread_local_outlives_the_table_of_runtimes() {
    thread_local! {
        static RUNTIME: OnceCell<Runtime<'static>> = const { OnceCell::new() };
    }
    let dropped = thread::spawn(|| RUNTIME.with(|place| leave_a_task(place.get_or_init(manual)))).join();
    assert_eq!(dropped.expect("no panic").try_recv(), Ok(()));
}

// ---- Destructors that panic ----

/// Three tasks; the destructors of some panic. Gives the panic that goes on and the tasks that were dropped.
fn dropped_with_panics_in(panicking: &[usize]) -> (Option<String>, u32) {
    let gate = Gate::new();
    let runtime = manual();
    for n in 0..3 {
        let (wait, panics) = (gate.wait(), panicking.contains(&n));
        runtime.spawn(async move {
            let _guard = OnDrop(move || assert!(!panics, "task {n}"));
            wait.await;
        });
    }
    settle(&runtime);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(runtime))).err().map(|payload| common::text(&*payload));
    assert!(Local::current().is_none());
    (panic, gate.drops())
}

#[test]
fn a_panic_in_a_destructor_goes_on_when_all_is_dropped() {
    assert_eq!(dropped_with_panics_in(&[]), (None, 3));
    for n in 0..3 {
        assert_eq!(dropped_with_panics_in(&[n]), (Some(format!("task {n}")), 3));
    }
}

/// C3.
#[test]
fn of_several_panics_in_destructors_the_first_goes_on() {
    assert_eq!(dropped_with_panics_in(&[1, 2]), (Some("task 1".to_owned()), 3));
}

/// What a further panic carries is nobody's: its destructor must not keep the next task from its drop.
#[test]
fn what_further_panics_carry_may_panic_in_its_destructor() {
    struct Again(u32);
    impl Drop for Again {
        fn drop(&mut self) {
            assert_eq!(self.0, 0, "a payload's destructor");
        }
    }
    let gate = Gate::new();
    let runtime = manual();
    for n in 0..3 {
        let wait = gate.wait();
        runtime.spawn(async move {
            let _guard = OnDrop(move || std::panic::panic_any(Again(n)));
            wait.await;
        });
    }
    settle(&runtime);
    let payload = catch_unwind(AssertUnwindSafe(|| drop(runtime))).expect_err("they panic");
    assert_eq!(payload.downcast_ref().map(|Again(n)| *n), Some(0));
    assert_eq!(gate.drops(), 3);
}

#[test]
fn a_panic_in_a_destructor_does_not_abort_an_unwinding_thread() {
    let gate = Gate::new();
    let wait = gate.wait();
    let text = panic_of(|| {
        let runtime = manual();
        runtime.spawn(async move {
            let _guard = OnDrop(|| panic!("in a destructor"));
            wait.await;
        });
        settle(&runtime);
        panic!("before")
    });
    assert_eq!((text.as_str(), gate.drops()), ("before", 1));
}

#[test]
fn after_a_panic_in_a_destructor_the_thread_has_usable_runtimes() {
    dropped_with_panics_in(&[0]);
    assert_eq!(manual().block_on(async { spawn(async { 5 }).await.ok() }), Some(5));
}
