//! A second link that is opened beside the one in use, to take its place.

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use crate::scouts::scouted;
use longlink::keeper::{Config, Dialled, Finish, Input, Output};
use longlink::{
    Beat, Cause, Detection, Event, Evidence, Failure, GiveUp, Heartbeat, LinkEnd, LinkId, NetworkStatus,
    Reconnect, Retry, State,
};

/// With a link in use for ten seconds, and a second one being opened.
fn replacing() -> (Rig, LinkId, LinkId) {
    let mut rig = Rig::linked();
    let first = rig.main();
    rig.tell(Input::Replace);
    let second = rig.opening().expect("a second link is opened");
    assert_eq!(rig.keeper.state(), State::Connected { epoch: 1 }, "the first one carries on");
    (rig, first, second)
}

fn opens(rig: &Rig) -> usize {
    rig.instants(|output| matches!(output, Output::Open { .. })).len()
}

fn waits(rig: &Rig) -> bool {
    !rig.instants(|output| matches!(output, Output::Emit(Event::ReconnectScheduled { .. }))).is_empty()
}

#[test]
fn a_second_link_replaces_the_first_at_the_instant_it_is_open() {
    let (mut rig, first, second) = replacing();
    rig.pass(millis(700));
    rig.forget();
    rig.open(Beat::Ping);
    let opened = rig.elapsed();
    let told: Vec<&Output> = rig.outputs();
    assert!(
        matches!(
            told[..],
            [
                Output::Emit(Event::Disconnected { link: lost, epoch: 1, detection: Detection::Replaced, .. }),
                Output::Emit(Event::Diagnosed { cause: Cause::Ours, evidence: Evidence::Ourselves, .. }),
                Output::Retire { link: left },
                Output::Promote { link: promoted, epoch: 2 },
                Output::Emit(Event::Connected { epoch: 2, .. }),
            ] if *lost == first && *left == first && *promoted == second
        ),
        "{told:?}"
    );
    assert_eq!(rig.keeper.state(), State::Connected { epoch: 2 });
    // The first is read to its end, or for as long as a goodbye may take.
    let dropped = rig.until(|output| matches!(output, Output::Abandon { link } if *link == first));
    assert_eq!(dropped, opened + secs(3));
}

#[test]
fn a_first_link_that_ends_behind_our_goodbye_is_not_dropped_again() {
    let (mut rig, first, _) = replacing();
    rig.open(Beat::Ping);
    rig.tell(Input::Ended { link: first, end: LinkEnd::Eof });
    rig.forget();
    rig.pass(secs(4));
    assert_eq!(rig.instants(|output| matches!(output, Output::Abandon { .. })), NEVER);
    assert!(rig.is_connected());
}

#[test]
fn the_first_link_beats_on_while_the_second_is_opened() {
    let mut rig = Rig::fixed(20);
    rig.pass(secs(10));
    rig.tell(Input::Replace);
    assert_eq!(rig.until_beat(), secs(20));
    rig.pass(RTT);
    rig.answer();
    assert!(rig.is_connected() && rig.misses() == NEVER);
}

#[test]
fn a_second_link_that_cannot_be_opened_changes_nothing() {
    for way in 0..3 {
        let (mut rig, first, second) = replacing();
        rig.forget();
        match way {
            0 => rig.fail(Failure::Refused),
            1 => rig.tell(Input::Ended { link: second, end: LinkEnd::Eof }),
            // By its deadline.
            _ => {
                let dropped = rig.until(|output| matches!(output, Output::Abandon { .. }));
                assert_eq!(dropped, secs(10) + RTT + secs(300) + secs(15));
            }
        }
        assert!(rig.is_connected() && rig.main() == first && !waits(&rig), "way {way}");
        // Nor does it count among the attempts that come after it.
        rig.end(LinkEnd::Reset);
        rig.until_opening();
        let attempt = rig.scheduled().map(|(attempt, ..)| attempt);
        assert_eq!(attempt, Some(1), "way {way}");
        // And another second link may follow another time.
        rig.open(Beat::Ping);
        rig.tell(Input::Replace);
        assert!(rig.opening().is_some());
    }
}

#[test]
fn a_link_that_is_lost_comes_back_by_the_second_that_is_being_opened() {
    type Lose = fn(&mut Rig);
    let ways: [Lose; 3] = [|rig| rig.end(LinkEnd::Reset), |rig| rig.reconnect(), |rig| rig.address_gone()];
    for lose in ways {
        let (mut rig, first, second) = replacing();
        rig.forget();
        lose(&mut rig);
        assert!(!waits(&rig) && opens(&rig) == 0, "one is under way: {:?}", rig.outputs());
        assert_eq!(rig.keeper.state(), State::Connecting { attempt: 1 });
        let told = |output: &Output| matches!(output, Output::Emit(Event::Connecting { link, attempt: 1 }) if *link == second);
        assert_eq!(rig.instants(told).len(), 1, "it is an attempt to come back now");
        assert_eq!(rig.opening(), Some(second));
        rig.open(Beat::Ping);
        assert_eq!(rig.keeper.state(), State::Connected { epoch: 2 });
        let gone = rig.instants(|output| matches!(output, Output::Retire { link } if *link == first));
        assert_eq!(gone, NEVER, "there is nobody left to say goodbye to");
    }
}

