use std::time::Duration;

use super::*;
use crate::keeper::{Dialled, Purpose};
use crate::{Beat, Event, Heartbeat, NetworkStatus, Reconnect};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn opened() -> Opened {
    Opened::new(Beat::Ping, Dialled::new(Duration::from_millis(50), None), secs(1))
}

/// A keeper with a link in use and no outputs left.
fn connected(heartbeat: Heartbeat) -> VirtualKeeper {
    let mut keeper = VirtualKeeper::new(Config::new(heartbeat, Default::default()), 1);
    keeper.tell(Input::Start);
    keeper.pass(Duration::ZERO, |_, _| {});
    keeper.open(opened());
    keeper.pass(Duration::ZERO, |_, _| {});
    keeper
}

/// The instants of all beats in this time, each answered at once.
fn beats(keeper: &mut VirtualKeeper, time: Duration) -> Vec<Duration> {
    let mut beats = Vec::new();
    keeper.pass(time, |keeper, output| {
        if let Output::Beat { link, token } = output {
            keeper.answer(link, Some(token));
            beats.push(keeper.now().elapsed());
        }
    });
    beats
}

#[test]
fn each_deadline_is_handled_at_its_own_instant() {
    let mut keeper = connected(Heartbeat::fixed(secs(30)));
    let due = keeper.deadline().expect("a beat is due");
    let beats = beats(&mut keeper, secs(100));
    assert_eq!(beats.first(), Some(&due.elapsed()));
    assert!((3..=5).contains(&beats.len()), "{beats:?}");
    assert!(beats.windows(2).all(|pair| pair[0] < pair[1]), "{beats:?}");
    assert_eq!(keeper.now().elapsed(), secs(100));
}

#[test]
fn the_keeper_tells_a_sleep_from_a_frozen_process() {
    for suspends in [false, true] {
        let mut keeper = connected(Heartbeat::fixed(secs(30)));
        if suspends {
            keeper.suspend(secs(600));
        } else {
            keeper.freeze(secs(600));
        }
        assert_eq!(keeper.now().elapsed(), secs(600));
        assert_eq!(keeper.poll_output(), None);
        assert!(keeper.deadline().is_some_and(|at| at < keeper.now()));
        let mut slept = false;
        keeper.tell(Input::Timeout);
        while let Some(output) = keeper.poll_output() {
            slept |= matches!(output, Output::Emit(Event::Slept { .. }));
        }
        assert_eq!(slept, suspends);
        let now = keeper.now();
        keeper.freeze_until(Moment::ORIGIN);
        assert_eq!(keeper.now(), now, "time never goes back");
    }
}

#[test]
fn links_are_known_by_what_they_are_for() {
    let mut keeper = VirtualKeeper::new(Config::default(), 1);
    keeper.tell(Input::Start);
    assert_eq!(keeper.links(), []);
    keeper.pass(Duration::ZERO, |_, _| {});
    let first = keeper.opening().expect("an attempt is under way");
    assert!(!first.is_open && first.token.is_none());
    assert_eq!(keeper.fail(Failure::Refused), first.link);
    assert_eq!(keeper.links(), []);

    while keeper.opening().is_none() {
        assert!(keeper.next_output_by(Moment::ORIGIN + secs(60)).is_some(), "it tries again");
    }
    let second = keeper.opening().expect("an attempt is under way");
    assert_eq!(second.asked, keeper.now());
    keeper.open(opened());
    keeper.pass(Duration::ZERO, |_, _| {});
    assert!(keeper.opening().is_none());
    assert_eq!(keeper.main().map(|main| (main.link, main.is_open)), Some((second.link, true)));
    assert_eq!(keeper.end(LinkEnd::Eof), second.link);
    assert!(keeper.main().is_none());
}

#[test]
fn a_link_that_says_goodbye_is_there_until_it_has_ended() {
    let mut keeper = connected(Heartbeat::default());
    keeper.tell(Input::Close);
    keeper.pass(Duration::ZERO, |_, _| {});
    assert!(keeper.main().is_none());
    let link = keeper.draining().next().expect("goodbye is said on it").link;
    assert_eq!(keeper.finished(), None);
    keeper.tell(Input::Ended { link, end: LinkEnd::Eof });
    keeper.pass(Duration::ZERO, |_, _| {});
    assert_eq!(keeper.links(), []);
    assert_eq!(keeper.finished(), Some(&Finish::Closed));
    assert_eq!(keeper.deadline(), None);
    assert!(!keeper.to_deadline());
}

#[test]
fn scouts_are_known_with_the_gaps_that_they_test() {
    let mut keeper = connected(Heartbeat::adaptive().probing(crate::Probing::Scout));
    let end = keeper.now() + secs(3600);
    while let Some(output) = keeper.next_output_by(end) {
        if let Output::Beat { link, token } = output {
            keeper.answer(link, Some(token));
        } else if let Output::Open { purpose: Purpose::Scout, .. } = output {
            break;
        }
    }
    keeper.pass(Duration::ZERO, |_, _| {});
    assert!(keeper.scouts().count() > 0);
    assert!(keeper.scouts().all(|scout| scout.gap > secs(1) && !scout.is_open));
    let scout = keeper.scouts().next().expect("one is out").link;
    keeper.tell(Input::OpenFailed { link: scout, failure: Failure::Refused, dialled: None });
    assert!(keeper.scouts().all(|other| other.link != scout));
}

#[test]
fn the_keeper_s_questions_get_the_facts_that_were_set() {
    // An address that is gone ends the link. Missing facts do not.
    for (facts, lives) in [(None, true), (Some(RouteFacts::new(false, None)), false)] {
        let mut keeper = connected(Heartbeat::fixed(secs(300)));
        keeper.set_route_facts(facts);
        let link = keeper.main().expect("a link is in use").link;
        keeper.tell(Input::Network(NetworkStatus::Changed));
        let mut asked = false;
        let end = keeper.now() + secs(60);
        while let Some(output) = keeper.next_output_by(end) {
            asked |= matches!(output, Output::AskRoute { .. });
            if let Output::Beat { link, token } = output {
                keeper.answer(link, Some(token));
            }
        }
        assert!(asked, "it looks at the way to its peer");
        assert_eq!(keeper.main().is_some_and(|main| main.link == link), lives);
    }
}

#[test]
#[should_panic(expected = "the keeper runs hot at")]
fn deadlines_that_follow_each_other_while_time_stands_still_do_not_hang() {
    // Attempts that are refused at once and made again within a nanosecond.
    let reconnect = Reconnect::default().scaled(1e-12);
    let mut keeper = VirtualKeeper::new(Config::new(Heartbeat::default(), reconnect), 1);
    keeper.tell(Input::Start);
    keeper.pass(secs(1), |keeper, output| {
        if let Output::Open { .. } = output {
            keeper.fail(Failure::Refused);
        }
    });
}
