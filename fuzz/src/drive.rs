//! A link, driven as the driver does it, over a hostile stream.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use longlink::transport::{Frame, Link};
use longlink::{Beat, LinkEnd, Token};

use crate::wire::{Acts, Far, Task};

/// The result of a link.
#[derive(Debug)]
pub struct Driven {
    /// How it ended, if it did.
    pub end: Option<LinkEnd>,
    /// Goodbye was said by us.
    pub closed: bool,
    /// So many messages were given to it.
    pub sent: usize,
}

/// Drives `link` until it ends or its far end does nothing any more. Each
/// message that comes in is handed to `arrived`, the n-th that goes out is made
/// by `message`.
///
/// # Panics
///
/// If it waits and nothing will wake it, or goes on for ever.
pub fn drive<L: Link>(
    mut link: L,
    far: &Far,
    acts: Acts,
    mut arrived: impl FnMut(L::Incoming),
    message: impl Fn(usize) -> L::Outgoing,
) -> Driven {
    let task = Task::new();
    let waker = Waker::from(Arc::clone(&task));
    let mut cx = Context::from_waker(&waker);
    let beats = acts.beats && !matches!(link.beat(), Beat::Listen { .. });
    let mut driven = Driven { end: None, closed: false, sent: 0 };
    // After an error of writing it is only read.
    let mut broken = false;
    let mut goodbye_said = false;
    let mut frames = 0;
    for turn in 0.. {
        assert!(turn <= far.most_turns(), "it goes on for ever");
        if acts.asks && link.answers_after() && turn < 100 && !broken && !driven.closed {
            broken = link.answer_me_after(Duration::from_secs(turn)).is_err();
        }
        if beats && turn < 100 && !broken && !driven.closed {
            broken = link.start_beat(Token(turn)).is_err();
        }
        while !broken && !driven.closed && driven.sent < acts.sends.into() {
            match link.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => {
                    broken = link.start_send(message(driven.sent)).is_err();
                    driven.sent += 1;
                }
                Poll::Ready(Err(_)) => broken = true,
                Poll::Pending => {
                    assert!(far.is_written(), "room is waited for, and nothing will wake it");
                    break;
                }
            }
        }
        driven.closed |= acts.closes_after.is_some_and(|after| frames >= usize::from(after));
        if !broken && !goodbye_said {
            let polled = if driven.closed { link.poll_close(&mut cx) } else { link.poll_flush(&mut cx) };
            broken = matches!(polled, Poll::Ready(Err(_)));
            goodbye_said = driven.closed && polled.is_ready();
            assert!(!polled.is_pending() || far.is_written(), "a write waits, and nothing will wake it");
        }
        let reads_on = loop {
            match link.poll_next(&mut cx) {
                Poll::Ready(Ok(frame)) => {
                    frames += 1;
                    assert!(frames <= far.read(), "there are more frames than bytes");
                    if let Frame::Message(message) = frame {
                        arrived(message);
                    }
                    if acts.is_sluggish {
                        break true;
                    }
                }
                Poll::Ready(Err(end)) => {
                    driven.end = Some(end);
                    return driven;
                }
                Poll::Pending => {
                    assert!(far.is_read(), "more is waited for, and nothing will wake it");
                    break false;
                }
            }
        };
        if !reads_on {
            task.was_woken();
            if !far.goes_on() {
                return driven;
            }
            assert!(task.was_woken(), "what it waits for has come, and it is not woken");
        }
    }
    driven
}
