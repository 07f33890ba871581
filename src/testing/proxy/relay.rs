//! One direction of one connection: bytes that were read from the source and are
//! not written to the target yet.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::rules::DirectionRules;
use super::socket::EndSocket;
use super::{Cut, ROOM};
use crate::testing::alarm::Alarm;

#[derive(Debug, Default)]
pub(super) struct Relay {
    queue: VecDeque<Queued>,
    /// Bytes in the queue.
    queued: usize,
    /// The source is at its end.
    ended: bool,
    /// Further bytes are thrown away: the target had its FIN, or is gone.
    shut: bool,
    /// A black hole has lost bytes.
    gap: bool,
    /// The target takes no more bytes.
    refused: bool,
    alarm: Alarm,
}

#[derive(Debug)]
struct Queued {
    due: Instant,
    item: StreamItem,
}

#[derive(Debug)]
enum StreamItem {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// The result of one run of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelayOutcome {
    /// The relay has nothing to do until the task is woken.
    Waits,
    /// Both directions must end now.
    Cut(Cut),
}

impl Relay {
    /// Moves as many bytes as possible.
    pub(super) fn run(
        &mut self,
        source: Option<&mut EndSocket>,
        mut target: Option<&mut EndSocket>,
        rules: &mut DirectionRules,
        cx: &mut Context<'_>,
    ) -> RelayOutcome {
        let mut source = source;
        self.ended |= source.is_none();
        self.shut |= target.is_none();
        loop {
            let took = source.as_deref_mut().is_some_and(|source| self.take_in(source, rules, cx));
            let gave = match target.as_deref_mut() {
                Some(target) => match self.hand_on(target, rules, cx) {
                    Ok(gave) => gave,
                    Err(cut) => return RelayOutcome::Cut(cut),
                },
                None => false,
            };
            if !took && !gave {
                break;
            }
        }
        // A stream cannot go on behind a gap. After the black hole, the end of
        // the source ends the connection.
        match self.gap && self.ended && !rules.holed {
            true => RelayOutcome::Cut(Cut::Reset),
            false => RelayOutcome::Waits,
        }
    }

    /// Whether the source is at its end, and all its bytes were handed on.
    pub(super) fn is_over(&self) -> bool {
        self.ended && (self.queue.is_empty() || self.shut)
    }

    /// Whether the target has refused bytes and the source can be told so: `back`
    /// are the rules of the other direction.
    pub(super) fn answers_reset(&self, back: &DirectionRules) -> bool {
        self.refused && !back.holed && !back.stalled
    }

    /// Ends the stream with a FIN behind the queue. Further bytes of the source
    /// are thrown away.
    pub(super) fn finish(&mut self, now: Instant) {
        if !self.shut
            && !matches!(self.queue.back(), Some(Queued { item: StreamItem::Fin | StreamItem::Reset, .. }))
        {
            self.queue.push_back(Queued {
                due: self.queue.back().map_or(now, |last| last.due),
                item: StreamItem::Fin,
            });
        }
    }

    /// Lets no more bytes pass.
    pub(super) fn shut(&mut self) {
        self.shut = true;
        self.gap = false;
        self.drop_queue();
    }

    fn drop_queue(&mut self) {
        self.queue.clear();
        self.queued = 0;
    }

    /// Reads once from the source. True if the read was not pending.
    fn take_in(&mut self, source: &mut EndSocket, rules: &DirectionRules, cx: &mut Context<'_>) -> bool {
        if rules.holed && !self.queue.is_empty() {
            self.gap = true;
            self.drop_queue();
        }
        if self.ended || self.queued >= ROOM {
            return false;
        }
        let mut bytes = [0; 16 * 1024];
        let room = bytes.len().min(ROOM - self.queued);
        let item = match source.poll_read(cx, &mut bytes[..room]) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => StreamItem::Fin,
            Poll::Ready(Ok(count)) => StreamItem::Bytes(bytes[..count].to_vec()),
            Poll::Ready(Err(_)) => StreamItem::Reset,
        };
        self.ended = matches!(item, StreamItem::Fin | StreamItem::Reset);
        let finished = matches!(self.queue.back(), Some(Queued { item: StreamItem::Fin, .. }));
        if self.shut || (finished && !matches!(item, StreamItem::Reset)) {
            return true;
        }
        if rules.holed || self.gap {
            self.gap = true;
            return true;
        }
        if let StreamItem::Bytes(bytes) = &item {
            self.queued += bytes.len();
        }
        self.queue.push_back(Queued { due: Instant::now() + rules.latency, item });
        true
    }

    /// Writes once to the target. True if the write was not pending.
    fn hand_on(
        &mut self,
        target: &mut EndSocket,
        rules: &mut DirectionRules,
        cx: &mut Context<'_>,
    ) -> Result<bool, Cut> {
        if rules.stalled || self.shut {
            return Ok(false);
        }
        let Some(parcel) = self.queue.front_mut() else { return Ok(false) };
        let due = Some(parcel.due).filter(|due| *due > Instant::now());
        if due.is_some() && self.alarm.poll_at(due, cx).is_pending() {
            return Ok(false);
        }
        match &mut parcel.item {
            StreamItem::Reset => return Err(Cut::Reset),
            StreamItem::Fin => {
                target.finish(cx);
                self.shut();
            }
            StreamItem::Bytes(bytes) => {
                let most = rules.before_write(bytes)?;
                match target.poll_write(cx, &bytes[..most]) {
                    Poll::Pending => return Ok(false),
                    Poll::Ready(Ok(count)) => {
                        bytes.drain(..count);
                        self.queued -= count;
                        if bytes.is_empty() {
                            self.queue.pop_front();
                        }
                        rules.written(count)?;
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
