//! Hostile bytes for two protocols over [`Tcp`]: lines, and frames with their
//! length ahead.

mod frames;
mod lines;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use longlink::transport::{Attempt, Transport};
use longlink::{LinkEnd, Protocol, StreamLink, Tcp};
use tokio_util::codec::{Decoder, Encoder};

use crate::drive::{Driven, drive};
use crate::memory::within;
use crate::wire::{Control, Far, wire};

/// The longest message.
const LIMIT: usize = 1024;
/// The most memory of a link, beside the messages that we send: two messages, and
/// 64 KiB of answers that wait to be written, in a buffer that doubles: from 128
/// to 256 KiB where a part at its front was written, and both while it moves.
const MEMORY: usize = 400 * 1024;
/// How much a server says that repeats itself.
const REPEATED: usize = 384 * 1024;

/// Bits of [`Control::options`].
const SPEAKS_FRAMES: u8 = 1;

/// Speaks one of two protocols with a server that says `bytes`.
///
/// # Panics
///
/// If messages come out that are not what a plain reader of the same bytes
/// finds, if one that was cut comes out, if memory grows or nothing will wake
/// who waits.
pub fn tcp(bytes: &[u8]) {
    let Some((control, said)) = Control::split(bytes) else { return };
    if control.options & SPEAKS_FRAMES == 0 {
        lines::play(&control, &repeated(&control, said));
    } else {
        frames::play(&control, &repeated(&control, said));
    }
}

/// The bytes of a server that may repeat itself.
fn repeated(control: &Control, said: &[u8]) -> Vec<u8> {
    let mut said = said.to_vec();
    if control.repeats && !said.is_empty() {
        let tail = said[said.len().saturating_sub(64)..].to_vec();
        said.extend(tail.iter().cycle().take(REPEATED));
    }
    said
}

/// The result of a plain reader: messages, and the end behind them.
struct Read<M> {
    messages: Vec<(M, Certainty)>,
    ending: Ending,
}

/// Whether a message must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Certain,
    /// Bytes that a codec took ahead may count against the limit, or not.
    AtTheLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Nothing, or a part of something.
    Open,
    /// The server's goodbye.
    Goodbye,
    /// Bytes that break a rule or the limit.
    Broken,
    /// A part of something that is about to break the limit.
    OpenOrBroken,
}

/// Opens the link of a protocol, drives it over a server that says `said`, and
/// compares what comes out with `read`.
fn check<C, Out, M>(
    protocol: Protocol<C, Out>,
    control: &Control,
    said: &[u8],
    read: Read<M>,
    plain: impl Fn(C::Item) -> M,
    message: impl Fn(usize) -> Out,
) -> (Driven, Vec<u8>)
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error> + Send + 'static,
    <C as Decoder>::Error: std::error::Error + 'static,
    C::Item: Send + 'static,
    Out: Send + Unpin + 'static,
    M: std::fmt::Debug + PartialEq,
{
    let (link, far) = open(protocol, control);
    far.speak(said.to_vec());
    let mut expected = read.messages.into_iter().peekable();
    let ours = usize::from(control.acts.sends) * 16 * 1024;
    far.expect();
    let driven = within(MEMORY + ours, || {
        let arrived = |message| {
            let next = expected.next().map(|(message, _)| message);
            assert_eq!(Some(plain(message)), next, "what was said, in order");
        };
        drive(link, &far, control.acts, arrived, message)
    });
    if let Some(end) = driven.end.as_ref().filter(|_| !driven.closed) {
        let too_big = matches!(end, LinkEnd::TooBig { .. });
        match expected.next() {
            None if too_big => assert!(matches!(read.ending, Ending::Broken | Ending::OpenOrBroken)),
            None if is_goodbye(end) => assert_eq!(read.ending, Ending::Goodbye),
            None if end_is_the_peers(end) => assert_eq!(read.ending, Ending::Broken, "{end:?}"),
            None => assert!(matches!(read.ending, Ending::Open | Ending::OpenOrBroken), "{end:?}"),
            Some((_, Certainty::AtTheLimit)) if too_big => {}
            Some((missing, _)) => panic!("{missing:?} was said whole before {end:?}"),
        }
    }
    (driven, far.heard())
}

fn is_goodbye(end: &LinkEnd) -> bool {
    matches!(end, LinkEnd::Closed { code: Some(lines::BYE), .. })
}

/// Whether what the peer said ended the link, and not the stream.
fn end_is_the_peers(end: &LinkEnd) -> bool {
    match end {
        LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } => true,
        LinkEnd::Io { kind, .. } => *kind == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn open<C, Out>(protocol: Protocol<C, Out>, control: &Control) -> (StreamLink<C, Out>, Far)
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error> + Send + 'static,
    <C as Decoder>::Error: std::error::Error + 'static,
    C::Item: Send + 'static,
    Out: Send + Unpin + 'static,
{
    let (near, far) = wire(control.clone());
    let near = Arc::new(Mutex::new(Some(near)));
    let transport = Tcp::new("far.test:7", protocol).expect("the settings are sound").dial_with(move |_| {
        let near = near.lock().expect("nothing panics while it is held").take();
        async move { Ok(near.expect("there is one attempt")) }
    });
    let attempt = Attempt::standalone(1, None);
    let mut connect = pin!(transport.connect(&attempt));
    match connect.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(link)) => (link, far),
        other => panic!("there is nothing to wait for: {other:?}"),
    }
}
