//! What the keeper knows belongs to the network on which it was learned.

#[path = "keeper/rig.rs"]
mod rig;

use std::time::Duration;

use longlink::keeper::{
    Dialled, Event, Expiry, Ground, Heartbeat, Learned, LinkEnd, NetworkStatus, Opened, Output, Recalled,
};
use rig::{RTT, Rig, secs};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn recalled(rig: &mut Rig, network: Option<&str>, learned: Learned, age: Duration) {
    rig.keeper.handle_recalled(network, Some(Recalled::new(learned, age)), rig.now);
    rig.drain();
}

fn named(rig: &mut Rig, network: &str) {
    rig.keeper.handle_network_named(network, rig.now);
    rig.drain();
}

/// What was told to be remembered, by network.
fn words(rig: &Rig) -> Vec<(Option<String>, Learned)> {
    let word = |output: &&Output| match output {
        Output::Remember { network, learned, .. } => {
            Some((network.as_deref().map(str::to_owned), learned.clone()))
        }
        _ => None,
    };
    rig.outputs().iter().filter_map(word).collect()
}

fn questions(rig: &Rig) -> Vec<Option<String>> {
    let question = |output: &&Output| match output {
        Output::Recall { network, .. } => Some(network.as_deref().map(str::to_owned)),
        _ => None,
    };
    rig.outputs().iter().filter_map(question).collect()
}

#[test]
fn an_old_networks_death_teaches_the_new_one_nothing() {
    for moves in [false, true] {
        let mut rig = Rig::beating(Heartbeat::adaptive());
        rig.learn(secs(58));
        // The beat at the next rung is never answered.
        rig.until_death();
        rig.forget();
        if moves {
            named(&mut rig, "elsewhere");
        }
        rig.until_opening();
        rig.open(longlink::Beat::Ping);
        let ground = rig.outputs().into_iter().find_map(|output| match output {
            Output::Emit(Event::Diagnosed { evidence, .. }) => Some(*evidence),
            _ => None,
        });
        let (proven, interval) = (rig.keeper.figures(rig.now).proven, rig.interval());
        if moves {
            assert_eq!(ground, Some(Ground::NetworkEvent));
            assert_eq!((proven, interval), (Duration::ZERO, secs(27)));
        } else {
            assert_eq!(ground, Some(Ground::ConnectedAtOnce));
            assert_eq!((proven, interval), (secs(58), secs(58).mul_f64(0.93)));
        }
    }
}

#[test]
fn a_gap_that_began_on_the_old_network_proves_nothing_of_the_new() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(68));
    rig.pass(secs(60));
    named(&mut rig, "elsewhere");
    rig.network(NetworkStatus::Changed);
    rig.pass(secs(1));
    rig.heard();
    assert_eq!(rig.keeper.figures(rig.now).proven, Duration::ZERO);
    // From here on the link's gaps are the new network's.
    rig.beat_answered(RTT);
    assert_eq!(rig.keeper.figures(rig.now).proven, secs(27));
}

#[test]
fn it_asks_for_each_network_once_and_keeps_in_mind_where_it_has_been() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    assert_eq!(questions(&rig), [None]);
    for name in ["home", "cafe"] {
        named(&mut rig, name);
        rig.learn(secs(34));
    }
    named(&mut rig, "home");
    named(&mut rig, "home");
    assert_eq!(questions(&rig), [None, Some("home".to_owned()), Some("cafe".to_owned())]);
    assert_eq!(rig.keeper.figures(rig.now).proven, secs(34));
}

#[test]
fn an_answer_for_a_network_that_was_left_is_not_taken() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    named(&mut rig, "home");
    recalled(&mut rig, None, Learned::new(secs(200)), Duration::ZERO);
    recalled(&mut rig, Some("cafe"), Learned::new(secs(200)), Duration::ZERO);
    assert_eq!(rig.interval(), secs(27));
    recalled(&mut rig, Some("home"), Learned::new(secs(68)).failed(secs(77)), Duration::ZERO);
    assert_eq!(rig.interval(), secs(68).mul_f64(0.93));
}

