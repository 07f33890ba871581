//! Frames that go out: header, mask and payload, straight into the buffer
//! that the socket is written from.

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
}

/// Appends one whole, masked frame.
pub(super) fn frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    // A client's mask must not be foreseeable by whoever chose the payload
    // (RFC 6455, section 5.3), hence a generator meant for secrets.
    masked_frame(out, opcode, payload, rand::random::<u32>().to_ne_bytes());
}

fn masked_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    const FIN: u8 = 0x80;
    const MASKED: u8 = 0x80;
    let mut header = [0; 14];
    header[0] = FIN | opcode as u8;
    let length = payload.len();
    let end = match length {
        0..126 => {
            header[1] = MASKED | length as u8;
            2
        }
        126..65_536 => {
            header[1] = MASKED | 126;
            header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = MASKED | 127;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    };
    header[end..end + 4].copy_from_slice(&mask);
    out.reserve(end + 4 + length);
    out.extend_from_slice(&header[..end + 4]);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], mask);
}

fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let half = u64::from(u32::from_ne_bytes(mask));
    let twice = half | half << 32;
    let mut words = payload.chunks_exact_mut(8);
    for eight in &mut words {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        eight.copy_from_slice(&(u64::from_ne_bytes(word) ^ twice).to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio_tungstenite::tungstenite::protocol::Role;
    use tokio_tungstenite::tungstenite::{Message, WebSocket};

    use super::*;

    #[test]
    fn a_server_reads_what_was_written_at_every_length() {
        for length in (0..300).chain([65_535, 65_536, 70_001]) {
            let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut out = Vec::new();
            frame(&mut out, Opcode::Binary, &payload);
            frame(&mut out, Opcode::Ping, b"12345678");
            let mut server = WebSocket::from_raw_socket(Cursor::new(out), Role::Server, None);
            assert_eq!(server.read().unwrap(), Message::Binary(payload.into()), "{length}");
            assert_eq!(server.read().unwrap(), Message::Ping("12345678".into()));
        }
    }

    #[test]
    fn the_rfc_s_sample_comes_out() {
        let mut out = Vec::new();
        masked_frame(&mut out, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn masks_differ_from_frame_to_frame() {
        let mut out = Vec::new();
        (0..8).for_each(|_| frame(&mut out, Opcode::Binary, b""));
        let masks: std::collections::HashSet<&[u8]> = out.chunks(6).map(|frame| &frame[2..]).collect();
        assert!(masks.len() > 6);
    }
}
