//! Where the frames of the incoming bytes begin and end.
//!
//! The protocol library's buffer grows and never shrinks. To exchange it for
//! a small one, one must know that nothing is left in it: that the bytes
//! handed over end with the end of a message.

/// Payload bytes that are kept of a Close: all that it may have.
const CLOSE_PAYLOAD: usize = 125;

/// Follows the frames in a stream of bytes. Broken frames are of no concern:
/// the protocol library ends the link at them.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    /// The header so far; complete headers are not kept.
    header: [u8; 10],
    have: usize,
    /// Payload bytes of the present frame that are still to come.
    payload: u64,
    /// Inside of a fragmented message, between its frames or in one.
    fragmented: bool,
    /// Whether the present frame is a Close, and its payload so far.
    closing: bool,
    close: Vec<u8>,
}

impl Boundary {
    /// Follows `bytes`, which are those after the ones before.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload == 0 && self.have == 0 {
                bytes = skip_whole_messages(bytes);
                if bytes.is_empty() {
                    return;
                }
            }
            if self.payload > 0 {
                let here = self.payload.min(bytes.len() as u64) as usize;
                if self.closing {
                    let room = CLOSE_PAYLOAD.saturating_sub(self.close.len());
                    self.close.extend_from_slice(&bytes[..here.min(room)]);
                }
                self.payload -= here as u64;
                bytes = &bytes[here..];
            } else {
                self.header[self.have] = bytes[0];
                self.have += 1;
                bytes = &bytes[1..];
                self.complete();
            }
        }
    }

    /// Whether the bytes so far end with the end of a message.
    pub(super) fn clean(&self) -> bool {
        self.payload == 0 && self.have == 0 && !self.fragmented
    }

    /// The payload of the Close, as far as it has come.
    pub(super) fn close_payload(&self) -> &[u8] {
        &self.close
    }

    /// Begins the frame if its header is complete.
    fn complete(&mut self) {
        let length = match (self.have, self.header[1] & 0x7f) {
            (2, short @ 0..126) => u64::from(short),
            (4, 126) => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            (10, 127) => self.header[2..10].iter().fold(0, |length, &byte| length << 8 | u64::from(byte)),
            _ => return,
        };
        self.have = 0;
        self.begin(self.header[0], length);
    }

    fn begin(&mut self, first: u8, length: u64) {
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        // Control frames may stand between the frames of a message.
        if opcode < 8 {
            self.fragmented = !last;
        }
        self.closing = opcode == 8;
        if self.closing {
            self.close.clear();
        }
        self.payload = length;
    }
}

/// The bytes behind the whole messages of one frame each at the start of `bytes`.
/// Nearly all frames are such messages, and this is the short way past
/// them.
fn skip_whole_messages(mut bytes: &[u8]) -> &[u8] {
    loop {
        let (header, payload) = match *bytes {
            [0x81 | 0x82, length @ 0..126, ..] => (2, usize::from(length)),
            [0x81 | 0x82, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
            _ => return bytes,
        };
        match bytes.get(header + payload..) {
            Some(rest) => bytes = rest,
            None => return bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(length as u8),
            126..65_536 => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + length, b'x');
        frame
    }

    #[test]
    fn only_the_end_of_a_whole_message_is_clean_wherever_the_bytes_are_cut() {
        // Whole frames, and whether the stream is clean behind each.
        let frames = [
            (frame(0x82, 0), true),
            (frame(0x81, 1), true),
            (frame(0x82, 125), true),
            (frame(0x82, 126), true),
            (frame(0x01, 10), false),
            (frame(0x89, 8), false),
            (frame(0x00, 300), false),
            (frame(0x80, 70_000), true),
            (frame(0x8a, 8), true),
            (frame(0x82, 65_535), true),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(|(frame, _)| frame.clone()).collect();
        let mut clean_at = vec![false; bytes.len() + 1];
        clean_at[0] = true;
        let mut end = 0;
        for (frame, clean) in &frames {
            end += frame.len();
            clean_at[end] = *clean;
        }
        for step in [1, 2, 3, 7, 130, 4096, bytes.len()] {
            let mut boundary = Boundary::default();
            let mut at = 0;
            for piece in bytes.chunks(step) {
                boundary.advance(piece);
                at += piece.len();
                assert_eq!(boundary.clean(), clean_at[at], "at {at} by {step}");
            }
        }
    }

    #[test]
    fn the_payload_of_a_close_is_kept() {
        let mut close = vec![0x88, 6, 0x03, 0xf6];
        close.extend(b"back");
        for step in [1, 3, 8] {
            let mut boundary = Boundary::default();
            boundary.advance(&frame(0x81, 20));
            close.chunks(step).for_each(|piece| boundary.advance(piece));
            assert_eq!(boundary.close_payload(), &close[2..]);
        }
    }

    #[test]
    fn a_length_beyond_reason_does_not_overflow() {
        let mut boundary = Boundary::default();
        boundary.advance(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3]);
        assert!(!boundary.clean());
        assert_eq!(boundary.payload, u64::MAX - 3);
    }
}
