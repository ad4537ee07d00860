//! The made-up system: a weather station on a mountain, and the weather.
//!
//! Before: `supervision/`. After: `main.rs`.

use crate::supervision::{Backoff, BadPlan, Child, Intensity, Plan, Restart, Strategy, Supervisor};
use crate::timeline::Timeline;
use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant};
use taskgroup::{BoxError, ExceptionGroup, now, sleep, timeout_at, with_cleanup};

/// The lanes. Each part of the station needs those above it.
pub(crate) const PARTS: [&str; 7] = ["power", "survey", "sensors", "recorder", "radio", "radio/uplink", "radio/beacon"];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Station {
    began: Instant,
    seed: u64,
    chance: RefCell<fastrand::Rng>,
}

impl Station {
    pub(crate) fn new(seed: u64) -> Self {
        Self { began: now(), seed, chance: RefCell::new(fastrand::Rng::with_seed(seed)) }
    }

    /// Until it is cancelled, or the supervisor gives up.
    pub(crate) async fn run(
        &self,
        strategy: Strategy,
        timeline: &Timeline,
    ) -> Result<Result<(), ExceptionGroup<BoxError>>, BadPlan> {
        let plan = Plan {
            strategy,
            intensity: Intensity::new(4, 18 * HOUR)?,
            backoff: Backoff::new(HOUR, 2.0, 8 * HOUR, 12 * HOUR)?.with_jitter(0.2)?,
            grace: 3 * HOUR,
            seed: self.seed,
        };
        let radio_plan = Plan {
            strategy: Strategy::OneForOne,
            intensity: Intensity::new(2, 6 * HOUR)?,
            backoff: Backoff::new(40 * MINUTE, 1.5, 2 * HOUR, 6 * HOUR)?.with_jitter(0.5)?,
            ..plan
        };
        let parts_of_radio = vec![
            Child::new("uplink", Restart::Always, || self.uplink()),
            Child::new("beacon", Restart::Always, || self.beacon()),
        ];
        let radio = Supervisor::new("radio", parts_of_radio, radio_plan)?;
        let parts = vec![
            Child::new("power", Restart::Always, || self.power()),
            Child::new("survey", Restart::OnFailure, || self.survey()),
            Child::new("sensors", Restart::Always, || self.sensors()),
            Child::new("recorder", Restart::Always, || self.recorder()),
            Child::group("radio", Restart::Always, async || radio.run(&|event| timeline.note("radio/", &event)).await),
        ];
        let station = Supervisor::new("station", parts, plan)?;
        Ok(station.run(&|event| timeline.note("", &event)).await)
    }

    async fn power(&self) -> Result<(), BoxError> {
        self.fails_after_some(90.0).await;
        Err("the battery is flat".into())
    }

    /// Ends well, once it gets that far.
    async fn survey(&self) -> Result<(), BoxError> {
        sleep(15 * HOUR).await;
        Ok(())
    }

    async fn sensors(&self) -> Result<(), BoxError> {
        let iced_over = self.breaks_after_some(30.0, 50..62).await;
        Err(if iced_over { "iced over" } else { "a bird sat on it" }.into())
    }

    /// Winds its tape back before it ends.
    async fn recorder(&self) -> Result<(), BoxError> {
        let work = async {
            self.fails_after_some(40.0).await;
            Err("the tape is full".into())
        };
        with_cleanup(work, async |_| sleep(2 * HOUR).await).await
    }

    async fn uplink(&self) -> Result<(), BoxError> {
        let no_carrier = self.breaks_after_some(25.0, 46..54).await;
        Err(if no_carrier { "no carrier" } else { "the line dropped" }.into())
    }

    async fn beacon(&self) -> Result<(), BoxError> {
        self.fails_after_some(60.0).await;
        Err("the lamp broke".into())
    }

    /// The same in the open. A storm breaks it as it comes up, and as often as it is started until the storm is over.
    /// Returns whether the storm did it.
    async fn breaks_after_some(&self, hours: f64, storm: Range<u32>) -> bool {
        let (begins, ends) = (self.began + storm.start * HOUR, self.began + storm.end * HOUR);
        if now() < begins {
            return timeout_at(begins, self.fails_after_some(hours)).await.is_err();
        }
        let stormy = now() < ends;
        self.fails_after_some(if stormy { 0.8 } else { hours }).await;
        stormy
    }

    /// As things break: no sooner for being old, and once in so many hours on average.
    async fn fails_after_some(&self, hours: f64) {
        let chance = self.chance.borrow_mut().f64();
        sleep(HOUR.mul_f64(-hours * (1.0 - chance).ln()) + MINUTE).await;
    }
}
