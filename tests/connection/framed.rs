//! `Framed`: any stream and sink is a link.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use longlink::testing::ByHand;
use longlink::transport::{ConfirmedBy, ControlMessages, Frame, Framed, Link};
use longlink::{Beat, LinkEnd, Token};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::codec::{self, LinesCodec, LinesCodecError};

type Lines<Io> = codec::Framed<Io, LinesCodec>;
type Control = ControlMessages<String, String>;

fn lines<Io: AsyncRead + AsyncWrite>(io: Io) -> Lines<Io> {
    codec::Framed::new(io, LinesCodec::new_with_max_length(80))
}

/// Beats both ways, in words, and a goodbye.
fn control() -> Control {
    Control::new()
        .ping(|Token(token)| format!("PING {token}"))
        .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
        .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
        .goodbye(|| "BYE".to_owned())
}

/// A link over lines, of that protocol.
fn link<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: Io) -> Framed<Lines<Io>, String> {
    Framed::new(lines(io), control()).ends(|error| match error {
        LinesCodecError::Io(error) => LinkEnd::from_io(error),
        LinesCodecError::MaxLineLengthExceeded => LinkEnd::Protocol("line too long".to_owned()),
    })
}

fn pair() -> (Framed<Lines<DuplexStream>, String>, Lines<DuplexStream>) {
    let (ours, theirs) = duplex(1024);
    (link(ours), lines(theirs))
}

async fn line(peer: &mut Lines<DuplexStream>) -> String {
    peer.next().await.expect("a line").expect("a good line")
}

#[tokio::test]
async fn messages_beats_and_answers_are_told_apart() {
    let (mut link, mut peer) = pair();
    link.send("hello".to_owned()).await.unwrap();
    link.send_beat(Token(7)).await.unwrap();
    assert_eq!(line(&mut peer).await, "hello");
    assert_eq!(line(&mut peer).await, "PING 7");
    peer.send("PONG 7").await.unwrap();
    peer.send("world").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(7)))));
    assert_eq!(link.next().await, Ok(Frame::Message("world".to_owned())));
}

#[tokio::test]
async fn a_peer_is_asked_to_speak_after_a_silence_in_the_protocols_own_words() {
    let (ours, theirs) = duplex(1024);
    assert!(!link(duplex(64).0).answers_after(), "where it has no words for it, it cannot be asked");
    let control =
        control().ask_after(|silence| format!("SPEAK {}", silence.as_secs())).alive(|line| line == "HERE");
    let mut link = Framed::new(lines(ours), control);
    let mut peer = lines(theirs);
    assert!(link.answers_after());
    link.answer_me_after(Duration::from_secs(27)).unwrap();
    link.flush().await.unwrap();
    assert_eq!(line(&mut peer).await, "SPEAK 27");
    peer.send("HERE").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Alive));
}

#[tokio::test]
async fn the_peers_beat_is_answered_by_the_next_flush() {
    let (mut link, mut peer) = pair();
    peer.send("PING 3").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Alive));
    link.flush().await.unwrap();
    assert_eq!(line(&mut peer).await, "PONG 3");
}

#[tokio::test]
async fn an_answer_that_waits_goes_before_the_next_message() {
    let (mut link, mut peer) = pair();
    peer.send("PING 3").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Alive));
    link.send("hello".to_owned()).await.unwrap();
    assert_eq!(line(&mut peer).await, "PONG 3");
    assert_eq!(line(&mut peer).await, "hello");
}

#[tokio::test]
async fn while_the_sink_has_no_room_only_the_latest_answer_and_beats_wait() {
    let (ours, theirs) = duplex(1 << 20);
    let mut peer = lines(theirs);
    let mut link = Framed::new(Gate { io: lines(ours), open: false }, control());
    let mut cx = Context::from_waker(Waker::noop());
    for number in 0..10_000 {
        peer.send(format!("PING {number}")).await.unwrap();
        assert_eq!(link.next().await, Ok(Frame::Alive));
        link.start_beat(Token(number)).expect("a link keeps room for a beat");
        assert!(link.poll_flush(&mut cx).is_pending());
        assert!(link.poll_ready(&mut cx).is_pending());
    }
    peer.send("OPEN").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message("OPEN".to_owned())));
    link.send("after".to_owned()).await.unwrap();
    assert_eq!(line(&mut peer).await, "PONG 9999");
    // One link's death takes fewer beats.
    for number in 9_967..10_000 {
        assert_eq!(line(&mut peer).await, format!("PING {number}"));
    }
    assert_eq!(line(&mut peer).await, "after");
}

#[tokio::test]
async fn goodbye_is_said_behind_what_was_given_and_ends_the_stream() {
    let (mut link, mut peer) = pair();
    link.start_beat(Token(1)).unwrap();
    link.say_goodbye().await.unwrap();
    assert_eq!(line(&mut peer).await, "PING 1");
    assert_eq!(line(&mut peer).await, "BYE");
    assert!(peer.next().await.is_none());
    drop(peer);
    assert_eq!(link.next().await, Err(LinkEnd::Eof));
}

#[tokio::test]
async fn nothing_follows_the_goodbye_not_even_an_answer() {
    let (ours, mut theirs) = duplex(2);
    let mut link = link(ours);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(link.poll_close(&mut cx).is_pending(), "a part of the goodbye waits");
    for byte in b"PING 3\n" {
        theirs.write_all(&[*byte]).await.unwrap();
        let _ = link.poll_next(&mut cx);
    }
    let mut heard = Vec::new();
    let mut piece = [0; 2];
    while link.poll_close(&mut cx).is_pending() {
        let count = theirs.read(&mut piece).await.unwrap();
        heard.extend_from_slice(&piece[..count]);
    }
    theirs.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"BYE\n");
}

