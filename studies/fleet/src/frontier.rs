//! Who beats whom.
//!
//! A schedule is judged by two figures: the peak that it puts on the servers
//! once they are there, and the time until 99 % are back. Each is cheap to win
//! at the other's cost. So a schedule is beaten by one that is better at one and
//! no worse at the other, and whom nobody beats lies on the frontier. Times count
//! to a tenth of a second, as they are printed: what is less is the luck of one
//! attempt.

use std::time::Duration;

use crate::record::ScheduleFigures;

/// Whether `other` has a lower peak or an earlier t99, and neither is worse. Who
/// never comes back is later than all who do.
pub fn is_beaten(own: &ScheduleFigures, other: &ScheduleFigures) -> bool {
    let last = |figures: &ScheduleFigures| (figures.t99.unwrap_or(Duration::MAX).as_millis() + 50) / 100;
    let (own, other) = ((own.peak_per_s, last(own)), (other.peak_per_s, last(other)));
    other.0 <= own.0 && other.1 <= own.1 && other != own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(peak_per_s: u64, t99: Option<u64>) -> ScheduleFigures {
        let t99 = t99.map(Duration::from_secs);
        ScheduleFigures { attempts_per_client: 1.0, first_second: 0, peak_per_s, t50: None, t99, never: 0 }
    }

    #[test]
    fn who_is_better_at_one_and_no_worse_at_the_other_beats() {
        let own = figures(100, Some(10));
        for other in [figures(99, Some(9)), figures(100, Some(9)), figures(99, Some(10))] {
            assert!(is_beaten(&own, &other), "{other:?}");
        }
        let by_luck = ScheduleFigures { t99: Some(Duration::from_millis(9_980)), ..own };
        for other in [own, by_luck, figures(101, Some(9)), figures(1, Some(11)), figures(1, None)] {
            assert!(!is_beaten(&own, &other), "{other:?}");
        }
        assert!(is_beaten(&figures(100, None), &figures(99, Some(3600))));
        assert!(
            is_beaten(&figures(100, None), &figures(99, None)),
            "a lower peak is better whoever comes back"
        );
    }
}
