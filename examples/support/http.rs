//! HTTP/1.1 responses: from bytes to a status and a body. Part of `fetch_all` and of `crawler`.
//!
//! There is no socket in here: bytes go in as they come, and the [`Reader`] says when it has them all. So every way in
//! which a network may cut them can be tested without one.
//!
//! ```text
//!          (1) the head is there
//!   Head --+--> Sized(n) --------------(2) n bytes------------------> Done
//!          +--> ChunkSize <--(3)--> Chunk(n)                            ^
//!          |        `--(4) size 0--> Trailers ----(5) an empty line-----+
//!          `--> UntilClose                   (its end is that of the connection)
//! ```
//! (1) [`framing`] chooses, and an interim answer (1xx) leads back to `Head`; (2) to (5) [`Reader::step`].

use httparse::{EMPTY_HEADER, Header, Status};
use std::mem;

/// What a head, a chunk's first line or the trailers may measure.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// What is wrong with a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the answer is not HTTP/1: {0}")]
    NotHttp(#[from] httparse::Error),
    #[error("the head of the answer is larger than {} KiB", MAX_HEAD / 1024)]
    HeadTooLarge,
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the content length is not a number: \"{0}\"")]
    Length(String),
    #[error("the transfer encoding is not known: \"{0}\"")]
    Encoding(String),
    #[error("a chunk of the body is malformed")]
    Chunk,
    #[error("the connection was closed without an answer")]
    NoAnswer,
    #[error("the connection was closed in the middle of the {0}")]
    Cut(&'static str),
}

/// A whole response; of its head only what the programs look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    #[allow(dead_code, reason = "not every program follows redirects")]
    pub(crate) location: Option<String>,
    #[allow(dead_code, reason = "not every program looks into the body")]
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    /// So many bytes of the body are missing.
    Sized(u64),
    ChunkSize,
    /// So many bytes of the chunk are missing, and the line break behind them.
    Chunk(u64),
    Trailers,
    UntilClose,
    Done,
}

/// Reads one response.
pub(crate) struct Reader {
    max_body: usize,
    stage: Stage,
    /// Bytes that are not used yet: the beginning of something that is read as a whole.
    rest: Vec<u8>,
    response: Response,
}

impl Reader {
    pub(crate) fn new(max_body: usize) -> Self {
        Self { max_body, stage: Stage::Head, rest: Vec::new(), response: Response::default() }
    }

