//! The engine over a pipe in memory, whose size is known exactly.

use std::task::Waker;

// Not tokio's: a test here is one task that polls more often than tokio allows.
use futures::executor::block_on;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const LIMIT: usize = 1 << 20;

fn pair(pipe: usize) -> (Engine<DuplexStream>, DuplexStream) {
    let (ours, peer) = duplex(pipe);
    (Engine::new(ours, Bytes::new(), LIMIT), peer)
}

fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

fn next(engine: &mut Engine<DuplexStream>) -> Poll<Result<Frame<Message>, LinkEnd>> {
    now(|cx| engine.poll_next(cx))
}

/// Sends messages of `size` until there is no room; how many were taken.
fn fill(engine: &mut Engine<DuplexStream>, size: usize) -> usize {
    let mut taken = 0;
    while now(|cx| engine.poll_ready(cx)).is_ready() {
        engine.start_send(&vec![7; size].into()).unwrap();
        let _ = now(|cx| engine.poll_flush(cx));
        taken += 1;
        assert!(taken < 10_000, "it never fills");
    }
    taken
}

/// Everything that the peer can read now and after each flush.
async fn drain(engine: &mut Engine<DuplexStream>, peer: &mut DuplexStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let flushed = now(|cx| engine.poll_flush(cx)).is_ready();
        let mut piece = vec![0; 1 << 16];
        let mut buffer = tokio::io::ReadBuf::new(&mut piece);
        let mut cx = Context::from_waker(Waker::noop());
        let read = tokio::io::AsyncRead::poll_read(std::pin::Pin::new(&mut *peer), &mut cx, &mut buffer);
        match read {
            Poll::Ready(Ok(())) => all.extend_from_slice(buffer.filled()),
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending if flushed => return all,
            Poll::Pending => {}
        }
    }
}

/// First byte and payload length of each masked frame.
fn frames(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (length, header) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), 4),
            127 => panic!("no frame here is that long"),
            short => (usize::from(short), 2),
        };
        frames.push((*first, length));
        bytes = &bytes[header + 4 + length..];
    }
    frames
}

#[test]
fn pitfall_37_no_more_than_64_kib_and_one_message_wait_to_be_written() {
    block_on(async {
        const SIZE: usize = 10_000;
        const FRAME: usize = SIZE + 8;
        let (mut engine, mut peer) = pair(4_096);
        let taken = fill(&mut engine, SIZE);
        let waiting = taken * FRAME - 4_096;
        assert!((HIGH_WATER + 1..=HIGH_WATER + FRAME).contains(&waiting), "{waiting} bytes wait");
        assert_eq!(engine.socket.waiting(), waiting);

        // Beats have room all the same.
        engine.start_beat(Token(1)).unwrap();

        // A peer that asks and asks but reads nothing does not fill it further.
        for _ in 0..5_000 {
            peer.write_all(b"\x89\x02hi").await.unwrap();
            assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Alive)));
            assert!(now(|cx| engine.poll_flush(cx)).is_pending());
        }
        assert_eq!(engine.socket.waiting(), waiting + 14);
        // Nor are its answers forgotten where the protocol could be made anew.
        assert!(next(&mut engine).is_pending());

        let mut sent = frames(&drain(&mut engine, &mut peer).await);
        let pongs = sent.split_off(taken + 1);
        assert_eq!(sent.pop(), Some((0x89, 8)));
        assert_eq!(sent, vec![(0x82, SIZE); taken]);
        assert!(pongs.iter().all(|&pong| pong == (0x8a, 2)));
        assert!((1..=1 + OWN_FRAMES / 8).contains(&pongs.len()), "{} pongs were kept", pongs.len());
        assert!(now(|cx| engine.poll_ready(cx)).is_ready());
    });
}

#[test]
fn a_way_out_that_never_runs_empty_does_not_grow() {
    block_on(async {
        let (mut engine, mut peer) = pair(4_096);
        fill(&mut engine, 1_000);
        let mut piece = [0; 4_096];
        for _ in 0..2_000 {
            peer.read_exact(&mut piece).await.unwrap();
            fill(&mut engine, 1_000);
        }
        assert!(engine.socket.waiting() > HIGH_WATER);
        assert!(engine.socket.out().capacity() <= 4 * HIGH_WATER, "{}", engine.socket.out().capacity());
    });
}

#[test]
fn pitfall_48_a_burst_out_leaves_no_buffer_behind() {
    block_on(async {
        let (mut engine, mut peer) = pair(1 << 16);
        engine.start_send(&vec![7; LIMIT].into()).unwrap();
        assert!(engine.socket.out().capacity() > LIMIT);
        drain(&mut engine, &mut peer).await;
        assert!(engine.socket.out().capacity() <= 8 * 1024);
    });
}

