//! The story: learn the NAT's timeout, go through the faults, hold.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longlink::keeper::Dice;
use longlink::{Event, LinkId, NetworkStatus};
use tokio::time::sleep;

use crate::args::{Args, Order, SCALE};
use crate::client::{Client, News, Reading};
use crate::faults::{Fault, scaled};
use crate::ledger::Break;
use crate::relay::{How, Relay};
use crate::report::{Beats, Report, Row};
use crate::server::Server;
use crate::timeline::{Timeline, Who};

/// The average time between two messages while they flow.
const PACE: Duration = Duration::from_millis(50);

/// Goes through it all.
pub async fn run(args: &Args) -> Result<Report, Box<dyn Error>> {
    let timeline = Timeline::start();
    let server = Arc::new(Server::start().await?);
    let relay = Relay::start(server.address(), args.nat_timeout, timeline).await?;
    let url = format!("ws://{}/", relay.address());
    let client = Client::start(&url, SCALE, args.seed, timeline)?;
    let mut run = Run {
        timeline,
        nat_timeout: args.nat_timeout,
        server,
        relay,
        client,
        rows: Vec::new(),
        noticed: Vec::new(),
        causes: BTreeMap::new(),
        strays: 0,
        held: 0,
    };
    run.learn().await;
    for fault in order(args.order, args.seed) {
        run.settle().await;
        run.strike(fault).await;
    }
    run.settle().await;
    run.hold().await;
    Ok(run.finish().await)
}

struct Run {
    timeline: Timeline,
    nat_timeout: Duration,
    server: Arc<Server>,
    relay: Relay,
    client: Client,
    rows: Vec<(Option<LinkId>, Row)>,
    /// When a lost link was noticed.
    noticed: Vec<Instant>,
    /// The diagnosed cause of a link's end.
    causes: BTreeMap<LinkId, String>,
    /// Links that were lost although nothing was done to them.
    strays: u64,
    /// Beats at the end that the link lived to see.
    held: u32,
}

fn order(order: Order, seed: u64) -> Vec<Fault> {
    let mut faults = Fault::ORDERED.to_vec();
    match order {
        Order::Listed => {}
        Order::Shuffled => {
            let mut dice = Dice::new(seed);
            faults.sort_by_cached_key(|_| dice.between(Duration::ZERO, Duration::from_secs(1)));
        }
    }
    faults
}

impl Run {
    /// Stays idle, but for a few messages after each beat, until longlink
    /// has found out how long the NAT remembers.
    async fn learn(&mut self) {
        self.story(format_args!("learning: the NAT forgets what is idle for {:.1?}", self.nat_timeout));
        // The time that the heartbeat may take: 6·T and 10 minutes.
        let deadline = Instant::now() + self.nat_timeout * 6 + scaled(600.0);
        let mut learned = false;
        let mut lost = None;
        while !learned || lost.is_some() {
            let Some((at, news)) = self.next(deadline).await else { break };
            match news {
                News::Event(Event::Connected { .. }) | News::Survived(_) => self.client.burst(3),
                News::Event(Event::IdleTimeoutLearned { .. }) => learned = true,
                News::Event(Event::Disconnected { link, detection, .. }) => {
                    lost = Some((link, detection, at))
                }
                News::Echoed(number) => {
                    let Some((link, detection, noticed)) =
                        lost.take_if(|(.., noticed)| self.is_new(number, *noticed))
                    else {
                        continue;
                    };
                    self.forgotten(link, detection.to_string(), noticed, Some(at));
                }
                News::Over(_) => break,
                News::Event(_) | News::Offered(_) | News::Accepted(_) | News::Settled(..) => {}
                News::Pushed(_) | News::Other => {}
            }
        }
        if let Some((link, detection, noticed)) = lost {
            self.forgotten(link, detection.to_string(), noticed, None);
        }
        let interval = self.client.stats().keeper.interval;
        self.story(format_args!("holding an interval of {interval:.2?}"));
    }

    /// A link was lost while learning: the NAT's doing, by the relay's log?
    fn forgotten(&mut self, link: LinkId, how: String, noticed: Instant, back: Option<Instant>) {
        let cuts = self.relay.log().cuts;
        let cut = cuts.iter().rfind(|cut| cut.at <= noticed && cut.how == How::Forgotten);
        let Some(cut) = cut else {
            self.strays += 1;
            return;
        };
        let row = Row {
            fault: Fault::NatExpiry,
            how,
            cause: String::new(),
            noticed: Some(noticed - cut.at),
            back: back.map(|back| back - cut.at),
            bound: Fault::NatExpiry.bound(self.nat_timeout, Duration::ZERO),
        };
        self.rows.push((Some(link), row));
    }

