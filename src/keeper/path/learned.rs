//! The knowledge of a path, as plain data that can be stored.

use std::time::Duration;

use crate::keeper::invalid::Invalid;

/// The longest duration that makes sense here: a year.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// A gap may have survived that is longer than the one that failed, by at most
/// this factor: idle timers are coarse.
const COARSE: f64 = 1.02;
/// At most so many drops count.
pub(super) const MOST_DROPS: usize = 16;

/// The lessons of a connection about the idle timeout of one path, as plain
/// data. An interval store keeps them, and the next connection begins with them.
///
/// All durations are of true time, whatever [`Heartbeat::scaled`] says.
/// [`check`](Learned::check) refuses values that cannot be true; the keeper takes
/// no value that it refuses.
///
/// [`Heartbeat::scaled`]: crate::Heartbeat::scaled
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// The longest gap known to survive; zero if none is.
    pub proven: Duration,
    /// The shortest gap at which an idle link died, if one did.
    pub failed: Option<Duration>,
    /// Whether `failed` rests on one observation that may have had another
    /// cause.
    pub ambiguous: bool,
    /// How idle links end there, once one did.
    pub expiry: Option<Expiry>,
    /// How long ago learning cost a link, each time within the last seven
    /// days.
    pub drops: Vec<Duration>,
    /// How long until the next recheck above `failed`, if one is due at all.
    pub recheck_in: Option<Duration>,
    /// Rechecks in a row that found nothing new: each doubles the time to the
    /// next.
    pub rechecks_failed: u32,
}

/// How a path ends links that were idle for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// The path forgets idle links: the next packet is not answered, or by a reset.
    Silent,
    /// A server or middlebox ends idle links when their time is up.
    Ended,
}

impl Learned {
    /// A gap of `proven` survives, and nothing else is known.
    pub fn new(proven: Duration) -> Learned {
        Learned { proven, ..Learned::default() }
    }

    /// The same, and a gap of `failed` does not survive.
    pub fn failed(self, failed: Duration) -> Learned {
        Learned { failed: Some(failed), ..self }
    }

    /// Refuses values that cannot be true: a gap of nothing or of more than a year, a
    /// gap that failed below one that survived, more drops than a week of
    /// learning may cost.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.proven > LONGEST {
            return Err(Invalid::new("learned.proven", "must not exceed a year"));
        }
        match self.failed {
            Some(failed) if failed.is_zero() || failed > LONGEST => {
                return Err(Invalid::new("learned.failed", "must lie between nothing and a year"));
            }
            Some(failed) if self.proven > failed.mul_f64(COARSE) => {
                return Err(Invalid::new("learned.failed", "must not lie below what is proven"));
            }
            Some(_) => {}
            None if self.proven.is_zero() => {
                return Err(Invalid::new("learned.proven", "must not be zero where nothing failed"));
            }
            None => {}
        }
        if self.drops.len() > MOST_DROPS {
            return Err(Invalid::new("learned.drops", "must not be more than 16"));
        }
        let times = self.drops.iter().chain(&self.recheck_in);
        if times.into_iter().any(|&time| time > LONGEST) {
            return Err(Invalid::new("learned.drops", "no time may exceed a year"));
        }
        Ok(())
    }
}

/// The stored lessons about a path, and their age.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recalled {
    /// The lessons.
    pub learned: Learned,
    /// The time since they were last stored or confirmed. Beyond seven days
    /// only half of the proven gap is trusted.
    pub age: Duration,
}

impl Recalled {
    /// `learned`, stored `age` ago.
    pub fn new(learned: Learned, age: Duration) -> Recalled {
        Recalled { learned, age }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn refused(learned: Learned) -> Option<&'static str> {
        learned.check().err().map(|invalid| invalid.field)
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        let known = Learned::new(secs(68)).failed(secs(77));
        assert_eq!(refused(known.clone()), None);
        assert_eq!(refused(Learned::default()), Some("learned.proven"));
        assert_eq!(refused(Learned::new(Duration::MAX)), Some("learned.proven"));
        assert_eq!(refused(Learned::default().failed(secs(15))), None);
        assert_eq!(refused(known.clone().failed(Duration::ZERO)), Some("learned.failed"));
        assert_eq!(refused(known.clone().failed(Duration::MAX)), Some("learned.failed"));
        assert_eq!(refused(known.clone().failed(secs(60))), Some("learned.failed"));
        // The link ended at the very gap that it proves.
        assert_eq!(refused(known.clone().failed(secs(68))), None);
        assert_eq!(refused(Learned { drops: vec![secs(1); 17], ..known.clone() }), Some("learned.drops"));
        assert_eq!(refused(Learned { recheck_in: Some(Duration::MAX), ..known }), Some("learned.drops"));
    }

    #[test]
    fn what_is_just_possible_is_taken() {
        let year = secs(366 * 24 * 3600);
        let over = year + Duration::from_nanos(1);
        let known = Learned::new(secs(102)).failed(secs(100));
        assert_eq!(refused(known.clone()), None, "a fiftieth above what failed");
        let coarse = Learned { proven: secs(102) + Duration::from_nanos(1), ..known.clone() };
        assert_eq!(refused(coarse), Some("learned.failed"));
        assert_eq!(refused(Learned::new(year)), None);
        assert_eq!(refused(Learned::new(over)), Some("learned.proven"));
        assert_eq!(refused(Learned::new(year).failed(year)), None);
        assert_eq!(refused(Learned::new(secs(1)).failed(over)), Some("learned.failed"));
        assert_eq!(refused(Learned { drops: vec![year; 16], recheck_in: Some(year), ..known.clone() }), None);
        assert_eq!(refused(Learned { drops: vec![over], ..known.clone() }), Some("learned.drops"));
        assert_eq!(refused(Learned { recheck_in: Some(over), ..known }), Some("learned.drops"));
    }
}
