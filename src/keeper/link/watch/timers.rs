//! The deadlines of a watch.

use std::time::Duration;

use super::{EarlyBeat, EarlyKind, Watch, WatchAction, WatchState};
use crate::keeper::event::Detection;
use crate::keeper::link::beat::Beat;
use crate::keeper::moment::Moment;
use crate::keeper::names::Tokens;
use crate::keeper::timer::Timer;

/// The kind of a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Beat,
    Answer,
    Silence,
    Path,
}

impl Watch {
    /// When there is something to do next.
    pub(in crate::keeper) fn next_due(&self) -> Option<(Moment, Timer)> {
        self.due().map(|(at, due)| {
            let timer = match due {
                Due::Beat => Timer::Beat,
                Due::Answer => Timer::Answer,
                Due::Silence => Timer::Silence,
                Due::Path => Timer::Path,
            };
            (at, timer)
        })
    }

    pub(super) fn due(&self) -> Option<(Moment, Due)> {
        let answer = match self.phase {
            WatchState::Asking { deadline, .. } | WatchState::Probing { deadline }
                if self.stalled.is_none() =>
            {
                Some((deadline, Due::Answer))
            }
            WatchState::Asking { .. } | WatchState::Probing { .. } | WatchState::Quiet => None,
        };
        let silence = match self.beat {
            Beat::Listen { longest_silence } if self.stalled.is_none() => {
                Some((self.heard + longest_silence, Due::Silence))
            }
            Beat::Listen { .. } | Beat::Ping | Beat::Every { .. } | Beat::KeepAlive { .. } => None,
        };
        let beat = self.beat_due().map(|due| (due, Due::Beat));
        let path = self.ask_path_at.map(|due| (due, Due::Path));
        [answer, silence, beat, path].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Acts on one deadline that has come, if there is one.
    pub(in crate::keeper) fn timeout(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        let Some((at, due)) = self.due().filter(|(at, _)| *at <= now) else { return WatchAction::Wait };
        let asks = self.tells_path && matches!(due, Due::Answer | Due::Path);
        // The system is asked once for each deadline.
        self.asked_path = asks && !self.asked_path;
        if self.asked_path { WatchAction::AskPath } else { self.act(at, due, tokens, now) }
    }

    pub(super) fn act(&mut self, at: Moment, due: Due, tokens: &mut Tokens, now: Moment) -> WatchAction {
        let late = self.is_late(at, now);
        if late {
            self.spoil();
        }
        match due {
            Due::Answer | Due::Silence if late => {
                self.put_off(now);
                WatchAction::Wait
            }
            Due::Answer => self.miss(tokens, now),
            Due::Silence => {
                WatchAction::Dead { detection: Detection::Silent, asked: None, acknowledged: None }
            }
            Due::Path => {
                self.ask_path_at = None;
                WatchAction::Wait
            }
            Due::Beat => self.beat_now(tokens, now),
        }
    }

    // For the other files of a watch.

    /// A byte goes out.
    pub(super) fn put_out(&mut self, now: Moment) {
        self.ended = self.ended.max(self.gap(now));
        self.sent = now;
    }

    pub(super) fn can_ask(&self) -> bool {
        !matches!(self.beat, Beat::Listen { .. })
    }

    /// A beat's deadline after `missed` misses in the row: d, d, 2d, 2d, 4d,
    /// and 4d from there on.
    pub(super) fn deadline(&self, missed: u32) -> Duration {
        let limits = &self.limits;
        let one = match self.rtt.patience() {
            Some(patience) => patience.clamp(limits.deadline_min, limits.deadline_max),
            None => limits.deadline_first,
        };
        one * (1 << (missed / 2).min(2))
    }

    /// A probe's deadline: longer where the path is known to be slow, but no
    /// longer than a row of beats.
    pub(super) fn probe_deadline(&self) -> Duration {
        let fastest = match self.rtt.fastest() {
            Some(fastest) => fastest * 2,
            None => self.took.min(self.limits.deadline_max),
        };
        let most = self.span().max(self.limits.deadline_probe);
        self.limits.deadline_probe.max(self.deadline(0)).max(fastest.min(most))
    }

    /// Whether an answer can be here by its deadline, as far as is known. On a
    /// path whose round trip is longer than the longest deadline every beat is
    /// missed, and a miss says nothing.
    pub(super) fn can_be_prompt(&self) -> bool {
        match self.rtt.patience() {
            Some(patience) => patience <= self.limits.deadline_max,
            None => self.took <= self.limits.deadline_first,
        }
    }

    /// Gives the pending answer one full deadline from now.
    pub(super) fn put_off(&mut self, now: Moment) {
        self.measured_from = now;
        match self.phase {
            WatchState::Asking { asked, missed, .. } => {
                self.phase = WatchState::Asking { asked, missed, deadline: now + self.deadline(missed) };
            }
            WatchState::Probing { .. } => {
                self.phase = WatchState::Probing { deadline: now + self.probe_deadline() };
            }
            WatchState::Quiet => {}
        }
        if !self.can_ask() {
            // The peer's own beat is waited for.
            self.heard = now;
        }
    }

    /// When the next beat goes out, answers apart.
    fn beat_due(&self) -> Option<Moment> {
        if !self.can_ask() {
            return None;
        }
        // A stalled link cannot be probed: it would not hear the answer.
        let ahead = self.ahead.filter(|ahead| !(ahead.is_probe() && self.stalled.is_some()));
        // A planned probe asks the same question: the pace waits for it.
        let quiet = (matches!(self.phase, WatchState::Quiet) && !ahead.is_some_and(|ahead| ahead.is_probe()))
            || self.stalled.is_some();
        let paced = self.pace.filter(|_| quiet).map(|pace| {
            // No answer slows down the beats of a stalled link, which hears none: they
            // are at least the shortest deadline apart.
            let (since, after) = match self.stalled {
                Some(_) => (self.heard.max(self.beaten), pace.after.max(self.limits.deadline_min)),
                None => (self.heard, pace.after),
            };
            let due = self.request.map_or(since + after, |request| request.due(self.patience()));
            self.rests_until.map_or(due, |rests| due.max(rests))
        });
        let ruled = match self.beat {
            Beat::Ping | Beat::Listen { .. } => None,
            Beat::Every { interval } => Some(self.beaten + interval),
            Beat::KeepAlive { max_send_gap } => Some(self.sent + max_send_gap),
        };
        [ahead.map(|ahead| ahead.at), paced, ruled].into_iter().flatten().min()
    }

    fn beat_now(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        let can_probe = self.stalled.is_none();
        let ahead = self.ahead.filter(|ahead| ahead.at <= now && (can_probe || !ahead.is_probe()));
        if ahead.is_some() {
            self.ahead = None;
        }
        match ahead {
            Some(EarlyBeat { kind: EarlyKind::Probe, .. }) => self.probe(tokens, now),
            Some(EarlyBeat { kind: EarlyKind::Beat, .. }) => self.ask(tokens, now, false),
            None => {
                if let Some(pace) = self.pace {
                    self.rhythm = now + pace.after;
                }
                if let Some(request) = self.request.filter(|request| request.due(self.patience()) <= now) {
                    return self.ask_after_request(request, tokens, now);
                }
                let is_try = self.pace.is_some_and(|pace| pace.is_try && self.gap(now) >= pace.after);
                self.ask(tokens, now, is_try)
            }
        }
    }

    fn miss(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        match self.phase {
            WatchState::Quiet => WatchAction::Wait,
            WatchState::Probing { .. } => WatchAction::Dead {
                detection: Detection::ProbeUnanswered,
                asked: None,
                acknowledged: self.acknowledged,
            },
            WatchState::Asking { asked, missed, .. } => {
                let missed = missed + 1;
                if missed >= self.limits.misses {
                    return WatchAction::Dead {
                        detection: Detection::Unanswered { beats: missed },
                        asked: Some(asked),
                        acknowledged: self.acknowledged,
                    };
                }
                self.phase = WatchState::Asking { asked, missed, deadline: now + self.deadline(missed) };
                WatchAction::Missed { consecutive: missed, token: self.send_beat(tokens, now) }
            }
        }
    }
}
