//! The next gap to try on the link in use.

use std::time::Duration;

use crate::keeper::config::{Growth, Heartbeat};

/// Gaps to try, in seconds. They lie just below the idle timeouts that
/// routers, carriers, load balancers and proxies use, and come from a dynamic
/// programme over a mixture of such timeouts (70 %) and a log-uniform one
/// (30 %).
const RUNGS: [u64; 20] =
    [27, 34, 58, 68, 115, 149, 288, 338, 404, 579, 737, 1167, 1672, 2126, 2703, 3436, 4113, 5023, 6014, 6918];

/// Where a bracket between two rungs is wide and timeouts are common inside
/// it, one more gap to try, in seconds: (proven, failed, try).
const INSIDE: [(u64, u64, u64); 9] = [
    (27, 34, 29),
    (34, 58, 42),
    (42, 58, 53),
    (68, 115, 96),
    (68, 96, 77),
    (149, 288, 231),
    (149, 231, 175),
    (404, 579, 465),
    (737, 1167, 864),
];

/// A gap that reaches this part of the longest is as good as the longest:
/// another try could win a twentieth, and where the timeout lies between the
/// two it costs a link and makes learning take longer than six timeouts.
const NEAR_THE_TOP: f64 = 0.95;

/// A bracket wider than this factor that the table does not name is tried
/// once more in its geometric middle. Below it the interval reaches 0.66 of
/// the timeout at worst.
const WIDE: f64 = 1.4;

impl Heartbeat {
    /// The next gap above `proven` while none has failed yet; `None` at the
    /// top.
    pub(super) fn next_rung(&self, proven: Duration) -> Option<Duration> {
        if proven.mul_f64(1.02) < self.start {
            return Some(self.start);
        }
        if proven >= self.max.mul_f64(NEAR_THE_TOP) {
            return None;
        }
        let above = proven.mul_f64(1.02);
        let next = match self.growth {
            Growth::Ladder => RUNGS.iter().map(|&rung| self.seconds(rung)).find(|&rung| rung > above),
            Growth::Factor(factor) => Duration::try_from_secs_f64(proven.as_secs_f64() * factor).ok(),
            Growth::Step(step) => proven.checked_add(step),
        };
        Some(next.map_or(self.max, |next| next.min(self.max)))
    }

    /// One more gap inside the bracket between `proven` and `failed`; `None`
    /// where the bracket is narrow enough.
    pub(super) fn inside(&self, proven: Duration, failed: Duration) -> Option<Duration> {
        if proven < self.min {
            // No gap is proven: try between the shortest interval and the gap
            // that failed.
            let middle = (self.min + failed) / 2;
            return (failed > self.min.mul_f64(1.15)).then_some(middle);
        }
        let near = |gap: Duration, secs: u64| {
            let rung = self.seconds(secs);
            gap >= rung.mul_f64(0.98) && gap <= rung.mul_f64(1.02)
        };
        if self.growth == Growth::Ladder
            && let Some(&(.., inside)) =
                INSIDE.iter().find(|&&(low, high, _)| near(proven, low) && near(failed, high))
        {
            return Some(self.seconds(inside));
        }
        // Below the first rung brackets are halved down to a quarter; above
        // it only wide ones are tried again.
        let widest = if failed <= self.start.mul_f64(1.02) { 1.25 } else { WIDE };
        let ratio = failed.as_secs_f64() / proven.as_secs_f64();
        if ratio <= widest {
            None
        } else if widest < WIDE {
            Some((proven + failed) / 2)
        } else {
            Some(proven.mul_f64(ratio.sqrt()))
        }
    }

