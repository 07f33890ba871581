//! What a link is for, with what is known of it.

use super::main::Main;
use super::scout::Scout;
use crate::keeper::moment::Moment;

#[derive(Debug)]
pub(in crate::keeper) enum Role {
    /// Being opened, to become the link in use.
    Next(Next),
    /// The link in use.
    Main(Box<Main>),
    /// Said goodbye to; read until then.
    Draining(Draining),
    /// A side link that tests a gap.
    Scout(Scout),
}

/// A link that is being opened, to become the one in use.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Next {
    /// Counts consecutive attempts from 1.
    pub(in crate::keeper) attempt: u32,
    /// When it began.
    pub(in crate::keeper) since: Moment,
    /// Its path is there, though TLS and the login are still to come.
    pub(in crate::keeper) dialled: bool,
    pub(in crate::keeper) deadline: Moment,
}

/// A link that goodbye was said to.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Draining {
    pub(in crate::keeper) until: Moment,
    /// It carried messages; otherwise it was a scout.
    pub(in crate::keeper) carried: bool,
}
