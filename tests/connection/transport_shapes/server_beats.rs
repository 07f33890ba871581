//! The server beats and we answer (Engine.IO): it says at the handshake how
//! often, packets are `2` ping, `3` pong, `4` message.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use longlink::transport::{ConnectError, Frame, Link, Transport, from_fn};
use longlink::{Beat, Detection, Failure, LinkEnd, ResilientConnection, Token};
use tokio::sync::mpsc;

use super::{Lines, Log, dial, in_time, line_server, message, millis, secs};

pub(crate) struct EngineIo {
    lines: Lines,
    longest_silence: Duration,
    pong_is_due: bool,
}

impl Link for EngineIo {
    type Incoming = String;
    type Outgoing = String;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        Poll::Ready(match ready!(self.lines.poll_next_unpin(cx)) {
            Some(Ok(packet)) if packet == "2" => {
                self.pong_is_due = true;
                Ok(Frame::Alive)
            }
            Some(Ok(packet)) => match packet.strip_prefix('4') {
                Some(message) => Ok(Frame::Message(message.to_owned())),
                None => Err(LinkEnd::Protocol("unknown packet".to_owned())),
            },
            Some(Err(_)) => Err(LinkEnd::Reset),
            None => Err(LinkEnd::Eof),
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        SinkExt::<String>::poll_ready_unpin(&mut self.lines, cx).map_err(|_| LinkEnd::Reset)
    }

    fn start_send(&mut self, message: String) -> Result<(), LinkEnd> {
        self.lines.start_send_unpin(format!("4{message}")).map_err(|_| LinkEnd::Reset)
    }

    fn start_beat(&mut self, _: Token) -> Result<(), LinkEnd> {
        unreachable!("a link that listens is never asked to beat")
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if self.pong_is_due {
            ready!(self.poll_ready(cx))?;
            self.lines.start_send_unpin("3").map_err(|_| LinkEnd::Reset)?;
            self.pong_is_due = false;
        }
        SinkExt::<String>::poll_flush_unpin(&mut self.lines, cx).map_err(|_| LinkEnd::Reset)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        SinkExt::<String>::poll_close_unpin(&mut self.lines, cx).map_err(|_| LinkEnd::Reset)
    }

    fn beat(&self) -> Beat {
        Beat::Listen { longest_silence: self.longest_silence }
    }
}

pub(crate) fn transport(server: mpsc::UnboundedSender<Lines>) -> impl Transport<Link = EngineIo> {
    from_fn(move |attempt| {
        let server = server.clone();
        async move {
            let mut lines = dial(&server).ok_or(ConnectError::new(Failure::Refused))?;
            attempt.dialled(None);
            let open = lines.next().await.and_then(Result::ok).unwrap_or_default();
            let mut times = open.trim_start_matches('0').split('+').filter_map(|time| time.parse().ok());
            let (Some(interval), Some(patience)) = (times.next(), times.next()) else {
                return Err(ConnectError::new(Failure::Protocol("no open packet".to_owned())));
            };
            Ok(EngineIo { lines, longest_silence: millis(interval) + millis(patience), pong_is_due: false })
        }
    })
}

pub(crate) const OPEN: &str = "025000+20000";

#[tokio::test(start_paused = true)]
async fn every_ping_of_the_server_is_answered_and_its_silence_is_its_death() {
    let (dialler, mut server) = line_server();
    let log = Log::new();
    let mut connection =
        ResilientConnection::builder(transport(dialler)).on_event(log.listener()).seed(1).build().unwrap();

    let mut lines = in_time(server.recv()).await.unwrap();
    lines.send(OPEN).await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(secs(25)).await;
        lines.send("2").await.unwrap();
        let answered = tokio::time::timeout(millis(1), lines.next()).await.expect("answered at once");
        assert_eq!(answered.unwrap().unwrap(), "3");
    }
    connection.send("up".to_owned()).await.unwrap();
    assert_eq!(in_time(lines.next()).await.unwrap().unwrap(), "4up");
    lines.send("4down").await.unwrap();
    assert_eq!(message(&mut connection).await, "down");
    assert_eq!(log.ends().await, []);

    let mut next = in_time(server.recv()).await.unwrap();
    assert_eq!(log.ends().await, [(secs(250 + 45), Detection::Silent)]);
    next.send(OPEN).await.unwrap();
    next.send("4again").await.unwrap();
    assert_eq!(message(&mut connection).await, "again");
    assert_eq!(connection.stats().keeper.beats_sent, 0);
}
