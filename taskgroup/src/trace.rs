//! A run, written down and drawn: text, picture, Perfetto, JSON.
//!
//! A [`Recorder`] hears what happens in a runtime. Its [`Trace`] has four outputs: a [timeline](Trace::timeline) in text
//! for terminals, a self-contained [SVG](Trace::svg), [trace events](Trace::chrome) for [Perfetto], and the plain
//! [events](Trace::json_lines), one a line. [`Trace::write`] chooses by a file's name.
//!
//! ```
//! use std::time::Duration;
//! use taskgroup::trace::Recorder;
//! use taskgroup::{BoxError, Clock, ExceptionGroup, Runtime, sleep, task_group};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recorder = Recorder::new();
//! let runtime = Runtime::with_clock(Clock::Autojump);
//! runtime.instrument(recorder.clone());
//! let result: Result<(), ExceptionGroup<BoxError>> = runtime.block_on(task_group(async |g| {
//!     g.spawn(sleep(Duration::from_secs(2))).named("tea");
//!     g.spawn(sleep(Duration::from_secs(5))).named("toast");
//!     Ok(())
//! }));
//! result?;
//! let trace = recorder.trace();
//! println!("{}", trace.timeline().width(80));
//! let picture = trace.svg().title("Breakfast").to_string();
//! assert!(picture.starts_with("<svg"));
//! # Ok(())
//! # }
//! ```
//!
//! **Time.** Where a run has few moments, as in virtual time, each has a place of its own on the axis, also those that
//! share an instant; what is long between them is shortened, and marked. Else the axis is to scale, but for long times in
//! which nothing happens.
//!
//! **Deterministic.** The same events give the same bytes: on a virtual clock, the same program does.
//!
//! [Perfetto]: https://ui.perfetto.dev

mod build;
mod chrome;
mod file;
mod json;
mod json_lines;
mod kept;
mod lanes;
mod letters;
mod model;
mod numbers;
mod record;
mod recorder;
mod scale;
mod svg;
#[cfg(test)]
mod tests;
mod timeline;
mod translate;
mod words;

pub use chrome::Chrome;
pub use file::{WriteError, check_file};
pub use json_lines::JsonLines;
pub use recorder::Recorder;
pub use svg::Svg;
pub use timeline::{Colour, Timeline};

#[cfg(feature = "inspect")]
pub(crate) use json::Object;
#[cfg(feature = "inspect")]
pub(crate) use json_lines::{line, raw_wait};
#[cfg(feature = "inspect")]
pub(crate) use translate::{Translator, text_of};
#[cfg(feature = "inspect")]
pub(crate) use words::place;

use model::Model;
use record::Record;
use std::fmt;
use std::path::Path;

/// What was recorded of a run: made by [`Recorder::trace`].
///
/// `Send + Sync`, and independent of the runtime. What is drawn is put together at each output, linear in the events.
#[derive(Clone)]
pub struct Trace {
    records: Vec<Record>,
    left_out: u64,
}

impl Trace {
    fn new(records: Vec<Record>, left_out: u64) -> Self {
        Self { records, left_out }
    }

    /// How many events there are, without those that were left out.
    #[must_use]
    pub fn events(&self) -> usize {
        self.records.len() - usize::from(self.left_out > 0) // their mark is one
    }

    /// How many events were left out of the middle, for want of room.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The run as text, a lane for each task: for terminals and for documentation.
    ///
    /// ```text
    /// 3 tasks, 1 group in 5s
    ///           0s          2s                5s
    ///           |-----------|-----------------|
    /// root      #=============================>  done
    /// |- tea    #----------->                    done
    /// `- toast  #----------------------------->  done
    /// - waits   = waits for its tasks   # runs   > ends
    /// ```
    pub fn timeline(&self) -> Timeline<'_> {
        Timeline::new(self)
    }

    /// The run as a picture that needs nothing else: SVG, with light and dark colours. Up to about 2 MB.
    pub fn svg(&self) -> Svg<'_> {
        Svg::new(self)
    }

    /// The run for Perfetto, and for Chrome's own viewer of traces.
    pub fn chrome(&self) -> Chrome<'_> {
        Chrome::new(self)
    }

    /// The events as they were heard, a JSON object a line. Each has `at`, in nanoseconds since the runtime was made,
    /// and `event`, its name. Tasks and groups have numbers from 1 on that are not used again; group 0 is that of the
    /// root tasks. `body_of` says that it was the body of a group that the task has opened.
    pub fn json_lines(&self) -> JsonLines<'_> {
        JsonLines { trace: self }
    }

    /// Writes it to a file, by its name: `.svg`, `.json` (for Perfetto), `.jsonl`, `.txt`. A file that is there is
    /// replaced, by a whole one or not at all. A picture's title is the name of the file, without its ending; for Perfetto,
    /// the process is called that.
    ///
    /// Blocks while it writes.
    ///
    /// # Errors
    ///
    /// Another name, and what the system says; each with the path and what to do about it.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), WriteError> {
        file::write(self, path.as_ref())
    }

    fn model(&self) -> Model {
        build::build(&self.records)
    }

    fn records(&self) -> &[Record] {
        &self.records
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = (self.events(), self.left_out);
        f.debug_struct("Trace").field("events", &counts.0).field("left_out", &counts.1).finish_non_exhaustive()
    }
}
