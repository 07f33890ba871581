//! The role of a link, with the state of that role.

use super::main::Main;
use super::scout::Scout;
use crate::keeper::good_news::GoodNews;
use crate::keeper::moment::Moment;

#[derive(Debug)]
pub(in crate::keeper) enum Role {
    /// Being opened, to become the link in use.
    Next(Next),
    /// The link in use.
    Main(Box<Main>),
    /// Goodbye was said on the link; it is read to its end.
    Draining(Draining),
    /// A side link that tests a gap.
    Scout(Scout),
}

/// A link that is being opened, to become the one in use.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Next {
    /// Counts consecutive attempts from 1.
    pub(in crate::keeper) attempt: u32,
    /// When the attempt began.
    pub(in crate::keeper) since: Moment,
    /// When its path was there, though TLS and the login are still to come.
    pub(in crate::keeper) dialled: Option<Moment>,
    pub(in crate::keeper) deadline: Moment,
    /// Good news that came too late to hurry this attempt.
    pub(in crate::keeper) held: Option<GoodNews>,
}

/// A link on which goodbye was said.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Draining {
    pub(in crate::keeper) until: Moment,
    pub(in crate::keeper) was: FormerRole,
}

/// The role of a link before goodbye was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum FormerRole {
    /// The link was in use: it may still have messages.
    InUse,
    /// A scout.
    Scout,
}