    /// Takes the next bytes; true when the response is complete. What follows it is ignored.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<bool, HttpError> {
        self.rest.extend_from_slice(bytes);
        let input = mem::take(&mut self.rest);
        let mut unused = input.as_slice();
        while let Some(used) = self.step(unused)? {
            unused = &unused[used..];
        }
        self.rest = unused.to_vec();
        Ok(self.stage == Stage::Done)
    }

    /// The response as far as it is there; `None` before its head is complete.
    #[allow(dead_code, reason = "for programs that do not want every body")]
    pub(crate) fn begun(&self) -> Option<&Response> {
        (self.stage != Stage::Head).then_some(&self.response)
    }

    /// The response; to be called when it is complete, or when the connection was closed.
    pub(crate) fn finish(self) -> Result<Response, HttpError> {
        match self.stage {
            Stage::Done | Stage::UntilClose => Ok(self.response),
            Stage::Head if self.rest.is_empty() => Err(HttpError::NoAnswer),
            Stage::Head => Err(HttpError::Cut("head")),
            _ => Err(HttpError::Cut("body")),
        }
    }

    /// Goes one stage or one piece of the body further, and says how many bytes that used. `None`: it needs more.
    fn step(&mut self, input: &[u8]) -> Result<Option<usize>, HttpError> {
        let (used, next) = match self.stage {
            Stage::Head => match self.head(input)? {
                Some(step) => step,
                None => return short(input),
            },
            Stage::Sized(0) => (0, Stage::Done),
            Stage::Chunk(0) => match input {
                [b'\r', b'\n', ..] => (2, Stage::ChunkSize),
                [] | [b'\r'] => return Ok(None),
                _ => return Err(HttpError::Chunk),
            },
            // httparse takes a line without any digit for a size of zero, and so for the end of the body.
            Stage::ChunkSize if input.first().is_some_and(|digit| !digit.is_ascii_hexdigit()) => {
                return Err(HttpError::Chunk);
            }
            Stage::ChunkSize => match httparse::parse_chunk_size(input).map_err(|_| HttpError::Chunk)? {
                Status::Complete((used, 0)) => (used, Stage::Trailers),
                Status::Complete((used, size)) => (used, Stage::Chunk(size)),
                Status::Partial => return short(input),
            },
            Stage::Trailers => match httparse::parse_headers(input, &mut [EMPTY_HEADER; MAX_HEADERS])? {
                Status::Complete((used, _)) => (used, Stage::Done),
                Status::Partial => return short(input),
            },
            Stage::Done => return Ok(None),
            Stage::Sized(_) | Stage::Chunk(_) | Stage::UntilClose if input.is_empty() => return Ok(None),
            Stage::Sized(missing) => self.take(input, missing).map(|n| (n, Stage::Sized(missing - n as u64)))?,
            Stage::Chunk(missing) => self.take(input, missing).map(|n| (n, Stage::Chunk(missing - n as u64)))?,
            Stage::UntilClose => (self.take(input, u64::MAX)?, Stage::UntilClose),
        };
        self.stage = next;
        Ok(Some(used))
    }

    /// Reads the head. It starts anew with each arrival, which is cheap since a head seldom comes in many.
    fn head(&mut self, input: &[u8]) -> Result<Option<(usize, Stage)>, HttpError> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let Status::Complete(used) = head.parse(input)? else { return Ok(None) };
        if used > MAX_HEAD {
            return Err(HttpError::HeadTooLarge);
        }
        let status = head.code.unwrap_or_default();
        if (100..200).contains(&status) {
            return Ok(Some((used, Stage::Head)));
        }
        self.response.status = status;
        self.response.reason = head.reason.unwrap_or_default().to_owned();
        self.response.location = text(head.headers, "location");
        self.response.content_type = text(head.headers, "content-type");
        match framing(status, head.headers)? {
            Stage::Sized(length) if length > self.max_body as u64 => Err(HttpError::BodyTooLarge(self.max_body)),
            stage => Ok(Some((used, stage))),
        }
    }

    /// Moves at most `missing` bytes into the body.
    fn take(&mut self, input: &[u8], missing: u64) -> Result<usize, HttpError> {
        let n = input.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
        if n > self.max_body - self.response.body.len() {
            return Err(HttpError::BodyTooLarge(self.max_body));
        }
        self.response.body.extend_from_slice(&input[..n]);
        Ok(n)
    }
}

/// Something that is read as a whole is not there yet: a reason to wait, unless it is too large already.
fn short(input: &[u8]) -> Result<Option<usize>, HttpError> {
    if input.len() > MAX_HEAD { Err(HttpError::HeadTooLarge) } else { Ok(None) }
}

