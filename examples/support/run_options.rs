//! How a run is looked at, for all programs: `--trace FILE` writes it down, `--tree` prints the task tree, `--inspect SOCKET`
//! shows it while it runs.
//!
//! A program takes these with its other options, lets them look at the runtime, and has them finish when the run is over,
//! however it ended. What could not be done is a wrong argument: it is refused before the run.

use lexopt::{Arg, Parser};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use taskgroup::inspect::{InspectError, Inspector};
use taskgroup::instrument::{Event, Instrument, Phase};
use taskgroup::trace::{Recorder, WriteError, check_file};
use taskgroup::{Runtime, TaskTree};

/// What is asked for.
#[derive(Default)]
pub(crate) struct RunOptions {
    trace: Option<(PathBuf, Rc<Recorder>)>,
    tree: Option<Rc<Fullest>>,
    inspect: Option<PathBuf>,
    inspector: RefCell<Option<Inspector>>,
}

impl RunOptions {
    /// For a program that takes no other option. `None`: help was asked for.
    #[allow(dead_code, reason = "most programs take more")]
    pub(crate) fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self::default();
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("trace") => options.trace(&mut parser)?,
                Arg::Long("tree") => options.tree(),
                Arg::Long("inspect") => options.inspect(&mut parser)?,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(options))
    }

    /// Takes what stands behind `--trace`.
    pub(crate) fn trace(&mut self, parser: &mut Parser) -> Result<(), lexopt::Error> {
        let file = PathBuf::from(parser.value()?);
        check_file(&file).map_err(|error| lexopt::Error::Custom(error.into()))?;
        self.trace = Some((file, Recorder::new()));
        Ok(())
    }

    /// Takes `--tree`.
    pub(crate) fn tree(&mut self) {
        self.tree = Some(Rc::default());
    }

    /// Takes what stands behind `--inspect`.
    #[allow(dead_code, reason = "nobody can look at a run in virtual time")]
    pub(crate) fn inspect(&mut self, parser: &mut Parser) -> Result<(), lexopt::Error> {
        self.inspect = Some(PathBuf::from(parser.value()?));
        Ok(())
    }

    /// To be called before the run.
    pub(crate) fn begin(&self, runtime: &Runtime<'_>) -> Result<(), InspectError> {
        if let Some(path) = &self.inspect {
            let inspector = runtime.block_on(async { Inspector::listen(path) })?;
            *self.inspector.borrow_mut() = Some(inspector);
        }
        if let Some((_, recorder)) = &self.trace {
            runtime.instrument(recorder.clone());
        }
        if let Some(fullest) = &self.tree {
            runtime.instrument(fullest.clone());
        }
        Ok(())
    }

    /// To be called after it. Blocks.
    pub(crate) fn finish(&self) -> Result<(), WriteError> {
        self.inspector.take();
        if let Some(text) = self.tree.as_ref().and_then(|fullest| fullest.text()) {
            _ = writeln!(io::stderr(), "{text}"); // if that is gone, nobody is left to tell
        }
        match &self.trace {
            Some((file, recorder)) => recorder.trace().write(file),
            None => Ok(()),
        }
    }
}

/// The task tree as it was when most tasks lived; of great numbers, when about most did.
#[derive(Default)]
struct Fullest {
    live: Cell<usize>,
    most: Cell<usize>,
    tree: RefCell<Option<TaskTree>>,
}

impl Fullest {
    fn text(&self) -> Option<String> {
        let tree = self.tree.borrow();
        let tree = tree.as_ref()?;
        let at = Duration::from_millis(tree.at().as_millis() as u64);
        Some(format!("the tasks as they were after {at:?}, when most of them lived:\n{tree}"))
    }
}

impl Instrument for Fullest {
    fn hear(&self, _at: Duration, event: &Event<'_>) {
        match event {
            Event::Spawned { .. } => self.live.set(self.live.get() + 1),
            Event::Ended { .. } => self.live.set(self.live.get().saturating_sub(1)),
            // Between two runs of what is ready, so that all are seen waiting. A tree takes time in proportion to its
            // tasks: not one for each of a hundred thousand.
            Event::Phase(Phase::Dispatch) if self.live.get() > self.most.get() + self.most.get() / 16 => {
                self.most.set(self.live.get());
                let tree = taskgroup::tree();
                drop(self.tree.replace(tree));
            }
            _ => {}
        }
    }
}
