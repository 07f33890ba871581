//! The order of the stream: no message of a link comes behind a message of a
//! link that was taken into use later.

use std::collections::VecDeque;

use super::inbox::InboxRoom;
use crate::LinkId;

/// Messages that were read and are not in the inbox yet, with their sizes together.
pub(super) struct HeldBack<In> {
    pub(super) messages: VecDeque<In>,
    pub(super) bytes: usize,
}

impl<In> Default for HeldBack<In> {
    fn default() -> HeldBack<In> {
        HeldBack { messages: VecDeque::new(), bytes: 0 }
    }
}

impl<In> HeldBack<In> {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Moves all messages of `later` behind these.
    pub(super) fn append(&mut self, later: &mut HeldBack<In>) {
        self.messages.append(&mut later.messages);
        self.bytes = self.bytes.saturating_add(std::mem::take(&mut later.bytes));
    }

    /// How much more may be held back within `bounds`.
    pub(super) fn room(&self, bounds: InboxRoom) -> InboxRoom {
        InboxRoom {
            messages: bounds.messages.saturating_sub(self.messages.len()),
            bytes: bounds.bytes.saturating_sub(self.bytes),
        }
    }
}

/// The links whose messages the stream carries, oldest first. Messages of the
/// first link go to the inbox as they come; messages of the others are held back
/// here until all links before theirs are over.
pub(super) struct Sequence<In> {
    /// The first link has a place of its own, since it is usually alone.
    first: Option<CarriedLink<In>>,
    behind: VecDeque<CarriedLink<In>>,
}

/// A link that was taken into use.
struct CarriedLink<In> {
    link: LinkId,
    epoch: u64,
    kept: HeldBack<In>,
    /// The reader was told that it is connected.
    told: bool,
    /// The link will bring no more messages.
    ended: bool,
}

/// The next step of the stream.
pub(super) enum NextInStream<In> {
    /// A link begins, with the messages that were held back of it.
    Connected { epoch: u64, kept: HeldBack<In> },
    /// A link ends, behind the messages that were held back of it.
    Disconnected { epoch: u64, kept: HeldBack<In> },
}

impl<In> Default for Sequence<In> {
    fn default() -> Sequence<In> {
        Sequence { first: None, behind: VecDeque::new() }
    }
}

impl<In> Sequence<In> {
    /// Adds a link that was taken into use, and the messages that were held back of it.
    pub(super) fn join(&mut self, link: LinkId, epoch: u64, kept: HeldBack<In>) {
        let carrier = CarriedLink { link, epoch, kept, told: false, ended: false };
        if self.first.is_none() {
            self.first = Some(carrier);
        } else {
            self.behind.push_back(carrier);
        }
    }

    /// A link will bring no more messages. False if the stream does not carry it.
    pub(super) fn end(&mut self, link: LinkId) -> bool {
        let carrier = self.carrier(link);
        carrier.is_some_and(|carrier| !std::mem::replace(&mut carrier.ended, true))
    }

    /// Whether the messages of `link` go to the inbox as they come.
    pub(super) fn is_first(&self, link: LinkId) -> bool {
        self.first.as_ref().is_some_and(|first| first.link == link)
    }

    /// Holds back messages of a link.
    pub(super) fn keep(&mut self, link: LinkId, read: &mut HeldBack<In>) {
        if let Some(carrier) = self.carrier(link) {
            carrier.kept.append(read);
        }
    }

    /// How much more of a link may be held back within `bounds`.
    pub(super) fn room(&mut self, link: LinkId, bounds: InboxRoom) -> InboxRoom {
        self.carrier(link).map_or(bounds, |carrier| carrier.kept.room(bounds))
    }

    /// The messages that were held back of the first link, if `link` is the first.
    pub(super) fn take_kept(&mut self, link: LinkId) -> Option<HeldBack<In>> {
        let first = self.first.as_mut().filter(|first| first.link == link && !first.kept.is_empty())?;
        Some(std::mem::take(&mut first.kept))
    }

