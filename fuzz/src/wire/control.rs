//! How the far end of a stream behaves.

use std::io::ErrorKind;

/// How the far end behaves: the first bytes of an input. All zeros are a friend:
/// it says everything at once, takes everything, and ends with a FIN.
#[derive(Clone, Debug)]
pub struct Control {
    /// The lengths of the pieces in which it speaks, in turn.
    pieces: [u8; 4],
    pub(super) end: End,
    /// How much each write may give it, in turn.
    takes: [u8; 2],
    /// After so many bytes it takes no more.
    pub(super) refuses: Option<(usize, WriteFault)>,
    /// After all else it repeats the end of what it said, for long.
    pub repeats: bool,
    pub acts: Acts,
    /// Bits for the target's own use.
    pub options: u8,
}

/// How it ends when all is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Fin,
    Error(ErrorKind),
    /// It does not, and says no more.
    Silence,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum WriteFault {
    Error(ErrorKind),
    TakesNothing,
}

/// The actions of our end beside reading.
#[derive(Clone, Copy, Debug)]
pub struct Acts {
    /// It sends so many messages.
    pub sends: u8,
    /// Long ones.
    pub sends_long: bool,
    pub beats: bool,
    /// Before each beat it asks its peer to speak, where it can.
    pub asks: bool,
    /// It reads one frame, and then looks at other things first.
    pub is_sluggish: bool,
    /// It says goodbye after so many frames.
    pub closes_after: Option<u8>,
}

impl Control {
    /// How many bytes say how it behaves.
    pub const LENGTH: usize = 12;

    /// The control bytes of an input, and what follows them.
    pub fn split(input: &[u8]) -> Option<(Control, &[u8])> {
        let (control, rest) = input.split_first_chunk::<{ Control::LENGTH }>()?;
        let [a, b, c, d, ends, takes_first, takes_next, after_low, after_high, how, acts, options] = *control;
        let after = usize::from(u16::from_le_bytes([after_low, after_high]));
        let how = match how % 4 {
            0 => WriteFault::Error(ErrorKind::BrokenPipe),
            1 => WriteFault::Error(ErrorKind::ConnectionReset),
            2 => WriteFault::Error(ErrorKind::Other),
            _ => WriteFault::TakesNothing,
        };
        let control = Control {
            pieces: [a, b, c, d],
            end: match ends % 8 {
                0..=2 => End::Fin,
                3 => End::Error(ErrorKind::ConnectionReset),
                4 => End::Error(ErrorKind::TimedOut),
                5 => End::Error(ErrorKind::UnexpectedEof),
                6 => End::Error(ErrorKind::Other),
                _ => End::Silence,
            },
            takes: [takes_first, takes_next],
            refuses: (after > 0).then_some((after, how)),
            // Seldom, since it takes long.
            repeats: ends >> 5 == 7,
            acts: Acts {
                sends: acts & 3,
                sends_long: acts & 4 != 0,
                beats: acts & 8 != 0,
                asks: options & 128 != 0,
                is_sluggish: acts & 16 != 0,
                closes_after: (acts & 32 != 0).then_some(acts >> 6),
            },
            options,
        };
        Some((control, rest))
    }

    /// How long a piece is; 0 stands for all that is left.
    pub(super) fn piece(&self, number: usize) -> usize {
        match usize::from(self.pieces[number % self.pieces.len()]) {
            0 => usize::MAX,
            // A long length comes in large pieces.
            length if self.repeats => length * 64,
            length => length,
        }
    }

    /// How much a write may give; and whether the next one must wait.
    pub(super) fn takes(&self, number: usize) -> (usize, bool) {
        match self.takes[number % self.takes.len()] {
            0 => (usize::MAX, false),
            length => (usize::from(length >> 1) + 1, length & 1 != 0),
        }
    }
}
