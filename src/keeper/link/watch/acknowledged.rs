//! What the system's own acknowledgements say: they tell a dead path from a
//! peer that is stuck.

use std::time::Duration;

use super::timers::Due;
use super::{Early, Phase, Step, Watch};
use crate::keeper::event::Seen;
use crate::keeper::facts::PathFacts;
use crate::keeper::moment::Moment;
use crate::keeper::names::Tokens;

impl Watch {
    /// The system tells this of the path, or nothing. If it was asked because a
    /// deadline has come, what is due is done.
    pub(in crate::keeper) fn path(
        &mut self,
        facts: Option<PathFacts>,
        tokens: &mut Tokens,
        now: Moment,
    ) -> Step {
        let was_asked = std::mem::take(&mut self.asked_path);
        let step = facts.map_or(Step::Wait, |facts| self.judge_path(facts, now));
        if was_asked && step == Step::Wait { self.after_path(tokens, now) } else { step }
    }

    fn judge_path(&mut self, facts: PathFacts, now: Moment) -> Step {
        self.look = None;
        let arrived = facts.unacknowledged == 0;
        let is_quiet = matches!(self.phase, Phase::Quiet);
        if !is_quiet {
            self.acknowledged = Some(arrived);
        }
        if let Phase::Asking { asked, .. } = &mut self.phase {
            asked.lost |= !arrived;
        }
        if arrived {
            return Step::Wait;
        }
        let most = self.longest_unacknowledged();
        let waiting = match self.stalled {
            // No beat asks before a stalled link is called dead: what waited while
            // the machine slept has its time anew.
            Some(_) => facts.waiting.min(now.since(self.measured_from)),
            None => facts.waiting,
        };
        if waiting >= most {
            if self.stalled.is_some() {
                return Step::Dead { seen: Seen::Unacknowledged, asked: None, acknowledged: Some(false) };
            }
            if is_quiet {
                self.bring_forward(now, Early::Beat);
            }
        } else if self.tells_path && (is_quiet || self.stalled.is_some()) {
            let left = most - waiting;
            self.look = Some(now + left.max(most / 4));
        }
        Step::Wait
    }

    /// The system was asked, since something was due.
    pub(super) fn after_path(&mut self, tokens: &mut Tokens, now: Moment) -> Step {
        match self.due() {
            Some((at, due @ (Due::Answer | Due::Path))) if at <= now => self.act(at, due, tokens, now),
            Some(_) | None => Step::Wait,
        }
    }

    /// How long a byte may wait for the system's acknowledgement: as long as
    /// a beat for its answer; while nothing is read, and no beat can tell, as
    /// long as a row of them.
    pub(super) fn longest_unacknowledged(&self) -> Duration {
        if self.stalled.is_some() { self.span() } else { self.patience() }
    }

    /// Something went out: it should be acknowledged before long. While an
    /// answer is waited for, its deadline is the time to look.
    pub(super) fn look_later(&mut self, now: Moment) {
        let wanted = self.stalled.is_some() || (matches!(self.phase, Phase::Quiet) && self.can_ask());
        if self.tells_path && self.look.is_none() && wanted {
            self.look = Some(now + self.longest_unacknowledged());
        }
    }
}
