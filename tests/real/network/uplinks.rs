//! A client with several uplinks, and a server that each of them leads to.
//!
//! ```text
//!          ┌─ up0  10.0.0.2 ─── 10.0.0.1  router ─┐
//! client ──┼─ up1  10.1.0.2 ─── 10.1.0.1  router ─┼── server 10.9.0.1
//!          └─ vpn  10.2.0.2 ─── 10.2.0.1  router ─┘
//! ```
//!
//! Each node has a namespace of its own. No address is translated, and the
//! server answers an address by the router of its network: so a link whose
//! address is still there lives on by whichever router its packets go, unless
//! that router refuses addresses that are not of its own network.

use std::time::Instant;

use crate::lab;
use crate::lab::namespace::Namespace;

/// The server's address, which belongs to none of the networks between.
pub const SERVER: &str = "10.9.0.1";

/// The same over IPv6, for those who ask for it.
pub const SERVER_6: &str = "fd09::1";

/// The commands that give the first uplink its address in IPv6 and a default route,
/// which go when the uplink goes down.
pub const FIRST_6: &str = "addr add fd00::2/64 dev up0 nodad\nroute replace default via fd00::1 dev up0\n";

/// One of the ways to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uplink {
    First,
    Second,
    Vpn,
}

use Uplink::{First, Second, Vpn};

impl Uplink {
    /// The client's interface.
    pub fn device(self) -> &'static str {
        match self {
            First => "up0",
            Second => "up1",
            Vpn => "vpn",
        }
    }

    /// The address in its network that ends so.
    pub fn address(self, last: u8) -> String {
        format!("10.{}.0.{last}", self as u8)
    }

    fn network(self) -> String {
        format!("{}/24", self.address(0))
    }

    /// The command that brings the default route to it.
    pub fn default_route(self) -> String {
        format!("route replace default via {} dev {}\n", self.address(1), self.device())
    }

    /// The command of a tunnel that takes all: two routes that are more special
    /// than the default one.
    pub fn halves(self) -> String {
        let (gateway, device) = (self.address(1), self.device());
        format!(
            "route add 0.0.0.0/1 via {gateway} dev {device}\nroute add 128.0.0.0/1 via {gateway} dev {device}\n"
        )
    }
}

/// Something that was done to the network. The kernel tells of it while it is
/// being done.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    pub begun: Instant,
    pub done: Instant,
}

impl Deed {
    fn of(act: impl FnOnce()) -> Deed {
        let begun = Instant::now();
        act();
        Deed { begun, done: Instant::now() }
    }
}

/// Namespaces and what connects them.
#[derive(Debug)]
pub struct Lab {
    client: Namespace,
    server: Namespace,
    routers: Vec<Namespace>,
}

impl Lab {
    /// Whether labs can be built here; see [`lab::possible`].
    pub fn possible() -> bool {
        lab::possible(|| {
            let trial = Namespace::make("trial")?;
            trial.ip("link add wire type veth peer name inside")?;
            trial.ip("link add vpn link wire type macvlan mode bridge")?;
            trial.ip("tuntap add tun0 mode tun")?;
            trial.nft(ONLY_ITS_OWN)
        })
    }

    /// Builds one. The client has its first uplink, and the default route by
    /// it; the others are to be plugged in.
    pub fn build() -> Lab {
        Lab::try_build().expect("labs are possible here")
    }

    fn try_build() -> Result<Lab, String> {
        let client = Namespace::make("client")?;
        let server = Namespace::make("server")?;
        quiet(&client)?;
        quiet(&server)?;
        server.ip(&format!("addr add {SERVER}/32 dev lo"))?;
        let mut routers = Vec::new();
        for uplink in [First, Second, Vpn] {
            let router = Namespace::make("router")?;
            quiet(&router)?;
            router.sysctl("ipv4/ip_forward", "1")?;
            // Each packet that has no way is answered.
            router.sysctl("ipv4/icmp_ratelimit", "0")?;
            let (number, there) = (uplink as u8, server.name());
            router.ip_batch(&format!(
                "link add outside type veth peer name to{number} netns {there}
                addr add 10.10{number}.0.2/24 dev outside
                link set outside up
                route add {SERVER}/32 via 10.10{number}.0.1"
            ))?;
            server.ip_batch(&format!(
                "addr add 10.10{number}.0.1/24 dev to{number}
                link set to{number} up
                route add {} via 10.10{number}.0.2",
                uplink.network()
            ))?;
            routers.push(router);
        }
        let lab = Lab { client, server, routers };
        lab.plug(First);
        lab.ip(&First.default_route());
        Ok(lab)
    }

