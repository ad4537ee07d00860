//! A trace in a file, whole or not at all.
//!
//! Before: `chrome.rs`. After: nothing.

use super::Trace;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a trace could not be written. It names the path and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The name of the file does not say what to write.
    #[error(
        "{}: a trace file is called .svg (a picture), .json (for Perfetto), .jsonl (the events) or .txt (a timeline)",
        .path.display()
    )]
    Extension {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write the trace to {}: {source}; {}", .path.display(), advice(source))]
    Io {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "make the directory first, or name another",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name a file in a directory that you may write to"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or name a file on another disk",
        io::ErrorKind::IsADirectory => "name a file in it",
        _ => "name another file",
    }
}

/// Whether [`Trace::write`] could write there: to be asked before a long run. Nothing is changed there; a file is made
/// beside it, and removed.
///
/// Blocks while it does so.
///
/// # Errors
///
/// Those that [`Trace::write`] would give now.
///
/// ```
/// let error = taskgroup::trace::check_file("run.gif").map_err(|error| error.to_string());
/// assert!(error.is_err_and(|error| error.starts_with("run.gif: a trace file is called .svg")));
/// ```
pub fn check_file(path: impl AsRef<Path>) -> Result<(), WriteError> {
    let path = path.as_ref();
    Format::of(path)?;
    let try_it = || {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        File::create(sibling(path))?;
        fs::remove_file(sibling(path))
    };
    try_it().map_err(|source| WriteError::Io { path: path.into(), source })
}

pub(super) fn write(trace: &Trace, path: &Path) -> Result<(), WriteError> {
    let format = Format::of(path)?;
    let title = path.file_stem().unwrap_or_default().to_string_lossy();
    let what: &dyn Display = match format {
        Format::Svg => &trace.svg().title(title),
        Format::Chrome => &trace.chrome().title(title),
        Format::JsonLines => &trace.json_lines(),
        Format::Text => &format!("{}\n", trace.timeline()),
    };
    replace(path, what).map_err(|source| WriteError::Io { path: path.into(), source })
}

enum Format {
    Svg,
    Chrome,
    JsonLines,
    Text,
}

impl Format {
    fn of(path: &Path) -> Result<Self, WriteError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("json") => Ok(Self::Chrome),
            Some("jsonl") => Ok(Self::JsonLines),
            Some("txt") => Ok(Self::Text),
            _ => Err(WriteError::Extension { path: path.into() }),
        }
    }
}

/// Writes a sibling and gives it the name: whoever opens the file finds all of it, before or after.
fn replace(path: &Path, what: &dyn Display) -> io::Result<()> {
    let sibling = sibling(path);
    let written = write_new(&sibling, what).and_then(|()| fs::rename(&sibling, path));
    if written.is_err() {
        _ = fs::remove_file(&sibling); // the first error is the one to tell
    }
    written
}

fn sibling(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn write_new(path: &Path, what: &dyn Display) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write!(file, "{what}")?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
