//! The system's own acknowledgements: they tell a dead path from a peer that is
//! stuck.

use std::time::Duration;

use super::timers::Due;
use super::{EarlyKind, Watch, WatchAction, WatchState};
use crate::keeper::event::Detection;
use crate::keeper::facts::PathFacts;
use crate::keeper::moment::Moment;
use crate::keeper::names::Tokens;

impl Watch {
    /// The system has told the path's facts, or none. If a due deadline had asked for
    /// them, the watch now acts on the deadline.
    pub(in crate::keeper) fn path(
        &mut self,
        facts: Option<PathFacts>,
        tokens: &mut Tokens,
        now: Moment,
    ) -> WatchAction {
        let was_asked = std::mem::take(&mut self.asked_path);
        let step = facts.map_or(WatchAction::Wait, |facts| self.judge_path(facts, now));
        if was_asked && step == WatchAction::Wait { self.after_path(tokens, now) } else { step }
    }

    fn judge_path(&mut self, facts: PathFacts, now: Moment) -> WatchAction {
        self.ask_path_at = None;
        let arrived = facts.unacknowledged == 0;
        let is_quiet = matches!(self.phase, WatchState::Quiet);
        if !is_quiet {
            self.acknowledged = Some(arrived);
        }
        if let WatchState::Asking { asked, .. } = &mut self.phase {
            asked.lost |= !arrived;
        }
        if arrived {
            return WatchAction::Wait;
        }
        let most = self.longest_unacknowledged();
        let waiting = match self.stalled {
            // No beat asks before a stalled link is called dead: bytes that waited
            // while the machine slept get their full time again.
            Some(_) => facts.waiting.min(now.since(self.measured_from)),
            None => facts.waiting,
        };
        if waiting >= most {
            if self.stalled.is_some() {
                return WatchAction::Dead {
                    detection: Detection::Unacknowledged,
                    asked: None,
                    acknowledged: Some(false),
                };
            }
            if is_quiet {
                self.bring_forward(now, EarlyKind::Beat);
            }
        } else if self.tells_path && (is_quiet || self.stalled.is_some()) {
            let left = most - waiting;
            self.ask_path_at = Some(now + left.max(most / 4));
        }
        WatchAction::Wait
    }

    /// Acts on a deadline for which the system was asked.
    pub(super) fn after_path(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        match self.due() {
            Some((at, due @ (Due::Answer | Due::Path))) if at <= now => self.act(at, due, tokens, now),
            Some(_) | None => WatchAction::Wait,
        }
    }

    /// How long a byte may wait for the system's acknowledgement: as long as
    /// a beat may wait for its answer. While the link is not read, and no beat can
    /// tell, as long as a row of beats.
    pub(super) fn longest_unacknowledged(&self) -> Duration {
        if self.stalled.is_some() { self.span() } else { self.patience() }
    }

    /// A byte went out: the system should acknowledge it before long. While an
    /// answer is waited for, the answer's deadline is the time to ask the system.
    pub(super) fn ask_path_later(&mut self, now: Moment) {
        let wanted = self.stalled.is_some() || (matches!(self.phase, WatchState::Quiet) && self.can_ask());
        if self.tells_path && self.ask_path_at.is_none() && wanted {
            self.ask_path_at = Some(now + self.longest_unacknowledged());
        }
    }
}
