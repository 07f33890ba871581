//! When to scan the host, so that a burst of changes is scanned once.

use std::time::Duration;

use tokio::time::Instant;

/// A burst is over this long after its last message.
const QUIET: Duration = Duration::from_millis(25);
/// A scan comes at most this long after the first message of a burst, and at
/// least this long after the scan before.
const LONGEST: Duration = Duration::from_millis(100);
/// Scans take at most one part in this of the time: a host with very many
/// routes is scanned less often.
const SHARE: u32 = 20;
/// But a scan comes no later than this.
const RAREST: Duration = Duration::from_secs(10);
/// The wait after a scan that failed.
const AGAIN: Duration = Duration::from_secs(1);

/// Says when to scan.
#[derive(Debug)]
pub(super) struct Debounce {
    /// The first and the last message that no scan has covered.
    unseen: Option<(Instant, Instant)>,
    /// No scan before this.
    not_before: Instant,
}

impl Debounce {
    /// Begins with nothing to scan.
    pub(super) fn new(now: Instant) -> Debounce {
        Debounce { unseen: None, not_before: now }
    }

    /// Something may have changed.
    pub(super) fn heard(&mut self, now: Instant) {
        self.unseen = Some((self.unseen.map_or(now, |(first, _)| first), now));
    }

    /// When to scan next, if there is a reason.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.unseen?;
        Some((last + QUIET).min(first + LONGEST).max(self.not_before))
    }

    /// A scan begins.
    pub(super) fn scan(&mut self, now: Instant) {
        self.unseen = None;
        self.not_before = now + LONGEST;
    }

    /// The scan has taken this much time.
    pub(super) fn scanned(&mut self, cost: Duration, now: Instant) {
        self.not_before = self.not_before.max(now + (cost * SHARE).min(RAREST));
    }

    /// The scan failed.
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
    fn a_burst_is_scanned_once_it_is_over_or_after_100_ms() {
        let start = Instant::now();
        let mut debounce = Debounce::new(start);
        assert_eq!(debounce.due(), None);
        debounce.heard(start);
        assert_eq!(debounce.due(), Some(start + ms(25)));
        for at in (20..=300).step_by(20) {
            debounce.heard(start + ms(at));
            assert_eq!(debounce.due(), Some(start + ms(at + 25).min(ms(100))));
        }
        debounce.scan(start + ms(100));
        assert_eq!(debounce.due(), None);
    }

    #[test]
    fn there_are_at_most_ten_scans_a_second() {
        let start = Instant::now();
        let mut debounce = Debounce::new(start);
        let mut scans = Vec::new();
        for at in 0..10_000 {
            let now = start + ms(at);
            debounce.heard(now);
            if debounce.due().is_some_and(|due| due <= now) {
                debounce.scan(now);
                debounce.scanned(ms(1), now);
                scans.push(at);
            }
        }
        let gaps: Vec<_> = scans.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (100..=101).contains(gap)), "{gaps:?}");
    }

    #[test]
    fn a_costly_scan_is_rare_but_comes_every_ten_seconds() {
        let start = Instant::now();
        for (cost, pause) in [(ms(1), ms(100)), (ms(50), ms(1_000)), (ms(2_000), ms(10_000))] {
            let mut debounce = Debounce::new(start);
            debounce.scan(start);
            debounce.scanned(cost, start);
            debounce.heard(start);
            assert_eq!(debounce.due(), Some(start + pause));
        }
    }

    #[test]
    fn a_scan_that_failed_is_tried_again_a_second_later() {
        let start = Instant::now();
        let mut debounce = Debounce::new(start);
        debounce.heard(start);
        debounce.scan(start + ms(25));
        debounce.failed(start + ms(25));
        assert_eq!(debounce.due(), Some(start + ms(1_025)));
    }
}