    /// Lets the server be reached over IPv6, too, by the first uplink.
    pub fn speak_ipv6(&self) {
        self.try_speak_ipv6().expect("the kernel knows IPv6");
        self.ip(FIRST_6);
    }

    fn try_speak_ipv6(&self) -> Result<(), String> {
        let (client, router, server) = (&self.client, self.router(First), &self.server);
        let devices =
            [(client, "up0"), (router, "inside"), (router, "outside"), (server, "to0"), (server, "lo")];
        for (place, device) in devices {
            // The kernel's own changes come at times of their own.
            place.sysctl(&format!("ipv6/conf/{device}/accept_dad"), "0")?;
            place.sysctl(&format!("ipv6/conf/{device}/accept_ra"), "0")?;
            place.sysctl(&format!("ipv6/conf/{device}/disable_ipv6"), "0")?;
        }
        router.sysctl("ipv6/conf/all/forwarding", "1")?;
        router.ip_batch(&format!(
            "addr add fd00::1/64 dev inside nodad
            addr add fd10::2/64 dev outside nodad
            route add {SERVER_6}/128 via fd10::1"
        ))?;
        server.ip_batch(&format!(
            "addr add {SERVER_6}/128 dev lo
            addr add fd10::1/64 dev to0 nodad
            route add fd00::/64 via fd10::2"
        ))
    }

    pub fn client(&self) -> &Namespace {
        &self.client
    }

    pub fn server(&self) -> &Namespace {
        &self.server
    }

    fn router(&self, uplink: Uplink) -> &Namespace {
        &self.routers[uplink as usize]
    }

    /// Runs commands of `ip` on the client, a line each.
    pub fn ip(&self, commands: &str) -> Deed {
        Deed::of(|| self.client.ip_batch(commands).expect("the commands are sound"))
    }

    /// Gives the client another uplink, with its usual address and no route
    /// but that to its own network.
    pub fn plug(&self, uplink: Uplink) -> Deed {
        let (device, router) = (uplink.device(), self.router(uplink));
        let wire = if uplink == Vpn { "wire" } else { device };
        // A router has the same link-layer address whenever one comes back.
        let add = format!(
            "link add {wire} type veth peer name inside address 02:00:00:00:00:0{} netns {}",
            uplink as u8,
            router.name()
        );
        self.client.ip(&add).expect("there is no such device yet");
        if uplink == Vpn {
            // A device of another kind than a wire, as tunnels have.
            self.ip(&format!("link set {wire} up\nlink add {device} link {wire} type macvlan mode bridge"));
        }
        let inside = format!("addr add {}/24 dev inside\nlink set inside up", uplink.address(1));
        router.ip_batch(&inside).expect("the router takes its end");
        self.ip(&format!("addr add {}/24 dev {device}\nlink set {device} up", uplink.address(2)))
    }

    /// Gives a router another address in the client's network.
    pub fn add_gateway(&self, uplink: Uplink, last: u8) {
        let add = format!("addr add {}/24 dev inside", uplink.address(last));
        self.router(uplink).ip(&add).expect("the router has its end");
    }

    /// Takes an uplink away, with its addresses and routes.
    pub fn unplug(&self, uplink: Uplink) -> Deed {
        let wire = if uplink == Vpn { "\nlink del wire" } else { "" };
        self.ip(&format!("link del {}{wire}", uplink.device()))
    }

    /// Takes the carrier away from an uplink, or gives it back.
    pub fn set_carrier(&self, uplink: Uplink, there: bool) -> Deed {
        let state = if there { "up" } else { "down" };
        let set = format!("link set inside {state}");
        Deed::of(|| self.router(uplink).ip(&set).expect("the router has its end"))
    }

