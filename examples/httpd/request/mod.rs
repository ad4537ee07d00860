//! The head of a request: bytes in, what was asked for out.
//!
//! Knows no socket and no file, and must survive any bytes. Before: nothing. After: `target.rs`, `range.rs`; then
//! `../answer.rs`.
//!
//! Source: RFC 9110 and RFC 9112. What is not served is a body: a request that has one is answered, and the connection
//! closed, so that nobody takes the body for the next request.

mod range;
mod target;

pub(crate) use range::{ByteRange, Range};
pub(crate) use target::{BadTarget, Target};

use httparse::{EMPTY_HEADER, Header, Status};
use std::time::SystemTime;

/// How long a head may be.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// How many headers it may have.
pub(crate) const MAX_HEADERS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: Target,
    /// Whether the client wants the connection to stay.
    pub(crate) keep_alive: bool,
    /// Only with GET, and only one range of bytes: others are to be ignored.
    pub(crate) range: Option<Range>,
    pub(crate) if_range: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<SystemTime>,
}

/// Why a request is refused. The connection ends with it: nobody knows where the next request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRequest {
    #[error("this is not HTTP: {0}")]
    NotHttp(httparse::Error),
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    #[error("only GET and HEAD are answered here")]
    Method,
    #[error("a request of HTTP/1.1 has exactly one Host header")]
    Host,
    #[error("Content-Length and Transfer-Encoding contradict each other, or themselves")]
    Framing,
    #[error("{0}")]
    Target(#[from] BadTarget),
    #[error("the request line is longer than {MAX_HEAD} bytes")]
    LineTooLong,
    #[error("the head has more than {MAX_HEADERS} headers, or {MAX_HEAD} bytes")]
    HeadTooLarge,
    #[error("the head did not come in time")]
    TooSlow,
}

impl BadRequest {
    /// The status to answer with.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::NotHttp(_) | Self::Host | Self::Framing | Self::Target(_) => 400,
            Self::Method => 405,
            Self::TooSlow => 408,
            Self::LineTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::Version => 505,
        }
    }
}

/// Takes a request from the beginning of `input`, and says how long its head is. `None`: more is to come.
pub(crate) fn parse(input: &[u8]) -> Result<Option<(Request, usize)>, BadRequest> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(&input[..input.len().min(MAX_HEAD)]) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if input.len() < MAX_HEAD => return Ok(None),
        Ok(Status::Partial) if head.version.is_none() => return Err(BadRequest::LineTooLong),
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(BadRequest::HeadTooLarge),
        Err(httparse::Error::Version) => return Err(BadRequest::Version),
        Err(error) => return Err(BadRequest::NotHttp(error)),
    };
    let headers = Headers(head.headers);
    let is_1_1 = head.version == Some(1);
    if headers.all("host").count() != 1 && (is_1_1 || headers.all("host").count() > 1) {
        return Err(BadRequest::Host);
    }
    let has_body = headers.announce_a_body()?;
    let method = match head.method.unwrap_or_default() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return Err(BadRequest::Method),
    };
    let keep_alive = match is_1_1 {
        true => !headers.has_token("connection", "close"),
        false => headers.has_token("connection", "keep-alive"),
    };
    let request = Request {
        method,
        target: Target::parse(head.path.unwrap_or_default())?,
        keep_alive: keep_alive && !has_body,
        range: headers.one("range").and_then(Range::parse).filter(|_| method == Method::Get),
        if_range: headers.one("if-range").map(str::to_owned),
        if_none_match: headers.list("if-none-match"),
        if_modified_since: headers.one("if-modified-since").and_then(|date| httpdate::parse_http_date(date).ok()),
    };
    Ok(Some((request, length)))
}