#[test]
fn a_second_link_that_fails_after_the_first_is_lost_is_an_attempt_as_any() {
    let mut rig = opened_by_the_third();
    rig.tell(Input::Replace);
    rig.end(LinkEnd::Reset);
    assert_eq!(rig.keeper.state(), State::Connecting { attempt: 4 });
    rig.fail(Failure::Refused);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: 5 });
    assert!(waits(&rig));
}

#[test]
fn what_is_final_for_the_first_ends_the_second_too() {
    let (mut rig, _, second) = replacing();
    rig.forget();
    rig.end(LinkEnd::closed(Some(1008), "no"));
    let dropped = rig.instants(|output| matches!(output, Output::Abandon { link } if *link == second));
    assert_eq!(dropped.len(), 1);
    assert!(matches!(rig.finished(), Some(Finish::GaveUp(GiveUp::Close { code: 1008, .. }))));
    assert!(matches!(rig.outputs().last(), Some(Output::Finish(_))));
}

#[test]
fn at_most_one_second_link_is_opened() {
    let (mut rig, ..) = replacing();
    rig.forget();
    rig.tell(Input::Replace);
    assert_eq!(opens(&rig), 0, "one is under way");

    let mut config = Config::default();
    config.overlap = false;
    let mut rig = Rig::connected(config, 1);
    rig.forget();
    rig.tell(Input::Replace);
    assert_eq!(opens(&rig), 0, "the server allows one session");

    let mut rig = Rig::new(Config::default(), 1);
    rig.tell(Input::Replace);
    rig.fail(Failure::Refused);
    rig.tell(Input::Replace);
    assert_eq!(opens(&rig), 1, "there is nothing to replace");
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.tell(Input::Pause);
    rig.forget();
    rig.tell(Input::Replace);
    assert_eq!(opens(&rig), 0, "it is paused");
    rig.close();
    rig.tell(Input::Replace);
    assert_eq!(opens(&rig), 0, "it is closed");
}

#[test]
fn a_pause_and_a_close_say_goodbye_to_the_first_and_drop_the_second() {
    for input in [Input::Pause, Input::Close] {
        let (mut rig, first, second) = replacing();
        rig.forget();
        rig.tell(input);
        let retired = rig.instants(|output| matches!(output, Output::Retire { link } if *link == first));
        let dropped = rig.instants(|output| matches!(output, Output::Abandon { link } if *link == second));
        assert_eq!((retired.len(), dropped.len()), (1, 1));
        assert_eq!(rig.opening(), None);
    }
}

/// With a link in use that the third attempt has opened, and that has not proved
/// itself.
fn opened_by_the_third() -> Rig {
    let mut rig = Rig::new(Config::default(), 1);
    for _ in 0..2 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig
}

#[test]
fn a_pause_takes_no_attempt_back_that_was_never_counted() {
    // The attempt that opened the link that is left has not failed.
    let resumed = |rig: &mut Rig| {
        rig.tell(Input::Pause);
        rig.tell(Input::Resume);
        rig.keeper.state()
    };
    let without = resumed(&mut opened_by_the_third());
    let mut rig = opened_by_the_third();
    rig.tell(Input::Replace);
    assert_eq!((resumed(&mut rig), without), (without, State::Connecting { attempt: 3 }));
}

#[test]
fn a_link_that_replaces_one_counts_as_the_attempt_that_it_was() {
    let mut rig = opened_by_the_third();
    rig.tell(Input::Replace);
    rig.open(Beat::Ping);
    rig.end(LinkEnd::Reset);
    assert_eq!(rig.scheduled().map(|(attempt, ..)| attempt), Some(4));
}

#[test]
fn scouts_go_with_the_link_that_they_were_sent_beside() {
    let mut rig = scouted();
    let scouts = rig.scouts();
    rig.tell(Input::Replace);
    assert_eq!(rig.scouts(), scouts, "the first link carries on, and so do they");
    rig.forget();
    rig.open(Beat::Ping);
    for scout in scouts {
        let retired = |output: &Output| matches!(output, Output::Retire { link } if *link == scout.link);
        assert_eq!(rig.instants(retired).len(), 1, "goodbye is said to it");
    }
    assert_eq!(rig.scouts(), []);
}

