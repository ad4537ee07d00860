//! How a workload is measured: which clock, how often, for how long.
//!
//! Before: `counting.rs`. After: `tasks.rs`.
//!
//! A workload is a *batch* of operations. The meter repeats it until the caches are warm, then until a measurement is
//! long enough to be read. For the passes that count (instructions, allocations, system calls) it runs an exact number
//! of batches instead and looks at no clock.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What one sample came to.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub operations: u64,
    pub nanos: f64,
}

impl Reading {
    pub fn per_operation(self) -> f64 {
        self.nanos / self.operations as f64
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Plan {
    Timed { warm: Duration, long: Duration },
    Exactly(u64),
}

/// Which time is measured.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// CPU of this thread: others on the machine are not in it.
    Thread,
    /// CPU of all threads: where a peer may start some.
    Process,
    /// For round trips that sleep.
    Wall,
}

impl Clock {
    /// Nanoseconds since some moment.
    pub fn now(self) -> f64 {
        let id = match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
            Self::Wall => ClockId::Monotonic,
        };
        let time = clock_gettime(id);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Meter {
    pub plan: Plan,
    pub clock: Clock,
}

impl Meter {
    /// The clock; not looked at in a pass that counts, where it would be counted (and rustix reads it in a way that
    /// valgrind cannot follow).
    pub fn now(&self) -> f64 {
        match self.plan {
            Plan::Timed { .. } => self.clock.now(),
            Plan::Exactly(_) => f64::NAN,
        }
    }

    /// Measures a batch of `operations`.
    pub async fn each(&self, operations: u64, mut batch: impl AsyncFnMut()) -> Reading {
        let mut done = 0;
        let counted = self.counted(async || {
            batch().await;
            done += operations;
            done
        });
        counted.await
    }

    /// Measures a batch that says how many operations there have been since the start.
    pub async fn counted(&self, mut batch: impl AsyncFnMut() -> u64) -> Reading {
        let Plan::Timed { warm, long } = self.plan else {
            let Plan::Exactly(batches) = self.plan else { unreachable!("there are two plans") };
            let mut operations = 0;
            for _ in 0..batches {
                operations = batch().await;
            }
            return Reading { operations, nanos: f64::NAN };
        };
        // So many batches between two looks at the clock that a look does not show: about 5 ms.
        let (mut at_once, mut before, mut warming) = (1, 0, 0.0);
        while warming < warm.as_nanos() as f64 {
            let start = self.clock.now();
            for _ in 0..at_once {
                before = batch().await;
            }
            let took = self.clock.now() - start;
            warming += took;
            if took < 5e6 {
                at_once *= 2;
            }
        }
        let (start, mut after) = (self.clock.now(), before);
        loop {
            for _ in 0..at_once {
                after = batch().await;
            }
            let nanos = self.clock.now() - start;
            if nanos >= long.as_nanos() as f64 {
                return Reading { operations: after - before, nanos };
            }
        }
    }

    /// Measures a part of a batch of `operations`: the batch says how long that took.
    pub async fn part(&self, operations: u64, mut batch: impl AsyncFnMut() -> f64) -> Reading {
        let (mut sum, mut done, mut warming) = (0.0, 0, 0.0);
        loop {
            let nanos = batch().await;
            match self.plan {
                Plan::Timed { warm, .. } if warming < warm.as_nanos() as f64 => {
                    warming += nanos;
                    continue;
                }
                _ => (sum, done) = (sum + nanos, done + 1),
            }
            let over = match self.plan {
                Plan::Timed { long, .. } => sum >= long.as_nanos() as f64,
                Plan::Exactly(batches) => done == batches,
            };
            if over {
                return Reading { operations: done * operations, nanos: sum };
            }
        }
    }

    /// The same meter for what is done once, in memory that nobody has touched yet: so is the memory of a program that
    /// starts very many tasks.
    pub fn once(&self) -> Self {
        match self.plan {
            Plan::Timed { .. } => Self { plan: Plan::Timed { warm: Duration::ZERO, long: Duration::ZERO }, ..*self },
            Plan::Exactly(_) => *self,
        }
    }
}
