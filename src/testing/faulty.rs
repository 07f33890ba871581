//! A small network in memory that fails on command.

mod flow;
mod lane;
mod link;
mod path;
mod rules;
mod server;
mod world;

pub use link::{FaultyLink, FaultyTransport};
pub use path::{Dialling, Direction, Expiry};
pub use rules::Received;
pub use server::ServerLink;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Beat, LinkEnd};
use world::{Net, World};

/// A network between the links of one client and one server, which fails on
/// command. Clones are the same network.
///
/// Each link behaves like a TCP connection that carries whole messages: it
/// keeps their order, sends again what was lost (after 200 ms or two round
/// trips, whichever is longer, then after twice as long each time, at most
/// every minute), and goes on after a black hole that was lifted. The network
/// starts without latency or faults.
///
/// The server answers beats and goodbyes by itself. Messages it either
/// answers by itself too ([`echo`](FaultyNet::echo),
/// [`answering`](FaultyNet::answering)), or they are read from the
/// [`ServerLink`] that [`accept`](FaultyNet::accept) returns
/// ([`new`](FaultyNet::new)).
///
/// It simulates the network as well as the links. To put faults over the links
/// of another transport take [`Faults`](super::Faults).
///
/// All chance comes from the seed. Times come from tokio's clock, in whole
/// milliseconds, as its timers have no finer grain.
pub struct FaultyNet<In, Out = In> {
    net: Arc<Net<In, Out>>,
}

impl<M: Clone + Send + 'static> FaultyNet<M, M> {
    /// A network whose server sends every message back at once.
    pub fn echo(seed: u64) -> FaultyNet<M, M> {
        FaultyNet::answering(seed, |message: &M| vec![message.clone()])
    }
}

impl<In: Send + 'static, Out: Send + 'static> FaultyNet<In, Out> {
    /// A network whose server is played by the test: see
    /// [`accept`](FaultyNet::accept).
    pub fn new(seed: u64) -> FaultyNet<In, Out> {
        FaultyNet { net: Arc::new(Net::new(World::new(seed, None))) }
    }

    /// A network whose server answers each message at once with what
    /// `respond` returns, and keeps it for [`received`](FaultyNet::received).
    ///
    /// `respond` must not call methods of this network.
    pub fn answering(seed: u64, respond: impl FnMut(&Out) -> Vec<In> + Send + 'static) -> FaultyNet<In, Out> {
        FaultyNet { net: Arc::new(Net::new(World::new(seed, Some(Box::new(respond))))) }
    }

    /// The transport that opens links over this network.
    pub fn transport(&self) -> FaultyTransport<In, Out> {
        FaultyTransport::new(Arc::clone(&self.net))
    }

    /// Waits for the next link that opens, and returns the server's end of
    /// it. Each is returned once, in their order. Cancel safe.
    pub async fn accept(&self) -> ServerLink<In, Out> {
        loop {
            let opened = self.net.opened.notified();
            if let Some(id) = self.net.with(|world, _| world.accept()) {
                return ServerLink::new(id, Arc::clone(&self.net));
            }
            opened.await;
        }
    }

    /// Takes out the messages that the server received and answered by itself
    /// so far, on all links, in their order.
    pub fn received(&self) -> Vec<Received<Out>> {
        self.net.with(|world, _| std::mem::take(&mut world.rules.received))
    }

    /// How many links are open, as the client sees it: not dropped by it.
    pub fn open_links(&self) -> usize {
        self.net.with(|world, _| world.open_links())
    }

    /// How long everything takes that way. Default: zero.
    pub fn latency(&self, direction: Direction, latency: Duration) {
        self.net.with(|world, _| world.shape(direction, |path| path.latency = latency));
    }

    /// How much longer it may take at random, drawn evenly from zero to this.
    /// Default: zero.
    pub fn jitter(&self, direction: Direction, jitter: Duration) {
        self.net.with(|world, _| world.shape(direction, |path| path.jitter = jitter));
    }

    /// How likely it is that one sending is lost that way, from 0 to 1; what
    /// is lost is sent again. Default: 0.
    pub fn loss(&self, direction: Direction, loss: f64) {
        self.net.with(|world, _| world.shape(direction, |path| path.loss = loss));
    }

    /// Silently loses all that is sent that way, on present and future links,
    /// until [`restore`](FaultyNet::restore).
    pub fn black_hole(&self, direction: Direction) {
        self.net.with(|world, _| world.shape(direction, |path| path.faults.holed = true));
    }

    /// Holds all that is on its way, until [`restore`](FaultyNet::restore)
    /// lets it arrive at once.
    pub fn stall(&self, direction: Direction) {
        self.net.with(|world, _| world.shape(direction, |path| path.faults.stalled = true));
    }

    /// Ends black holes and stalls of the network that way. Those of a single
    /// link stay. What a hole swallowed arrives when it is sent again.
    pub fn restore(&self, direction: Direction) {
        self.net.with(|world, now| {
            world.shape(direction, |path| path.faults.clear());
            world.release(now);
        });
    }

    /// Ends all present links as by a reset, at both ends, at once.
    pub fn cut(&self) {
        self.net.with(|world, _| world.flows.values_mut().for_each(|flow| flow.reset()));
    }

    /// Ends the stream of all present links that way (FIN), behind all that
    /// was sent before; the other way goes on.
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

    /// The server closes all present links with a close code.
    pub fn close(&self, code: u16, reason: &str) {
        self.net.with(|world, now| {
            let World { rules, flows, .. } = world;
            for flow in flows.values_mut() {
                flow.end_to_client(LinkEnd::closed(Some(code), reason), rules, now);
            }
        });
    }

    /// Forgets every link over which nothing went for `timeout`, as a NAT
    /// does. It stands beside the client: what the client sends passes it when
    /// it is sent, what the server sends when it arrives. Default: never.
    pub fn idle_timeout(&self, timeout: Duration, expiry: Expiry) {
        self.net.with(|world, _| world.rules.idle = Some((timeout, expiry)));
    }

    /// Remembers links for ever, from now on.
    pub fn no_idle_timeout(&self) {
        self.net.with(|world, _| world.rules.idle = None);
    }

    /// What becomes of attempts that begin from now on.
    pub fn dialling(&self, dialling: Dialling) {
        self.net.with(|world, _| world.rules.dialling = dialling);
    }

    /// The server answers beats, as it does at first.
    pub fn answer_beats(&self) {
        self.net.with(|world, _| world.rules.answers_beats = true);
    }

    /// The server takes beats and does not answer them.
    pub fn ignore_beats(&self) {
        self.net.with(|world, _| world.rules.answers_beats = false);
    }

    /// Who beats on links that open from now on. Default: [`Beat::Ping`].
    pub fn beat(&self, beat: Beat) {
        self.net.with(|world, _| world.rules.beat = beat);
    }

    /// How many messages a link takes that the server's system has not
    /// acknowledged; then it is not ready. Default: 256.
    pub fn window(&self, messages: usize) {
        self.net.with(|world, _| world.rules.window = messages.max(1));
    }

    /// Time since the network was made, which is what all its times count
    /// from.
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

/// Rounds up to tokio's grain, so that a timer for it is never late.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_nanos().div_ceil(1_000_000) as u64)
}

#[cfg(test)]
mod tests;
