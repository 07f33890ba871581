//! Watches the network on Linux, through the kernel's route socket.
//!
//! Whatever the kernel says means no more than "look again": links go down
//! without a word of their IPv4 routes, and when too much is said at once some
//! of it is lost. So nothing is made of the messages; what counts is what a
//! look finds, and that something was lost: it may have been a change and a
//! change back.

mod message;
mod ready;
mod scan;
mod socket;
mod wake;

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, sleep_until};

use super::debounce::Debounce;
use super::host::{Host, Judge};
use super::name::{Attachment, Naming};
use super::reporter::Reporter;
use crate::NetworkStatus;
use crate::clock::system_sleep;
use scan::{HostScan, Neighbours};
use socket::NetlinkEvent;
use wake::WakeTimer;

/// How long the machine has slept since it booted.
type SleepClock = fn() -> Duration;

/// Messages that are taken off the socket before others have their turn.
const TURN: usize = 256;

/// When the gateway's link-layer address is asked for again if it is not
/// there: the kernel learns it as soon as something is sent that way. After
/// the last the name does without.
const ASK_AGAIN: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What the background task holds.
#[derive(Debug)]
pub(super) struct Watcher {
    events: AsyncFd<OwnedFd>,
    wake: Option<WakeTimer<SleepClock>>,
    settling: Debounce,
    judge: Judge,
    naming: Naming,
    /// When to ask for the gateway's address again, and how often that was
    /// done.
    ask_again: Option<(Instant, usize)>,
    teller: Reporter,
}

impl Watcher {
    /// Begins to listen, then looks: what changes in between is heard of.
    pub(super) fn start(teller: Reporter) -> io::Result<Watcher> {
        let events = ready::readable(socket::events()?)?;
        let mut watcher = Watcher {
            events,
            // Only a hint is lost where it cannot be had.
            wake: WakeTimer::new(system_sleep as SleepClock).ok(),
            settling: Debounce::new(Instant::now()),
            judge: Judge::default(),
            naming: Naming::default(),
            ask_again: None,
            teller,
        };
        let host = look_at_once()?;
        let status = watcher.judge.judge(&host).unwrap_or(NetworkStatus::Offline);
        if let Some(place) = Attachment::of(&host).filter(|_| status != NetworkStatus::Offline) {
            let link_layer = place.neighbour().and_then(|ip| Neighbours::at_once(place.index, ip).ok()?);
            watcher.arrive(place, link_layer.as_deref());
        }
        watcher.tell(status);
        Ok(watcher)
    }

    /// Listens and tells, without end.
    pub(super) async fn run(mut self) {
        loop {
            let (scan, ask) = (self.settling.due(), self.ask_again.map(|(at, _)| at));
            tokio::select! {
                heard = hear(&self.events) => self.heard(heard).await,
                () = until(scan) => self.scan().await,
                () = until(ask) => self.ask_again().await,
                woke = slept(&mut self.wake) => match woke {
                    Ok(()) => self.teller.tell(NetworkStatus::Woke, None),
                    Err(_) => self.wake = None,
                },
            }
        }
    }

    async fn heard(&mut self, heard: io::Result<NetlinkEvent>) {
        self.settling.heard(Instant::now());
        match heard {
            Ok(NetlinkEvent::Message) => {}
            Ok(NetlinkEvent::Loss) => self.judge.miss(),
            // Not known to happen: not again at once, in any case.
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
        tokio::task::yield_now().await;
    }

    async fn scan(&mut self) {
        self.settling.scan(Instant::now());
        let mut cost = Duration::ZERO;
        match scan(&mut cost).await {
            Ok(host) => self.found(&host).await,
            // What was listed changed meanwhile: that settles, too.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.settling.heard(Instant::now()),
            Err(_) => self.settling.failed(Instant::now()),
        }
        self.settling.looked(cost, Instant::now());
    }

    async fn found(&mut self, host: &Host) {
        let Some(status) = self.judge.judge(host) else { return };
        self.ask_again = None;
        if let Some(place) = Attachment::of(host).filter(|_| status != NetworkStatus::Offline) {
            let link_layer = match place.neighbour() {
                Some(ip) => link_layer(place.index, ip).await.unwrap_or_default(),
                None => None,
            };
            self.arrive(place, link_layer.as_deref());
        }
        self.tell(status);
    }

    fn arrive(&mut self, place: Attachment, link_layer: Option<&[u8]>) {
        if !self.naming.arrive(place, link_layer) {
            self.ask_again = Some((Instant::now() + ASK_AGAIN[0], 0));
        }
    }

    async fn ask_again(&mut self) {
        let Some((_, asked)) = self.ask_again.take() else { return };
        let Some((interface, ip)) = self.naming.neighbour() else { return };
        let link_layer = link_layer(interface, ip).await.unwrap_or_default();
        let next = ASK_AGAIN.get(asked + 1).filter(|_| link_layer.is_none());
        self.ask_again = next.map(|next| (Instant::now() + *next, asked + 1));
        if self.naming.asked_again(link_layer.as_deref(), next.is_none()) {
            self.tell(NetworkStatus::Changed);
        }
    }

    fn tell(&mut self, status: NetworkStatus) {
        self.teller.tell(status, self.naming.name());
    }
}

/// Waits until the kernel says something, and takes what it has said.
async fn hear(events: &AsyncFd<OwnedFd>) -> io::Result<NetlinkEvent> {
    let mut ready = events.readable().await?;
    let mut heard = NetlinkEvent::Message;
    for _ in 0..TURN {
        match ready.try_io(|events| socket::take(events.get_ref())) {
            Ok(Ok(NetlinkEvent::Message)) => {}
            Ok(Ok(NetlinkEvent::Loss)) => heard = NetlinkEvent::Loss,
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(heard)
}

async fn slept(wake: &mut Option<WakeTimer<SleepClock>>) -> io::Result<()> {
    match wake {
        Some(wake) => wake.slept().await,
        None => std::future::pending().await,
    }
}

/// Looks, and lets others have their turn meanwhile. `cost` counts the time
/// that it takes itself.
async fn scan(cost: &mut Duration) -> io::Result<Host> {
    let mut scan = HostScan::begin()?;
    loop {
        let begun = std::time::Instant::now();
        let found = scan.step();
        *cost += begun.elapsed();
        if let Some(host) = found? {
            return Ok(host);
        }
        tokio::task::yield_now().await;
    }
}

/// Looks, however often the host changes meanwhile, a few times.
fn look_at_once() -> io::Result<Host> {
    const TRIES: usize = 5;
    let mut found = HostScan::at_once();
    for _ in 1..TRIES {
        match &found {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => found = HostScan::at_once(),
            Ok(_) | Err(_) => break,
        }
    }
    found
}

async fn link_layer(interface: u32, ip: IpAddr) -> io::Result<Option<Vec<u8>>> {
    let mut neighbours = Neighbours::ask(interface, ip)?;
    while !neighbours.step()? {
        tokio::task::yield_now().await;
    }
    Ok(neighbours.into_link_layer())
}

/// Without a time it does not come.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
