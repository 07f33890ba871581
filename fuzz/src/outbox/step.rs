//! The calls of an outbox.

use arbitrary::Arbitrary;
use longlink::outbox::Bounds;

#[derive(Arbitrary, Debug)]
pub(super) struct Limits {
    messages: u8,
    bytes: u16,
    /// As large as the settings allow.
    vast: bool,
}

impl Limits {
    /// The settings refuse 0.
    pub(super) fn bounds(&self) -> Bounds {
        if self.vast {
            return Bounds { messages: usize::MAX, bytes: usize::MAX };
        }
        Bounds { messages: usize::from(self.messages).max(1), bytes: usize::from(self.bytes).max(1) }
    }
}

#[derive(Arbitrary, Debug)]
pub(super) enum Step {
    Offer {
        size: Size,
        ticket: bool,
    },
    Take {
        link: Which,
        most: u8,
    },
    Write {
        link: Which,
        most: u8,
    },
    Beat(Which),
    /// The beat that was sent this many before the last, on whatever link.
    Answer {
        link: Which,
        back: u8,
    },
    AnswerUnnamed(Which),
    Flush(Which),
    DeliverFlushed(Which),
    DoubtFlushed(Which),
    PutBack(Which),
    /// The next link takes its turn.
    LinkEnded(Which),
    GoodbyeAnswered(Which),
    Reserve(Option<Size>),
    Release(u8),
    Push {
        place: u8,
        size: Size,
        ticket: bool,
    },
    ForgetTickets {
        every: u8,
        from: u8,
    },
    Shrink,
    RefuseMore,
    Close,
}

/// One of the links that live at once, or one that does not.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Which(pub(super) u8);

/// The size of a message, as its application says.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Size {
    Small(u8),
    Large(u32),
    Absurd(usize),
}

impl Size {
    pub(super) fn bytes(self) -> usize {
        match self {
            Size::Small(bytes) => bytes.into(),
            Size::Large(bytes) => bytes as usize,
            Size::Absurd(bytes) => bytes,
        }
    }
}