    /// Lets a router take only what comes from addresses of its own network,
    /// as providers do.
    pub fn refuse_foreign_addresses(&self, uplink: Uplink) {
        self.router(uplink).nft(ONLY_ITS_OWN).expect("the router takes a table");
        let own = format!("add element ip honest own {{ {} }}", uplink.network());
        self.router(uplink).nft(&own).expect("the table has such a set");
    }

    /// Takes a router's way to the server, or gives it back. Senders are told
    /// that there is none.
    pub fn set_way(&self, uplink: Uplink, there: bool) -> Deed {
        let way = if there {
            format!("route replace {SERVER}/32 via 10.10{}.0.1", uplink as u8)
        } else {
            format!("route replace unreachable {SERVER}/32")
        };
        Deed::of(|| self.router(uplink).ip(&way).expect("the router takes a route"))
    }
}

/// Nothing but what the test does: no second address of the kernel's own, and
/// no packet dropped for coming by another interface than it would go.
fn quiet(place: &Namespace) -> Result<(), String> {
    for scope in ["all", "default"] {
        place.sysctl(&format!("ipv6/conf/{scope}/disable_ipv6"), "1")?;
        place.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
    }
    Ok(())
}

const ONLY_ITS_OWN: &str = "table ip honest {
    set own { type ipv4_addr; flags interval; }
    chain arriving {
        type filter hook prerouting priority filter; policy accept;
        iifname inside ip saddr != @own drop
    }
}";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    /// Longer than a connection takes here.
    const PATIENCE: Duration = Duration::from_millis(800);
    /// With its first packets' repetitions, where a link is not ready yet.
    const MUCH_PATIENCE: Duration = Duration::from_secs(10);

    /// The lab does what the tests take for granted: which way, by which
    /// address, and with what answer.
    #[test]
    fn the_ways_to_the_server_are_those_that_the_routes_say() {
        if !Lab::possible() {
            return;
        }
        let lab = Lab::build();
        let (client, server) = (lab.client().settle(), lab.server().settle());
        let bind = TcpListener::bind((SERVER, 9000));
        let listener = server.wait_for(bind).expect("the port is free");
        server.handle().spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                kept.push(stream);
            }
        });
        let within = |patience| {
            let connect = async move { timeout(patience, TcpStream::connect((SERVER, 9000))).await };
            let connected = client.wait_for(connect).map_err(|_| std::io::ErrorKind::TimedOut)?;
            let local = connected.and_then(|stream| stream.local_addr());
            local.map(|local| local.ip().to_string()).map_err(|error| error.kind())
        };
        let by = || within(MUCH_PATIENCE);
        let is_dark = || within(PATIENCE) == Err(std::io::ErrorKind::TimedOut);
        assert_eq!(by(), Ok("10.0.0.2".to_owned()));
        lab.plug(Second);
        assert_eq!(by(), Ok("10.0.0.2".to_owned()));
        lab.ip(&Second.default_route());
        assert_eq!(by(), Ok("10.1.0.2".to_owned()));
        lab.set_way(Second, false);
        assert!(
            matches!(by(), Err(std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable)),
            "{:?}",
            by()
        );
        lab.set_way(Second, true);
        assert_eq!(by(), Ok("10.1.0.2".to_owned()));
        // An address of another network has a way, until it is refused.
        lab.ip("route replace default via 10.1.0.1 dev up1 src 10.0.0.2");
        assert_eq!(by(), Ok("10.0.0.2".to_owned()));
        lab.refuse_foreign_addresses(Second);
        assert!(is_dark());
        lab.unplug(Second);
        assert_eq!(by(), Err(std::io::ErrorKind::NetworkUnreachable));
        lab.ip(&First.default_route());
        lab.plug(Vpn);
        lab.ip(&Vpn.halves());
        assert_eq!(by(), Ok("10.2.0.2".to_owned()));
        lab.unplug(Vpn);
        assert_eq!(by(), Ok("10.0.0.2".to_owned()));
        lab.set_carrier(First, false);
        assert!(is_dark());
        lab.set_carrier(First, true);
        assert_eq!(by(), Ok("10.0.0.2".to_owned()));
    }
}
