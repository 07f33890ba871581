//! The client's request, and a server's answer to it.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::SECRETS;

/// How much a server says that repeats itself.
const REPEATED: usize = 256 * 1024;
/// The bytes that the server repeats.
const TAIL: usize = 64;

/// Whether the request has come.
pub(super) fn is_whole(heard: &[u8]) -> bool {
    split(heard).is_some()
}

/// The request, and what followed it.
pub(super) fn split(heard: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = heard.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    Some(heard.split_at(end))
}

/// The accept key for a request. A server that speaks first knows
/// no key.
pub(super) fn accept(heard: &[u8]) -> String {
    let request = String::from_utf8_lossy(heard);
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    derive_accept_key(key.unwrap_or_default().as_bytes())
}

/// A server's bytes: `{accept}` and `{secret}` are filled in.
pub(super) fn expanded(says: &[u8], heard: &[u8], repeats: bool) -> Vec<u8> {
    let mut words = replaced(says, b"{accept}", accept(heard).as_bytes());
    words = replaced(&words, b"{secret}", SECRETS.join(" ").as_bytes());
    if repeats && !words.is_empty() {
        let tail = words[words.len().saturating_sub(TAIL)..].to_vec();
        words.extend(tail.iter().cycle().take(REPEATED));
    }
    words
}

fn replaced(text: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(name.len()).position(|bytes| bytes == name) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    result.extend_from_slice(rest);
    result
}
