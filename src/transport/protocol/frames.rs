//! A codec within limits.

use std::fmt;
use std::io;

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use super::{Ends, READ_BUFFER};
use crate::LinkEnd;

/// The user's codec, with a limit to its buffer, and without the message that it
/// would make of a message that the stream's end has cut.
pub(super) struct Frames<C: Decoder> {
    codec: C,
    ends: Ends<C::Error>,
    limit: usize,
    /// How long the latest message was on the stream.
    latest: usize,
    /// The most bytes that waited in the read buffer and in the write buffer. A
    /// buffer does not tell its allocation: it owns only the part that was not taken
    /// yet.
    pub(super) most_read: usize,
    pub(super) most_written: usize,
}

impl<C: Decoder> Frames<C> {
    pub(super) fn new(codec: C, ends: Ends<C::Error>, limit: usize) -> Frames<C> {
        Frames { codec, ends, limit, latest: 0, most_read: 0, most_written: 0 }
    }

    pub(super) fn latest(&self) -> usize {
        self.latest
    }
}

impl<C: Decoder> Decoder for Frames<C> {
    type Item = C::Item;
    type Error = Broken;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<C::Item>, Broken> {
        let before = bytes.len();
        self.most_read = self.most_read.max(before);
        let message = self.codec.decode(bytes).map_err(|error| Broken((self.ends)(&error)))?;
        let size = match message {
            Some(_) => {
                self.latest = before.saturating_sub(bytes.len());
                self.latest
            }
            None => {
                give_back_room(bytes, self.limit);
                bytes.len()
            }
        };
        if size > self.limit { Err(Broken(LinkEnd::TooBig { size, limit: self.limit })) } else { Ok(message) }
    }

    /// Whole messages still count; the rest was cut, and goes.
    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<C::Item>, Broken> {
        let message = self.decode(bytes)?;
        if message.is_none() {
            bytes.clear();
        }
        Ok(message)
    }
}

/// Takes back room that a codec has made beyond twice the limit of a
/// message: a peer may announce any length. A buffer that grows with a message of
/// the limit comes to twice the limit.
fn give_back_room(bytes: &mut BytesMut, limit: usize) {
    const AT_LEAST: usize = 64 * 1024;
    let most = limit.saturating_mul(2).max(AT_LEAST);
    if bytes.capacity() > most && bytes.len() <= limit {
        let mut smaller = BytesMut::with_capacity(bytes.len() + READ_BUFFER);
        smaller.extend_from_slice(bytes);
        *bytes = smaller;
    }
}

impl<C, Out> Encoder<Out> for Frames<C>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    type Error = Broken;

    fn encode(&mut self, message: Out, bytes: &mut BytesMut) -> Result<(), Broken> {
        let encoded = self.codec.encode(message, bytes);
        self.most_written = self.most_written.max(bytes.len());
        encoded.map_err(|error| Broken((self.ends)(&error)))
    }
}

/// How a stream of messages broke.
#[derive(Debug)]
pub(super) struct Broken(pub(super) LinkEnd);

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken(LinkEnd::from_io(&error))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Broken {}
