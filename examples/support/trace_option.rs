//! `--trace FILE`, for all programs: the run, written down.
//!
//! A program takes it with its other options, lets it listen to the runtime, and has it write when the run is over,
//! however it ended. A file that could not be written is a wrong argument: it is refused before the run.

use lexopt::{Arg, Parser};
use std::path::PathBuf;
use std::rc::Rc;
use taskgroup::Runtime;
use taskgroup::trace::{Recorder, WriteError, check_file};

/// Where the run is to be written, if it is to be at all.
#[derive(Default)]
pub(crate) struct TraceOption(Option<(PathBuf, Rc<Recorder>)>);

impl TraceOption {
    /// For a program that takes no other option. `None`: help was asked for.
    #[allow(dead_code, reason = "most programs take more")]
    pub(crate) fn from_args() -> Result<Option<Self>, lexopt::Error> {
        let mut trace = Self::default();
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("trace") => trace.take(&mut parser)?,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Some(trace))
    }

    /// Takes what stands behind `--trace`.
    pub(crate) fn take(&mut self, parser: &mut Parser) -> Result<(), lexopt::Error> {
        let file = PathBuf::from(parser.value()?);
        check_file(&file).map_err(|error| lexopt::Error::Custom(error.into()))?;
        self.0 = Some((file, Recorder::new()));
        Ok(())
    }

    /// To be called before the run.
    pub(crate) fn listen(&self, runtime: &Runtime<'_>) {
        if let Some((_, recorder)) = &self.0 {
            runtime.instrument(recorder.clone());
        }
    }

    /// To be called after it. Blocks.
    pub(crate) fn write(&self) -> Result<(), WriteError> {
        match &self.0 {
            Some((file, recorder)) => recorder.trace().write(file),
            None => Ok(()),
        }
    }
}
