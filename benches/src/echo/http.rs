//! What a client asks of an HTTP server, and how long the answer is.
//!
//! Before: `connections.rs`. After: `load.rs`.

use super::connections::Question;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Asks once, and measures: all answers are as long as the first, since a date always takes as many bytes.
pub fn question(address: SocketAddr) -> io::Result<Question> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(REQUEST)?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        if let Some(length) = length(&answer)? {
            return Ok(Question { request: REQUEST, answer: length });
        }
        match stream.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Of head and body, once the head is there.
fn length(answer: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    match body {
        Some(body) if text.starts_with("http/1.1 200 ") => Ok(Some(head + 4 + body)),
        _ => Err(io::Error::new(ErrorKind::InvalidData, format!("the server said {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_answer_is_that_of_its_head_and_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(length(answer).expect("an answer"), Some(answer.len()));
        assert_eq!(length(&answer[..20]).expect("the beginning of one"), None);
    }

    #[test]
    fn an_answer_without_success_or_without_a_length_is_an_error() {
        assert!(length(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
