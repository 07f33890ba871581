//! How messages lie on a stream of bytes: a codec, and the protocol's control
//! messages.

mod frames;
mod link;

pub use link::StreamLink;

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::codec::{Decoder, Encoder};

use self::frames::Frames;
use super::framed::end_of;
use super::{ControlMessages, MAX_MESSAGE, MessageTooBig};
use crate::dial::Stream;
use crate::{Invalid, LinkEnd};

/// The read buffer of an idle link: 4 KiB. A long message takes more while
/// it comes in.
const READ_BUFFER: usize = 4 * 1024;

/// A protocol over a stream of bytes, for [`Tcp`](crate::Tcp) and
/// [`Unix`](crate::Unix): a `tokio_util` codec that cuts the stream into
/// messages, and the [`ControlMessages`] among those: beats, their answers and
/// goodbyes.
///
/// `C` decodes the messages that come in (`C::Item`) and encodes those that go
/// out (`Out`). A codec that takes more than one type, as that of lines does,
/// takes the one that the control messages name. Every link has a codec of its
/// own.
///
/// ```
/// use longlink::{Protocol, Tcp, Token};
/// use longlink::transport::ControlMessages;
/// use tokio_util::codec::LinesCodec;
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let control = ControlMessages::<String, String>::new()
///     .ping(|Token(token)| format!("PING {token}"))
///     .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
///     .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
///     .goodbye(|| "QUIT".to_owned());
/// let lines = Protocol::new(LinesCodec::new, control).size_out(String::len).max_message(4096)?;
/// let transport = Tcp::new("feed.example.com:7000", lines)?;
/// # Ok(())
/// # }
/// ```
///
/// Two things differ from the bare codec. A message that the end of the stream cuts is
/// dropped: a price line that lost its last digits is worse than none, so
/// `decode_eof` is never called. And a message that grows beyond
/// [`max_message`](Protocol::max_message) ends the link, whatever the codec
/// would bear; room that a codec makes for more than two such messages is taken
/// back. But a codec has to limit the data that it keeps inside, and should
/// refuse a length for which it is to make no room at all.
pub struct Protocol<C: Decoder, Out> {
    codec: Box<dyn Fn() -> C + Send + Sync>,
    control: ControlMessages<C::Item, Out>,
    ends: Ends<C::Error>,
    size_in: Option<fn(&C::Item) -> usize>,
    size_out: fn(&Out) -> usize,
    detach: Option<fn(C::Item) -> C::Item>,
    max_message: usize,
}

type Ends<E> = Arc<dyn Fn(&E) -> LinkEnd + Send + Sync>;

impl<C, Out> Protocol<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
    <C as Decoder>::Error: StdError + 'static,
{
    /// A protocol with these control messages; `codec` makes the codec of each
    /// link.
    ///
    /// An error of the codec that is an I/O error, or has one among its
    /// sources, ends the link as [`LinkEnd::from_io`] says; any other is a
    /// [`LinkEnd::Protocol`] with the error's words, cut to 123 bytes. Use
    /// [`ends`](Protocol::ends) where those words could quote a message. A
    /// message that the codec cannot encode ends the link too: it was
    /// accepted, and counts as maybe sent; it is not tried again.
    pub fn new(
        codec: impl Fn() -> C + Send + Sync + 'static,
        control: ControlMessages<C::Item, Out>,
    ) -> Protocol<C, Out> {
        Protocol {
            codec: Box::new(codec),
            control,
            ends: Arc::new(|error| end_of(error)),
            size_in: None,
            size_out: |message| size_of_val(message),
            detach: None,
            max_message: MAX_MESSAGE,
        }
    }

    /// How an error of the codec ends the link.
    pub fn ends(mut self, ends: impl Fn(&<C as Decoder>::Error) -> LinkEnd + Send + Sync + 'static) -> Self {
        self.ends = Arc::new(ends);
        self
    }

    /// The size in bytes of a message that came in, as it counts against the
    /// inbox's byte limit. Default: its length on the stream.
    pub fn size_in(mut self, size: fn(&C::Item) -> usize) -> Self {
        self.size_in = Some(size);
        self
    }

    /// The size in bytes of a message that is offered for sending: it counts
    /// against the outbox's byte limit, and against
    /// [`max_message`](Protocol::max_message). Default: its size in memory,
    /// without the data that it points to.
    pub fn size_out(mut self, size: fn(&Out) -> usize) -> Self {
        self.size_out = size;
        self
    }

    /// Detaches a message that has to wait for the application from a buffer
    /// that it shares ([`Link::detach`](super::Link::detach)): for codecs whose
    /// messages are slices of the read buffer. Default: the message waits as it is.
    pub fn detach(mut self, detach: fn(C::Item) -> C::Item) -> Self {
        self.detach = Some(detach);
        self
    }

    /// The longest message in bytes, either way: as it lies on the stream
    /// where it comes in, as [`size_out`](Protocol::size_out) says where it
    /// goes out. A longer one is refused when it is offered for sending, and
    /// ends the link when it comes in. Default: [`MAX_MESSAGE`].
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `protocol.max_message`: zero.
    pub fn max_message(mut self, bytes: usize) -> Result<Self, Invalid> {
        if bytes == 0 {
            return Err(Invalid::new("protocol.max_message", "must not be zero"));
        }
        self.max_message = bytes;
        Ok(self)
    }

    /// A link of this protocol over `stream`.
    pub(super) fn link(
        &self,
        stream: Stream,
        local: Option<SocketAddr>,
        peer: Option<SocketAddr>,
    ) -> StreamLink<C, Out>
    where
        C: Send + 'static,
        C::Item: Send + 'static,
        Out: Send + Unpin + 'static,
    {
        let frames = Frames::new((self.codec)(), Arc::clone(&self.ends), self.max_message);
        let framed = link::framed(stream, frames, self.control.clone()).local_addr(local).peer_addr(peer);
        StreamLink::new(framed, self.size_in, self.detach)
    }

    /// The size of `message`, unless it is too long.
    pub(super) fn size(&self, message: &Out) -> Result<usize, MessageTooBig> {
        MessageTooBig::check((self.size_out)(message), self.max_message)
    }
}

impl<C: Decoder, Out> fmt::Debug for Protocol<C, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol")
            .field("control", &self.control)
            .field("max_message", &self.max_message)
            .finish_non_exhaustive()
    }
}
