//! A setting that cannot work.

use std::fmt;

/// A setting that cannot work, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// The setting, as it is named in code.
    pub field: &'static str,
    /// Why it is refused.
    pub why: String,
}

impl Invalid {
    /// `field` is refused because of `why`.
    pub fn new(field: &'static str, why: impl Into<String>) -> Invalid {
        Invalid { field, why: why.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for Invalid {}
