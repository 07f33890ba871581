//! The parts that the tests share: a lab with a server, and a client in it that
//! listens to the kernel.

use std::time::Duration;

use longlink::network::Monitor;
use longlink::{Heartbeat, Reconnect, WebSocket};

use crate::hiccups;
use crate::lab::client::Client;
use crate::lab::server::Server;
use crate::lab::{in_full, required};
use crate::uplinks::{Lab, SERVER, SERVER_6};

/// Longer than anything takes that is to come soon.
pub const SOON: Duration = Duration::from_secs(15);
/// A link has proved itself after 30 s in use.
const PROVED: Duration = Duration::from_secs(31);

/// A lab and its server.
#[derive(Debug)]
pub struct Stage {
    // In this order: what lives in the namespaces ends before they do.
    pub server: Server,
    pub lab: Lab,
}

impl Stage {
    pub fn set() -> Stage {
        hiccups::watch();
        let lab = Lab::build();
        Stage { server: Server::start(lab.server(), SERVER), lab }
    }

    /// The same, with a server that is reached over IPv6.
    pub fn set_ipv6() -> Stage {
        hiccups::watch();
        let lab = Lab::build();
        lab.speak_ipv6();
        Stage { server: Server::start(lab.server(), SERVER_6), lab }
    }

    /// Starts a client with longlink's defaults and waits for its link.
    pub fn connected(&self, name: &str) -> Client {
        let mut client = self.client(name);
        client.until_connected(SOON);
        client.round_trip();
        client
    }

    /// The same, and where the tests run in full it waits until its link has
    /// proved itself, so that the return from it is not drawn from a second.
    pub fn proved(&self, name: &str) -> Client {
        let mut client = self.connected(name);
        if required() {
            client.pass(PROVED);
        }
        client
    }

    /// Starts a client with longlink's defaults.
    pub fn client(&self, name: &str) -> Client {
        self.client_with(name, Heartbeat::default(), Reconnect::default())
    }

    /// Starts a client.
    pub fn client_with(&self, name: &str, heartbeat: Heartbeat, reconnect: Reconnect) -> Client {
        let transport = WebSocket::new(self.server.url(name)).expect("a sound URL");
        Client::start(self.lab.client(), transport, name, move |builder| {
            let monitor = Monitor::start().expect("the kernel tells of its network");
            builder.heartbeat(heartbeat).reconnect(reconnect).network(monitor)
        })
    }
}

/// Whether a test of more than seconds is to be run here: where it is asked
/// for and possible.
pub fn wanted() -> bool {
    in_full("what takes minutes on networks that come and go") && Lab::possible()
}
