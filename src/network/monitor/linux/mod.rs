//! Watches the network on Linux, through the kernel's route socket.
//!
//! Whatever the kernel says means no more than "look again": links go down
//! without a word of their IPv4 routes, and when too much is said at once some
//! of it is lost. So nothing is made of the messages; what counts is what a
//! look finds.

mod look;
mod message;
mod ready;
mod socket;
mod wake;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use super::host::{Host, Judge};
use super::name::Place;
use super::settle::Settling;
use super::teller::Teller;
use crate::driver::system_sleep;
use crate::keeper::NetworkStatus;
use look::{Look, Neighbours};
use wake::Wake;

/// Messages that are taken off the socket before others have their turn.
const TURN: usize = 256;

/// What the background task holds.
#[derive(Debug)]
pub(super) struct Watcher {
    events: AsyncFd<OwnedFd>,
    wake: Option<Wake>,
    settling: Settling,
    judge: Judge,
    /// Where the host was when it was last online, and what that is called.
    place: Option<(Place, String)>,
    teller: Teller,
}

impl Watcher {
    /// Begins to listen, then looks: what changes in between is heard of.
    pub(super) fn start(teller: Teller) -> io::Result<Watcher> {
        let events = ready::readable(socket::events()?)?;
        let mut watcher = Watcher {
            events,
            // Only a hint is lost where it cannot be had.
            wake: Wake::new(system_sleep).ok(),
            settling: Settling::new(Instant::now()),
            judge: Judge::default(),
            place: None,
            teller,
        };
        let host = look_at_once()?;
        let status = watcher.judge.judge(&host).unwrap_or(NetworkStatus::Offline);
        if let Some(place) = Place::of(&host) {
            let link_layer = link_layer_at_once(&place).unwrap_or_default();
            let name = place.name(link_layer.as_deref());
            watcher.place = Some((place, name));
        }
        watcher.tell(status);
        Ok(watcher)
    }

    /// Listens and tells, without end.
    pub(super) async fn run(mut self) {
        loop {
            let due = self.settling.due();
            tokio::select! {
                heard = hear(&self.events) => {
                    self.settling.heard(Instant::now());
                    if heard.is_err() {
                        self.settling.failed(Instant::now());
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.look().await,
                woke = slept(&mut self.wake) => match woke {
                    Ok(()) => self.teller.tell(NetworkStatus::Woke, None),
                    Err(_) => self.wake = None,
                },
            }
        }
    }

    async fn look(&mut self) {
        self.settling.look(Instant::now());
        let mut cost = Duration::ZERO;
        match look(&mut cost).await {
            Ok(host) => self.found(&host).await,
            Err(_) => self.settling.failed(Instant::now()),
        }
        self.settling.looked(cost, Instant::now());
    }

    async fn found(&mut self, host: &Host) {
        let Some(status) = self.judge.judge(host) else { return };
        if status == NetworkStatus::Offline {
            self.place = None;
        } else {
            let place = Place::of(host);
            if place.as_ref() != self.place.as_ref().map(|(place, _)| place) {
                self.place = match place {
                    Some(place) => {
                        let name = place.name(link_layer(&place).await.unwrap_or_default().as_deref());
                        Some((place, name))
                    }
                    None => None,
                };
            }
        }
        self.tell(status);
    }

    fn tell(&mut self, status: NetworkStatus) {
        self.teller.tell(status, self.place.as_ref().map(|(_, name)| name.clone()));
    }
}

/// Waits until the kernel says something, and takes what it has said.
async fn hear(events: &AsyncFd<OwnedFd>) -> io::Result<()> {
    let mut ready = events.readable().await?;
    for _ in 0..TURN {
        match ready.try_io(|events| socket::take(events.get_ref())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(())
}

async fn slept(wake: &mut Option<Wake>) -> io::Result<()> {
    match wake {
        Some(wake) => wake.slept().await,
        None => std::future::pending().await,
    }
}

/// Looks, and lets others have their turn meanwhile. `cost` counts the time
/// that it takes itself.
async fn look(cost: &mut Duration) -> io::Result<Host> {
    let mut look = Look::begin()?;
    loop {
        let begun = std::time::Instant::now();
        let found = look.step();
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
    let mut found = Look::at_once();
    for _ in 1..TRIES {
        match &found {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => found = Look::at_once(),
            Ok(_) | Err(_) => break,
        }
    }
    found
}

async fn link_layer(place: &Place) -> io::Result<Option<Vec<u8>>> {
    let Some(gateway) = place.gateway else { return Ok(None) };
    let mut neighbours = Neighbours::ask(place.index, gateway)?;
    while !neighbours.step()? {
        tokio::task::yield_now().await;
    }
    Ok(neighbours.into_link_layer())
}

fn link_layer_at_once(place: &Place) -> io::Result<Option<Vec<u8>>> {
    let Some(gateway) = place.gateway else { return Ok(None) };
    let mut neighbours = Neighbours::ask(place.index, gateway)?;
    while !neighbours.step()? {}
    Ok(neighbours.into_link_layer())
}