#[test]
fn pitfall_48_the_protocol_is_fresh_only_after_a_large_message() {
    block_on(async {
        let (mut engine, mut peer) = pair(1 << 20);
        let large = |first: u8| {
            let mut frame = vec![first, 126];
            frame.extend(20_000_u16.to_be_bytes());
            frame.resize(20_004, b'x');
            frame
        };
        // Fragments with pauses between them, and in the middle of a frame.
        let first = large(0x01);
        peer.write_all(&first[..10_000]).await.unwrap();
        assert!(next(&mut engine).is_pending());
        peer.write_all(&first[10_000..]).await.unwrap();
        assert!(next(&mut engine).is_pending());
        assert_eq!(engine.fresh_at, 0, "kept: a message is half read");
        peer.write_all(&large(0x80)).await.unwrap();
        // The next message's header is there already.
        peer.write_all(b"\x81\x05he").await.unwrap();
        let Poll::Ready(Ok(Frame::Message(message))) = next(&mut engine) else { panic!("no message") };
        assert_eq!(message.len(), 40_000);
        assert!(next(&mut engine).is_pending());
        assert_eq!(engine.fresh_at, 0, "kept: a message is half read");
        peer.write_all(b"llo").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Message("hello".into()))));
        // A pong that is due is not forgotten with the old context.
        peer.write_all(b"\x89\x01p").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Alive)));
        assert!(next(&mut engine).is_pending());
        assert_eq!(frames(&drain(&mut engine, &mut peer).await), [(0x8a, 1)]);
        assert!(next(&mut engine).is_pending());
        assert_eq!(engine.fresh_at, engine.socket.traffic().received, "exchanged");
        peer.write_all(b"\x81\x02ok").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Message("ok".into()))));
    });
}

#[test]
fn the_bytes_behind_the_handshake_are_read_first() {
    block_on(async {
        let (ours, mut peer) = duplex(64);
        let mut engine = Engine::new(ours, Bytes::from_static(b"\x81\x03one\x81\x03t"), LIMIT);
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Message("one".into()))));
        assert!(next(&mut engine).is_pending());
        peer.write_all(b"wo").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Message("two".into()))));
    });
}

#[test]
fn nothing_follows_our_close() {
    block_on(async {
        let (mut engine, mut peer) = pair(64);
        assert!(now(|cx| engine.poll_close(cx)).is_ready());
        assert!(engine.start_send(&"late".into()).is_err());
        assert!(engine.start_beat(Token(1)).is_err());
        assert!(now(|cx| engine.poll_close(cx)).is_ready());
        assert_eq!(frames(&drain(&mut engine, &mut peer).await), [(0x88, 2)]);
    });
}

#[test]
fn a_pong_that_waits_goes_before_our_close() {
    block_on(async {
        let (mut engine, mut peer) = pair(64);
        peer.write_all(b"\x89\x02hi").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Alive)));
        assert!(now(|cx| engine.poll_close(cx)).is_ready());
        assert_eq!(frames(&drain(&mut engine, &mut peer).await), [(0x8a, 2), (0x88, 2)]);
    });
}

#[test]
fn a_pong_that_waits_goes_before_the_close_that_an_error_brings() {
    block_on(async {
        let (mut engine, mut peer) = pair(64);
        // RSV1, which was not negotiated.
        peer.write_all(b"\x89\x02hi\xc1\x00").await.unwrap();
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Alive)));
        assert!(matches!(next(&mut engine), Poll::Ready(Err(LinkEnd::Protocol(_)))));
        assert!(engine.start_beat(Token(1)).is_err());
        let _ = now(|cx| engine.poll_flush(cx));
        let mut sent = Vec::new();
        drop(engine);
        peer.read_to_end(&mut sent).await.unwrap();
        assert_eq!(frames(&sent), [(0x8a, 2), (0x88, 2)]);
    });
}

#[test]
fn our_close_waits_for_room_like_anything_else() {
    block_on(async {
        let (mut engine, mut peer) = pair(4_096);
        let taken = fill(&mut engine, 10_000);
        assert!(now(|cx| engine.poll_close(cx)).is_pending());
        let mut expected = vec![(0x82, 10_000); taken];
        expected.push((0x88, 2));
        assert_eq!(frames(&drain(&mut engine, &mut peer).await), expected);
        assert!(now(|cx| engine.poll_close(cx)).is_ready());
    });
}

#[test]
fn received_frames_can_be_read_after_a_write_has_failed() {
    block_on(async {
        let (mut engine, mut peer) = pair(64);
        peer.write_all(b"\x81\x03one\x88\x02\x03\xf4").await.unwrap();
        drop(peer);
        engine.start_send(&"x".into()).unwrap();
        assert_eq!(now(|cx| engine.poll_flush(cx)), Poll::Ready(Err(LinkEnd::Reset)));
        assert_eq!(next(&mut engine), Poll::Ready(Ok(Frame::Message("one".into()))));
        assert_eq!(next(&mut engine), Poll::Ready(Err(LinkEnd::closed(Some(1012), ""))));
    });
}

#[tokio::test]
async fn pitfall_18_a_close_before_ours_is_written_is_no_answer() {
    for ours_is_written in [false, true] {
        let (mut engine, mut peer) = pair(4_096);
        fill(&mut engine, 10_000);
        assert!(now(|cx| engine.poll_close(cx)).is_pending());
        if ours_is_written {
            drain(&mut engine, &mut peer).await;
            assert!(now(|cx| engine.poll_close(cx)).is_ready());
        }
        peer.write_all(b"\x88\x02\x03\xe8").await.unwrap();
        assert!(next(&mut engine).is_pending());
        drain(&mut engine, &mut peer).await;
        assert!(now(|cx| engine.poll_close(cx)).is_ready());
        drop(peer);
        let end = if ours_is_written { LinkEnd::closed(Some(1000), "") } else { LinkEnd::Eof };
        assert_eq!(next(&mut engine), Poll::Ready(Err(end)));
    }
}
