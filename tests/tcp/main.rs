//! Protocols over streams of bytes: TCP, TLS, Unix sockets and what the
//! application dials itself.

mod answers;
#[cfg(feature = "tls")]
#[path = "../support/authority.rs"]
mod authority;
mod framing;
mod goodbyes;
#[path = "../support/heap.rs"]
mod heap;
mod memory;
mod sockets;
#[cfg(feature = "tls")]
mod tls;

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use longlink::testing::ByHand;
use longlink::transport::{Attempt, ControlMessages, Frame, Transport};
use longlink::{LinkEnd, Protocol, StreamLink, Tcp, Token};
use tokio::io::DuplexStream;
use tokio_util::codec::LinesCodec;

type Lines = Protocol<LinesCodec, String>;
type LineLink = StreamLink<LinesCodec, String>;

/// Lines with beats in words: `PING 7` and `PONG 7`.
fn lines() -> Lines {
    lines_with(beats())
}

/// Lines with these control messages.
fn lines_with(control: ControlMessages<String, String>) -> Lines {
    Protocol::new(LinesCodec::new, control).size_out(String::len)
}

/// Beats in words: `PING 7` and `PONG 7`.
fn beats() -> ControlMessages<String, String> {
    ControlMessages::<String, String>::new()
        .ping(|Token(token)| format!("PING {token}"))
        .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
        .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
}

/// A transport whose one link goes over a stream in memory, and the far end of
/// that stream.
fn in_memory<C, Out>(protocol: Protocol<C, Out>, room: usize) -> (Tcp<C, Out>, DuplexStream)
where
    C: tokio_util::codec::Decoder
        + tokio_util::codec::Encoder<Out, Error = <C as tokio_util::codec::Decoder>::Error>,
{
    let (ours, theirs) = tokio::io::duplex(room);
    let ours = Mutex::new(Some(ours));
    let transport = Tcp::new("memory:1", protocol).unwrap().dial_with(move |_| {
        let ours = ours.lock().unwrap().take();
        async move { Ok(ours.expect("there is one link")) }
    });
    (transport, theirs)
}

/// A link of `protocol` and the far end of its stream.
async fn open(protocol: Lines) -> (LineLink, DuplexStream) {
    let (transport, theirs) = in_memory(protocol, 64 * 1024);
    (soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap(), theirs)
}

/// The next message of a link that has one.
async fn message(link: &mut LineLink) -> String {
    match soon(link.next()).await {
        Ok(Frame::Message(message)) => message,
        other => panic!("a message was expected, not {other:?}"),
    }
}

async fn end(link: &mut LineLink) -> LinkEnd {
    soon(link.next()).await.expect_err("the link has ended")
}

/// A future that is never ready is a failure, not a test that hangs.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes soon")
}