/// A header that is text. What is no UTF-8 in it is replaced.
fn text(headers: &[Header<'_>], name: &str) -> Option<String> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(header.value.trim_ascii()).into_owned())
}

/// How the body is delimited (RFC 9112, section 6.3, for an answer to GET).
fn framing(status: u16, headers: &[Header<'_>]) -> Result<Stage, HttpError> {
    let values = |name| headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.trim_ascii());
    if matches!(status, 204 | 304) {
        return Ok(Stage::Sized(0));
    }
    let encodings: Vec<&[u8]> = values("transfer-encoding").collect();
    match encodings[..] {
        [] => {}
        [one] if one.eq_ignore_ascii_case(b"chunked") => return Ok(Stage::ChunkSize),
        _ => return Err(HttpError::Encoding(encodings.join(&b", "[..]).escape_ascii().to_string())),
    }
    let mut lengths =
        values("content-length").flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let Some(length) = lengths.next() else { return Ok(Stage::UntilClose) };
    let number = str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|number| number.parse().ok()) {
        Some(number) if lengths.all(|other| other == length) => Ok(Stage::Sized(number)),
        _ => Err(HttpError::Length(length.escape_ascii().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
        5\r\nhello\r\n7;name=value\r\n, world\r\n0\r\nX-Sum: 1\r\n\r\n";

    /// What comes of `pieces`, after which the peer closes the connection.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, HttpError> {
        let mut reader = Reader::new(100_000);
        for piece in pieces {
            if reader.feed(piece)? {
                break;
            }
        }
        reader.finish()
    }

    /// The same, and that it does not depend on where the bytes are cut.
    fn read_however_cut(bytes: &[u8]) -> Result<Response, HttpError> {
        let whole = read([bytes]);
        assert_eq!(read(bytes.chunks(1)), whole, "byte by byte");
        for cut in 0..=bytes.len() {
            assert_eq!(read([&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        whole
    }

    fn body(bytes: &[u8]) -> Result<String, HttpError> {
        read_however_cut(bytes).map(|response| String::from_utf8_lossy(&response.body).into_owned())
    }

    #[test]
    fn a_sized_body_ends_where_it_says() {
        let response = read_however_cut(b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhelloEXCESS");
        let expected =
            Response { status: 404, reason: "Not Found".into(), body: b"hello".into(), ..Response::default() };
        assert_eq!(response, Ok(expected));
    }

    #[test]
    fn a_head_is_there_before_its_body() {
        let mut reader = Reader::new(10);
        assert_eq!(reader.feed(b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9 \r\nCONTENT-TYPE: text/html\r\n"), Ok(false));
        assert_eq!(reader.begun(), None);
        assert_eq!(reader.feed(b"Content-Length: 5\r\n\r\nhe"), Ok(false));
        let begun = reader.begun().map(|head| (head.status, head.location.as_deref(), head.content_type.as_deref()));
        assert_eq!(begun, Some((302, Some("/caf\u{fffd}"), Some("text/html"))));
    }

    #[test]
    fn a_chunked_body_is_put_together() {
        assert_eq!(body(CHUNKED), Ok("hello, world".into()));
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        assert_eq!(body(b"HTTP/1.0 200 OK\r\n\r\nto the end"), Ok("to the end".into()));
    }

    #[test]
    fn interim_answers_are_passed_over_and_some_answers_have_no_body() {
        assert_eq!(body(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nx"), Ok(String::new()));
    }

    #[test]
    fn every_truncation_is_noticed() {
        for sample in [CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"] {
            for length in 0..sample.len() {
                let error = read([&sample[..length]]).expect_err("incomplete");
                assert!(matches!(error, HttpError::NoAnswer | HttpError::Cut(_)), "{length}: {error}");
            }
        }
    }

    #[test]
    fn lengths_must_be_numbers_and_agree() {
        let length = |value: &str| body(format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nhello").as_bytes());
        assert_eq!(length("5, 5"), Ok("hello".into()));
        for wrong in ["", "+5", "-1", "0x5", "5, 6", "99999999999999999999"] {
            assert!(matches!(length(wrong), Err(HttpError::Length(_))), "{wrong}");
        }
    }

    #[test]
    fn malformed_chunks_are_named() {
        let chunks =
            |text: &str| body(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{text}").as_bytes());
        for wrong in ["\r\n\r\n", "x\r\n", "-1\r\n", "5\r\nhelloworld", "11111111111111111\r\n"] {
            assert_eq!(chunks(wrong), Err(HttpError::Chunk), "{wrong:?}");
        }
    }

    #[test]
    fn other_encodings_are_refused_in_printable_words() {
        let error = body(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\xff\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(error, Err(HttpError::Encoding("gzip\\xff, chunked".into())));
    }

    #[test]
    fn what_is_not_http_is_said_at_once() {
        assert!(matches!(Reader::new(0).feed(b"SSH-2.0-OpenSSH"), Err(HttpError::NotHttp(_))));
    }

    #[test]
    fn heads_chunk_lines_and_trailers_are_bounded() {
        let long = "x".repeat(MAX_HEAD);
        let head = format!("HTTP/1.1 200 OK\r\nX: {long}\r\n\r\n");
        assert_eq!(read(head.as_bytes().chunks(5000)), Err(HttpError::HeadTooLarge));
        assert_eq!(read([head.as_bytes()]), Err(HttpError::HeadTooLarge));
        for tail in [format!("5;{long}"), format!("0\r\nX: {long}")] {
            let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{tail}");
            assert_eq!(read(chunked.as_bytes().chunks(5000)), Err(HttpError::HeadTooLarge));
        }
        let many = "X: 1\r\n".repeat(MAX_HEADERS + 1);
        let many = read([format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes()]);
        assert_eq!(many, Err(HttpError::NotHttp(httparse::Error::TooManyHeaders)));
    }

    // RUSTSEC-2024-0003 and its like (h2): a peer made a buffer grow.
    #[test]
    fn bodies_are_bounded_however_they_are_delimited() {
        for head in ["Content-Length: 11\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nb\r\n", "\r\n"] {
            let answer = format!("HTTP/1.1 200 OK\r\n{head}01234567890");
            for at_once in [answer.len(), 4, 1] {
                let mut reader = Reader::new(10);
                let end = answer.as_bytes().chunks(at_once).find_map(|piece| reader.feed(piece).err());
                assert_eq!(end, Some(HttpError::BodyTooLarge(10)), "{head:?}, {at_once} bytes at once");
            }
        }
    }
}
