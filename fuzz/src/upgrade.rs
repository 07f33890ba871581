//! The answer to a WebSocket's upgrade, and the frames behind it.

mod answer;
mod frames;
mod request;

use std::error::Error;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use longlink::keeper::Purpose;
use longlink::transport::{Attempt, ConnectError, Transport};
use longlink::{Failure, LinkEnd, Message, WebSocket, WebSocketLink};

use self::frames::{Ending, Said};
use crate::drive::drive;
use crate::memory::within;
use crate::wire::{Control, Far, Task, Wire, wire};

/// The longest message.
const LIMIT: usize = 4096;
/// The most memory of a link: two messages, our own, and 64 KiB of answers
/// to pings, in buffers that double.
const MEMORY: usize = 192 * 1024;
/// No more of an answer is read: 16 KiB, and what hyper reads ahead.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Both in the request, and in no error.
const SECRETS: [&str; 2] = ["s3cret-header", "s3cret-query"];
const SUBPROTOCOL: &str = "v2.feed";

/// Bits of [`Control::options`].
const SPEAKS_FIRST: u8 = 1;
const OFFERS_SUBPROTOCOL: u8 = 2;
const IS_SCOUT: u8 = 4;

/// Asks a server for an upgrade that answers `bytes`, of which `{accept}` is
/// what the request's key asks for and `{secret}` what the request holds; then
/// speaks WebSocket with it.
///
/// # Panics
///
/// If there is a link without a right answer, if messages come out that are not
/// what a plain decoder reads, if secrets are told, memory grows or nothing
/// will wake who waits.
pub fn upgrade(bytes: &[u8]) {
    let _ = play(bytes);
}

/// The result.
#[derive(Debug)]
#[allow(dead_code, reason = "the tests below look at it")]
enum Outcome {
    /// The attempt failed.
    Refused(Failure),
    /// There was a link, which read so many messages.
    Linked { messages: usize, end: Option<LinkEnd> },
    /// Nothing: the attempt's deadline would end it.
    Waits,
}

fn play(bytes: &[u8]) -> Outcome {
    let Some((control, says)) = Control::split(bytes) else { return Outcome::Waits };
    let (near, far) = wire(control.clone());
    let mut said = None;
    let connected = {
        // Memory of the far end does not count for the client.
        let speak = |far: &Far| {
            let words = request::expanded(says, &far.heard(), control.repeats);
            far.speak(words.clone());
            said = Some(words);
        };
        connect(&control, near, &far, speak)
    };
    let said = said.unwrap_or_default();
    match connected {
        None => Outcome::Waits,
        Some(Err(error)) => {
            check_error(&error, &said);
            Outcome::Refused(error.failure().clone())
        }
        Some(Ok(link)) => check_link(link, &control, &far, &said),
    }
}

/// The attempt, as far as it comes; `None` where the server says nothing more
/// and the attempt's deadline would end it.
fn connect(
    control: &Control,
    near: Wire,
    far: &Far,
    mut speak: impl FnMut(&Far),
) -> Option<Result<WebSocketLink, ConnectError>> {
    let near = Arc::new(Mutex::new(Some(near)));
    let mut transport = WebSocket::new("ws://far.test/feed?key=s3cret-query")
        .and_then(|transport| transport.header("Authorization", "Bearer s3cret-header"))
        .and_then(|transport| transport.max_message(LIMIT))
        .expect("the settings are sound");
    if control.options & OFFERS_SUBPROTOCOL != 0 {
        transport = transport.subprotocol(SUBPROTOCOL).expect("it is a token");
    }
    let transport = transport.dial_with(move |_| {
        let near = near.lock().expect("nothing panics while it is held").take();
        async move { Ok(near.expect("there is one attempt")) }
    });
    let mut attempt = Attempt::standalone(1, None);
    if control.options & IS_SCOUT != 0 {
        attempt = attempt.with_purpose(Purpose::Scout);
    }
    let task = Task::new();
    let waker = Waker::from(Arc::clone(&task));
    let mut cx = Context::from_waker(&waker);
    let mut speaks = control.options & SPEAKS_FIRST != 0;
    if speaks {
        speak(far);
    }
    let mut connect = pin!(transport.connect(&attempt));
    for turn in 0.. {
        assert!(turn <= far.most_turns(), "it goes on for ever");
        if let Poll::Ready(connected) = connect.as_mut().poll(&mut cx) {
            return Some(connected);
        }
        assert!(far.read() <= LONGEST_ANSWER || answer::is_preceded(&far.spoken()), "it reads on and on");
        if !speaks && request::is_whole(&far.heard()) {
            speaks = true;
            speak(far);
        }
        // hyper wakes itself to write what it has just been given.
        if task.was_woken() {
            continue;
        }
        assert!(far.is_read() || far.is_written(), "it waits, and nothing will wake it");
        if !far.goes_on() {
            return None;
        }
        assert!(task.was_woken(), "what it waits for has come, and it is not woken");
    }
    None
}

