//! The world itself: several links of one client at once, and what the
//! server says. The client here does what a script says and writes down what
//! it is told.

use std::collections::VecDeque;
use std::time::Duration;

use crate::world::client::{Act, Client, End, Link};
use crate::world::{Expiry, Nature, Traffic, World};

const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn each_flow_is_forgotten_by_its_own_idle_time() {
    let mut script = three_links();
    script.extend([
        (50, Act::Beat(2, 7)),
        (70, Act::Beat(1, 8)),
        (71, Act::Beat(2, 9)),
        (72, Act::Beat(3, 10)),
    ]);
    let (log, record) = play(Nature::steady(TIMEOUT, Expiry::RstLate), script, 200);
    assert_eq!(log, ["open 1", "open 2", "open 3", "answer 7 on 2", "Rst of 1", "answer 9 on 2", "Rst of 3"]);
    assert_eq!((record.beats, record.scout_beats, record.scouts), (1, 3, 2));
}

#[test]
fn a_middlebox_that_speaks_tells_each_flow_at_its_own_time() {
    let mut script = three_links();
    script.push((50, Act::Beat(2, 7)));
    let (log, _) = play(Nature::steady(TIMEOUT, Expiry::Fin), script, 100);
    assert_eq!(log, ["open 1", "open 2", "open 3", "answer 7 on 2", "Fin of 1", "Fin of 3"]);
}

#[test]
fn a_restart_ends_all_flows_and_an_outage_holds_up_all() {
    let mut nature = Nature::steady(TIMEOUT, Expiry::Silent);
    nature.outages.push((Duration::from_secs(29), Duration::from_millis(1500)));
    nature.restarts.push((Duration::from_secs(40), Duration::from_secs(2)));
    let mut script = three_links();
    script.extend([(30, Act::Beat(1, 1)), (30, Act::Beat(3, 3))]);
    let (log, record) = play(nature, script, 100);
    let ends = ["Fin of 1", "Fin of 2", "Fin of 3"];
    assert_eq!(log[..5], ["open 1", "open 2", "open 3", "answer 1 on 1", "answer 3 on 3"]);
    assert_eq!(log[5..], ends);
    assert_eq!(record.drops.len(), 1, "the user's link alone counts: {record:?}");
}

#[test]
fn a_goodbye_ends_one_flow_and_an_abandoned_one_says_nothing() {
    let mut script = three_links();
    script.extend([(10, Act::Retire(2)), (10, Act::Abandon(3)), (20, Act::Beat(1, 4))]);
    let (log, record) = play(Nature::steady(TIMEOUT, Expiry::Fin), script, 60);
    assert_eq!(log, ["open 1", "open 2", "open 3", "Fin of 2", "answer 4 on 1"]);
    assert!(record.drops.is_empty());
}

#[test]
fn gaps_are_those_of_the_link_that_is_the_users_at_the_time() {
    let mut script = three_links();
    script.extend([(20, Act::Use(2)), (50, Act::Beat(1, 5)), (90, Act::Beat(2, 6))]);
    let (log, record) = play(Nature::steady(TIMEOUT, Expiry::RstLate), script, 100);
    assert_eq!(log[3..], ["answer 5 on 1", "Rst of 2"]);
    assert_eq!(record.drops.len(), 1);
    assert_eq!(record.drops[0].gap, Duration::from_secs(70), "since it was taken into use");
}

#[test]
fn what_the_server_says_holds_the_users_flow_and_is_heard() {
    let times = [50, 100, 150].map(Duration::from_secs).to_vec();
    let nature = Nature::steady(TIMEOUT, Expiry::Rst).with_traffic(Traffic::At(times));
    let (log, record) = play(nature, three_links(), 180);
    let heard = ["message on 1", "Rst of 2", "Rst of 3", "message on 1", "message on 1"];
    assert_eq!(log[3..], heard);
    assert_eq!(record.messages, 3);
}

#[test]
fn random_traffic_comes_as_often_as_it_should() {
    let nature = Nature::steady(TIMEOUT, Expiry::Silent).with_traffic(Traffic::Poisson(TIMEOUT / 20));
    let (_, record) = play(nature, vec![(0, Act::Open(1))], 30_000);
    assert!((9_000..11_000).contains(&record.messages), "{} messages", record.messages);
}

/// The user's link, which is the first, and two beside it.
fn three_links() -> Vec<(u64, Act)> {
    [1, 2, 3].map(|link| (0, Act::Open(link))).to_vec()
}

fn play(nature: Nature, script: Vec<(u64, Act)>, length: u64) -> (Vec<String>, crate::record::Record) {
    let mut log = Vec::new();
    let mut client = Scripted { script: script.into(), log: &mut log, acts: VecDeque::new(), main: 0 };
    client.now(Duration::ZERO);
    let mut world = World::new(&nature, client, 1);
    world.run_to(Duration::from_secs(length));
    let record = world.record();
    (log, record)
}

struct Scripted<'a> {
    script: VecDeque<(u64, Act)>,
    log: &'a mut Vec<String>,
    acts: VecDeque<Act>,
    /// The user's link: the first that opens, or what the script says; zero
    /// before.
    main: Link,
}

impl Scripted<'_> {
    fn now(&mut self, now: Duration) {
        while self.script.front().is_some_and(|(at, _)| Duration::from_secs(*at) <= now)
            && let Some((_, act)) = self.script.pop_front()
        {
            if let Act::Use(link) = act {
                self.main = link;
            }
            self.acts.push_back(act);
        }
    }
}

impl Client for Scripted<'_> {
    fn start(&mut self, _: Duration) {}

    fn opened(&mut self, link: Link, _: Duration, _: Duration, _: Duration) {
        self.log.push(format!("open {link}"));
        if self.main == 0 {
            self.main = link;
            self.acts.push_back(Act::Use(link));
        }
    }

    fn open_failed(&mut self, link: Link, _: Duration) {
        self.log.push(format!("no {link}"));
    }

    fn answered(&mut self, link: Link, token: u64, _: Duration) {
        self.log.push(format!("answer {token} on {link}"));
    }

    fn heard(&mut self, link: Link, _: Duration) {
        self.log.push(format!("message on {link}"));
    }

    fn ended(&mut self, link: Link, end: End, _: Duration) {
        self.log.push(format!("{end:?} of {link}"));
        if link == self.main {
            self.acts.push_back(Act::Lost("ended"));
        }
    }

    fn timeout(&mut self, now: Duration) {
        self.now(now);
    }

    fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.script.front().map(|(at, _)| Duration::from_secs(*at))
    }

    fn interval(&self, _: Duration) -> Duration {
        TIMEOUT
    }
}