#[test]
fn an_outage_after_the_second_links_dial_is_no_idle_timeout() {
    for opens in [false, true] {
        let mut rig = Rig::beating(Heartbeat::adaptive());
        rig.learn(secs(58));
        rig.pass(secs(66));
        rig.tell(Input::Replace);
        rig.pass(RTT);
        let second = rig.opening().expect("a second link is opened");
        rig.dialled(second, RTT);
        rig.forget();
        rig.until_death();
        match opens {
            true => {
                rig.open(Beat::Ping);
            }
            false => {
                let dialled = Some(Dialled::new(RTT, None));
                rig.tell(Input::OpenFailed { link: second, failure: Failure::Refused, dialled });
            }
        }
        assert_eq!(rig.diagnoses(), [(Cause::PathDead, Evidence::DialFailed)], "it opens: {opens}");
        assert_eq!(rig.keeper.stats().proven, secs(58));
        assert!(rig.interval() > secs(58), "nothing was learned");
    }
}

#[test]
fn news_that_the_second_link_began_before_has_its_way_looked_at() {
    for news in [NetworkStatus::Online, NetworkStatus::Changed] {
        let (mut rig, _, second) = replacing();
        rig.dialled(second, RTT);
        rig.network(news);
        rig.pass(millis(100));
        rig.open(Beat::Ping);
        let opened = rig.elapsed();
        rig.forget();
        let asked = rig.until(|output| matches!(output, Output::AskRoute { link } if *link == second));
        assert_eq!(asked, opened + millis(250));
    }
}

#[test]
fn news_that_came_while_both_lived_hurries_the_attempt_behind_them() {
    let (mut rig, ..) = replacing();
    rig.network(NetworkStatus::Online);
    rig.end(LinkEnd::Reset);
    rig.forget();
    rig.fail(Failure::Refused);
    assert!(rig.delay_advanced() <= secs(1));
}

#[test]
fn a_second_link_without_a_path_before_the_news_is_not_waited_for() {
    let (mut rig, _, second) = replacing();
    rig.pass(secs(3));
    rig.network(NetworkStatus::Changed);
    rig.forget();
    rig.address_gone();
    let lost = rig.elapsed();
    assert_eq!(rig.instants(|output| matches!(output, Output::Abandon { link } if *link == second)), [lost]);
    assert!(rig.until_opening() <= lost + secs(1));

    let (mut rig, _, second) = replacing();
    rig.pass(secs(3));
    rig.forget();
    rig.suspend(secs(1200));
    rig.timeout();
    let woke = rig.elapsed();
    assert_eq!(rig.instants(|output| matches!(output, Output::Abandon { link } if *link == second)), [woke]);
    assert!(rig.until_opening() <= woke + secs(1));
}

#[test]
fn a_servers_own_time_is_waited_for_beside_a_second_link() {
    let mut config = Config::default();
    config.reconnect = Reconnect::default().classify(|_, _| Retry::After(secs(20)));
    let mut rig = Rig::connected(config, 1);
    rig.tell(Input::Replace);
    let second = rig.opening().expect("a second link is opened");
    rig.forget();
    rig.end(LinkEnd::closed(Some(1013), ""));
    let lost = rig.elapsed();
    assert_eq!(rig.instants(|output| matches!(output, Output::Abandon { link } if *link == second)), [lost]);
    assert!(rig.due() >= lost + secs(20));
}

#[test]
fn a_sleep_is_not_counted_against_a_second_link() {
    let mut rig = Rig::linked();
    rig.tell(Input::Replace);
    let second = rig.opening().expect("a second link is opened");
    rig.pass(secs(10));
    rig.suspend(secs(60));
    rig.timeout();
    rig.forget();
    let woke = rig.elapsed();
    let dropped = rig.until(|output| matches!(output, Output::Abandon { link } if *link == second));
    assert_eq!(dropped, woke + secs(5));
}

#[test]
fn good_news_of_the_network_cuts_no_second_link_short() {
    let (mut rig, _, second) = replacing();
    rig.pass(secs(5));
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.opening(), Some(second));
    assert!(rig.is_connected());
    rig.open(Beat::Ping);
    assert_eq!(rig.main(), second);
}

#[test]
fn what_was_learned_on_the_first_link_holds_on_the_second() {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.learn(secs(58));
    rig.tell(Input::Replace);
    rig.open(Beat::Ping);
    assert_eq!(rig.keeper.stats().proven, secs(58));
    let opened = rig.elapsed();
    assert_eq!(rig.until_beat(), opened + secs(68), "the next gap is tried on it");
}

#[test]
fn no_two_beats_of_a_connection_have_the_same_name() {
    let mut rig = Rig::fixed(20);
    for _ in 0..3 {
        rig.beat_answered(RTT);
    }
    rig.tell(Input::Replace);
    rig.open(Beat::Ping);
    for _ in 0..3 {
        rig.beat_answered(RTT);
    }
    rig.reconnect();
    rig.open(Beat::Ping);
    rig.beat_answered(RTT);
    let tokens = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Beat { token, .. } => Some(token.0),
        _ => None,
    });
    assert_eq!(tokens.collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}
