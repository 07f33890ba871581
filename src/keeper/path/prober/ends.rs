//! Ends that come again and again while the link is idle.

use std::time::Duration;

use crate::keeper::moment::Moment;

/// So many ends …
const TOGETHER: usize = 3;
/// … within so many of the held gaps are no restarts …
const WITHIN_GAPS: u32 = 10;
/// … if each came behind at least this part of the held gap. A restart comes at
/// any moment of a gap.
const LATE: f64 = 0.7;

/// The late ends of the last few gaps.
///
/// One end behind a gap that is known to survive looks like a restart. But a
/// server that looks for idle links from time to time ends
/// them anywhere between its limit and one round more: each gap between the two
/// survives at times, and no two ends need be alike. An interval held in that
/// range would cost a link every few gaps for ever.
#[derive(Debug, Default)]
pub(super) struct LateEnds {
    late: Vec<(Duration, Moment)>,
}

impl LateEnds {
    /// Adds an end behind `gap`, while `held` is held. Returns the shortest gap of
    /// the late ends once they are too many for restarts.
    pub(super) fn add(&mut self, gap: Duration, held: Duration, now: Moment) -> Option<Duration> {
        self.late.retain(|(_, at)| now.since(*at) <= held * WITHIN_GAPS);
        if gap < held.mul_f64(LATE) {
            return None;
        }
        self.late.push((gap, now));
        if self.late.len() < TOGETHER {
            return None;
        }
        self.late.drain(..).map(|(gap, _)| gap).min()
    }
}
