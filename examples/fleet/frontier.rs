//! Who beats whom.
//!
//! A schedule is judged by two figures: the peak that it puts on the servers
//! once they are there, and the time until 99 % are back. Each is cheap to win
//! at the other's cost. So a schedule is beaten only by one that is strictly
//! better at both, and whom nobody beats lies on the frontier.

use crate::record::Figures;

/// Whether `other` has both a lower peak and an earlier t99. Who never comes
/// back is later than all who do.
pub fn is_beaten(own: &Figures, other: &Figures) -> bool {
    let is_earlier = match (other.t99, own.t99) {
        (Some(other), Some(own)) => other < own,
        (Some(_), None) => true,
        (None, Some(_) | None) => false,
    };
    other.peak_per_s < own.peak_per_s && is_earlier
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn figures(peak_per_s: u64, t99: Option<u64>) -> Figures {
        let t99 = t99.map(Duration::from_secs);
        Figures { attempts_per_client: 1.0, first_second: 0, peak_per_s, t50: None, t99, never: 0 }
    }

    #[test]
    fn only_who_is_better_at_both_beats() {
        let own = figures(100, Some(10));
        assert!(is_beaten(&own, &figures(99, Some(9))));
        for other in [figures(100, Some(9)), figures(99, Some(10)), figures(1, Some(11)), figures(1, None)] {
            assert!(!is_beaten(&own, &other), "{other:?}");
        }
        assert!(is_beaten(&figures(100, None), &figures(99, Some(3600))));
        assert!(!is_beaten(&figures(100, None), &figures(99, None)));
    }
}
