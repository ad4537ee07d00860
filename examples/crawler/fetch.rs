//! One request: what is at a URL.
//!
//! Before: `../support/http.rs`. After: `crawl.rs`, to which this is the web.

use crate::http::{HttpError, Reader, Response};
use crate::links::BadLink;
use std::io;
use std::time::Duration;
use taskgroup::net::{ConnectError, connect};
use taskgroup::{Elapsed, timeout};
use url::{Position, Url};

/// What is at a URL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// HTML.
    Page(Vec<u8>),
    /// Something else, which is not read.
    File,
    /// It is elsewhere: what the server says, which may be no URL.
    Redirect(String),
}

/// Why a link is broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Late(#[from] Elapsed),
    #[error("the server says {0} {1}")]
    Status(u16, String),
    #[error("redirected to {0:?}: {1}")]
    BadRedirect(String, BadLink),
    #[error("redirected in a circle")]
    Circle,
    #[error("redirected more than {0} times")]
    TooManyRedirects(u8),
}

/// Where answers come from: sockets, or a test.
pub(crate) trait Web {
    async fn get(&self, url: &Url) -> Result<Answer, FetchError>;
}

/// HTTP/1.1, a connection for each request.
pub(crate) struct Sockets {
    /// For all of a request, the look-up of the name included.
    pub(crate) timeout: Duration,
    pub(crate) max_page: usize,
}

impl Web for Sockets {
    async fn get(&self, url: &Url) -> Result<Answer, FetchError> {
        timeout(self.timeout, self.fetch(url)).await?
    }
}

impl Sockets {
    async fn fetch(&self, url: &Url) -> Result<Answer, FetchError> {
        let port = url.port_or_known_default().unwrap_or(80);
        let stream = connect(format!("{}:{port}", url.host_str().unwrap_or_default())).await?;
        // A URL has no spaces and no line breaks: whatever they were in the page, they are written as %XX.
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: taskgroup-crawler\r\nAccept: text/html, */*;q=0.1\r\nConnection: close\r\n\r\n",
            &url[Position::BeforePath..Position::AfterQuery],
            &url[Position::BeforeHost..Position::AfterPort],
        );
        stream.write_all(request.as_bytes()).await?;
        let mut reader = Reader::new(usize::MAX); // how large it may be depends on what it is
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let n = stream.read(&mut buffer).await?;
            let is_whole = reader.feed(&buffer[..n])?;
            match reader.begun() {
                Some(head) if !is_page(head) => return without_body(head),
                Some(head) if head.body.len() > self.max_page => {
                    return Err(HttpError::BodyTooLarge(self.max_page).into());
                }
                _ if n == 0 || is_whole => return Ok(Answer::Page(reader.finish()?.body)),
                _ => {}
            }
        }
    }
}

/// Whether the body is wanted.
fn is_page(head: &Response) -> bool {
    let is_html = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    };
    (200..=299).contains(&head.status) && head.content_type.as_deref().is_none_or(is_html)
}

fn without_body(head: &Response) -> Result<Answer, FetchError> {
    match (head.status, &head.location) {
        (200..=299, _) => Ok(Answer::File),
        (301 | 302 | 303 | 307 | 308, Some(location)) => Ok(Answer::Redirect(location.clone())),
        (status, _) => Err(FetchError::Status(status, head.reason.clone())),
    }
}
