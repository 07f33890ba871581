//! The knowledge about scouts beside the live ones: when the next may come,
//! whether the server allows scouts at all, and the results that wait.
//!
//! A scout that falls silent, or is ended, says something about idleness only
//! if the path works. The link in use is the control: it beats when a scout
//! beats or ends, and only once it has heard something after that is the
//! scout's result believed. If the link in use is lost instead, or anything
//! happens to the network, all scouts are void.

use std::time::Duration;

use super::observation::Observation;
use crate::keeper::config::Heartbeat;
use crate::keeper::dice::Dice;
use crate::keeper::moment::Moment;

/// After a link was taken into use, or something happened to the network, scouts
/// wait for a draw from this: a fleet that comes back does not dial three
/// more times at once.
const FIRST_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// A scout that could not be opened or said nothing is followed by another
/// after this, doubling up to [`PAUSE_LONGEST`].
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_LONGEST: Duration = Duration::from_secs(3600);
/// Scouts that fail in a row before they count as refused.
const REFUSALS: u32 = 5;
/// Scouts that were refused are asked for again after a day.
const ASKED_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// A peer that ends the link in use within this of a scout's coming may have
/// ended it for the scout …
const BLAMED_WITHIN: Duration = Duration::from_secs(2);
/// … and after so many in a row it has: the server allows one session at a time.
const BLAMED: u32 = 2;

#[derive(Debug, Default)]
pub(in crate::keeper) struct Scouting {
    /// When the next scout may be sent, as planned last.
    pub(in crate::keeper) due: Option<Moment>,
    not_before: Moment,
    /// Refused scouts are asked for again then.
    asked_again: Option<Moment>,
    /// Scouts in a row that could not be opened, or said nothing.
    refusals: u32,
    /// Links in use in a row that ended when a scout came.
    blamed: u32,
    /// Results of scouts that wait for the link in use to show that the
    /// path works.
    pending: Vec<PendingResult>,
    /// The longest gap that a link in use has survived.
    main_proven: Duration,
}

/// The result of a scout.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct PendingResult {
    /// The gap that was to be tested.
    pub(in crate::keeper) gap: Duration,
    pub(in crate::keeper) observation: Observation,
    /// When the scout asked, or ended.
    pub(in crate::keeper) since: Moment,
}

impl Scouting {
    /// When the next scout is due, or when refused scouts are asked for
    /// again.
    pub(in crate::keeper) fn next_due(&self) -> Option<Moment> {
        [self.due, self.asked_again].into_iter().flatten().min()
    }

    /// Plans the next scout for `wanted`, if one is wanted.
    pub(in crate::keeper) fn plan(&mut self, wanted: Option<Moment>) {
        self.due = wanted.map(|wanted| wanted.max(self.not_before));
    }

    /// Holds scouts back for a draw from now.
    pub(in crate::keeper) fn hold_back(&mut self, heartbeat: &Heartbeat, dice: &mut Dice, now: Moment) {
        let (least, most) = FIRST_WAIT;
        self.wait_until(now + dice.between(heartbeat.unit(least), heartbeat.unit(most)));
    }

    /// Holds scouts back until `at`.
    pub(in crate::keeper) fn wait_until(&mut self, at: Moment) {
        self.not_before = self.not_before.max(at);
    }

    // Results of scouts.

    pub(in crate::keeper) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(in crate::keeper) fn pending(&self) -> &[PendingResult] {
        &self.pending
    }

    pub(in crate::keeper) fn add_pending(&mut self, pending: PendingResult) {
        self.pending.push(pending);
    }

    /// Drops results about gaps that are known by now: a cause that ended several
    /// scouts at once is one observation.
    pub(in crate::keeper) fn keep_pending(&mut self, is_open: impl Fn(Duration) -> bool) {
        self.pending.retain(|pending| is_open(pending.gap));
    }

    pub(in crate::keeper) fn drop_pending(&mut self) {
        self.pending.clear();
    }

    /// Takes one result from before `heard`: it is believed, since the link in use
    /// has heard something after it.
    pub(in crate::keeper) fn take_believed(&mut self, heard: Moment) -> Option<Observation> {
        let at = self.pending.iter().position(|pending| heard > pending.since)?;
        let believed = self.pending.swap_remove(at);
        self.were_had();
        Some(believed.observation)
    }

    // Whether the server allows scouts.

    /// A scout has shown something.
    pub(in crate::keeper) fn were_had(&mut self) {
        self.refusals = 0;
        self.blamed = 0;
    }

    /// Scouts cannot be opened here, for good.
    pub(in crate::keeper) fn are_not_to_be_had(&mut self) {
        self.refusals = REFUSALS;
    }

    /// A scout could not be opened, or said nothing. Returns when scouts are asked
    /// for again, if they count as refused by now; otherwise the next waits a little
    /// longer.
    pub(in crate::keeper) fn was_not_had(
        &mut self,
        heartbeat: &Heartbeat,
        dice: &mut Dice,
        now: Moment,
    ) -> Option<Moment> {
        self.refusals += 1;
        if self.refusals >= REFUSALS {
            return Some(now + heartbeat.unit(ASKED_AGAIN));
        }
        let pause = PAUSE * 2u32.pow(self.refusals - 1);
        let pause = dice.shorter(heartbeat.unit(pause.min(PAUSE_LONGEST)), 0.5);
        self.wait_until(now + pause);
        None
    }

    /// The peer ended the link in use; `came` is when a scout last came. Returns when
    /// scouts are asked for again, if they are refused for that: scouts that
    /// make a server end the link in use are worse than none.
    pub(in crate::keeper) fn blame(
        &mut self,
        came: Moment,
        heartbeat: &Heartbeat,
        now: Moment,
    ) -> Option<Moment> {
        if now.since(came) > heartbeat.unit(BLAMED_WITHIN) {
            return None;
        }
        self.blamed += 1;
        // After that, one more is enough.
        (self.blamed >= BLAMED).then(|| now + heartbeat.unit(ASKED_AGAIN))
    }

    /// Refuses scouts until `until`.
    pub(in crate::keeper) fn refuse(&mut self, until: Option<Moment>) {
        self.asked_again = until;
    }

    /// Whether scouts are refused until some time.
    pub(in crate::keeper) fn are_refused(&self) -> bool {
        self.asked_again.is_some()
    }

    /// Whether it is time to ask for scouts again; then one more refusal is
    /// enough.
    pub(in crate::keeper) fn asks_again(&mut self, now: Moment) -> bool {
        let asks = self.asked_again.is_some_and(|at| at <= now);
        if asks {
            self.asked_again = None;
            self.are_not_to_be_had();
        }
        asks
    }

    /// Scouts may be possible under other settings.
    pub(in crate::keeper) fn ask_anew(&mut self) {
        self.asked_again = None;
        self.refusals = 0;
    }

    // Gaps that the link in use has survived.

    /// The link in use has survived a gap.
    pub(in crate::keeper) fn main_survived(&mut self, gap: Duration) {
        self.main_proven = self.main_proven.max(gap);
    }

    /// Gaps above `proven` no longer count as survived by the link in use.
    pub(in crate::keeper) fn main_proven_at_most(&mut self, proven: Duration) {
        self.main_proven = self.main_proven.min(proven);
    }

    /// Whether the link in use has survived this gap, to a fiftieth.
    pub(in crate::keeper) fn main_has_survived(&self, gap: Duration) -> bool {
        gap < self.main_proven.mul_f64(0.98)
    }
}
