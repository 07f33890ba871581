//! A small network in memory that fails on command.

mod flow;
mod link;
mod packets;
mod path;
mod rules;
mod server;
mod world;

pub use link::{FaultyLink, FaultyTransport};
pub use path::{Dialling, IdleExpiry};
pub use rules::Received;
pub use server::ServerLink;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::testing::Direction;
use crate::{Beat, LinkEnd};
use world::{Net, World};

/// A network in memory between one client and one server, which fails on
/// command: the kit for tests of applications. Clones are the same network.
///
/// Each link behaves like a TCP connection that carries whole messages. It
/// keeps their order, and goes on after a black hole has ended. It sends a lost
/// message again after 200 ms or two round trips, whichever is longer, then
/// after twice as long each time, at most every minute. The network starts
/// without latency and faults.
///
/// The server answers beats and goodbyes by itself. In a network of
/// [`echo`](FaultyNet::echo) or [`answering`](FaultyNet::answering) it answers
/// messages too. In a network of [`new`](FaultyNet::new) the test reads the
/// messages from the [`ServerLink`] that [`accept`](FaultyNet::accept) returns.
///
/// The network makes the links itself. To put faults over the links of another
/// transport take [`Faults`](super::Faults).
///
/// All chance comes from the seed. Times come from tokio's clock, in whole
/// milliseconds, since its timers are no finer.
pub struct FaultyNet<In, Out = In> {
    net: Arc<Net<In, Out>>,
}

impl<M: Clone + Send + 'static> FaultyNet<M, M> {
    /// Makes a network whose server sends every message back at once.
    pub fn echo(seed: u64) -> FaultyNet<M, M> {
        FaultyNet::answering(seed, |message: &M| vec![message.clone()])
    }
}

impl<In: Send + 'static, Out: Send + 'static> FaultyNet<In, Out> {
    /// Makes a network whose server the test plays: see
    /// [`accept`](FaultyNet::accept).
    pub fn new(seed: u64) -> FaultyNet<In, Out> {
        FaultyNet { net: Arc::new(Net::new(World::new(seed, None))) }
    }

    /// Makes a network whose server answers each message at once with the
    /// messages that `respond` returns. The server keeps each message that it
    /// receives for [`received`](FaultyNet::received).
    ///
    /// `respond` must not call methods of this network.
    pub fn answering(seed: u64, respond: impl FnMut(&Out) -> Vec<In> + Send + 'static) -> FaultyNet<In, Out> {
        FaultyNet { net: Arc::new(Net::new(World::new(seed, Some(Box::new(respond))))) }
    }

    /// Makes a transport that opens links over this network.
    pub fn transport(&self) -> FaultyTransport<In, Out> {
        FaultyTransport::new(Arc::clone(&self.net))
    }

    /// Waits for the next link that opens, and returns its server's end. Returns
    /// each link once, in the order in which they opened. Cancel safe.
    pub async fn accept(&self) -> ServerLink<In, Out> {
        loop {
            let opened = self.net.opened.notified();
            if let Some(id) = self.net.with(|world, _| world.accept()) {
                return ServerLink::new(id, Arc::clone(&self.net));
            }
            opened.await;
        }
    }

    /// Returns the messages that the server has answered by itself since the
    /// last call, over all links, in their order.
    pub fn received(&self) -> Vec<Received<Out>> {
        self.net.with(|world, _| std::mem::take(&mut world.rules.received))
    }

    /// Returns how many links the client holds.
    pub fn open_links(&self) -> usize {
        self.net.with(|world, _| world.open_links())
    }

    /// Sets the time that everything takes in this direction. Default: zero.
    pub fn latency(&self, direction: Direction, latency: Duration) {
        self.net.with(|world, _| world.shape(direction, |path| path.latency = latency));
    }

    /// Sets the largest extra time by chance in this direction, drawn evenly from
    /// zero up. Default: zero.
    pub fn jitter(&self, direction: Direction, jitter: Duration) {
        self.net.with(|world, _| world.shape(direction, |path| path.jitter = jitter));
    }

    /// Sets the probability that one packet is lost in this direction, from 0
    /// to 1. A lost packet is sent again. Default: 0.
    pub fn loss(&self, direction: Direction, loss: f64) {
        self.net.with(|world, _| world.shape(direction, |path| path.loss = loss));
    }

