//! Watches the network through netwatch, on systems other than Linux.
//!
//! netwatch tells which interfaces are up, their addresses, and over which the
//! default route goes. It waits for a quarter of a second of silence before it
//! reports, and reads its clock every 15 s to notice a sleep.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use n0_watcher::Watcher as _;
use netwatch::interfaces::{HomeRouter, IpNet, State};

use super::host::{Host, HostAddress, Interface, Judge, Route};
use super::name::{Attachment, Naming};
use super::reporter::Reporter;
use crate::NetworkStatus;

/// The state of the background task.
#[derive(Debug)]
pub(super) struct Watcher {
    numbers: Numbers,
    judge: Judge,
    naming: Naming,
    /// The name that was told last.
    told: Option<String>,
    reporter: Reporter,
}

impl Watcher {
    /// Begins to watch; [`Watcher::run`] finds out the present state.
    pub(super) fn start(reporter: Reporter) -> io::Result<Watcher> {
        Ok(Watcher {
            numbers: Numbers::default(),
            judge: Judge::default(),
            naming: Naming::default(),
            told: None,
            reporter,
        })
    }

    /// Watches and tells, without end, if the system lets it.
    pub(super) async fn run(mut self) {
        let monitor = match netwatch::netmon::Monitor::new().await {
            Ok(monitor) => monitor,
            Err(error) => {
                tracing::warn!(%error, "the network cannot be watched");
                return;
            }
        };
        let mut states = monitor.interface_state();
        let mut state = states.get();
        // The presence of a network is no news at the start, but its name is.
        match self.found(&state) {
            Some(NetworkStatus::Online) => self.tell(NetworkStatus::Changed),
            Some(status) => self.tell(status),
            None => self.tell(NetworkStatus::Offline),
        }
        while let Ok(next) = states.updated().await {
            if next.last_unsuspend != state.last_unsuspend {
                self.reporter.tell(NetworkStatus::Woke, None);
            }
            state = next;
            if let Some(status) = self.found(&state) {
                self.tell(status);
            }
        }
    }

    fn found(&mut self, state: &State) -> Option<NetworkStatus> {
        let host = host(state, &mut self.numbers, || HomeRouter::new().map(|router| router.gateway));
        let status = self.judge.judge(&host)?;
        if let Some(place) = Attachment::of(&host).filter(|_| status != NetworkStatus::Offline) {
            self.naming.arrive(place, None);
        }
        Some(status)
    }

    /// Without link-layer addresses many networks have the same name. To tell the same
    /// name again would say that the network has stayed, which nobody knows.
    fn tell(&mut self, status: NetworkStatus) {
        let name = self.naming.name();
        let tells = status != NetworkStatus::Offline && name != self.told;
        let other = name.clone().filter(|_| tells);
        if other.is_some() {
            self.told = name;
        }
        self.reporter.tell(status, other);
    }
}

/// The facts that matter in netwatch's state. `gateway` is called only where
/// there is a default route.
fn host(state: &State, numbers: &mut Numbers, gateway: impl FnOnce() -> Option<IpAddr>) -> Host {
    let mut host = Host::default();
    numbers.forget_all_but(state);
    for found in state.interfaces.values() {
        let index = numbers.of(found.name());
        let mut interface = Interface {
            name: found.name().to_owned(),
            running: found.is_up(),
            loopback: false,
            joins_containers: false,
            // netwatch does not tell a neighbour's link-layer address.
            resolves: false,
        };
        for network in found.addrs() {
            let ip = network.addr();
            interface.loopback |= ip.is_loopback();
            let (prefix, usable) = match network {
                IpNet::V4(network) => (network.prefix_len(), true),
                IpNet::V6 { net, flags, .. } => (net.prefix_len(), !flags.tentative && !flags.duplicated),
            };
            if usable {
                host.addresses.push(HostAddress { interface: index, ip, prefix });
            }
        }
        if state.default_route_interface.as_deref() == Some(found.name()) {
            host.routes.push(default_route(index));
        }
        host.interfaces.insert(index, interface);
    }
    if let Some(route) = host.routes.first_mut() {
        route.gateway = gateway();
    }
    host
}

fn default_route(interface: u32) -> Route {
    Route {
        table: 0,
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        prefix: 0,
        priority: 0,
        interface,
        gateway: None,
        source: None,
    }
}

/// Numbers for interfaces, since netwatch does not show the system's.
#[derive(Debug, Default)]
struct Numbers {
    known: BTreeMap<String, u32>,
    last: u32,
}

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.known.get(name) {
            return *number;
        }
        self.last += 1;
        self.known.insert(name.to_owned(), self.last);
        self.last
    }

    fn forget_all_but(&mut self, state: &State) {
        self.known.retain(|name, _| state.interfaces.contains_key(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_netwatch_is_understood() {
        let mut numbers = Numbers::default();
        let gateway: IpAddr = "192.168.0.1".parse().unwrap();
        let found = host(&State::fake(), &mut numbers, || Some(gateway));
        assert_eq!(found.interfaces[&1].name, "wifi0");
        assert!(found.runs(1));
        assert_eq!(
            found.addresses,
            [HostAddress { interface: 1, ip: "192.168.0.189".parse().unwrap(), prefix: 24 }]
        );
        assert_eq!(found.routes, [Route { gateway: Some(gateway), ..default_route(1) }]);
        assert_eq!(host(&State::fake(), &mut numbers, || Some(gateway)), found, "the same interface");
    }

    #[test]
    fn a_network_that_is_gone_is_offline_and_online_once_it_is_back() {
        let mut watcher = Watcher::start(Reporter::new(crate::NetworkHandle::new())).unwrap();
        let there = State::fake();
        let gone = State { interfaces: Default::default(), default_route_interface: None, ..State::fake() };
        assert_eq!(watcher.found(&there), Some(NetworkStatus::Online));
        assert_eq!(watcher.found(&there), None);
        assert_eq!(watcher.found(&gone), Some(NetworkStatus::Offline));
        assert!(watcher.numbers.known.is_empty());
        assert_eq!(watcher.found(&there), Some(NetworkStatus::Online));
        let no_route = State { default_route_interface: None, ..State::fake() };
        assert_eq!(watcher.found(&no_route), Some(NetworkStatus::Offline));
    }
}
