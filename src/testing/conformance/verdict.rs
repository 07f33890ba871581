//! How a case ends, unless it panics.

/// Why a case does not apply to a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotApplicable(pub(super) &'static str);

/// A case fails by a panic; all other ends are here.
pub(super) type Verdict = Result<(), NotApplicable>;
