//! The answer to a request: looked up in the file system, which blocks.
//!
//! Before: `request/mod.rs`. After: `connection.rs`, which has it done on another thread.
//!
//! **Symbolic links** are followed as long as they stay below the root: the path is resolved by the system first, and what
//! is outside does not exist. **Danger:** whoever may write below the root can swap a folder for a link between the two
//! steps. So the root must not be writable for whom you would not trust with the files outside.

use crate::request::{ByteRange, Method, Request};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much is read from a file at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// What is sent, but for what belongs to the connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whole lines.
    pub(crate) headers: String,
    pub(crate) body: Body,
    /// What failed on our side, for the log.
    pub(crate) trouble: Option<io::Error>,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// There must be none, nor a length.
    Without,
    /// So long it would be, for HEAD.
    Withheld(u64),
    Text(String),
    File(Content),
}

impl Body {
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Without => None,
            Self::Withheld(length) => Some(*length),
            Self::Text(text) => Some(text.len() as u64),
            Self::File(content) => Some(content.chunk.len() as u64 + content.left),
        }
    }
}

/// A part of a file that is still to be sent.
#[derive(Debug)]
pub(crate) struct Content {
    file: File,
    /// Where the next chunk begins.
    next: u64,
    /// How much is to come behind `chunk`.
    pub(crate) left: u64,
    /// What was read.
    pub(crate) chunk: Vec<u8>,
}

impl Content {
    /// Reads the next chunk in place of the one before. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system; and if the file has become shorter.
    pub(crate) fn read(&mut self) -> io::Result<()> {
        let size = self.left.min(CHUNK as u64) as usize;
        self.chunk.resize(size, 0);
        self.file.read_exact_at(&mut self.chunk, self.next)?;
        self.next += size as u64;
        self.left -= size as u64;
        Ok(())
    }
}

impl Answer {
    /// A status and a line of text.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        let headers = "Content-Type: text/plain; charset=utf-8\r\n".to_owned();
        Self { status, headers, body: Body::Text(format!("{status} {text}\n")), trouble: None }
    }

    /// Looks for what is asked for. Blocks.
    pub(crate) fn find(root: &Path, request: &Request) -> Self {
        let mut answer = Self::look(root, request).unwrap_or_else(Self::failed);
        if request.method == Method::Head
            && let Some(length) = answer.body.length()
        {
            answer.body = Body::Withheld(length);
        }
        answer
    }

    fn failed(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
                Self::text(404, "Not Found")
            }
            ErrorKind::PermissionDenied => Self::text(403, "Forbidden"),
            _ => Self { trouble: Some(error), ..Self::text(500, "Internal Server Error") },
        }
    }

    fn look(root: &Path, request: &Request) -> io::Result<Self> {
        let target = &request.target;
        let mut path = below(root, root.join(target.path()))?;
        let is_folder = fs::metadata(&path)?.is_dir();
        if is_folder && !target.is_folder {
            // Or the links in its index would lead to the folder above.
            let mut answer = Self::text(301, "Moved Permanently");
            answer.headers += &format!("Location: {}\r\n", target.folder_url());
            return Ok(answer);
        }
        if is_folder {
            path = below(root, path.join("index.html"))?;
        } else if target.is_folder {
            return Err(ErrorKind::NotFound.into());
        }
        // Before it is opened: to open a named pipe waits for its writer.
        if !fs::metadata(&path)?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        let file = File::open(&path)?;
        let data = file.metadata()?;
        let facts = Facts::new(data.len(), data.modified().ok());
        let mut headers = facts.headers();
        let range = match facts.choose(request) {
            Choice::NotModified => {
                return Ok(Self { status: 304, headers, body: Body::Without, trouble: None });
            }
            Choice::Unsatisfiable => {
                let mut answer = Self::text(416, "Range Not Satisfiable");
                answer.headers += &format!("Content-Range: bytes */{}\r\n", facts.length);
                return Ok(answer);
            }
            Choice::Part(range) => {
                let last = range.first + range.length - 1;
                headers += &format!("Content-Range: bytes {}-{last}/{}\r\n", range.first, facts.length);
                Some(range)
            }
            Choice::Whole => None,
        };
        headers += &format!("Accept-Ranges: bytes\r\nContent-Type: {}\r\n", content_type(&path));
        let status = if range.is_some() { 206 } else { 200 };
        let range = range.unwrap_or(ByteRange { first: 0, length: facts.length });
        let mut content = Content { file, next: range.first, left: range.length, chunk: Vec::new() };
        let body = match request.method {
            Method::Head => Body::Withheld(range.length),
            Method::Get => {
                content.read()?;
                Body::File(content)
            }
        };
        Ok(Self { status, headers, body, trouble: None })
    }
}

