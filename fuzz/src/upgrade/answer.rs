//! A server's answer, read by itself.

use httparse::{EMPTY_HEADER, Response, Status};

/// More than hyper takes.
const HEADERS: usize = 128;

pub(super) struct Answer {
    pub(super) status: u16,
    accepts: Vec<Vec<u8>>,
    /// Where what is behind it begins.
    pub(super) length: usize,
}

impl Answer {
    /// Whether it accepts this, once.
    pub(super) fn accepts(&self, accept: &str) -> bool {
        matches!(&self.accepts[..], [only] if only == accept.as_bytes())
    }
}

/// The answer that `said` begins with, after those that only precede one.
pub(super) fn parsed(said: &[u8]) -> Option<Answer> {
    let mut length = 0;
    loop {
        let mut headers = [EMPTY_HEADER; HEADERS];
        let mut response = Response::new(&mut headers);
        let Ok(Status::Complete(end)) = response.parse(&said[length..]) else { return None };
        length += end;
        let status = response.code?;
        if status == 101 || !(100..200).contains(&status) {
            let accepts = response.headers.iter();
            let accepts = accepts.filter(|header| header.name.eq_ignore_ascii_case("sec-websocket-accept"));
            let accepts = accepts.map(|header| header.value.to_vec()).collect();
            return Some(Answer { status, accepts, length });
        }
    }
}

/// Whether it begins with an answer that only precedes one: of those there may
/// be any number.
pub(super) fn is_preceded(said: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&said[..said.len().min(64)]).into_owned();
    text.trim_start().starts_with("HTTP/1.1 1") || text.trim_start().starts_with("HTTP/1.0 1")
}
