//! When to look, so that a burst is looked at once.

use std::time::Duration;

use tokio::time::Instant;

/// This long after the last message of a burst it is over.
const QUIET: Duration = Duration::from_millis(25);
/// A look comes at most this long after the first message of a burst, and at
/// least this long after the look before.
const LONGEST: Duration = Duration::from_millis(100);
/// Looks take at most one part in this of the time: a host with very many
/// routes is looked at less often.
const SHARE: u32 = 20;
/// But no less often than this.
const RAREST: Duration = Duration::from_secs(10);
/// After a look that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Says when to look.
#[derive(Debug)]
pub(super) struct Settling {
    /// The first and the last message that no look has seen.
    unseen: Option<(Instant, Instant)>,
    /// No look before.
    not_before: Instant,
}

impl Settling {
    /// Nothing is to be looked at.
    pub(super) fn new(now: Instant) -> Settling {
        Settling { unseen: None, not_before: now }
    }

    /// Something may have changed.
    pub(super) fn heard(&mut self, now: Instant) {
        self.unseen = Some((self.unseen.map_or(now, |(first, _)| first), now));
    }

    /// When to look next, if there is anything to look at.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.unseen?;
        Some((last + QUIET).min(first + LONGEST).max(self.not_before))
    }

    /// A look begins.
    pub(super) fn look(&mut self, now: Instant) {
        self.unseen = None;
        self.not_before = now + LONGEST;
    }

    /// The look has cost this much time.
    pub(super) fn looked(&mut self, cost: Duration, now: Instant) {
        self.not_before = self.not_before.max(now + (cost * SHARE).min(RAREST));
    }

    /// The look failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.heard(now);
        self.not_before = now + AGAIN;
    }
}
