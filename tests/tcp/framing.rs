//! A protocol's reading of bytes, over a stream in memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use longlink::testing::ByHand;
use longlink::transport::{Attempt, ConfirmedBy, ControlMessages, Frame, Link, Transport};
use longlink::{Beat, Detection, Event, Failure, LinkEnd, Protocol, ResilientConnection, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::{BytesCodec, Decoder, Encoder, LengthDelimitedCodec, LinesCodec};

use super::{beats, end, in_memory, lines, lines_with, message, open, soon};

#[tokio::test]
async fn messages_beats_and_answers_go_by_the_protocols_own_words() {
    let (mut link, mut far) = open(lines_with(beats().goodbye(|| "QUIT".to_owned()))).await;
    assert_eq!((link.beat(), link.confirmed_by()), (Beat::Ping, ConfirmedBy::Answer));
    link.send("hello".to_owned()).await.unwrap();
    link.send_beat(Token(7)).await.unwrap();
    far.write_all(b"one\nPONG 7\nPING 3\ntwo\n").await.unwrap();
    assert_eq!(message(&mut link).await, "one");
    assert_eq!(soon(link.next()).await, Ok(Frame::Pong(Some(Token(7)))));
    assert_eq!(soon(link.next()).await, Ok(Frame::Alive));
    assert_eq!(message(&mut link).await, "two");
    link.flush().await.unwrap();
    link.say_goodbye().await.unwrap();
    let mut said = String::new();
    soon(far.read_to_string(&mut said)).await.unwrap();
    assert_eq!(said, "hello\nPING 7\nPONG 3\nQUIT\n");
    let traffic = link.traffic().unwrap();
    assert_eq!((traffic.sent, traffic.received), (said.len() as u64, 22));
    drop(far);
    assert_eq!(end(&mut link).await, LinkEnd::Eof);
}

#[tokio::test]
async fn without_beats_the_peer_is_listened_to_and_nothing_confirmed() {
    let (link, _far) = open(lines_with(ControlMessages::new())).await;
    assert!(matches!(link.beat(), Beat::Listen { .. }));
    assert_eq!(link.confirmed_by(), ConfirmedBy::Never);
    let max_send_gap = Duration::from_secs(40);
    let (link, _far) = open(lines_with(beats().beat(Beat::KeepAlive { max_send_gap }))).await;
    assert_eq!(link.beat(), Beat::KeepAlive { max_send_gap });
}

#[tokio::test]
async fn a_message_that_the_streams_end_cuts_is_dropped_and_whole_ones_are_not() {
    let (mut link, mut far) = open(lines()).await;
    far.write_all(b"PRICE 1000\nPRICE 1000\nPRICE 10").await.unwrap();
    drop(far);
    // The bare codec would make a third message of what was cut.
    assert_eq!(message(&mut link).await, "PRICE 1000");
    assert_eq!(message(&mut link).await, "PRICE 1000");
    assert_eq!(end(&mut link).await, LinkEnd::Eof);
}

#[tokio::test]
async fn the_limit_holds_for_what_comes_in_whatever_the_codec_would_bear() {
    let at_limit = || lines().max_message(16).unwrap();
    // Fifteen letters and the line's end.
    let (mut link, mut far) = open(at_limit()).await;
    far.write_all(b"123456789012345\n").await.unwrap();
    assert_eq!(message(&mut link).await.len(), 15);
    let (mut link, mut far) = open(at_limit()).await;
    far.write_all(b"1234567890123456\n").await.unwrap();
    assert_eq!(end(&mut link).await, LinkEnd::TooBig { size: 17, limit: 16 });
    // It does not wait for the end of what has none.
    let (mut link, mut far) = open(at_limit()).await;
    far.write_all(b"12345678901234567").await.unwrap();
    assert_eq!(end(&mut link).await, LinkEnd::TooBig { size: 17, limit: 16 });
    // Many short messages at once are not a long one.
    let (mut link, mut far) = open(at_limit()).await;
    far.write_all(&b"12345678\n".repeat(100)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(message(&mut link).await, "12345678");
    }
    assert_eq!(link.size(&String::new()), 9, "by default its size is what it took of the stream");
}

#[tokio::test]
async fn the_limit_holds_for_what_goes_out_and_zero_is_none() {
    let (transport, _far) = in_memory(lines().max_message(16).unwrap(), 1024);
    assert_eq!(transport.size(&"1234567890123456".to_owned()).unwrap(), 16);
    let refused = transport.size(&"12345678901234567".to_owned()).unwrap_err();
    assert_eq!((refused.size, refused.limit), (17, 16));
    assert_eq!(lines().max_message(0).unwrap_err().field, "protocol.max_message");
}

#[tokio::test]
async fn pitfall_27_every_link_has_a_codec_of_its_own() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let codec = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        LinesCodec::new()
    };
    let protocol = Protocol::new(codec, ControlMessages::new());
    let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
    let transport = longlink::Tcp::new("memory:1", protocol).unwrap().dial_with(move |_| {
        let (ours, theirs) = tokio::io::duplex(1024);
        far_ends.send(theirs).unwrap();
        async move { Ok(ours) }
    });
    let mut first: super::LineLink = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    let mut theirs = far.recv().await.unwrap();
    theirs.write_all(b"the first half of ").await.unwrap();
    drop(theirs);
    assert_eq!(end(&mut first).await, LinkEnd::Eof);
    let mut second = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    far.recv().await.unwrap().write_all(b"another line\n").await.unwrap();
    assert_eq!(message(&mut second).await, "another line");
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn bytes_that_a_codec_cannot_read_end_the_link_as_told() {
    let short = || Protocol::new(|| LinesCodec::new_with_max_length(4), ControlMessages::new());
    let (mut link, mut far) = open(short()).await;
    far.write_all(b"12345\n").await.unwrap();
    assert_eq!(end(&mut link).await, LinkEnd::Protocol("max line length exceeded".into()));
    let own = short().ends(|_| LinkEnd::Protocol("a line of more than four letters".into()));
    let (mut link, mut far) = open(own).await;
    far.write_all(b"12345\n").await.unwrap();
    assert_eq!(end(&mut link).await, LinkEnd::Protocol("a line of more than four letters".into()));
    let (mut link, mut far) = open(lines()).await;
    far.write_all(b"\xff\xfe\n").await.unwrap();
    assert_eq!(end(&mut link).await, LinkEnd::Protocol("Unable to decode input as UTF8".into()));
    let codec = || LengthDelimitedCodec::builder().max_frame_length(4).new_codec();
    let io_errors = Protocol::new(codec, ControlMessages::<_, Bytes>::new());
    let (transport, mut far) = in_memory(io_errors, 1024);
    let mut link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    far.write_all(&[0, 0, 0, 5]).await.unwrap();
    let ended = soon(link.next()).await.expect_err("the frame is too long for the codec");
    assert!(matches!(ended, LinkEnd::Io { kind: io::ErrorKind::InvalidData, .. }), "{ended:?}");
}

