//! Names of links and beats.

use std::fmt;

/// Names one link for ever: every link that was ever opened for a connection
/// has an id of its own, so that a late report about an old link is known
/// as such and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) u64);

impl LinkId {
    /// The id as a number: 1 for the first link that was opened.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Names a beat, so that its answer can be matched to it: no other beat of the
/// connection has the same name. At most 8 bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// Makes the tokens of beats. No two beats of a connection have the same token,
/// so that an answer names its link, too.
#[derive(Debug, Default)]
pub(super) struct Tokens(u64);

impl Tokens {
    pub(super) fn next(&mut self) -> Token {
        self.0 += 1;
        Token(self.0)
    }
}
