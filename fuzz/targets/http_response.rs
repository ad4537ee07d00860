//! A response, as `fetch_all` reads it: wherever the bytes are cut, the outcome is the same, and no body is too large.
#![no_main]

#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../examples/support/http.rs"]
mod http;

use http::{HttpError, Reader, Response};
use libfuzzer_sys::fuzz_target;

const MAX_BODY: usize = 1000;

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, HttpError> {
    let mut reader = Reader::new(MAX_BODY);
    for piece in pieces {
        if reader.feed(piece)? {
            break;
        }
    }
    reader.finish()
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, bytes) = input;
    let whole = read([bytes]);
    let cut = usize::from(cut) % (bytes.len() + 1);
    assert_eq!(read([&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    assert_eq!(read(bytes.chunks(1)), whole, "byte by byte");
    assert!(whole.is_err() || whole.is_ok_and(|response| response.body.len() <= MAX_BODY));
});
