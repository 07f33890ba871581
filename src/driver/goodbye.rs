//! How far our goodbye on a link has come.

use std::task::Poll;

use crate::LinkEnd;

/// Turns that a goodbye waits at most: a peer that never falls silent, or a
/// reader that stalls, does not keep it back.
const TURNS: u32 = 32;

/// How far our goodbye has come. The link is read meanwhile, since a peer that
/// is stuck writing reads nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// It waits, so many turns by now, for what the peer has said already to be
    /// read: a goodbye of the peer's own among it is no answer to ours.
    Waits { turns: u32 },
    /// It is being written.
    Begun,
    /// It was written, and it was the last word: all that the peer had said
    /// till then was read.
    Said { last: bool },
    /// It cannot be written any more.
    Broken,
}

impl Goodbye {
    /// It is wanted from here on.
    pub(super) const WANTED: Goodbye = Goodbye::Waits { turns: 0 };

    /// Whether it is to be written now, in a turn that has read all that was
    /// there, or not.
    pub(super) fn is_due(&mut self, all_read: bool) -> bool {
        match self {
            Goodbye::Waits { turns } if !all_read && *turns < TURNS => {
                *turns += 1;
                false
            }
            Goodbye::Waits { .. } | Goodbye::Begun => true,
            Goodbye::Said { .. } | Goodbye::Broken => false,
        }
    }

    /// Whether it waits for the peer's words to be read.
    pub(super) fn waits(self) -> bool {
        matches!(self, Goodbye::Waits { .. })
    }

    /// What became of writing it. An error is not the link's end: what the peer
    /// has said is still read.
    pub(super) fn wrote(&mut self, written: &Poll<Result<(), LinkEnd>>, all_read: bool) {
        *self = match written {
            Poll::Pending => Goodbye::Begun,
            Poll::Ready(Ok(())) => Goodbye::Said { last: all_read },
            Poll::Ready(Err(_)) => Goodbye::Broken,
        };
    }

    /// Whether `end` answers it: then the peer has read all that came before.
    pub(super) fn is_answered_by(self, end: LinkEnd) -> bool {
        let end = if self == (Goodbye::Said { last: true }) { end } else { end.crossing_ours() };
        end.answers_goodbye()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> LinkEnd {
        LinkEnd::closed(Some(1000), "")
    }

    #[test]
    fn it_waits_for_the_peers_words_but_not_for_ever() {
        let mut goodbye = Goodbye::WANTED;
        for _ in 0..TURNS {
            assert!(!goodbye.is_due(false));
        }
        assert!(goodbye.is_due(false));
        assert!(Goodbye::WANTED.clone().is_due(true));
    }

    #[test]
    fn only_what_follows_the_last_word_answers_it() {
        let said = |written, all_read| {
            let mut goodbye = Goodbye::WANTED;
            goodbye.wrote(&written, all_read);
            goodbye
        };
        assert!(said(Poll::Ready(Ok(())), true).is_answered_by(closed()));
        assert!(!said(Poll::Ready(Ok(())), true).is_answered_by(LinkEnd::Eof));
        assert!(!said(Poll::Ready(Ok(())), false).is_answered_by(closed()));
        assert!(!said(Poll::Pending, true).is_answered_by(closed()));
        assert!(!said(Poll::Ready(Err(LinkEnd::Reset)), true).is_answered_by(closed()));
        assert!(!Goodbye::WANTED.is_answered_by(closed()));
    }
}