#[tokio::test]
async fn what_was_readable_comes_before_the_end() {
    let (mut link, mut peer) = pair();
    peer.send("one").await.unwrap();
    peer.send("two").await.unwrap();
    drop(peer);
    assert_eq!(link.next().await, Ok(Frame::Message("one".to_owned())));
    assert_eq!(link.next().await, Ok(Frame::Message("two".to_owned())));
    assert_eq!(link.next().await, Err(LinkEnd::Eof));
}

#[tokio::test]
async fn errors_end_the_link_as_they_are_told_to() {
    let (mut link, peer) = pair();
    let mut peer = peer.into_inner();
    peer.write_all(&[b'x'; 100]).await.unwrap();
    assert_eq!(link.next().await, Err(LinkEnd::Protocol("line too long".to_owned())));

    let (mut link, peer) = pair();
    drop(peer);
    assert_eq!(link.send("hello".to_owned()).await, Err(LinkEnd::Reset));
}

#[tokio::test]
async fn by_default_errors_are_sorted_by_the_io_error_in_them() {
    #[derive(Debug, thiserror::Error)]
    enum Trouble {
        #[error("wrapped")]
        Wrapped(#[source] io::Error),
        #[error("{0}")]
        Other(String),
    }
    async fn end(error: Trouble) -> LinkEnd {
        let stream = futures::stream::iter([Err::<u8, _>(error)]);
        let sink = futures::sink::drain::<u8>().sink_map_err(|never| match never {});
        Framed::new(Both { stream, sink }, ControlMessages::new()).next().await.expect_err("the stream fails")
    }
    assert_eq!(end(Trouble::Wrapped(io::ErrorKind::ConnectionReset.into())).await, LinkEnd::Reset);
    assert_eq!(end(Trouble::Wrapped(io::ErrorKind::UnexpectedEof.into())).await, LinkEnd::Eof);
    assert_eq!(end(Trouble::Other("bad".to_owned())).await, LinkEnd::Protocol("bad".to_owned()));
    let cut = LinkEnd::Protocol("ü".repeat(61));
    assert_eq!(end(Trouble::Other("ü".repeat(1000))).await, cut, "at most 123 bytes, whole characters");
}

#[tokio::test]
async fn a_pong_need_not_say_to_which_beat() {
    let (ours, theirs) = duplex(1024);
    let mut link = Framed::new(lines(ours), Control::new().pong(|line| line == "ok"));
    let mut peer = lines(theirs);
    peer.send("ok").await.unwrap();
    peer.send("okay").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Pong(None)));
    assert_eq!(link.next().await, Ok(Frame::Message("okay".to_owned())));
}

#[tokio::test]
async fn capabilities_follow_from_what_it_was_told() {
    let link = |control| Framed::new(lines(duplex(8).0), control);
    let plain = Control::default;
    let Beat::Listen { longest_silence } = link(plain()).beat() else { panic!("it knows no beat") };
    assert!(longest_silence > Duration::from_secs(1_000_000_000));
    assert_eq!(link(plain()).confirmed_by(), ConfirmedBy::Never);
    assert!(link(plain()).start_beat(Token(1)).is_err());

    let control = plain().ping(|_| "PING".to_owned());
    let pinging = link(control.clone());
    assert_eq!((pinging.beat(), pinging.confirmed_by()), (Beat::Ping, ConfirmedBy::Answer));

    let every = Beat::Every { interval: Duration::from_secs(41) };
    let (local, peer) = ("127.0.0.1:9".parse().ok(), "192.0.2.9:443".parse().ok());
    let told = link(control.beat(every).confirmed_by(ConfirmedBy::Flush))
        .local_addr(local)
        .peer_addr(peer)
        .size_in(String::len);
    assert_eq!((told.beat(), told.confirmed_by()), (every, ConfirmedBy::Flush));
    assert_eq!((Link::local_addr(&told), Link::peer_addr(&told)), (local, peer));
    assert_eq!(told.size(&"five!".to_owned()), 5);
}

/// Lines whose sink has no room until one of them says `OPEN`.
struct Gate {
    io: Lines<DuplexStream>,
    open: bool,
}

impl Stream for Gate {
    type Item = Result<String, LinesCodecError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.io.poll_next_unpin(cx);
        self.open |= matches!(&item, Poll::Ready(Some(Ok(line))) if line == "OPEN");
        item
    }
}

impl Sink<String> for Gate {
    type Error = LinesCodecError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.open {
            true => SinkExt::<String>::poll_ready_unpin(&mut self.io, cx),
            false => Poll::Pending,
        }
    }

    fn start_send(mut self: Pin<&mut Self>, line: String) -> Result<(), Self::Error> {
        self.io.start_send_unpin(line)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        SinkExt::<String>::poll_flush_unpin(&mut self.io, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        SinkExt::<String>::poll_close_unpin(&mut self.io, cx)
    }
}

/// A stream and a sink side by side.
struct Both<S, K> {
    stream: S,
    sink: K,
}

impl<S: Stream + Unpin, K: Unpin> Stream for Both<S, K> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl<S: Unpin, K: Sink<u8> + Unpin> Sink<u8> for Both<S, K> {
    type Error = K::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), K::Error>> {
        self.sink.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: u8) -> Result<(), K::Error> {
        self.sink.start_send_unpin(item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), K::Error>> {
        self.sink.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), K::Error>> {
        self.sink.poll_close_unpin(cx)
    }
}