    fn seconds(&self, at_one: u64) -> Duration {
        self.unit(Duration::from_secs(at_one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    #[test]
    fn climbs_every_rung_and_ends_near_the_maximum() {
        let heartbeat = Heartbeat::adaptive().max(secs(7200.0));
        let mut proven = Duration::ZERO;
        let mut climbed = Vec::new();
        while let Some(next) = heartbeat.next_rung(proven) {
            climbed.push(next.as_secs());
            proven = next;
        }
        assert_eq!(climbed, RUNGS);
        assert_eq!(Heartbeat::frugal().next_rung(secs(1672.0)), Some(secs(1800.0)));
    }

    #[test]
    fn the_default_maximum_replaces_the_rung_beyond_it() {
        assert_eq!(Heartbeat::adaptive().next_rung(secs(149.0)), Some(secs(285.0)));
        assert_eq!(Heartbeat::adaptive().next_rung(secs(285.0)), None);
    }

    #[test]
    fn tries_inside_a_bracket_only_where_it_is_wide() {
        let heartbeat = Heartbeat::adaptive().max(secs(7200.0));
        assert_eq!(heartbeat.inside(secs(68.0), secs(115.0)), Some(secs(96.0)));
        assert_eq!(heartbeat.inside(secs(68.01), secs(96.0)), Some(secs(77.0)));
        assert_eq!(heartbeat.inside(secs(96.0), secs(115.0)), None);
        assert_eq!(heartbeat.inside(secs(58.0), secs(68.0)), None);
        assert_eq!(heartbeat.inside(secs(1167.0), secs(1672.0)).map(|gap| gap.as_secs()), Some(1396));
    }

    #[test]
    fn bisects_below_the_first_rung() {
        let heartbeat = Heartbeat::adaptive();
        assert_eq!(heartbeat.inside(Duration::ZERO, secs(27.0)), Some(secs(18.5)));
        assert_eq!(heartbeat.inside(secs(18.5), secs(27.0)), Some(secs(22.75)));
        assert_eq!(heartbeat.inside(secs(18.5), secs(22.75)), None);
        assert_eq!(heartbeat.inside(Duration::ZERO, secs(11.0)), None);
    }

    #[test]
    fn grows_as_it_is_told() {
        let growing = |growth| Heartbeat::adaptive().growth(growth);
        let factor = growing(Growth::Factor(1.5));
        assert_eq!(factor.next_rung(Duration::ZERO), Some(secs(27.0)));
        assert_eq!(factor.next_rung(secs(100.0)), Some(secs(150.0)));
        assert_eq!(factor.next_rung(secs(250.0)), Some(secs(285.0)));
        let step = growing(Growth::Step(secs(30.0)));
        assert_eq!(step.next_rung(secs(100.0)), Some(secs(130.0)));
        assert_eq!(growing(Growth::Factor(f64::MAX)).next_rung(secs(100.0)), Some(secs(285.0)));
        assert_eq!(growing(Growth::Step(Duration::MAX)).next_rung(secs(100.0)), Some(secs(285.0)));
        // The table's brackets are the ladder's alone.
        assert_eq!(step.inside(secs(68.0), secs(115.0)), Some(secs(68.0).mul_f64((115.0_f64 / 68.0).sqrt())));
        assert_eq!(step.inside(secs(68.0), secs(95.0)), None);
    }

    #[test]
    fn a_gap_near_a_rung_is_as_good_as_the_rung() {
        let heartbeat = Heartbeat::adaptive();
        // The first interval is tried until it is reached to a fiftieth.
        assert_eq!(heartbeat.next_rung(secs(26.0)), Some(secs(27.0)));
        assert_eq!(heartbeat.next_rung(secs(26.5)), Some(secs(34.0)));
        assert_eq!(heartbeat.next_rung(secs(33.0)), Some(secs(34.0)));
        assert_eq!(heartbeat.next_rung(secs(33.4)), Some(secs(58.0)));
        let even = Heartbeat::adaptive().start(secs(102.0));
        assert_eq!(even.next_rung(secs(100.0)), Some(secs(115.0)), "a fiftieth to the nanosecond");
        let high = Heartbeat::adaptive().max(secs(7200.0));
        assert_eq!(high.next_rung(secs(2650.0)), Some(secs(3436.0)), "2703 s is a fiftieth above");
        // From 0.95 of the longest gap on a try can win nothing.
        assert_eq!(heartbeat.next_rung(secs(270.7)), Some(secs(285.0)));
        assert_eq!(heartbeat.next_rung(secs(270.75)), None);
    }

    #[test]
    fn a_bracket_is_the_tables_only_where_both_its_ends_are() {
        let heartbeat = Heartbeat::adaptive();
        assert_eq!(heartbeat.inside(secs(66.7), secs(117.2)), Some(secs(96.0)));
        let middle = |low: f64, high: f64| Some(secs(low).mul_f64((high / low).sqrt()));
        for (low, high) in [(66.6, 115.0), (69.4, 115.0), (68.0, 112.6), (68.0, 117.4)] {
            assert_eq!(heartbeat.inside(secs(low), secs(high)), middle(low, high));
        }
        let half = Heartbeat::adaptive().scaled(0.5);
        assert_eq!(half.inside(secs(34.0), secs(57.5)), Some(secs(48.0)));
    }

    #[test]
    fn a_bracket_that_is_narrow_enough_is_left() {
        let heartbeat = Heartbeat::adaptive().growth(Growth::Step(secs(1.0)));
        assert_eq!(heartbeat.inside(secs(100.0), secs(140.0)), None);
        assert!(heartbeat.inside(secs(100.0), secs(140.1)).is_some());
        // Below the first rung down to a quarter, which ends in the middle.
        assert_eq!(heartbeat.inside(secs(20.0), secs(25.0)), None);
        assert_eq!(heartbeat.inside(secs(20.0), secs(26.0)), Some(secs(23.0)));
        assert_eq!(heartbeat.inside(secs(20.0), secs(27.6)), None, "just above the first rung");
        // Where no gap is proven, above the shortest interval by 0.15 of it.
        let wide = Heartbeat::adaptive().min(secs(20.0));
        assert_eq!(wide.inside(secs(19.0), secs(23.0)), None);
        assert_eq!(wide.inside(secs(19.0), secs(24.0)), Some(secs(22.0)));
        assert_eq!(wide.inside(secs(20.0), secs(24.0)), None, "the shortest interval is proven");
    }
}
