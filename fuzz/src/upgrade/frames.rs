//! WebSocket's frames, read by themselves (RFC 6455, section 5).

use longlink::Message;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
}

/// The end behind the last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing, or a part of something.
    Open,
    Close,
    /// Bytes that break a rule or the limit.
    Broken,
    /// A part of that.
    Breaking,
}

struct Frame<'a> {
    last: bool,
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    /// As its header says, and as far as it is there.
    length: u64,
    payload: &'a [u8],
}

impl Frame<'_> {
    fn is_whole(&self) -> bool {
        self.payload.len() as u64 == self.length
    }

    fn unmasked(&self) -> Vec<u8> {
        let mask = self.mask.unwrap_or_default();
        self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }
}

/// The frame that `bytes` begin with, once its header is whole, and what is
/// behind it.
fn first(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (&[head, second], mut rest) = bytes.split_first_chunk::<2>()?;
    let mut length = u64::from(second & 0x7f);
    if length == 126 {
        let (long, behind) = rest.split_first_chunk()?;
        (length, rest) = (u16::from_be_bytes(*long).into(), behind);
    } else if length == 127 {
        let (long, behind) = rest.split_first_chunk()?;
        (length, rest) = (u64::from_be_bytes(*long), behind);
    }
    let mut mask = None;
    if second & 0x80 != 0 {
        let (four, behind) = rest.split_first_chunk()?;
        (mask, rest) = (Some(*four), behind);
    }
    let here = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (payload, behind) = rest.split_at(here);
    let frame =
        Frame { last: head & 0x80 != 0, reserved: head & 0x70, opcode: head & 0x0f, mask, length, payload };
    Some((frame, behind))
}

/// The messages that a server has said whole, and what follows them.
pub(super) fn decoded(mut bytes: &[u8], limit: usize) -> (Vec<Said>, Ending) {
    let mut messages = Vec::new();
    let mut begun: Option<(u8, Vec<u8>)> = None;
    while let Some((frame, behind)) = first(bytes) {
        bytes = behind;
        let broken = frame.reserved != 0
            || frame.mask.is_some()
            || match frame.opcode {
                0 => begun.is_none() || is_too_long(&begun, &frame, limit),
                1 | 2 => begun.is_some() || frame.length > limit as u64,
                8..=10 => !frame.last || frame.length > 125,
                _ => true,
            };
        if broken {
            // Of some rules it may be told only once the frame is whole.
            let ending = if frame.is_whole() { Ending::Broken } else { Ending::Breaking };
            return (messages, ending);
        }
        if !frame.is_whole() {
            return (messages, Ending::Open);
        }
        match frame.opcode {
            8 if frame.payload.len() == 1 || std::str::from_utf8(reason(frame.payload)).is_err() => {
                return (messages, Ending::Broken);
            }
            8 => return (messages, Ending::Close),
            9 | 10 => continue,
            0 => {
                if let Some((_, message)) = &mut begun {
                    message.extend_from_slice(frame.payload);
                }
            }
            opcode => begun = Some((opcode, frame.payload.to_vec())),
        }
        if let Some((1, text)) = &begun
            && let Err(error) = std::str::from_utf8(text)
            && (frame.last || error.error_len().is_some())
        {
            return (messages, Ending::Broken);
        }
        if frame.last {
            match begun.take() {
                Some((1, text)) => {
                    messages.push(Said::Text(String::from_utf8(text).expect("it was checked")))
                }
                Some((_, bytes)) => messages.push(Said::Binary(bytes)),
                None => {}
            }
        }
    }
    (messages, Ending::Open)
}

fn is_too_long(begun: &Option<(u8, Vec<u8>)>, frame: &Frame<'_>, limit: usize) -> bool {
    let before = begun.as_ref().map_or(0, |(_, message)| message.len() as u64);
    before.saturating_add(frame.length) > limit as u64
}

/// The words of a Close behind its code.
fn reason(payload: &[u8]) -> &[u8] {
    payload.get(2..).unwrap_or_default()
}

/// Our bytes: masked frames, `messages` in order as far as they came,
/// and nothing behind a Close.
pub(super) fn check_ours(mut bytes: &[u8], messages: &[Message]) {
    let mut expected = messages.iter();
    let mut closed = false;
    while let Some((frame, behind)) = first(bytes) {
        bytes = behind;
        assert!(!closed, "a frame behind our Close");
        assert!(frame.reserved == 0 && frame.last && frame.mask.is_some());
        if !frame.is_whole() {
            return;
        }
        match frame.opcode {
            2 => {
                let message = expected.next().expect("nobody sent it");
                assert_eq!(frame.unmasked(), message.as_bytes(), "in order");
            }
            8 => closed = true,
            9 => assert_eq!(frame.length, 8, "a beat"),
            10 => assert!(frame.length <= 125, "a pong"),
            other => panic!("our end writes no frames of the kind {other}"),
        }
    }
}
