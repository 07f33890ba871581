//! Durations at another scale.

use std::time::Duration;

/// `duration` times `factor`. A factor that is of no use leaves it as it is:
/// the settings' `check` refuses the factor.
pub(super) fn times(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}
