//! The quickstart's client against a server and a proxy of other people's
//! making; see README.md beside this file.

#[expect(dead_code, reason = "the quickstart uses more of its client than this test")]
#[path = "../../examples/quickstart/client.rs"]
mod client;
#[path = "../support/hiccups.rs"]
mod hiccups;
#[expect(dead_code, reason = "as above")]
#[path = "../../examples/quickstart/ledger.rs"]
mod ledger;
#[expect(dead_code, reason = "as above")]
mod process;
mod stage;
#[expect(dead_code, reason = "as above")]
#[path = "../../examples/quickstart/timeline.rs"]
mod timeline;
#[path = "../../examples/quickstart/wire.rs"]
mod wire;

use std::io::Write;
use std::time::{Duration, Instant};

use longlink::{Detection, Event};

use crate::client::{Client, News};
use crate::hiccups::steadily;
use crate::process::Tools;
use crate::stage::{Proxy, Server};
use crate::timeline::{Timeline, Who};

/// nginx cuts a WebSocket that is idle for this long.
const LIMIT: Duration = Duration::from_secs(5);
/// So that a limit of 5 s stands for one of 100 s.
const SCALE: f64 = 1.0 / 20.0;
/// Longer than any recovery here takes: an attempt that a frozen server lets
/// hang ends after 15 s at most, and a delay lasts 3 s at most at this scale.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn the_proxys_limit_is_learned_and_held_through_server_faults() {
    let required = std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1");
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(missing) if required => panic!("{missing}"),
        Err(missing) => {
            // Past the test harness, which keeps back what a passing test prints.
            let _ = writeln!(std::io::stderr(), "skipped: {missing}");
            return;
        }
    };
    steadily("nginx's limit", || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(learn_and_hold(&tools, required));
    });
}

async fn learn_and_hold(tools: &Tools, required: bool) {
    let mut server = Server::start(tools);
    let proxy = Proxy::start(tools, &server, LIMIT);
    let timeline = Timeline::start();
    let client = Client::start(&proxy.url(), SCALE, 1, timeline).expect("the URL is sound");
    let mut test = Test { client, timeline, lost: Vec::new() };

    // A trial whose beat was late is tried again; a beat that is later
    // than the rest of the limit finds no link any more.
    let spoiled = |since: Instant| hiccups::since(since, Duration::from_secs(2).mul_f64(SCALE));
    let begun = Instant::now();
    test.learn().await;
    let most = 3 + spoiled(begun);
    assert!((1..=most).contains(&test.lost.len()), "learning cost {} links", test.lost.len());
    test.assert_interval();

    test.lost.clear();
    test.flow().await;
    test.tell("the server is stopped");
    server.stop();
    test.until_lost().await;
    server.restart();
    test.flow().await;
    test.tell("the server is killed");
    server.kill();
    test.until_lost().await;
    server.restart();
    test.flow().await;
    test.tell("the server is frozen");
    server.freeze();
    test.until_lost().await;
    server.thaw();
    test.flow().await;
    assert!(matches!(test.lost[0], Detection::Ended(_)), "stopped: {}", test.lost[0]);
    assert!(matches!(test.lost[1], Detection::Ended(_)), "killed: {}", test.lost[1]);
    assert!(matches!(test.lost[2], Detection::Unanswered { beats: 5 }), "frozen: {}", test.lost[2]);

    // A minute where it is asked for, a glimpse in an ordinary `cargo test`.
    let minute = if required { Duration::from_secs(60) } else { LIMIT * 2 };
    test.lost.clear();
    let begun = Instant::now();
    test.hold(minute).await;
    assert!(test.lost.len() <= spoiled(begun), "lost while holding: {:?}", test.lost);
    test.assert_interval();
    test.finish().await;
}

struct Test {
    client: Client,
    timeline: Timeline,
    /// How each lost link was noticed.
    lost: Vec<Detection>,
}

impl Test {
    /// Stays idle, but for a few messages after each beat, until the limit is
    /// learned and a link is in use.
    async fn learn(&mut self) {
        self.tell("learning");
        let deadline = Instant::now() + LIMIT * 6 + Duration::from_secs(30);
        let (mut learned, mut connected) = (false, false);
        while !(learned && connected) {
            match self.next(deadline).await.expect("learned within 6·T + 10 min, at scale") {
                News::Event(Event::IdleTimeoutLearned { .. }) => learned = true,
                News::Event(Event::Disconnected { .. }) => connected = false,
                News::Event(Event::Connected { .. }) => {
                    connected = true;
                    self.client.burst(3);
                }
                News::Survived(_) => self.client.burst(3),
                _ => {}
            }
        }
    }

    /// Lets messages flow for 2 s of one link in use, each of them echoed.
    async fn flow(&mut self) {
        self.client.steady(Duration::from_millis(50));
        let deadline = Instant::now() + PATIENCE;
        let mut since = Instant::now();
        let mut echoes = 0;
        while echoes < 10 || since.elapsed() < Duration::from_secs(2) {
            match self.next(deadline).await.expect("back in time") {
                News::Echoed(_) => echoes += 1,
                News::Event(Event::Connected { .. }) => (since, echoes) = (Instant::now(), 0),
                _ => {}
            }
        }
    }

    async fn until_lost(&mut self) {
        let before = self.lost.len();
        let deadline = Instant::now() + PATIENCE;
        while self.lost.len() == before {
            self.next(deadline).await.expect("noticed in time");
        }
        assert_eq!(self.lost.len(), before + 1);
    }

    /// Stays idle for so long, but for a message every quarter of it.
    async fn hold(&mut self, time: Duration) {
        self.tell("holding");
        self.client.pause();
        for _ in 0..4 {
            let deadline = Instant::now() + time / 4;
            while self.next(deadline).await.is_some() {}
            self.client.burst(1);
        }
    }

    async fn finish(mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.client.ledger().open() > 0 && self.next(deadline).await.is_some() {}
        self.client.close().await;
        let tally = self.client.ledger().tally(&[], 0, &[]);
        assert!(tally.accepted > 100, "only {} messages", tally.accepted);
        assert_eq!((tally.repeated, tally.reordered), (0, 0), "{tally:?}");
        // This server answers a Ping before it has echoed earlier messages.
        // Messages that it had, but had not echoed when it died, count as delivered:
        // at each of the three cuts those of one round trip.
        assert!(tally.lost <= 3, "{tally:?}");
    }

    fn assert_interval(&self) {
        let interval = self.client.stats().keeper.interval;
        let ratio = interval.div_duration_f64(LIMIT);
        assert!((0.7..=0.97).contains(&ratio), "the interval is {interval:?}, {ratio:.2} of the limit");
    }

    async fn next(&mut self, deadline: Instant) -> Option<News> {
        let (_, news) = self.client.next(deadline).await?;
        match &news {
            News::Event(Event::Disconnected { detection, .. }) => self.lost.push(detection.clone()),
            News::Over(error) => panic!("the connection ended: {error:?}"),
            _ => {}
        }
        Some(news)
    }

    fn tell(&self, what: &str) {
        self.timeline.tell(Who::Story, what);
    }
}