    /// Silently loses everything in this direction, on present and future links,
    /// until [`restore`](FaultyNet::restore).
    pub fn black_hole(&self, direction: Direction) {
        self.net.with(|world, _| world.shape(direction, |path| path.faults.holed = true));
    }

    /// Holds everything in this direction, until
    /// [`restore`](FaultyNet::restore) lets it arrive at once.
    pub fn stall(&self, direction: Direction) {
        self.net.with(|world, _| world.shape(direction, |path| path.faults.stalled = true));
    }

    /// Ends black holes and stalls of the network in this direction. Faults of a
    /// single link stay. A lost message arrives when it is sent again.
    pub fn restore(&self, direction: Direction) {
        self.net.with(|world, now| {
            world.shape(direction, |path| path.faults.clear());
            world.release(now);
        });
    }

    /// Resets all present links, at both ends, at once.
    pub fn cut(&self) {
        self.net.with(|world, _| world.flows.values_mut().for_each(|flow| flow.reset()));
    }

    /// Ends the stream of all present links in this direction (FIN), behind all
    /// earlier messages. The other direction goes on.
    pub fn half_close(&self, direction: Direction) {
        self.net.with(|world, now| {
            let World { rules, flows, .. } = world;
            for flow in flows.values_mut() {
                if direction.includes(Direction::ToClient) {
                    flow.end_to_client(LinkEnd::Eof, rules, now);
                }
                if direction.includes(Direction::ToServer) {
                    flow.end_to_server(LinkEnd::Eof, rules, now);
                }
            }
        });
    }

    /// Lets the server close all present links with a close code.
    pub fn close(&self, code: u16, reason: &str) {
        self.net.with(|world, now| {
            let World { rules, flows, .. } = world;
            for flow in flows.values_mut() {
                flow.end_to_client(LinkEnd::closed(Some(code), reason), rules, now);
            }
        });
    }

    /// Lets a middlebox, such as a NAT, forget every link that was idle for
    /// `timeout`. The middlebox stands beside the client: a message of the client
    /// passes it when it is sent, a message of the server when it arrives.
    /// Default: links are never forgotten.
    pub fn idle_timeout(&self, timeout: Duration, expiry: IdleExpiry) {
        self.net.with(|world, _| world.rules.idle = Some((timeout, expiry)));
    }

    /// Removes the middlebox: from now on no link is forgotten.
    pub fn no_idle_timeout(&self) {
        self.net.with(|world, _| world.rules.idle = None);
    }

    /// Sets the outcome of attempts from now on. Default:
    /// [`Dialling::Accepted`].
    pub fn dialling(&self, dialling: Dialling) {
        self.net.with(|world, _| world.rules.dialling = dialling);
    }

    /// Lets the server answer beats. The default.
    pub fn answer_beats(&self) {
        self.net.with(|world, _| world.rules.answers_beats = true);
    }

    /// Lets the server take beats without an answer.
    pub fn ignore_beats(&self) {
        self.net.with(|world, _| world.rules.answers_beats = false);
    }

    /// Sets who beats on links that open from now on. Default: [`Beat::Ping`].
    pub fn beat(&self, beat: Beat) {
        self.net.with(|world, _| world.rules.beat = beat);
    }

    /// Sets how many messages a link takes before the server's system has
    /// acknowledged them; then the link is not ready. Default: 256.
    pub fn window(&self, messages: usize) {
        self.net.with(|world, _| world.rules.window = messages.max(1));
    }

    /// The time since the network was made. All its times count from there.
    pub fn elapsed(&self) -> Duration {
        self.net.with(|world, now| now - world.rules.began)
    }
}

impl<In, Out> Clone for FaultyNet<In, Out> {
    fn clone(&self) -> FaultyNet<In, Out> {
        FaultyNet { net: Arc::clone(&self.net) }
    }
}

impl<In, Out> fmt::Debug for FaultyNet<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyNet").finish_non_exhaustive()
    }
}

/// Rounds up to the grain of tokio's timers, so that no timer is late.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_nanos().div_ceil(1_000_000) as u64)
}

#[cfg(test)]
mod tests;