    /// Lets messages flow until the link counts as proved.
    async fn settle(&mut self) {
        self.client.steady(PACE);
        self.expect_no_loss(Instant::now() + scaled(32.0), |_| false).await;
    }

    /// Stays idle until the link has lived through most of the NAT's timeout
    /// twice.
    async fn hold(&mut self) {
        self.story("holding: no messages, the link lives on beats alone");
        self.client.pause();
        let least = self.nat_timeout.mul_f64(0.6);
        let mut survived = 0;
        let deadline = Instant::now() + self.nat_timeout * 4;
        self.expect_no_loss(deadline, |news| {
            survived += u32::from(matches!(news, News::Survived(gap) if *gap >= least));
            survived == Report::HOLDS
        })
        .await;
        self.held = survived;
    }

    /// Goes on until `deadline` or until `enough`; no link may be lost.
    async fn expect_no_loss(&mut self, deadline: Instant, mut enough: impl FnMut(&News) -> bool) {
        while let Some((_, news)) = self.next(deadline).await {
            self.strays += u64::from(matches!(news, News::Event(Event::Disconnected { .. })));
            if enough(&news) || matches!(news, News::Over(_)) {
                break;
            }
        }
    }

    /// Does one fault, and measures what comes of it.
    async fn strike(&mut self, fault: Fault) {
        self.story(format_args!("{fault}"));
        let bound = fault.bound(self.nat_timeout, self.client.stats().keeper.interval);
        self.prepare(fault).await;
        let began = Instant::now();
        self.begin(fault).await;
        let mut end = Some(began + fault.lasts()).filter(|_| !fault.lasts().is_zero());
        // Somewhat beyond the bounds, so that a late recovery can be measured.
        let deadline = began + fault.lasts() + (bound.noticed + bound.back) * 2;
        let (mut told, mut back, mut lost) = (None, None, 0);
        while back.is_none() {
            let Some((at, news)) = self.next(end.unwrap_or(deadline)).await else {
                if end.take().is_none() {
                    break;
                }
                self.end(fault).await;
                continue;
            };
            match news {
                News::Event(Event::Disconnected { link, detection, .. }) => {
                    lost += 1;
                    if told.is_none() && fault != Fault::ReaderStall {
                        told = Some((at, Some(link), detection.to_string()));
                    }
                }
                News::Event(event @ Event::ReaderStalled { .. }) if fault == Fault::ReaderStall => {
                    told.get_or_insert((at, None, event.to_string()));
                }
                News::Event(Event::Connected { .. }) => self.client.burst(3),
                News::Echoed(number) if end.is_none() => {
                    back = told
                        .as_ref()
                        .filter(|(noticed, ..)| self.is_new(number, *noticed))
                        .map(|_| at - began);
                }
                News::Over(_) => break,
                News::Event(_) | News::Survived(_) => {}
                News::Offered(_) | News::Accepted(_) | News::Settled(..) => {}
                News::Echoed(_) | News::Pushed(_) | News::Other => {}
            }
        }
        self.strays += u64::saturating_sub(lost, fault.links());
        let (noticed, link, how) = match told {
            Some((noticed, link, how)) => (Some(noticed - began), link, how),
            None => (None, None, "not at all".to_owned()),
        };
        let row = Row { fault, how, cause: String::new(), noticed, back, bound };
        self.rows.push((link, row));
    }

    /// The application's action before the fault.
    async fn prepare(&mut self, fault: Fault) {
        match fault {
            // Cut in the middle of things.
            Fault::Reset | Fault::Close1012 | Fault::ServerDown | Fault::AcceptThenClose => {
                self.client.burst(5)
            }
            // An application that knows itself offline is silent.
            Fault::OfflineOnline => {
                self.client.pause();
                self.expect_no_loss(Instant::now() + PACE * 4, |_| false).await;
            }
            Fault::NatExpiry | Fault::HalfOpen | Fault::ReaderStall => {}
        }
    }

