//! A link that is not read for a while, and a process or machine that slept:
//! bytes that are read afterwards may have waited.

use super::{EarlyKind, Watch, WatchState};
use crate::keeper::moment::Moment;

impl Watch {
    /// The link is not read any more.
    pub(in crate::keeper) fn stall(&mut self, now: Moment) {
        if self.stalled.is_none() {
            self.stalled = Some(now);
            self.spoil();
            self.request = None;
            self.ask_path_at = None;
            self.asked_path = false;
            self.ask_path_later(now);
        }
    }

    /// The link is read again, and the waiting bytes were read: one full deadline.
    pub(in crate::keeper) fn resume(&mut self, now: Moment) {
        if self.stalled.take().is_none() {
            return;
        }
        self.spoiled = true;
        self.ask_path_at = None;
        self.asked_path = false;
        // Nobody knows when the waiting bytes came in. But the path saw our beats
        // when they were sent.
        self.heard = self.heard.max(self.sent);
        if self.unanswered.is_empty() {
            // The answer was among the waiting bytes.
            self.phase = WatchState::Quiet;
        }
        if let WatchState::Asking { missed, .. } = &mut self.phase {
            *missed = 0;
        }
        self.put_off(now);
    }

    /// The machine slept until now: due deadlines are void, and a probe follows at
    /// `at`. A peer that cannot be probed has its whole limit once more.
    pub(in crate::keeper) fn wake(&mut self, at: Moment, now: Moment) {
        self.spoil();
        self.measured_from = at;
        self.asked_path = false;
        self.phase = WatchState::Quiet;
        self.request = None;
        self.bring_forward(at, EarlyKind::Probe);
        if !self.can_ask() {
            self.heard = now;
        }
    }
}
