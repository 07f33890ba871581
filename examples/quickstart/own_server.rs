//! The same client against the user's own echo server, until Ctrl-C.

use std::error::Error;
use std::time::{Duration, Instant};

use longlink::Event;
use tokio::signal::ctrl_c;

use crate::args::Args;
use crate::client::{Client, News};
use crate::report::{Beats, Report};
use crate::timeline::{Timeline, Who};

/// Connects, and sends three messages after each beat that followed a
/// silence, so that the silences can grow.
pub async fn run(url: &str, args: &Args) -> Result<Report, Box<dyn Error>> {
    let timeline = Timeline::start();
    let mut client = Client::start(url, args.scale, args.seed, timeline)?;
    timeline.tell(Who::Story, "idle but for a few messages now and then; Ctrl-C closes");
    let far = Instant::now() + Duration::from_secs(365 * 24 * 3600);
    let mut interrupted = std::pin::pin!(ctrl_c());
    loop {
        let news = tokio::select! {
            pressed = &mut interrupted => {
                pressed?;
                break;
            }
            news = client.next(far) => news,
        };
        match news {
            Some((_, News::Event(Event::Connected { .. }) | News::Survived(_))) => client.burst(3),
            Some((_, News::Over(_))) | None => break,
            Some(_) => {}
        }
    }
    let stats = client.stats();
    client.close().await;
    Ok(Report {
        rows: Vec::new(),
        // Nobody here knows what the server received.
        tally: client.ledger().tally(&[], 0, &[]),
        nat_timeout: None,
        learned: stats.keeper.interval,
        beats: Beats {
            sent: stats.keeper.beats_sent,
            confirming: client.confirming(),
            saved: stats.keeper.beats_saved,
        },
        strays: 0,
        held: 0,
        logs: Vec::new(),
        took: timeline.elapsed(),
    })
}
