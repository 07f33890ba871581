//! The server demands a fixed rhythm (Discord): it says at login how often we
//! must beat, and counts nothing else.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::SinkExt;
use longlink::transport::{ConnectError, Frame, Link, Transport, from_fn};
use longlink::{Beat, Detection, Failure, LinkEnd, ResilientConnection, Token};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::{Log, in_time, message, millis, secs};

#[derive(Clone, Debug, PartialEq)]
enum Op {
    Hello { every: Duration },
    Identify,
    Heartbeat,
    Ack,
    Dispatch(u32),
}

struct Gateway {
    from_server: mpsc::Receiver<Op>,
    to_server: mpsc::UnboundedSender<Op>,
}

impl Link for Gateway {
    type Incoming = Op;
    type Outgoing = Op;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Op>, LinkEnd>> {
        Poll::Ready(match ready!(self.from_server.poll_recv(cx)) {
            Some(Op::Ack) => Ok(Frame::Pong(None)),
            Some(op) => Ok(Frame::Message(op)),
            None => Err(LinkEnd::Eof),
        })
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, op: Op) -> Result<(), LinkEnd> {
        self.to_server.send(op).map_err(|_| LinkEnd::Reset)
    }

    fn start_beat(&mut self, _: Token) -> Result<(), LinkEnd> {
        self.start_send(Op::Heartbeat)
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.from_server.close();
        Poll::Ready(Ok(()))
    }
}

/// The server's end of one link.
type ServerEnd = (mpsc::Sender<Op>, mpsc::UnboundedReceiver<Op>);

fn server() -> (impl Transport<Link = Gateway>, mpsc::UnboundedReceiver<ServerEnd>) {
    let (dialler, server) = mpsc::unbounded_channel();
    let transport = from_fn(move |attempt| {
        let dialler = dialler.clone();
        async move {
            let ((to_client, from_server), (to_server, from_client)) =
                (mpsc::channel(16), mpsc::unbounded_channel());
            dialler.send((to_client, from_client)).map_err(|_| ConnectError::new(Failure::Refused))?;
            attempt.dialled(None);
            Ok(Gateway { from_server, to_server })
        }
    });
    (transport, server)
}

#[tokio::test(start_paused = true)]
async fn beats_keep_the_rhythm_that_the_login_told_whatever_else_flows() {
    const EVERY: Duration = Duration::from_millis(41_250);
    let (transport, mut server) = server();
    let log = Log::new();
    let mut connection = ResilientConnection::builder(transport)
        .on_event(log.listener())
        .on_connect(async |mut handshake| {
            if let Op::Hello { every } = handshake.recv().await? {
                handshake.set_beat(Beat::Every { interval: every });
            }
            handshake.send(Op::Identify).await?;
            Ok(handshake)
        })
        .seed(1)
        .build()
        .unwrap();

    let (to_client, mut from_client) = in_time(server.recv()).await.unwrap();
    to_client.send(Op::Hello { every: EVERY }).await.unwrap();
    assert_eq!(from_client.recv().await, Some(Op::Identify));

    // Messages both ways every second; every 41.25 s a beat all the same.
    let began = Instant::now();
    let mut beats = Vec::new();
    for second in 0..200 {
        sleep(secs(1)).await;
        to_client.send(Op::Dispatch(second)).await.unwrap();
        assert_eq!(message(&mut connection).await, Op::Dispatch(second));
        connection.send(Op::Dispatch(second)).await.unwrap();
        loop {
            let op = in_time(from_client.recv()).await.unwrap();
            if op == Op::Dispatch(second) {
                break;
            }
            assert_eq!(op, Op::Heartbeat);
            beats.push(second);
            to_client.send(Op::Ack).await.unwrap();
        }
    }
    assert_eq!(beats, [41, 82, 123, 164], "beats at 41.25, 82.5, 123.75 and 165 s, each read a second on");

    // The next is due at 206.25 s, to the millisecond, and then nobody answers.
    while from_client.try_recv().is_ok() {}
    assert_eq!(from_client.recv().await, Some(Op::Heartbeat));
    assert_eq!(began.elapsed(), EVERY * 5);
    assert!(timeout(secs(120), server.recv()).await.is_ok(), "it comes back");
    assert!(matches!(log.ends().await[..], [(_, Detection::Unanswered { beats: 5 })]));
    drop(connection);
    sleep(millis(1)).await;
    assert!(to_client.is_closed());
}