#[test]
fn the_65th_network_displaces_the_one_that_was_left_first() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    for network in 0..=65 {
        named(&mut rig, &network.to_string());
        rig.learn(secs(27));
    }
    rig.forget();
    // The unnamed network and "0" are forgotten, so "0" is asked for; "2" is
    // not.
    named(&mut rig, "0");
    named(&mut rig, "3");
    assert_eq!(questions(&rig), [Some("0".to_owned())]);
}

#[test]
fn what_is_told_says_how_links_end_there() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(58));
    rig.pass(secs(45));
    rig.forget();
    rig.until_death();
    rig.until_opening();
    rig.open(longlink::Beat::Ping);
    let last = words(&rig).pop().unwrap();
    assert_eq!(last.1.expiry, Some(Expiry::Silent));

    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(58));
    rig.pass(secs(64));
    rig.end(LinkEnd::Eof);
    rig.until_opening();
    rig.open(longlink::Beat::Ping);
    let last = words(&rig).pop().unwrap();
    assert_eq!((last.1.expiry, last.1.ambiguous), (Some(Expiry::Ended), true));
}

#[test]
fn a_doubt_is_not_worth_a_word_and_what_comes_of_it_is() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    recalled(&mut rig, None, Learned::new(secs(68)).failed(secs(77)), Duration::ZERO);
    rig.forget();
    rig.until_death();
    rig.until_opening();
    rig.open(longlink::Beat::Ping);
    assert_eq!(rig.interval(), secs(68).mul_f64(0.93) / 2);
    assert_eq!(words(&rig), []);
    // Halved, and dead again at the gap that was held: it shrank.
    rig.beat_answered(RTT);
    rig.until_death();
    rig.until_opening();
    rig.open(longlink::Beat::Ping);
    let last = words(&rig).pop().unwrap();
    assert!(last.1.failed.is_some_and(|failed| failed < secs(68)), "{last:?}");
}

#[test]
fn a_confirmation_is_told_a_day_after_the_last() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    let known = Learned::new(secs(68)).failed(secs(77));
    recalled(&mut rig, None, known.clone(), secs(3600));
    rig.forget();
    let mut told = Vec::new();
    while rig.elapsed() < 2 * DAY {
        rig.beat_answered(RTT);
        if !words(&rig).is_empty() {
            told.push(rig.elapsed());
            rig.forget();
        }
    }
    // A day after it was last confirmed, which was an hour before the start.
    let due = [DAY - secs(3600), 2 * DAY - secs(3600)];
    assert_eq!(told.len(), 2, "{told:?}");
    for (told, due) in told.iter().zip(due) {
        assert!(*told >= due && *told <= due + secs(200), "{told:?}");
    }
}

#[test]
fn nothing_is_taken_or_told_when_it_is_over() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.close();
    rig.forget();
    named(&mut rig, "home");
    recalled(&mut rig, None, Learned::new(secs(68)), Duration::ZERO);
    assert_eq!(rig.outputs(), Vec::<&Output>::new());
    assert_eq!(rig.keeper.figures(rig.now).proven, Duration::ZERO);
}

#[test]
fn a_slow_answer_does_not_disturb_a_dial() {
    let mut rig = Rig::dialling(longlink::Reconnect::default(), 1);
    recalled(&mut rig, None, Learned::new(secs(68)).failed(secs(77)), Duration::ZERO);
    let link = rig.opening.unwrap();
    let dialled = Dialled { took: RTT, local: None };
    let opened = Opened { beat: longlink::Beat::Ping, dialled, took: RTT };
    rig.keeper.handle_opened(link, opened, rig.now);
    rig.drain();
    let beat = rig.until_beat();
    assert!(beat >= secs(68).mul_f64(0.93 * 0.9) && beat <= secs(68).mul_f64(0.93));
}
