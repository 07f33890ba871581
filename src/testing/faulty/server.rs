//! The server's end of one link.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};

use super::packets::Packet;
use super::world::Net;
use crate::LinkEnd;
use crate::testing::Direction;
use crate::testing::alarm::Alarm;

/// The server's end of one link over a [`FaultyNet`](super::FaultyNet). It can
/// make faults for this link alone.
///
/// The network answers beats and goodbyes. Dropping the server's end leaves the
/// link as it is.
pub struct ServerLink<In, Out = In> {
    id: u64,
    net: Arc<Net<In, Out>>,
}

impl<In: Send + 'static, Out: Send + 'static> ServerLink<In, Out> {
    pub(super) fn new(id: u64, net: Arc<Net<In, Out>>) -> ServerLink<In, Out> {
        ServerLink { id, net }
    }

    /// The number of the link: 1 for the first that opened.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Sends a message to the client.
    pub fn send(&self, message: In) {
        self.net.touch(self.id, |flow, rules, now| flow.server_sends(Packet::Message(message), rules, now));
    }

    /// Waits for the client's next message. In a network whose server answers by
    /// itself, no message comes here. Cancel safe.
    ///
    /// # Errors
    ///
    /// How the link ended, once: [`LinkEnd::Eof`] if the client has dropped it.
    pub async fn recv(&mut self) -> Result<Out, LinkEnd> {
        let mut alarm = Alarm::default();
        poll_fn(|cx| {
            loop {
                let (packet, next) = self.net.look(self.id, |flow, rules, _| {
                    flow.wait(cx.waker());
                    (flow.to_server.arrived.pop_front(), flow.next_at(rules))
                });
                match packet {
                    Some(Packet::Message(message)) => return Poll::Ready(Ok(message)),
                    Some(Packet::End(end)) => return Poll::Ready(Err(end)),
                    Some(Packet::Ping(_) | Packet::Pong(_)) => {}
                    None => ready!(alarm.poll_at(next, cx)),
                }
            }
        })
        .await
    }

    /// Closes the link with a close code.
    pub fn close(&self, code: u16, reason: &str) {
        self.end(LinkEnd::closed(Some(code), reason));
    }

    /// Ends the link with a FIN. Messages of the client still arrive.
    pub fn half_close(&self) {
        self.end(LinkEnd::Eof);
    }

    /// Ends the link with a reset, at both ends, at once.
    pub fn reset(&self) {
        self.net.touch(self.id, |flow, _, _| flow.reset());
    }

    /// Silently loses everything in this direction over this link alone, until
    /// [`restore`](ServerLink::restore).
    pub fn black_hole(&self, direction: Direction) {
        self.net.touch(self.id, |flow, _, _| {
            flow.to_client.faults.holed |= direction.includes(Direction::ToClient);
            flow.to_server.faults.holed |= direction.includes(Direction::ToServer);
        });
    }

    /// Holds everything in this direction over this link alone, until
    /// [`restore`](ServerLink::restore) lets it arrive at once.
    pub fn stall(&self, direction: Direction) {
        self.net.touch(self.id, |flow, _, _| {
            flow.to_client.faults.stalled |= direction.includes(Direction::ToClient);
            flow.to_server.faults.stalled |= direction.includes(Direction::ToServer);
        });
    }

    /// Ends black holes and stalls of this link in this direction.
    pub fn restore(&self, direction: Direction) {
        self.net.with(|world, now| {
            if let Some(flow) = world.flows.get_mut(&self.id) {
                if direction.includes(Direction::ToClient) {
                    flow.to_client.faults.clear();
                }
                if direction.includes(Direction::ToServer) {
                    flow.to_server.faults.clear();
                }
            }
            world.release(now);
        });
    }

    fn end(&self, end: LinkEnd) {
        self.net.touch(self.id, |flow, rules, now| flow.end_to_client(end, rules, now));
    }
}

impl<In, Out> Drop for ServerLink<In, Out> {
    fn drop(&mut self) {
        self.net.touch(self.id, |flow, _, _| flow.server_gone = true);
    }
}

impl<In, Out> fmt::Debug for ServerLink<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLink").field("id", &self.id).finish_non_exhaustive()
    }
}
