//! One way of one connection: what was read at one end and is not yet written
//! at the other.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::rules::Way;
use super::socket::Socket;
use super::{Cut, ROOM};
use crate::testing::alarm::Alarm;

#[derive(Debug, Default)]
pub(super) struct Lane {
    queue: VecDeque<Parcel>,
    /// Bytes in the queue.
    queued: usize,
    /// The source will say no more.
    ended: bool,
    /// What comes is thrown away: the target had its FIN, or is gone.
    shut: bool,
    /// A black hole has swallowed something.
    gap: bool,
    /// The target takes nothing any more.
    refused: bool,
    alarm: Alarm,
}

#[derive(Debug)]
struct Parcel {
    due: Instant,
    what: What,
}

#[derive(Debug)]
enum What {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// How far a lane came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is nothing to do until somebody wakes the task.
    Waits,
    /// Both ways are to end now.
    Cut(Cut),
}

impl Lane {
    /// Moves what can be moved.
    pub(super) fn run(
        &mut self,
        source: Option<&mut Socket>,
        mut target: Option<&mut Socket>,
        way: &mut Way,
        cx: &mut Context<'_>,
    ) -> Outcome {
        let mut source = source;
        self.ended |= source.is_none();
        self.shut |= target.is_none();
        loop {
            let took = source.as_deref_mut().is_some_and(|source| self.take_in(source, way, cx));
            let gave = match target.as_deref_mut() {
                Some(target) => match self.hand_on(target, way, cx) {
                    Ok(gave) => gave,
                    Err(cut) => return Outcome::Cut(cut),
                },
                None => false,
            };
            if !took && !gave {
                break;
            }
        }
        // A stream cannot go on behind a gap: once the hole is gone, the end
        // of its source ends it.
        match self.gap && self.ended && !way.holed {
            true => Outcome::Cut(Cut::Reset),
            false => Outcome::Waits,
        }
    }

    /// Whether its source is at its end, and all that it said was handed on.
    pub(super) fn is_over(&self) -> bool {
        self.ended && (self.queue.is_empty() || self.shut)
    }

    /// Whether its target has refused what came, which the source is to be
    /// told over `back`, the other way.
    pub(super) fn answers_reset(&self, back: &Way) -> bool {
        self.refused && !back.holed && !back.stalled
    }

    /// Ends it with a FIN behind what is on its way; what the source says
    /// from now on is thrown away.
    pub(super) fn finish(&mut self, now: Instant) {
        if !self.shut && !matches!(self.queue.back(), Some(Parcel { what: What::Fin | What::Reset, .. })) {
            self.queue
                .push_back(Parcel { due: self.queue.back().map_or(now, |last| last.due), what: What::Fin });
        }
    }

    /// Nothing more passes.
    pub(super) fn shut(&mut self) {
        self.shut = true;
        self.gap = false;
        self.drop_queue();
    }

    fn drop_queue(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }

    /// Reads once from the source. True if that brought something.
    fn take_in(&mut self, source: &mut Socket, way: &Way, cx: &mut Context<'_>) -> bool {
        if way.holed && !self.queue.is_empty() {
            self.gap = true;
            self.drop_queue();
        }
        if self.ended || self.queued >= ROOM {
            return false;
        }
        let mut bytes = [0; 16 * 1024];
        let room = bytes.len().min(ROOM - self.queued);
        let what = match source.poll_read(cx, &mut bytes[..room]) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => What::Fin,
            Poll::Ready(Ok(count)) => What::Bytes(bytes[..count].to_vec()),
            Poll::Ready(Err(_)) => What::Reset,
        };
        self.ended = matches!(what, What::Fin | What::Reset);
        let finished = matches!(self.queue.back(), Some(Parcel { what: What::Fin, .. }));
        if self.shut || (finished && !matches!(what, What::Reset)) {
            return true;
        }
        if way.holed || self.gap {
            self.gap = true;
            return true;
        }
        if let What::Bytes(bytes) = &what {
            self.queued += bytes.len();
        }
        self.queue.push_back(Parcel { due: Instant::now() + way.latency, what });
        true
    }

    /// Writes once to the target. True if that brought something on.
    fn hand_on(&mut self, target: &mut Socket, way: &mut Way, cx: &mut Context<'_>) -> Result<bool, Cut> {
        if way.stalled || self.shut {
            return Ok(false);
        }
        let Some(parcel) = self.queue.front_mut() else { return Ok(false) };
        let due = Some(parcel.due).filter(|due| *due > Instant::now());
        if due.is_some() && self.alarm.poll_at(due, cx).is_pending() {
            return Ok(false);
        }
        match &mut parcel.what {
            What::Reset => return Err(Cut::Reset),
            What::Fin => {
                target.finish(cx);
                self.shut();
            }
            What::Bytes(bytes) => {
                let most = way.before_write(bytes)?;
                match target.poll_write(cx, &bytes[..most]) {
                    Poll::Pending => return Ok(false),
                    Poll::Ready(Ok(count)) => {
                        bytes.drain(..count);
                        self.queued -= count;
                        if bytes.is_empty() {
                            self.queue.pop_front();
                        }
                        way.written(count)?;
                    }
                    Poll::Ready(Err(_)) => {
                        self.refused = true;
                        self.shut();
                    }
                }
            }
        }
        Ok(true)
    }
}