struct Headers<'a>(&'a [Header<'a>]);

impl<'a> Headers<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }

    /// The value of a header that comes once, and in text.
    fn one(&self, name: &'static str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next().filter(|_| values.next().is_none())?;
        str::from_utf8(value).ok().map(str::trim)
    }

    /// The values of a header that is a list, however often it comes.
    fn list(&self, name: &'static str) -> Option<String> {
        let values: Vec<_> = self.all(name).filter_map(|value| str::from_utf8(value).ok()).collect();
        if values.is_empty() { None } else { Some(values.join(",")) }
    }

    fn has_token(&self, name: &'static str, token: &str) -> bool {
        let mut tokens = self.all(name).flat_map(|value| value.split(|byte| *byte == b','));
        tokens.any(|found| found.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }

    fn announce_a_body(&self) -> Result<bool, BadRequest> {
        let mut lengths = self.all("content-length");
        let (first, is_chunked) = (lengths.next(), self.all("transfer-encoding").next().is_some());
        let Some(length) = first else { return Ok(is_chunked) };
        let length = length.trim_ascii();
        let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        if is_chunked || !is_number || lengths.any(|other| other.trim_ascii() != length) {
            return Err(BadRequest::Framing);
        }
        Ok(length.iter().any(|digit| *digit != b'0'))
    }
}

/// The first line of a request as it can be printed, for one that is refused too.
pub(crate) fn first_line(input: &[u8]) -> String {
    let input = &input[input.iter().take_while(|byte| b"\r\n".contains(byte)).count()..];
    let line = input.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    let (shown, more) = if line.len() > 200 { (&line[..200], "...") } else { (line, "") };
    format!("{}{more}", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Request, BadRequest> {
        let (request, length) = parse(text.as_bytes())?.expect("it is complete");
        assert_eq!(length, text.len());
        Ok(request)
    }

    fn with(headers: &str) -> Result<Request, BadRequest> {
        request(&format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
    }

    #[test]
    fn a_head_is_taken_only_when_it_is_complete() -> Result<(), BadRequest> {
        let text = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b";
        let length = text.len() - 6;
        for cut in 0..length {
            assert_eq!(parse(&text[..cut])?, None, "{cut}");
        }
        assert_eq!(parse(text)?.map(|(_, length)| length), Some(length));
        Ok(())
    }

    #[test]
    fn a_connection_stays_by_default_only_in_1_1() -> Result<(), BadRequest> {
        assert!(with("")?.keep_alive);
        assert!(!with("Connection: x, Close\r\n")?.keep_alive);
        assert!(!request("GET / HTTP/1.0\r\n\r\n")?.keep_alive);
        assert!(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")?.keep_alive);
        Ok(())
    }

    #[test]
    fn a_body_ends_the_connection() -> Result<(), BadRequest> {
        for (headers, stays) in [
            ("Content-Length: 0\r\n", true),
            ("Content-Length: 5\r\n", false),
            ("Content-Length: 99999999999999999999999\r\n", false),
            ("Transfer-Encoding: chunked\r\n", false),
        ] {
            assert_eq!(with(headers)?.keep_alive, stays, "{headers}");
        }
        Ok(())
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: \r\n",
        ] {
            assert_eq!(with(headers), Err(BadRequest::Framing), "{headers}");
        }
        assert_eq!(with("Host: b\r\n"), Err(BadRequest::Host));
        assert_eq!(request("GET / HTTP/1.1\r\n\r\n"), Err(BadRequest::Host));
        assert!(matches!(with("Space : x\r\n"), Err(BadRequest::NotHttp(_))));
        assert!(matches!(with("A: x\r\n folded\r\n"), Err(BadRequest::NotHttp(_))));
    }

    #[test]
    fn each_refusal_has_its_status() {
        let status = |bytes: &[u8]| parse(bytes).err().map(BadRequest::status);
        assert_eq!(status(b"\x16\x03\x01\x02\x00\x01"), Some(400));
        assert_eq!(status(b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"), Some(400));
        assert_eq!(status(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"), Some(405));
        assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some(505));
        assert_eq!(status(format!("GET /{} HTTP/1.1\r\n", "x".repeat(MAX_HEAD)).as_bytes()), Some(414));
        assert_eq!(status(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD)).as_bytes()), Some(431));
        assert_eq!(status(format!("GET / HTTP/1.1\r\n{}", "X: 1\r\n".repeat(MAX_HEADERS + 1)).as_bytes()), Some(431));
    }

    #[test]
    fn what_is_printed_of_a_request_is_one_short_line() {
        assert_eq!(first_line(b"\r\nGET /\x1b\" HTTP/1.1\r\nHost"), "GET /\\x1b\\\" HTTP/1.1");
        assert_eq!(first_line(&[b'x'; 1000]).len(), 203);
        assert_eq!(first_line(b""), "");
    }
}
