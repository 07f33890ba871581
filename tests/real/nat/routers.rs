//! A client and a server with one or more NATs between them.
//!
//! ```text
//! client (outside) ─── (inside) router (outside) ─── … ─── (inside) server
//! ```
//!
//! Each node has a namespace of its own. The server has no route to what is
//! behind a router: whatever it answers went through the address translation.

use std::time::Duration;

use crate::lab;
use crate::lab::namespace::Namespace;

/// A router that translates addresses.
#[derive(Clone, Copy, Debug)]
pub struct Nat {
    /// It forgets a TCP flow that is idle for this long; whole seconds.
    pub timeout: Duration,
    /// The treatment of a packet of a flow that the router does not know.
    pub strangers: Strangers,
    /// `nf_conntrack_tcp_loose`: whether a packet from the middle of a flow
    /// may begin an entry.
    pub loose: bool,
}

/// The treatment of a packet from the middle of a flow that a router does not
/// know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// It is dropped.
    Dropped,
    /// Its sender is told by a reset.
    Reset,
    /// From the inside it goes through, where `loose` lets it begin an entry;
    /// from the outside it is dropped.
    Adopted,
}

/// Namespaces and what connects them.
#[derive(Debug)]
pub struct Lab {
    nodes: Vec<Namespace>,
    nats: usize,
}

impl Lab {
    /// Whether labs can be built here; see [`lab::possible`].
    pub fn possible() -> bool {
        lab::possible(|| {
            let trial = Namespace::make("trial")?;
            trial.nft(&rules(Strangers::Reset))?;
            trial.sysctl("netfilter/nf_conntrack_tcp_loose", "0")
        })
    }

    /// Builds one; the first router is the client's.
    pub fn build(nats: &[Nat]) -> Lab {
        Lab::try_build(nats).expect("labs are possible here")
    }

    fn try_build(nats: &[Nat]) -> Result<Lab, String> {
        let mut nodes = vec![Namespace::make("client")?];
        for _ in nats {
            nodes.push(Namespace::make("router")?);
        }
        nodes.push(Namespace::make("server")?);
        for (number, pair) in nodes.windows(2).enumerate() {
            let [inner, outer] = pair else { unreachable!("windows of two") };
            inner.ip(&format!("link add outside type veth peer name inside netns {}", outer.name()))?;
            inner.ip(&format!("addr add 10.0.{number}.2/24 dev outside"))?;
            outer.ip(&format!("addr add 10.0.{number}.1/24 dev inside"))?;
            inner.ip("link set outside up")?;
            outer.ip("link set inside up")?;
            inner.ip(&format!("route add default via 10.0.{number}.1"))?;
        }
        let lab = Lab { nodes, nats: nats.len() };
        for (number, nat) in nats.iter().enumerate() {
            let router = lab.router(number);
            router.sysctl("ipv4/ip_forward", "1")?;
            router.nft(&rules(nat.strangers))?;
            router.sysctl("netfilter/nf_conntrack_tcp_loose", if nat.loose { "1" } else { "0" })?;
            lab.set_timeout(number, nat.timeout);
        }
        Ok(lab)
    }

    pub fn client(&self) -> &Namespace {
        &self.nodes[0]
    }

    pub fn server(&self) -> &Namespace {
        &self.nodes[self.nats + 1]
    }

    /// The server's address, as the client reaches it.
    pub fn server_address(&self) -> String {
        format!("10.0.{}.1", self.nats)
    }

    /// Lets a router forget flows after another time. A flow that it knows
    /// already is concerned from its next packet on.
    pub fn set_timeout(&self, router: usize, timeout: Duration) {
        assert_eq!(timeout.subsec_nanos(), 0, "the kernel counts whole seconds");
        let seconds = timeout.as_secs().to_string();
        let set = self.router(router).sysctl("netfilter/nf_conntrack_tcp_timeout_established", &seconds);
        set.expect("the router takes another timeout");
    }

    /// Drops whatever reaches a router, until `lighten`.
    pub fn darken(&self, router: usize) {
        // Before flows are looked up: no packet keeps an entry alive.
        let darkness = "table ip darkness {
            chain arriving { type filter hook prerouting priority raw; policy drop; }
        }";
        self.router(router).nft(darkness).expect("the router takes another table");
    }

    /// Ends what `darken` began.
    pub fn lighten(&self, router: usize) {
        self.router(router).nft("delete table ip darkness").expect("it is dark");
    }

    /// Gives a router another address on its outside. The kernel forgets the
    /// flows that were translated to the old one.
    pub fn change_address(&self, router: usize, last: u8) {
        self.try_change_address(router, last).expect("the router takes another address");
    }

    fn try_change_address(&self, router: usize, last: u8) -> Result<(), String> {
        let node = self.router(router);
        node.ip("addr flush dev outside")?;
        node.ip(&format!("addr add 10.0.{}.{last}/24 dev outside", router + 1))?;
        if router + 1 < self.nats {
            // The route went with the address.
            node.ip(&format!("route add default via 10.0.{}.1", router + 1))?;
        }
        Ok(())
    }

    fn router(&self, number: usize) -> &Namespace {
        assert!(number < self.nats, "there is no router {number}");
        &self.nodes[number + 1]
    }
}

