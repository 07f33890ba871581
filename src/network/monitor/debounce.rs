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
pub(super) struct Debounce {
    /// The first and the last message that no look has seen.
    unseen: Option<(Instant, Instant)>,
    /// No look before.
    not_before: Instant,
}

impl Debounce {
    /// Nothing is to be looked at.
    pub(super) fn new(now: Instant) -> Debounce {
        Debounce { unseen: None, not_before: now }
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
    pub(super) fn scan(&mut self, now: Instant) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_looked_at_once_it_is_over_or_after_a_tenth_of_a_second() {
        let start = Instant::now();
        let mut settling = Debounce::new(start);
        assert_eq!(settling.due(), None);
        settling.heard(start);
        assert_eq!(settling.due(), Some(start + ms(25)));
        for at in (20..=300).step_by(20) {
            settling.heard(start + ms(at));
            assert_eq!(settling.due(), Some(start + ms(at + 25).min(ms(100))));
        }
        settling.scan(start + ms(100));
        assert_eq!(settling.due(), None);
    }

    #[test]
    fn there_are_at_most_ten_looks_a_second() {
        let start = Instant::now();
        let mut settling = Debounce::new(start);
        let mut looks = Vec::new();
        for at in 0..10_000 {
            let now = start + ms(at);
            settling.heard(now);
            if settling.due().is_some_and(|due| due <= now) {
                settling.scan(now);
                settling.looked(ms(1), now);
                looks.push(at);
            }
        }
        let gaps: Vec<_> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (100..=101).contains(gap)), "{gaps:?}");
    }

    #[test]
    fn a_costly_look_is_rare_but_not_too_rare() {
        let start = Instant::now();
        for (cost, pause) in [(ms(1), ms(100)), (ms(50), ms(1_000)), (ms(2_000), ms(10_000))] {
            let mut settling = Debounce::new(start);
            settling.scan(start);
            settling.looked(cost, start);
            settling.heard(start);
            assert_eq!(settling.due(), Some(start + pause));
        }
    }

    #[test]
    fn a_look_that_failed_is_tried_again_a_second_later() {
        let start = Instant::now();
        let mut settling = Debounce::new(start);
        settling.heard(start);
        settling.scan(start + ms(25));
        settling.failed(start + ms(25));
        assert_eq!(settling.due(), Some(start + ms(1_025)));
    }
}
