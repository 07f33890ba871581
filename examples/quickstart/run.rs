//! The story: learn the NAT's timeout, go through the faults, hold.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longlink::Event;
use longlink::keeper::{Dice, LinkId, NetworkStatus};
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
    let relay = Relay::start(server.address(), args.nat_timeout).await?;
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
    rows: Vec<(LinkId, Row)>,
    /// When a lost link was noticed.
    noticed: Vec<Instant>,
    /// What a link's end was found to be.
    causes: BTreeMap<LinkId, String>,
    /// Links that were lost although nothing was done to them.
    strays: u64,
}