fn check_error(error: &ConnectError, said: &[u8]) {
    let mut words = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(source) = cause {
        words += &format!(" {source} {source:?}");
        cause = source.source();
    }
    for secret in SECRETS {
        assert!(!words.contains(secret), "{words}");
    }
    if let Failure::Http { status, retry_after, verified } = error.failure() {
        let answer = answer::parsed(said).expect("it was an answer to hyper");
        assert_eq!((*status, *verified), (answer.status, false));
        assert!(*status != 101 && retry_after.is_none_or(|wait| wait.as_secs() <= 366 * 24 * 3600));
    }
}

fn check_link(link: WebSocketLink, control: &Control, far: &Far, said: &[u8]) -> Outcome {
    let answer = answer::parsed(said).expect("it was an answer to hyper");
    let request = far.heard();
    let (head, _) = request::split(&request).expect("it was sent before it was answered");
    assert_eq!(answer.status, 101);
    assert!(answer.accepts(&request::accept(head)), "a link without a right Sec-WebSocket-Accept");
    let offered = (control.options & OFFERS_SUBPROTOCOL != 0).then_some(SUBPROTOCOL);
    assert!(link.subprotocol().is_none() || link.subprotocol() == offered);

    let (expected, ending) = frames::decoded(&said[answer.length..], LIMIT);
    let mut expected = expected.into_iter();
    let mut messages = 0;
    far.expect();
    let driven = within(MEMORY, || {
        let arrived = |message: Message| {
            let said = match message {
                Message::Text(text) => Said::Text(text.as_str().to_owned()),
                Message::Binary(bytes) => Said::Binary(bytes.to_vec()),
            };
            assert_eq!(Some(said), expected.next(), "what was said behind the answer, in order");
            messages += 1;
        };
        drive(link, far, control.acts, arrived, |number| sent(control, number))
    });
    if let Some(end) = &driven.end {
        // A hostile Close may quote what it likes: its words are the peer's.
        if !matches!(end, LinkEnd::Closed { .. }) {
            let words = format!("{end} {end:?}");
            assert!(SECRETS.iter().all(|secret| !words.contains(secret)), "{words}");
        }
        if !driven.closed {
            assert_eq!(expected.next(), None, "all that was said whole comes before the end");
            let possible: &[Ending] = match end {
                LinkEnd::Closed { .. } => &[Ending::Close],
                LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } => &[Ending::Broken, Ending::Breaking],
                _ => &[Ending::Open, Ending::Breaking],
            };
            assert!(possible.contains(&ending), "{end:?} where a plain reader ends {ending:?}");
        }
    }
    let written = far.heard();
    let (_, behind) = request::split(&written).expect("it was sent before it was answered");
    let ours: Vec<_> = (0..driven.sent).map(|number| sent(control, number)).collect();
    frames::check_ours(behind, &ours);
    Outcome::Linked { messages, end: driven.end }
}

/// The n-th message that goes out.
fn sent(control: &Control, number: usize) -> Message {
    let length = if control.acts.sends_long { 5_000 } else { 5 };
    Message::Binary(vec![number as u8; length].into())
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! seed {
        ($name:literal) => {
            play(include_bytes!(concat!("../seeds/upgrade/", $name)))
        };
    }

    #[test]
    fn the_seeds_are_what_their_names_say() {
        for right in [seed!("right"), seed!("right_byte_by_byte"), seed!("early_hints_ahead")] {
            assert!(matches!(right, Outcome::Linked { messages: 2, .. }), "{right:?}");
        }
        let cut = seed!("right_and_cut_inside_a_frame");
        assert!(matches!(cut, Outcome::Linked { messages: 1, end: Some(LinkEnd::Eof) }), "{cut:?}");
        let long = seed!("a_message_over_the_limit");
        assert!(
            matches!(long, Outcome::Linked { messages: 1, end: Some(LinkEnd::TooBig { .. }) }),
            "{long:?}"
        );
        for refused in [
            seed!("a_wrong_accept"),
            seed!("no_accept"),
            seed!("two_accepts"),
            seed!("a_header_without_end"),
            seed!("headers_without_end"),
        ] {
            assert!(matches!(refused, Outcome::Refused(Failure::Protocol(_))), "{refused:?}");
        }
        let busy = seed!("retry_after_seconds");
        assert!(matches!(busy, Outcome::Refused(Failure::Http { retry_after: Some(_), .. })), "{busy:?}");
        assert!(matches!(seed!("hints_without_end"), Outcome::Refused(_) | Outcome::Waits));
        assert!(matches!(seed!("silent"), Outcome::Waits));
    }
}
