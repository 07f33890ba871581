//! Lines, with beats, signs of life, requests and goodbyes in words.

use longlink::transport::ControlMessages;
use longlink::{LinkEnd, Protocol, Token};
use tokio_util::codec::LinesCodec;

use super::{Certainty, Ending, LIMIT, Read, check};
use crate::wire::Control;

/// A sign of life and nothing else.
const ALIVE: &str = "ALIVE";
/// How the server's goodbye begins.
const CLOSES: &str = "BYE ";
/// The code that stands for it.
pub(super) const BYE: u16 = 4000;

pub(super) fn play(control: &Control, said: &[u8]) {
    let words = ControlMessages::<String, String>::new()
        .ping(|Token(token)| format!("PING {token}"))
        .pong(|line| token(line).map(Token))
        .answer(|line| line.strip_prefix("PING ").map(|word| format!("PONG {word}")))
        .alive(|line| line == ALIVE)
        .closes(|line| line.strip_prefix(CLOSES).map(|why| LinkEnd::closed(Some(BYE), why)))
        .ask_after(|silence| format!("SPEAK {}", silence.as_secs()))
        .goodbye(|| "QUIT".to_owned());
    let protocol = Protocol::new(LinesCodec::new, words).max_message(LIMIT).expect("the settings are sound");
    let (read, pings) = read(said);
    let (driven, written) = check(protocol, control, said, read, |line| line, |number| sent(control, number));
    let messages: Vec<_> = (0..driven.sent).map(|number| sent(control, number)).collect();
    check_ours(&written, &messages, &pings);
}

fn token(line: &str) -> Option<u64> {
    line.strip_prefix("PONG ")?.parse().ok()
}

/// The messages among the lines, and what its pings ask for.
fn read(mut bytes: &[u8]) -> (Read<String>, Vec<String>) {
    let (mut messages, mut pings) = (Vec::new(), Vec::new());
    let ending = loop {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            break if bytes.len() > LIMIT { Ending::Broken } else { Ending::Open };
        };
        let (line, rest) = bytes.split_at(end + 1);
        bytes = rest;
        let text = &line[..end];
        let Ok(text) = std::str::from_utf8(text.strip_suffix(b"\r").unwrap_or(text)) else {
            break Ending::Broken;
        };
        if line.len() > LIMIT {
            break Ending::Broken;
        }
        if text.starts_with(CLOSES) {
            break Ending::Goodbye;
        }
        if let Some(word) = text.strip_prefix("PING ") {
            pings.push(format!("PONG {word}"));
        } else if text != ALIVE && token(text).is_none() {
            messages.push((text.to_owned(), Certainty::Certain));
        }
    };
    (Read { messages, ending }, pings)
}

/// The n-th message that goes out.
fn sent(control: &Control, number: usize) -> String {
    let length = if control.acts.sends_long { 5_000 } else { 5 };
    format!("{number}").repeat(length)
}

/// Our bytes: the messages in order, beats and requests, the answers to the
/// peer's beats, and nothing behind the goodbye.
fn check_ours(written: &[u8], messages: &[String], pings: &[String]) {
    let mut expected = messages.iter();
    let mut closed = false;
    for line in written.split_inclusive(|byte| *byte == b'\n') {
        // The last one may be cut.
        let Some(line) = line.strip_suffix(b"\n") else { return };
        let line = std::str::from_utf8(line).expect("our end writes text");
        assert!(!closed, "{line} behind our goodbye");
        if line == "QUIT" {
            closed = true;
        } else if line.starts_with("PONG ") {
            assert!(pings.iter().any(|ping| ping == line), "nobody asked for {line}");
        } else if !line.starts_with("PING ") && !line.starts_with("SPEAK ") {
            assert_eq!(Some(line), expected.next().map(String::as_str), "in order");
        }
    }
}