fn rules(strangers: Strangers) -> String {
    // Packets that the router refuses in the middle of a flow: with `loose` off such
    // packets are invalid, with `loose` on they are new. A packet from the
    // outside of a forgotten flow is addressed to the router itself, whose own
    // stack must not answer by a reset of its own.
    let (inside, outside) = match strangers {
        Strangers::Dropped => ("drop", "drop"),
        Strangers::Reset => ("reject with tcp reset", "reject with tcp reset"),
        Strangers::Adopted => ("accept", "drop"),
    };
    format!(
        "table ip nat {{
            chain forward {{
                type filter hook forward priority filter; policy accept;
                meta l4proto tcp ct state invalid {inside}
                tcp flags & (fin|syn|rst|ack) != syn ct state new {inside}
            }}
            chain input {{
                type filter hook input priority filter; policy accept;
                meta l4proto tcp {outside}
            }}
            chain postrouting {{
                type nat hook postrouting priority srcnat; policy accept;
                oifname outside masquerade
            }}
        }}"
    )
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::hiccups::steadily;

    const TIMEOUT: Duration = Duration::from_secs(2);

    /// The fate of a byte that is sent after a silence.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Fate {
        /// It comes in.
        Heard,
        /// It does not, and its sender is told by a reset.
        Refused,
        /// It does not, and nobody says so.
        Lost,
    }

    async fn fate(speaker: &mut TcpStream, hearer: &mut TcpStream, silence: Duration) -> Fate {
        tokio::time::sleep(silence).await;
        speaker.write_all(b"x").await.expect("a socket that has heard of no end takes a byte");
        let (mut heard, mut told) = ([0], [0]);
        tokio::select! {
            result = hearer.read_exact(&mut heard) => {
                result.expect("the hearer's end is sound");
                Fate::Heard
            }
            result = speaker.read(&mut told) => {
                result.expect_err("nobody answers but by a reset");
                Fate::Refused
            }
            // Far longer than a byte or a reset takes here.
            () = tokio::time::sleep(Duration::from_millis(800)) => Fate::Lost,
        }
    }

    /// The fates of a byte from the client and of one from the server, sent
    /// after half the timeout, and after once and a half.
    fn fates(strangers: Strangers, loose: bool) -> [Fate; 4] {
        let lab = Lab::build(&[Nat { timeout: TIMEOUT, strangers, loose }]);
        let (inside, outside) = (lab.client().settle(), lab.server().settle());
        let bind = TcpListener::bind(("0.0.0.0", 9000));
        let mut listener = Some(outside.wait_for(bind).expect("the port is free"));
        let address = format!("{}:9000", lab.server_address());
        let flows =
            [(true, false), (false, false), (true, true), (false, true)].map(|(from_client, long)| {
                let connect = TcpStream::connect(address.clone());
                let mut client = inside.wait_for(connect).expect("the server listens");
                let taken = listener.take().expect("it is put back each time");
                let (back, mut server, peer) = outside.wait_for(async move {
                    let (stream, peer) = taken.accept().await.expect("the client connects");
                    (taken, stream, peer)
                });
                listener = Some(back);
                assert_eq!(peer.ip().to_string(), "10.0.1.2", "the router's address, not the client's");
                let silence = if long { TIMEOUT * 3 / 2 } else { TIMEOUT / 2 };
                inside.handle().spawn(async move {
                    if from_client {
                        fate(&mut client, &mut server, silence).await
                    } else {
                        fate(&mut server, &mut client, silence).await
                    }
                })
            });
        flows.map(|flow| inside.wait_for(flow).expect("no flow panics"))
    }

    #[test]
    fn a_flow_idle_for_less_than_the_timeout_lives_and_for_more_is_forgotten() {
        use Fate::{Heard, Lost, Refused};
        if !Lab::possible() {
            return;
        }
        thread::scope(|scope| {
            for (strangers, loose, client, server) in [
                (Strangers::Dropped, false, Lost, Lost),
                (Strangers::Dropped, true, Lost, Lost),
                (Strangers::Reset, false, Refused, Refused),
                (Strangers::Reset, true, Refused, Refused),
                (Strangers::Adopted, false, Lost, Lost),
                // The client's word opens the way again; the server's does not.
                (Strangers::Adopted, true, Heard, Lost),
            ] {
                scope.spawn(move || {
                    let (expected, name) =
                        ([Heard, Heard, client, server], format!("{strangers:?}, loose: {loose}"));
                    steadily(&name, || assert_eq!(fates(strangers, loose), expected, "{name}"));
                });
            }
        });
    }
}
