//! Round-trip time, and the deadline for answers.

use std::time::Duration;

/// Smoothed round-trip time and its variation, as RFC 6298 has them.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::keeper) struct Rtt {
    smoothed: Option<Duration>,
    variation: Duration,
    /// The shortest of all samples: no spike makes it longer.
    fastest: Option<Duration>,
}

impl Rtt {
    /// The smoothed round trip, once there was a sample.
    pub(in crate::keeper) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The shortest round trip so far.
    pub(in crate::keeper) fn fastest(&self) -> Option<Duration> {
        self.fastest
    }

    /// How long an answer may take (SRTT + 4·RTTVAR), once there was a
    /// sample.
    pub(in crate::keeper) fn patience(&self) -> Option<Duration> {
        self.smoothed.map(|smoothed| smoothed + self.variation * 4)
    }

    /// Takes in one measured round trip.
    pub(in crate::keeper) fn sample(&mut self, measured: Duration) {
        self.fastest = Some(self.fastest.map_or(measured, |fastest| fastest.min(measured)));
        match self.smoothed {
            None => {
                self.smoothed = Some(measured);
                self.variation = measured / 2;
            }
            Some(smoothed) => {
                self.variation = self.variation * 3 / 4 + smoothed.abs_diff(measured) / 4;
                self.smoothed = Some(smoothed * 7 / 8 + measured / 8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_rfc_6298() {
        let ms = Duration::from_millis;
        let mut rtt = Rtt::default();
        assert_eq!(rtt.patience(), None);
        rtt.sample(ms(80));
        assert_eq!((rtt.smoothed(), rtt.patience()), (Some(ms(80)), Some(ms(240))));
        rtt.sample(ms(160));
        // variation 3/4·40 + 1/4·80 = 50, smoothed 7/8·80 + 1/8·160 = 90
        assert_eq!((rtt.smoothed(), rtt.patience()), (Some(ms(90)), Some(ms(290))));
    }
}