    /// The next step of the stream. The caller asks until there is none,
    /// whenever a link has joined or ended.
    pub(super) fn poll_next(&mut self) -> Option<NextInStream<In>> {
        let first = self.first.as_mut()?;
        if !first.told {
            first.told = true;
            return Some(NextInStream::Connected {
                epoch: first.epoch,
                kept: std::mem::take(&mut first.kept),
            });
        }
        let over = self.first.take_if(|first| first.ended)?;
        self.first = self.behind.pop_front();
        if self.behind.is_empty() {
            self.behind = VecDeque::new();
        }
        Some(NextInStream::Disconnected { epoch: over.epoch, kept: over.kept })
    }

    fn carrier(&mut self, link: LinkId) -> Option<&mut CarriedLink<In>> {
        self.first.iter_mut().chain(&mut self.behind).find(|carrier| carrier.link == link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: InboxRoom = InboxRoom { messages: 3, bytes: 100 };

    fn kept(messages: &[&'static str]) -> HeldBack<&'static str> {
        let bytes = messages.iter().map(|message| message.len()).sum();
        HeldBack { messages: messages.iter().copied().collect(), bytes }
    }

    /// The steps that a reader would be told.
    fn told(sequence: &mut Sequence<&'static str>) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(next) = sequence.poll_next() {
            match next {
                NextInStream::Connected { epoch, kept } => {
                    told.push(format!("+{epoch}"));
                    told.extend(kept.messages.into_iter().map(str::to_owned));
                }
                NextInStream::Disconnected { epoch, kept } => {
                    told.extend(kept.messages.into_iter().map(str::to_owned));
                    told.push(format!("-{epoch}"));
                }
            }
        }
        told
    }

    #[test]
    fn a_link_alone_is_told_as_it_comes_and_goes() {
        let mut sequence = Sequence::default();
        sequence.join(LinkId(1), 1, kept(&["login"]));
        assert_eq!(told(&mut sequence), ["+1", "login"]);
        assert!(sequence.is_first(LinkId(1)));
        assert!(sequence.end(LinkId(1)));
        assert_eq!(told(&mut sequence), ["-1"]);
        assert!(!sequence.end(LinkId(1)));
    }

    #[test]
    fn a_younger_link_waits_for_the_end_of_the_older() {
        let mut sequence = Sequence::default();
        sequence.join(LinkId(1), 1, kept(&[]));
        sequence.join(LinkId(2), 2, kept(&["a"]));
        assert_eq!(told(&mut sequence), ["+1"]);
        sequence.keep(LinkId(2), &mut kept(&["b"]));
        sequence.keep(LinkId(1), &mut kept(&["last"]));
        assert_eq!(told(&mut sequence), [""; 0]);
        assert_eq!(sequence.room(LinkId(2), BOUNDS), InboxRoom { messages: 1, bytes: 98 });
        sequence.end(LinkId(1));
        assert_eq!(told(&mut sequence), ["last", "-1", "+2", "a", "b"]);
        assert_eq!(sequence.room(LinkId(2), BOUNDS), BOUNDS);
    }

    #[test]
    fn one_that_ended_before_its_turn_is_told_of_in_its_turn() {
        let mut sequence = Sequence::default();
        for n in 1..=3 {
            sequence.join(LinkId(n), n, kept(&["m"]));
        }
        assert_eq!(told(&mut sequence), ["+1", "m"]);
        sequence.end(LinkId(2));
        assert_eq!(told(&mut sequence), [""; 0]);
        sequence.end(LinkId(1));
        assert_eq!(told(&mut sequence), ["-1", "+2", "m", "-2", "+3", "m"]);
        assert!(sequence.is_first(LinkId(3)));
    }

    #[test]
    fn only_the_first_ones_messages_are_there_to_take() {
        let mut sequence = Sequence::default();
        sequence.join(LinkId(1), 1, kept(&[]));
        sequence.join(LinkId(2), 2, kept(&["b"]));
        told(&mut sequence);
        assert!(sequence.take_kept(LinkId(1)).is_none() && sequence.take_kept(LinkId(2)).is_none());
        sequence.keep(LinkId(1), &mut kept(&["a"]));
        assert_eq!(sequence.take_kept(LinkId(1)).unwrap().messages, ["a"]);
    }
}
