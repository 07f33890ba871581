//! The client's end of the network.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::packets::Packet;
use super::path::{Dialling, backed_off};
use super::world::Net;
use crate::keeper::PathFacts;
use crate::testing::Direction;
use crate::testing::alarm::{Alarm, wait_until};
use crate::transport::{Attempt, ConnectError, Frame, Link, Transport};
use crate::{Beat, Failure, LinkEnd, Token};

/// The transport that opens links over a [`FaultyNet`](super::FaultyNet). Its
/// endpoint is `faulty:` for every network.
pub struct FaultyTransport<In, Out = In> {
    net: Arc<Net<In, Out>>,
}

impl<In, Out> FaultyTransport<In, Out> {
    pub(super) fn new(net: Arc<Net<In, Out>>) -> FaultyTransport<In, Out> {
        FaultyTransport { net }
    }
}

#[async_trait]
impl<In: Send + 'static, Out: Send + 'static> Transport for FaultyTransport<In, Out> {
    type Link = FaultyLink<In, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<FaultyLink<In, Out>, ConnectError> {
        const FIRST_RETRY: Duration = Duration::from_secs(1);
        for tries in 0.. {
            let asked = Instant::now();
            let (dialling, blocked, round_trip) = self.net.with(|world, _| {
                let directions = [Direction::ToServer, Direction::ToClient];
                let blocked = directions
                    .iter()
                    .any(|direction| world.rules.holed(*direction) || world.rules.stalled(*direction));
                (world.rules.dialling, blocked, world.rules.round_trip())
            });
            match dialling {
                Dialling::Accepted | Dialling::Refused if blocked => {}
                Dialling::Unanswered => {}
                Dialling::Refused => {
                    wait_until(asked + round_trip).await;
                    return Err(ConnectError::new(Failure::Refused));
                }
                Dialling::Accepted => {
                    wait_until(asked + round_trip).await;
                    attempt.dialled(None);
                    return Ok(self.open());
                }
            }
            wait_until(asked + backed_off(FIRST_RETRY, tries)).await;
        }
        unreachable!("the loop has no end")
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        Some("faulty:".to_owned())
    }
}

impl<In: Send + 'static, Out: Send + 'static> FaultyTransport<In, Out> {
    fn open(&self) -> FaultyLink<In, Out> {
        let (id, beat) = self.net.with(|world, now| (world.open(now), world.rules.beat));
        self.net.opened.notify_one();
        FaultyLink {
            id,
            beat,
            net: Arc::clone(&self.net),
            next_alarm: Alarm::default(),
            ready_alarm: Alarm::default(),
            said_goodbye: false,
        }
    }
}

/// A link over a [`FaultyNet`](super::FaultyNet).
pub struct FaultyLink<In, Out = In> {
    id: u64,
    beat: Beat,
    net: Arc<Net<In, Out>>,
    next_alarm: Alarm,
    ready_alarm: Alarm,
    said_goodbye: bool,
}

impl<In, Out> FaultyLink<In, Out> {
    fn send(&self, packet: Packet<Out>, bytes: usize) -> Result<(), LinkEnd> {
        self.net.touch(self.id, |flow, rules, now| {
            if flow.is_broken() {
                return Err(LinkEnd::Reset);
            }
            flow.client_sends(packet, bytes as u64, rules, now);
            Ok(())
        })
    }
}

impl<In: Send + 'static, Out: Send + 'static> Link for FaultyLink<In, Out> {
    type Incoming = In;
    type Outgoing = Out;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<In>, LinkEnd>> {
        loop {
            let (packet, next) = self.net.look(self.id, |flow, rules, _| {
                flow.wait(cx.waker());
                (flow.to_client.arrived.pop_front(), flow.next_at(rules))
            });
            match packet {
                Some(Packet::Message(message)) => return Poll::Ready(Ok(Frame::Message(message))),
                Some(Packet::Pong(token)) => return Poll::Ready(Ok(Frame::Pong(Some(token)))),
                Some(Packet::Ping(_)) => return Poll::Ready(Ok(Frame::Alive)),
                Some(Packet::End(end)) => return Poll::Ready(Err(end)),
                None => ready!(self.next_alarm.poll_at(next, cx)),
            }
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        loop {
            let (room, next) = self.net.look(self.id, |flow, rules, _| {
                flow.wait(cx.waker());
                (flow.is_broken() || flow.outstanding() < rules.window, flow.next_at(rules))
            });
            if room {
                return Poll::Ready(Ok(()));
            }
            ready!(self.ready_alarm.poll_at(next, cx));
        }
    }

    fn start_send(&mut self, message: Out) -> Result<(), LinkEnd> {
        let bytes = size_of_val(&message);
        self.send(Packet::Message(message), bytes)
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        const BEAT: usize = 10;
        self.send(Packet::Ping(token), BEAT)
    }

    /// Ready at once: the system has every message that the link took.
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if !self.said_goodbye {
            self.said_goodbye = true;
            self.send(Packet::End(LinkEnd::closed(Some(1000), "")), 0)?;
        }
        Poll::Ready(Ok(()))
    }

    fn beat(&self) -> Beat {
        self.beat
    }

    fn path_facts(&self) -> Option<PathFacts> {
        Some(self.net.look(self.id, |flow, _, now| flow.path_facts(now)))
    }
}

impl<In, Out> Drop for FaultyLink<In, Out> {
    fn drop(&mut self) {
        let said_goodbye = self.said_goodbye;
        self.net.touch(self.id, |flow, rules, now| {
            if !said_goodbye {
                flow.end_to_server(LinkEnd::Eof, rules, now);
            }
            flow.client_gone = true;
        });
    }
}

impl<In, Out> fmt::Debug for FaultyTransport<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyTransport").finish_non_exhaustive()
    }
}

impl<In, Out> fmt::Debug for FaultyLink<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLink").field("id", &self.id).field("beat", &self.beat).finish_non_exhaustive()
    }
}
