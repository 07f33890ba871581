//! Frames with their length ahead, in four bytes.

use bytes::Bytes;
use longlink::Protocol;
use longlink::transport::ControlMessages;
use tokio_util::codec::LengthDelimitedCodec;

use super::{Certainty, Ending, LIMIT, Read, check};
use crate::wire::Control;

const HEAD: usize = 4;
/// The codec's own limit, above the protocol's.
const CODECS_LIMIT: usize = 2 * LIMIT;

pub(super) fn play(control: &Control, said: &[u8]) {
    let codec = || LengthDelimitedCodec::builder().max_frame_length(CODECS_LIMIT).new_codec();
    let protocol =
        Protocol::new(codec, ControlMessages::new()).max_message(LIMIT).expect("the settings are sound");
    let plain = |message: bytes::BytesMut| message.to_vec();
    let (driven, written) = check(protocol, control, said, read(said), plain, |number| sent(control, number));
    let ours = read(&written).messages.into_iter().map(|(message, _)| message);
    for (number, message) in ours.enumerate() {
        assert!(number < driven.sent, "nobody sent it");
        assert_eq!(message, sent(control, number), "in order");
    }
}

fn read(mut bytes: &[u8]) -> Read<Vec<u8>> {
    let mut messages = Vec::new();
    let ending = loop {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { break Ending::Open };
        let length = u32::from_be_bytes(*head) as usize;
        if length > CODECS_LIMIT {
            break Ending::Broken;
        }
        match rest.split_at_checked(length) {
            Some(_) if length > LIMIT => break Ending::Broken,
            Some((message, behind)) => {
                let at_the_limit = length + HEAD > LIMIT;
                let certainty = if at_the_limit { Certainty::AtTheLimit } else { Certainty::Certain };
                messages.push((message.to_vec(), certainty));
                bytes = behind;
            }
            None if bytes.len() > LIMIT => break Ending::OpenOrBroken,
            None => break Ending::Open,
        }
    };
    Read { messages, ending }
}

/// The n-th message that goes out: none is longer than is read.
fn sent(control: &Control, number: usize) -> Bytes {
    let length = if control.acts.sends_long { 1_000 } else { 5 };
    vec![number as u8; length].into()
}
