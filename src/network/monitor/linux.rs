//! Watches the network on Linux, through the kernel's route socket.
//!
//! A message of the kernel means no more than "scan again": links go down
//! without a message about their IPv4 routes, and when too many messages come at
//! once some of them are lost. So no message is read. The scan counts, and the loss
//! of messages: the network may have changed and changed back.

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

/// When the kernel is asked again for the gateway's link-layer address, if it does
/// not know it: the kernel learns the address as soon as a packet is sent that way.
/// After the last time the name does without.
const ASK_AGAIN: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The state of the background task.
#[derive(Debug)]
pub(super) struct Watcher {
    events: AsyncFd<OwnedFd>,
    wake: Option<WakeTimer<SleepClock>>,
    debounce: Debounce,
    judge: Judge,
    naming: Naming,
    /// When to ask for the gateway's address again, and how often that was
    /// done.
    ask_again: Option<(Instant, usize)>,
    reporter: Reporter,
}

impl Watcher {
    /// Begins to listen, then scans, so that no change in between is missed.
    pub(super) fn start(reporter: Reporter) -> io::Result<Watcher> {
        let events = ready::readable(socket::events()?)?;
        let mut watcher = Watcher {
            events,
            // Without the timer only a hint is lost.
            wake: WakeTimer::new(system_sleep as SleepClock).ok(),
            debounce: Debounce::new(Instant::now()),
            judge: Judge::default(),
            naming: Naming::default(),
            ask_again: None,
            reporter,
        };
        let host = scan_at_once()?;
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
            let (scan, ask) = (self.debounce.due(), self.ask_again.map(|(at, _)| at));
            tokio::select! {
                heard = hear(&self.events) => self.heard(heard).await,
                () = until(scan) => self.scan().await,
                () = until(ask) => self.ask_again().await,
                woke = slept(&mut self.wake) => match woke {
                    Ok(()) => self.reporter.tell(NetworkStatus::Woke, None),
                    Err(_) => self.wake = None,
                },
            }
        }
    }

    async fn heard(&mut self, heard: io::Result<NetlinkEvent>) {
        self.debounce.heard(Instant::now());
        match heard {
            Ok(NetlinkEvent::Message) => {}
            Ok(NetlinkEvent::Loss) => self.judge.miss(),
            // No cause is known; in any case not again at once.
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
        tokio::task::yield_now().await;
    }

    async fn scan(&mut self) {
        self.debounce.scan(Instant::now());
        let mut cost = Duration::ZERO;
        match scan(&mut cost).await {
            Ok(host) => self.found(&host).await,
            // The host changed during the scan: that has to settle, too.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.debounce.heard(Instant::now()),
            Err(_) => self.debounce.failed(Instant::now()),
        }
        self.debounce.scanned(cost, Instant::now());
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
        self.reporter.tell(status, self.naming.name());
    }
}

/// Waits for messages of the kernel, and takes them.
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

/// Scans the host, and lets other tasks run meanwhile. `cost` counts the scan's
/// own time.
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

/// Scans the host at once; if it changes meanwhile, again, a few times.
fn scan_at_once() -> io::Result<Host> {
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

/// Never ready without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
