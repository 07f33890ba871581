//! News that asks for an attempt.

use super::event::RetryReason;
use super::moment::Moment;

/// Good news, kept for an attempt that began before it: if the attempt fails,
/// the next comes soon; if it works, the link's way is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoodNews {
    pub(super) came: Moment,
    pub(super) reason: RetryReason,
}
