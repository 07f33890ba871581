//! The parts that the tests share: a lab with a server, clients in it, and the
//! questions that each test asks a client.

use std::time::{Duration, Instant};

use longlink::transport::{Link, Transport};
use longlink::{Heartbeat, Message, Probing, Reconnect, WebSocket};

use crate::asking::asking;
use crate::hiccups;
use crate::lab::client::Client;
use crate::lab::in_full;
use crate::lab::server::Server;
use crate::routers::{Lab, Nat, Strangers};

/// The idle timeout that most tests begin with.
pub const T: Duration = Duration::from_secs(8);
/// All of longlink's times in most tests: [`T`] stands for one of 64 s, and
/// the shortest deadline of a beat is an eighth of a second.
pub const SCALE: f64 = 1.0 / 8.0;
/// Longer than any return to a working path takes: an attempt that hangs in
/// the dark ends after 15 s at most.
pub const BACK: Duration = Duration::from_secs(40);
/// Links that learning may cost.
pub const ALLOWANCE: usize = 3;

/// A router that drops what it does not know, as most do.
pub const PLAIN: Nat = Nat { timeout: T, strangers: Strangers::Dropped, loose: false };

/// A lab and its server.
#[derive(Debug)]
pub struct Stage {
    // In this order: what lives in the namespaces ends before they do.
    pub server: Server,
    pub lab: Lab,
}

impl Stage {
    pub fn set(nats: &[Nat]) -> Stage {
        let lab = Lab::build(nats);
        Stage { server: Server::start(lab.server(), &lab.server_address()), lab }
    }

    /// Starts a client with longlink's defaults at [`SCALE`], but for how it
    /// probes.
    pub fn client(&self, name: &str, probing: Probing) -> Client {
        self.client_with(name, Heartbeat::adaptive().scaled(SCALE).probing(probing), SCALE)
    }

    /// Starts a client with any heartbeat; `scale` is that of its delays.
    pub fn client_with(&self, name: &str, heartbeat: Heartbeat, scale: f64) -> Client {
        let transport = WebSocket::new(self.server.url(name)).expect("a sound URL");
        start(&self.lab, transport, name, heartbeat, scale)
    }

    /// Starts a client that can ask the server to speak after a silence.
    pub fn asking_client(&self, name: &str) -> Client {
        let transport = asking(&self.server.url(name));
        start(&self.lab, transport, name, Heartbeat::adaptive().scaled(SCALE), SCALE)
    }
}

/// Starts a client in the lab's first namespace.
fn start<T>(lab: &Lab, transport: T, name: &str, heartbeat: Heartbeat, scale: f64) -> Client
where
    T: Transport,
    T::Link: Link<Incoming = Message, Outgoing = Message>,
{
    Client::start(lab.client(), transport, name, move |builder| {
        builder.heartbeat(heartbeat).reconnect(Reconnect::default().scaled(scale))
    })
}

/// Whether a test of a minute or more is to be run here: where it is asked
/// for and possible.
pub fn wanted() -> bool {
    in_full("what takes minutes on a real NAT") && Lab::possible()
}

/// Waits until a client at [`SCALE`] that knows nothing has learned the
/// timeout, at the allowed cost, and is connected.
pub fn learn(client: &mut Client, timeout: Duration, probing: Probing) {
    learn_at(client, timeout, probing, SCALE);
}

/// The same at another scale.
pub fn learn_at(client: &mut Client, timeout: Duration, probing: Probing, scale: f64) {
    // The promise of the prober, and a second for each link that it may cost.
    let (timeouts, more, links) = match probing {
        Probing::Scout => (5, Duration::from_secs(120), 0),
        _ => (6, Duration::from_secs(600), ALLOWANCE),
    };
    let begun = Instant::now();
    let limit = timeout * timeouts + more.mul_f64(scale) + Duration::from_secs(ALLOWANCE as u64);
    client.until("the timeout is learned", limit, |_, account| !account.learned.is_empty());
    client.until_connected(BACK);
    let links = links + spoiled(begun, scale);
    assert!(client.account.lost.len() <= links, "learning cost {:?}", client.account.lost);
    assert_in_band(client, timeout);
}

/// How many tries stand-stills of the machine may have spoiled since a moment:
/// a beat that is later than 2 s, at scale, teaches nothing, and the gap that it
/// was to end is tried once more, which may cost another link.
pub fn spoiled(since: Instant, scale: f64) -> usize {
    hiccups::since(since, Duration::from_secs(2).mul_f64(scale))
}

/// The interval lies as far below the timeout as it should.
pub fn assert_in_band(client: &Client, timeout: Duration) {
    let interval = client.stats().keeper.interval;
    let ratio = interval.div_duration_f64(timeout);
    client.say(format_args!("{} links lost, {ratio:.3} of the timeout held", client.account.lost.len()));
    assert!((0.7..=0.97).contains(&ratio), "the interval is {interval:.1?}, {ratio:.2} of the timeout");
}

/// Stays idle until so many beats at the held interval were answered; none
/// may cost a link.
pub fn hold(client: &mut Client, beats: usize) {
    let lost = client.account.lost.len();
    let interval = client.stats().keeper.interval;
    for _ in 0..beats {
        // Intervals are drawn up to a tenth shorter.
        client.until_survived(interval.mul_f64(0.89), interval * 3);
    }
    assert_eq!(client.account.lost.len(), lost, "lost while holding: {:?}", client.account);
}
