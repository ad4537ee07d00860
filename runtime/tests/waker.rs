//! The wakers themselves, against a model: whatever is done with them, wherever and however late, no wake is lost and
//! none is answered twice. This file guards `raw.rs`, and runs under Miri.
#![forbid(unsafe_code)]

mod common;

use common::{Gate, settle};
use std::collections::HashSet;
use std::task::Waker;
use std::thread;
use taskgroup_runtime::{Clock, Runtime};

const RUNTIMES: usize = 3;
/// Some of each kind of step; fewer where each instruction is interpreted.
const STEPS: usize = if cfg!(miri) { 150 } else { 800 };
const SEEDS: u64 = if cfg!(miri) { 2 } else { 6 };

/// A task of one of the runtimes, and what it ought to see.
struct Task {
    runtime: usize,
    gate: Gate,
    /// Polls when all came to rest last.
    polls: u32,
    /// Its own waker was woken since.
    was_woken: bool,
}

/// What the steps work on: a number in the pool stands for a task, which may be gone, as may its runtime.
struct World {
    seed: u64,
    random: fastrand::Rng,
    runtimes: Vec<Runtime<'static>>,
    tasks: Vec<Option<Task>>,
    pool: Vec<(usize, Waker)>,
    /// Wakes and spawns since all came to rest: as many polls there may be.
    causes: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let runtimes = (0..RUNTIMES).map(|_| Runtime::with_clock(Clock::Manual)).collect();
        let random = fastrand::Rng::with_seed(seed);
        Self { seed, random, runtimes, tasks: Vec::new(), pool: Vec::new(), causes: 0 }
    }

    fn step(&mut self) {
        match self.random.u32(..100) {
            0..15 => self.spawn(),
            15..25 => self.finish(),
            25..45 => self.wake_here(),
            45..60 => self.wake_in_a_turn(),
            60..68 => self.wake_elsewhere(),
            68..78 => self.copy(),
            78..88 => self.forget(),
            88..90 => self.replace_a_runtime(),
            _ => self.rest(),
        }
    }

    fn spawn(&mut self) {
        let runtime = self.random.usize(..RUNTIMES);
        let gate = Gate::new();
        self.runtimes[runtime].spawn(gate.wait());
        settle(&self.runtimes[runtime]); // it has a waker from now on; others may have been polled with it
        self.pool.push((self.tasks.len(), gate.waker()));
        self.tasks.push(Some(Task { runtime, gate, polls: 0, was_woken: false }));
        self.causes += 1;
    }

    /// A task ends; its wakers live on.
    fn finish(&mut self) {
        let live: Vec<_> = (0..self.tasks.len()).filter(|task| self.tasks[*task].is_some()).collect();
        if let Some(task) = self.random.choice(live).and_then(|task| self.tasks[task].take()) {
            task.gate.open();
            settle(&self.runtimes[task.runtime]);
            self.causes += 1;
        }
    }

    fn pick(&mut self) -> Option<(usize, Waker)> {
        let (task, waker) = self.random.choice(&self.pool)?;
        let picked = (*task, waker.clone());
        self.causes += 1;
        if let Some(task) = &mut self.tasks[picked.0] {
            task.was_woken = true;
        }
        Some(picked)
    }

    fn wake_here(&mut self) {
        match self.pick() {
            Some((_, waker)) if self.random.bool() => waker.wake(),
            Some((_, waker)) => waker.wake_by_ref(),
            None => {}
        }
    }

    /// In the turn of a runtime, its own or another, and perhaps of one in another's turn.
    fn wake_in_a_turn(&mut self) {
        let Some((_, waker)) = self.pick() else { return };
        let outer = &self.runtimes[self.random.usize(..RUNTIMES)];
        let inner = &self.runtimes[self.random.usize(..RUNTIMES)];
        self.causes += 2; // the futures of `block_on`
        let nests = self.random.bool() && !std::ptr::eq(outer, inner);
        outer.block_on(async {
            if nests {
                inner.spawn(async move { waker.wake_by_ref() });
                settle(inner);
            } else {
                waker.wake();
            }
        });
    }

    fn wake_elsewhere(&mut self) {
        let wakers: Vec<_> = (0..3).filter_map(|_| self.pick()).collect();
        let thread = thread::spawn(move || {
            for (_, waker) in wakers {
                let copy = waker.clone();
                copy.wake();
                waker.wake_by_ref(); // the same letter, unless the first was read already
                drop(waker);
            }
        });
        thread.join().expect("a wake does not panic");
        self.causes += 3;
    }

    fn copy(&mut self) {
        if let Some((task, waker)) = self.random.choice(&self.pool) {
            let copy = (*task, waker.clone());
            assert!(copy.1.will_wake(waker));
            self.pool.push(copy);
        }
    }

    fn forget(&mut self) {
        if !self.pool.is_empty() {
            let waker = self.pool.swap_remove(self.random.usize(..self.pool.len()));
            drop(waker);
        }
    }

    /// A runtime ends with all its tasks; another comes in its place.
    fn replace_a_runtime(&mut self) {
        let runtime = self.random.usize(..RUNTIMES);
        let old = std::mem::replace(&mut self.runtimes[runtime], Runtime::with_clock(Clock::Manual));
        drop(old);
        for task in &mut self.tasks {
            if task.as_ref().is_some_and(|task| task.runtime == runtime) {
                *task = None;
            }
        }
    }

    /// Lets everything that is woken run, and compares.
    fn rest(&mut self) {
        for runtime in &self.runtimes {
            settle(runtime);
        }
        let mut polled = 0;
        for task in self.tasks.iter_mut().flatten() {
            let polls = task.gate.polls() - task.polls;
            assert!(polls > 0 || !task.was_woken, "seed {}: a wake was lost", self.seed);
            task.polls += polls;
            task.was_woken = false;
            polled += polls;
        }
        assert!(polled <= self.causes, "seed {}: {polled} polls of {} causes", self.seed, self.causes);
        self.causes = 0;
    }
}

#[test]
fn a_waker_may_be_woken_cloned_and_dropped_anywhere_and_for_ever() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        (0..STEPS).for_each(|_| world.step());
        world.rest();
    }
}

#[test]
fn wakers_of_different_tasks_are_different() {
    let mut seen = HashSet::new();
    let mut gates = Vec::new();
    let runtimes = [Runtime::with_clock(Clock::Manual), Runtime::with_clock(Clock::Manual)];
    for runtime in runtimes.iter().cycle().take(40) {
        let gate = Gate::new();
        runtime.spawn(gate.wait());
        settle(runtime);
        assert!(seen.insert(gate.waker().data().addr()), "two tasks have the same waker");
        gates.push(gate);
    }
    for (n, gate) in gates.iter().enumerate() {
        assert!(gates.iter().enumerate().all(|(m, other)| n == m || !gate.waker().will_wake(&other.waker())));
    }
}