    async fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::NatExpiry => {}
            Fault::HalfOpen => {
                self.relay.cut(How::Swallowed);
                self.tell(Who::Relay, "accepts bytes and answers none");
            }
            Fault::Reset => {
                self.relay.cut(How::Reset);
                self.tell(Who::Relay, "resets the flow");
            }
            Fault::Close1012 => {
                self.server.close(1012, "restart");
                self.tell(Who::Server, "closes with 1012");
            }
            Fault::ServerDown => {
                self.relay.refuse().await;
                self.relay.cut(How::Ended);
                self.tell(Who::Relay, "ends the flow and refuses new ones");
            }
            Fault::AcceptThenClose => {
                self.relay.doom(3);
                self.relay.cut(How::Ended);
                self.tell(Who::Relay, "ends the flow, and the next three after their upgrade");
            }
            Fault::OfflineOnline => {
                self.relay.refuse().await;
                self.relay.cut(How::Swallowed);
                self.tell(Who::Relay, "answers nothing and refuses new flows; the host says: offline");
                self.client.network().set(NetworkStatus::Offline);
            }
            Fault::ReaderStall => {
                self.client.read(Reading::Stalled);
                self.tell(Who::App, "stops reading while the server pushes");
                let server = self.server.clone();
                tokio::spawn(async move {
                    for _ in 0..30 {
                        server.push(100, 256);
                        sleep(Duration::from_millis(100)).await;
                    }
                });
            }
        }
    }

    /// Ends a fault that lasts.
    async fn end(&mut self, fault: Fault) {
        match fault {
            Fault::ServerDown => {
                self.relay.answer().await;
                self.tell(Who::Relay, "answers again");
            }
            Fault::OfflineOnline => {
                self.relay.answer().await;
                self.tell(Who::Relay, "answers again, the old flow forgotten; the host says: online");
                self.client.network().set(NetworkStatus::Online);
            }
            Fault::ReaderStall => {
                self.client.read(Reading::Steady);
                self.tell(Who::App, "reads again");
            }
            Fault::NatExpiry | Fault::HalfOpen | Fault::Reset | Fault::Close1012 | Fault::AcceptThenClose => {
            }
        }
    }

    /// Waits for what is still open, says goodbye, and sums up.
    async fn finish(mut self) -> Report {
        self.story("closing");
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.client.ledger().open() > 0 && self.next(deadline).await.is_some() {}
        let stats = self.client.stats();
        self.client.close().await;
        let (server, relay) = (self.server.log(), self.relay.log());
        let cuts: Vec<_> = relay.cuts.iter().map(|cut| cut.at).chain(server.closes).collect();
        let breaks: Vec<_> = self
            .noticed
            .iter()
            .map(|&noticed| Break {
                cut: cuts.iter().copied().filter(|&cut| cut <= noticed).max().unwrap_or(noticed),
                noticed,
            })
            .collect();
        let rows = self.rows.into_iter().map(|(link, row)| {
            let cause = link.and_then(|link| self.causes.get(&link)).cloned().unwrap_or_default();
            Row { cause, ..row }
        });
        Report {
            rows: rows.collect(),
            tally: self.client.ledger().tally(&server.received, server.pushed, &breaks),
            nat_timeout: Some(self.nat_timeout),
            learned: stats.keeper.interval,
            beats: Beats {
                sent: stats.keeper.beats_sent,
                confirming: self.client.confirming(),
                saved: stats.keeper.beats_saved,
            },
            strays: self.strays,
            held: self.held,
            logs: vec![
                format!(
                    "server     {} messages on {} connections, {} pushed",
                    server.received.len(),
                    server.connections,
                    server.pushed
                ),
                format!(
                    "relay      {} flows, {} cut, {} bytes swallowed",
                    relay.flows,
                    cuts.len(),
                    relay.swallowed
                ),
            ],
            took: self.timeline.elapsed(),
        }
    }

    /// The next piece of news, with what every part of the story wants noted.
    async fn next(&mut self, until: Instant) -> Option<(Instant, News)> {
        let (at, news) = self.client.next(until).await?;
        match &news {
            News::Event(Event::Disconnected { .. }) => self.noticed.push(at),
            News::Event(Event::Diagnosed { link, cause, .. }) => {
                self.causes.insert(*link, cause.to_string());
            }
            News::Event(_) | News::Survived(_) => {}
            News::Offered(_) | News::Accepted(_) | News::Settled(..) => {}
            News::Echoed(_) | News::Pushed(_) | News::Other | News::Over(_) => {}
        }
        Some((at, news))
    }

    /// Whether message `number` was offered after `noticed`: only then does
    /// its echo show that all is well again.
    fn is_new(&self, number: u64, noticed: Instant) -> bool {
        self.client.ledger().offered(number).is_some_and(|offered| offered >= noticed)
    }

    fn story(&self, what: impl Display) {
        println!();
        self.tell(Who::Story, what);
    }

    fn tell(&self, who: Who, what: impl Display) {
        self.timeline.tell(who, what);
    }
}