/// Decodes lines, and panics at one that says so.
struct Fragile(LinesCodec);

impl Decoder for Fragile {
    type Item = String;
    type Error = tokio_util::codec::LinesCodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, Self::Error> {
        let line = self.0.decode(bytes)?;
        assert_ne!(line.as_deref(), Some("panic"));
        Ok(line)
    }
}

impl Encoder<String> for Fragile {
    type Error = tokio_util::codec::LinesCodecError;

    fn encode(&mut self, line: String, bytes: &mut BytesMut) -> Result<(), Self::Error> {
        assert_ne!(line, "panic");
        self.0.encode(line, bytes)
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_16_a_codec_that_panics_ends_its_link_and_not_the_connection() {
    let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
    let protocol = Protocol::new(|| Fragile(LinesCodec::new()), ControlMessages::<_, String>::new());
    let transport = longlink::Tcp::new("memory:1", protocol).unwrap().dial_with(move |_| {
        let (ours, theirs) = tokio::io::duplex(1024);
        far_ends.send(theirs).unwrap();
        async move { Ok(ours) }
    });
    let (ends, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let mut connection = ResilientConnection::builder(transport)
        .on_event(move |event| {
            if let Event::Disconnected { detection, .. } = event {
                ends.send(detection.clone()).unwrap();
            }
        })
        .seed(1)
        .connect()
        .await
        .unwrap();
    let sender = connection.sender();
    for panics in ["in", "out", "not at all"] {
        let mut theirs = soon(far.recv()).await.unwrap();
        match panics {
            "in" => theirs.write_all(b"before\npanic\n").await.unwrap(),
            "out" => sender.send("panic".to_owned()).await.unwrap(),
            _ => theirs.write_all(b"after\n").await.unwrap(),
        }
        if panics != "out" {
            let expected = if panics == "in" { "before" } else { "after" };
            assert_eq!(soon(connection.recv()).await.unwrap().unwrap(), expected);
        }
        if panics != "not at all" {
            assert_eq!(soon(ended.recv()).await.unwrap(), Detection::Ended(LinkEnd::Panicked));
        }
    }
}

#[tokio::test]
async fn pitfall_35_a_waiting_message_may_let_go_of_its_read_buffer() {
    let framed = || Protocol::new(LengthDelimitedCodec::new, ControlMessages::<_, Bytes>::new());
    let (transport, _far) = in_memory(framed(), 1024);
    let link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    let mut shared = BytesMut::from(&[0; 4096][..]);
    let part = shared.split_to(16);
    let address = part.as_ptr();
    assert_eq!(link.detach(part).as_ptr(), address, "by default it waits as it is");
    let (transport, _far) = in_memory(framed().detach(|message| BytesMut::from(&message[..])), 1024);
    let link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    assert_ne!(link.detach(shared.split_to(16)).as_ptr(), shared.as_ptr().wrapping_sub(16));
}

#[tokio::test(start_paused = true)]
async fn pitfall_35_only_messages_that_wait_are_detached() {
    let (transport, mut far) = in_memory(lines().detach(|line| format!("{line}, detached")), 1024);
    let mut connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    let (read, written) = tokio::join!(connection.recv(), far.write_all(b"first\n"));
    written.unwrap();
    assert_eq!(read.unwrap().unwrap(), "first");
    // With the next message, or the next beat at the latest; and once.
    far.write_all(b"second\nthird\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    far.write_all(b"fourth\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    for expected in ["second, detached", "third, detached", "fourth, detached"] {
        assert_eq!(soon(connection.recv()).await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_writer_waits_where_the_peer_does_not_read() {
    let (transport, mut far) =
        in_memory(Protocol::new(BytesCodec::new, ControlMessages::<_, Bytes>::new()), 1024);
    let mut link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    let mut sent = 0;
    let piece = Bytes::from(vec![7; 8 * 1024]);
    while futures::poll!(std::pin::pin!(std::future::poll_fn(|cx| link.poll_ready(cx)))).is_ready() {
        link.start_send(piece.clone()).unwrap();
        sent += piece.len();
        assert!(sent <= 128 * 1024, "a bounded amount waits");
    }
    assert!(sent >= 64 * 1024);
    let reading = async {
        let mut read = vec![0; sent];
        far.read_exact(&mut read).await.map(|_| ())
    };
    let (flushed, read) = soon(async { tokio::join!(link.flush(), reading) }).await;
    flushed.unwrap();
    read.unwrap();
}

#[tokio::test]
async fn an_own_dial_that_fails_is_the_attempts_failure() {
    let transport = longlink::Tcp::new("memory:1", lines()).unwrap().dial_with(|_| async {
        Err::<tokio::io::DuplexStream, _>(longlink::transport::ConnectError::new(Failure::RetryAfter(
            Duration::from_secs(9),
        )))
    });
    let refused = transport.connect(&Attempt::standalone(1, None)).await.unwrap_err();
    assert_eq!(refused.failure(), &Failure::RetryAfter(Duration::from_secs(9)));
    assert_eq!(transport.endpoint(0).as_deref(), Some("tcp://memory:1"));
}

/// Reads nothing, and quotes all of it.
struct Quoting;

impl Decoder for Quoting {
    type Item = ();
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<()>> {
        match bytes.len() {
            0..10_000 => Ok(None),
            _ => Err(io::Error::other(format!("strange: {}", String::from_utf8_lossy(bytes)))),
        }
    }
}

impl Encoder<()> for Quoting {
    type Error = io::Error;

    fn encode(&mut self, (): (), _: &mut BytesMut) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_codecs_words_are_cut_whatever_kind_of_error_they_come_in() {
    let (transport, mut far) = in_memory(Protocol::new(|| Quoting, ControlMessages::<_, ()>::new()), 1024);
    let mut link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    tokio::spawn(async move { far.write_all(&[b'x'; 100_000]).await });
    let end = soon(link.next()).await.expect_err("it reads nothing");
    assert!(end.to_string().len() <= 123, "{} bytes", end.to_string().len());
}
