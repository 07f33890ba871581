//! How far our goodbye on a link has come.

use std::task::Poll;

use crate::LinkEnd;

/// The most turns that a goodbye waits: neither a peer that never falls silent
/// nor a stalled reader holds it back for longer.
const TURNS: u32 = 32;

/// How far our goodbye has come. The link is read meanwhile, since a peer that
/// is stuck in a write reads nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// The goodbye waits until the bytes that the peer has sent are read: a goodbye
    /// of the peer's own among them is no answer to ours. `turns` counts the
    /// turns of this wait.
    Waits { turns: u32 },
    /// The goodbye is being written.
    Begun,
    /// The goodbye was written. `last`: everything that the peer had sent before
    /// was read by then, so the peer's next goodbye is an answer.
    Said { last: bool },
    /// The link broke: no goodbye can be written any more.
    Broken,
}

impl Goodbye {
    /// A goodbye that is wanted from here on.
    pub(super) const WANTED: Goodbye = Goodbye::Waits { turns: 0 };

    /// Whether the goodbye is to be written now. `all_read`: this turn has read
    /// all received bytes.
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

    /// Whether the goodbye waits for received bytes to be read.
    pub(super) fn waits(self) -> bool {
        matches!(self, Goodbye::Waits { .. })
    }

    /// Notes the result of the write. An error does not end the link: bytes that
    /// the peer has sent are still read.
    pub(super) fn wrote(&mut self, written: &Poll<Result<(), LinkEnd>>, all_read: bool) {
        *self = match written {
            Poll::Pending => Goodbye::Begun,
            Poll::Ready(Ok(())) => Goodbye::Said { last: all_read },
            Poll::Ready(Err(_)) => Goodbye::Broken,
        };
    }

    /// Whether `end` answers the goodbye: then the peer has read all that came before.
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