/// The path without links, if that is below the root.
fn below(root: &Path, path: PathBuf) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    if path.starts_with(root) { Ok(path) } else { Err(ErrorKind::NotFound.into()) }
}

/// What is known of a file before it is read.
struct Facts {
    length: u64,
    modified: Option<SystemTime>,
    tag: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Whole,
    Part(ByteRange),
    NotModified,
    Unsatisfiable,
}

impl Facts {
    fn new(length: u64, modified: Option<SystemTime>) -> Self {
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        // Dates before 1970 and after 9999 cannot be written.
        let modified = modified.filter(|_| (1..253_402_300_800).contains(&since.as_secs()));
        Self { length, modified, tag: format!("\"{:x}-{length:x}\"", since.as_nanos()) }
    }

    fn headers(&self) -> String {
        let modified = self.modified.map(|time| format!("Last-Modified: {}\r\n", httpdate::fmt_http_date(time)));
        format!("ETag: {}\r\n{}", self.tag, modified.unwrap_or_default())
    }

    /// The order is that of RFC 9110, section 13.2.2.
    fn choose(&self, request: &Request) -> Choice {
        let is_known = match (&request.if_none_match, request.if_modified_since) {
            (Some(tags), _) => {
                tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.tag)
            }
            (None, Some(date)) => self.is_not_newer(date),
            (None, None) => false,
        };
        if is_known {
            return Choice::NotModified;
        }
        match request.range.filter(|_| request.if_range.as_deref().is_none_or(|known| self.is_same(known))) {
            None => Choice::Whole,
            Some(range) => range.within(self.length).map_or(Choice::Unsatisfiable, Choice::Part),
        }
    }

    /// Dates have whole seconds.
    fn is_not_newer(&self, date: SystemTime) -> bool {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        self.modified.and_then(seconds).is_some_and(|modified| Some(modified) <= seconds(date))
    }

    /// Whether a part of this belongs to what the client has. A date does not say so: there may be two files in a second.
    fn is_same(&self, known: &str) -> bool {
        known == self.tag
    }
}

/// The type that goes with the end of a name.
fn content_type(path: &Path) -> &'static str {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        "woff2" => "font/woff2",
        "gz" => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::parse;
    use std::time::Duration;

    /// What is chosen of ten bytes that were written a second and a half after the epoch.
    fn chosen(headers: &str) -> Choice {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let (request, _) = parse(text.as_bytes()).ok().flatten().expect("it is complete");
        Facts::new(10, Some(UNIX_EPOCH + Duration::from_millis(1_500))).choose(&request)
    }

    const TAG: &str = "\"59682f00-a\"";
    const THEN: &str = "Thu, 01 Jan 1970 00:00:01 GMT";
    const BEFORE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        for (headers, expected) in [
            (format!("If-None-Match: {TAG}\r\n"), Choice::NotModified),
            (format!("If-None-Match: \"x\", W/{TAG}\r\n"), Choice::NotModified),
            ("If-None-Match: *\r\n".to_owned(), Choice::NotModified),
            (format!("If-Modified-Since: {THEN}\r\n"), Choice::NotModified),
            (format!("If-Modified-Since: {BEFORE}\r\n"), Choice::Whole),
            ("If-Modified-Since: yesterday\r\n".to_owned(), Choice::Whole),
            (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {THEN}\r\n"), Choice::Whole),
        ] {
            assert_eq!(chosen(&headers), expected, "{headers}");
        }
    }

    #[test]
    fn a_part_is_sent_only_of_what_the_client_has() {
        let part = Choice::Part(ByteRange { first: 2, length: 3 });
        for (condition, expected) in [
            (String::new(), part),
            (format!("If-Range: {TAG}\r\n"), Choice::Part(ByteRange { first: 2, length: 3 })),
            ("If-Range: \"x\"\r\n".to_owned(), Choice::Whole),
            (format!("If-Range: {THEN}\r\n"), Choice::Whole),
            (format!("If-None-Match: {TAG}\r\n"), Choice::NotModified),
        ] {
            assert_eq!(chosen(&format!("Range: bytes=2-4\r\n{condition}")), expected, "{condition}");
        }
        assert_eq!(chosen("Range: bytes=10-\r\n"), Choice::Unsatisfiable);
        assert_eq!(chosen("Range: bytes=1-2,4-5\r\n"), Choice::Whole);
    }

    #[test]
    fn a_date_that_cannot_be_written_is_not() {
        let far = UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        for time in [UNIX_EPOCH - Duration::from_secs(1), far] {
            assert!(!Facts::new(1, Some(time)).headers().contains("Last-Modified"));
        }
    }
}
