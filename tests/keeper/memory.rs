//! The keeper's lessons belong to the network on which they were learned.

use std::time::Duration;

use crate::rig::{RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Dialled, Expiry, Input, Learned, Opened, Output, Recalled};
use longlink::{Beat, Event, Evidence, Heartbeat, LinkEnd, NetworkStatus, Probing};
use proptest::prelude::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn recalled(rig: &mut Rig, network: Option<&str>, learned: Learned, age: Duration) {
    rig.keeper.tell(Input::Recalled { network, recalled: Some(Recalled::new(learned, age)) });
    rig.drain();
}

fn named(rig: &mut Rig, network: &str) {
    rig.keeper.tell(Input::NetworkNamed { network });
    rig.drain();
}

/// The same, and the probe that this asks for is answered.
fn settled(rig: &mut Rig, network: &str) {
    named(rig, network);
    rig.beat_answered(RTT);
}

/// The lessons that were told to be remembered, by network.
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
        let evidence = rig.outputs().into_iter().find_map(|output| match output {
            Output::Emit(Event::Diagnosed { evidence, .. }) => Some(*evidence),
            _ => None,
        });
        let (proven, interval) = (rig.keeper.stats().proven, rig.interval());
        if moves {
            assert_eq!(evidence, Some(Evidence::NetworkEvent));
            assert_eq!((proven, interval), (Duration::ZERO, secs(27)));
        } else {
            assert_eq!(evidence, Some(Evidence::ConnectedAtOnce));
            assert_eq!((proven, interval), (secs(58), secs(58).mul_f64(0.93)));
        }
    }
}

#[test]
fn a_gap_that_began_on_the_old_network_proves_nothing_of_the_new() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(68));
    rig.pass(secs(20));
    named(&mut rig, "elsewhere");
    rig.pass(secs(1));
    rig.heard();
    assert_eq!(rig.keeper.stats().proven, Duration::ZERO);
    // From here on the link's gaps are the new network's.
    rig.beat_answered(RTT);
    assert_eq!(rig.keeper.stats().proven, secs(27));
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
    assert_eq!(rig.keeper.stats().proven, secs(34));
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
fn a_longer_gap_is_told_when_it_is_longer_by_a_twentieth() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.beat_answered(RTT);
    assert_eq!(words(&rig), [(None, Learned::new(secs(27)))]);
    rig.forget();
    for (gap, told) in [(28_300, false), (28_350, true), (28_350, false)] {
        rig.forget();
        rig.pass(millis(gap));
        rig.heard();
        let learned = Learned::new(millis(gap));
        assert_eq!(words(&rig), if told { vec![(None, learned)] } else { Vec::new() }, "{gap} ms");
    }
}

#[test]
fn what_was_too_little_to_be_told_is_told_when_the_network_is_left() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    settled(&mut rig, "home");
    rig.beat_answered(RTT);
    rig.pass(secs(28));
    rig.heard();
    rig.forget();
    settled(&mut rig, "cafe");
    assert_eq!(words(&rig), [(Some("home".to_owned()), Learned::new(secs(28)))]);
    rig.beat_answered(RTT);
    rig.forget();
    named(&mut rig, "home");
    assert_eq!(words(&rig), [], "of the cafe all was told");
    assert_eq!(rig.keeper.stats().proven, secs(28));
}

#[test]
fn what_is_not_worth_a_word_is_kept_in_mind() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    settled(&mut rig, "home");
    rig.pass(secs(20));
    rig.heard();
    named(&mut rig, "cafe");
    assert_eq!(words(&rig), []);
    rig.forget();
    named(&mut rig, "home");
    assert_eq!(questions(&rig), []);
    assert_eq!(rig.keeper.stats().proven, secs(20));
}

#[test]
fn half_of_what_was_known_does_not_take_the_place_of_the_whole() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    named(&mut rig, "home");
    recalled(&mut rig, Some("home"), Learned::new(secs(96)).failed(secs(115)), 8 * DAY);
    assert_eq!(rig.keeper.stats().proven, secs(48));
    rig.forget();
    named(&mut rig, "cafe");
    named(&mut rig, "home");
    assert_eq!(words(&rig), []);
    assert_eq!(questions(&rig), [Some("cafe".to_owned()), Some("home".to_owned())]);
}

#[test]
fn other_settings_ask_for_what_is_remembered_where_nothing_is_known() {
    let update = |rig: &mut Rig| {
        rig.forget();
        let config = rig.keeper.keeper().config().clone();
        rig.keeper.tell(Input::Update(Box::new(config)));
        rig.drain();
        questions(rig)
    };
    let mut rig = Rig::beating(Heartbeat::adaptive());
    assert_eq!(update(&mut rig), [None]);
    rig.pass(secs(20));
    rig.heard();
    assert_eq!(update(&mut rig), [], "a gap is proven");

    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.until_death();
    assert_eq!(update(&mut rig), [None], "while it waits, too");
    rig.until_opening();
    rig.open(longlink::Beat::Ping);
    assert_eq!(update(&mut rig), [], "a gap has failed");

    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.close();
    assert_eq!(update(&mut rig), []);
    assert_eq!(update(&mut Rig::beating(Heartbeat::fixed(secs(60)))), [], "there is nothing to learn");
}

#[test]
fn nothing_is_taken_or_told_when_it_is_over() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.close();
    rig.forget();
    named(&mut rig, "home");
    recalled(&mut rig, None, Learned::new(secs(68)), Duration::ZERO);
    assert_eq!(rig.outputs(), Vec::<&Output>::new());
    assert_eq!(rig.keeper.stats().proven, Duration::ZERO);
}

#[test]
fn a_slow_answer_does_not_disturb_a_dial() {
    let mut rig = Rig::dialling(longlink::Reconnect::default(), 1);
    recalled(&mut rig, None, Learned::new(secs(68)).failed(secs(77)), Duration::ZERO);
    let link = rig.opening().unwrap();
    let dialled = Dialled::new(RTT, None);
    let opened = Opened::new(longlink::Beat::Ping, dialled, RTT);
    rig.keeper.tell(Input::Opened { link, opened });
    rig.drain();
    let beat = rig.until_beat();
    assert!(beat >= secs(68).mul_f64(0.93 * 0.9) && beat <= secs(68).mul_f64(0.93));
}

/// An event around a store.
#[derive(Clone, Debug)]
enum Step {
    Named(u8),
    /// Said of the network that the host is on, or of another.
    Recalled(Option<u8>, Learned, Duration),
    Network(NetworkStatus),
    /// The next beat is answered.
    Answered,
    /// No beat is, until the link is dead; the next dial succeeds.
    Expired,
    /// The link ends by itself after this part of the interval.
    Ended(f64),
    Reset,
    Suspend(Duration),
}

fn any_learned() -> impl Strategy<Value = Learned> {
    // Mostly within reason, sometimes not.
    let gap = || prop_oneof![8 => 1u64..2_000_000, 1 => Just(0), 1 => any::<u64>()];
    let gap = move || gap().prop_map(Duration::from_millis);
    let rest = (proptest::collection::vec(gap(), 0..5), proptest::option::of(gap()), any::<u32>());
    (gap(), proptest::option::of(gap()), any::<bool>(), rest).prop_map(
        |(proven, failed, ambiguous, (drops, recheck_in, rechecks_failed))| {
            let mut learned = Learned::new(proven);
            (learned.failed, learned.ambiguous) = (failed, ambiguous);
            (learned.drops, learned.recheck_in, learned.rechecks_failed) =
                (drops, recheck_in, rechecks_failed);
            learned
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let age = prop_oneof![Just(0u64), 0u64..1_000_000, any::<u64>()].prop_map(secs);
    let status =
        prop_oneof![Just(NetworkStatus::Online), Just(NetworkStatus::Offline), Just(NetworkStatus::Changed)];
    prop_oneof![
        2 => (0u8..3).prop_map(Step::Named),
        3 => (proptest::option::of(0u8..3), any_learned(), age).prop_map(|(of, learned, age)| {
            Step::Recalled(of, learned, age)
        }),
        1 => status.prop_map(Step::Network),
        8 => Just(Step::Answered),
        3 => Just(Step::Expired),
        2 => (0.1f64..1.0).prop_map(Step::Ended),
        1 => Just(Step::Reset),
        1 => (0u64..1_000_000).prop_map(|time| Step::Suspend(secs(time))),
    ]
}

impl Step {
    fn happens(&self, rig: &mut Rig) {
        match self {
            Step::Named(network) => named(rig, &network.to_string()),
            Step::Recalled(of, learned, age) => {
                let network = of.map(|network| network.to_string());
                recalled(rig, network.as_deref(), learned.clone(), *age);
            }
            Step::Network(status) => rig.network(*status),
            Step::Answered => {
                until(rig, |output| matches!(output, Output::Beat { .. }));
                rig.answer();
            }
            Step::Expired => until(rig, |output| matches!(output, Output::Emit(Event::Disconnected { .. }))),
            Step::Ended(part) => {
                let end = rig.keeper.now() + rig.interval().mul_f64(*part);
                while rig.keeper.deadline().is_some_and(|at| at <= end) {
                    next_timer(rig);
                }
                rig.freeze(end.since(rig.keeper.now()));
                if rig.keeper.main().map(|main| main.link).is_some() {
                    rig.end(LinkEnd::Eof);
                }
            }
            Step::Reset => {
                until(rig, |output| matches!(output, Output::Beat { .. }));
                rig.end(LinkEnd::Reset);
            }
            Step::Suspend(time) => {
                rig.suspend(*time);
                rig.timeout();
            }
        }
        while rig.keeper.main().map(|main| main.link).is_none() {
            next_timer(rig);
        }
    }
}

/// The next timer's time has come. An attempt succeeds at once.
fn next_timer(rig: &mut Rig) {
    if rig.opening().is_none() {
        let at = rig.keeper.deadline().expect("something is always due");
        rig.freeze(at.since(rig.keeper.now()));
        rig.timeout();
    }
    if rig.opening().is_some() {
        rig.open(longlink::Beat::Ping);
    }
}

/// Goes on to where `wanted` has just come.
fn until(rig: &mut Rig, wanted: impl Fn(&Output) -> bool) {
    for _ in 0..1_000 {
        let seen = rig.log.len();
        next_timer(rig);
        if rig.log[seen..].iter().any(|(_, output)| wanted(output)) {
            return;
        }
    }
    panic!("it never came; the log ends {:?}", rig.log.last());
}

fn heartbeats() -> impl Strategy<Value = Heartbeat> {
    prop_oneof![
        Just(Heartbeat::adaptive()),
        Just(Heartbeat::frugal()),
        Just(Heartbeat::adaptive().probing(Probing::Passive)),
        Just(Heartbeat::adaptive().min(secs(60)).start(secs(60))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_recalled_and_wherever_the_host_goes_the_limits_hold(
        heartbeat in heartbeats(),
        steps in proptest::collection::vec(any_step(), 1..60),
    ) {
        let max = if heartbeat == Heartbeat::frugal() { secs(1800) } else { secs(285) };
        // The held interval where only the shortest interval is proven.
        let least = secs(10).mul_f64(0.93);
        let mut rig = Rig::beating(heartbeat.clone());
        for step in &steps {
            rig.forget();
            step.happens(&mut rig);
            let interval = rig.interval();
            prop_assert!(interval >= least && interval <= max, "{:?} after {:?}", interval, step);
            for (_, learned) in words(&rig) {
                prop_assert_eq!(learned.check().map_err(|invalid| invalid.field), Ok(()), "{:?}", learned);
                // Whoever begins with it holds no more than is proven, and
                // tries nothing that is known to fail.
                let mut other = Rig::beating(heartbeat.clone());
                recalled(&mut other, None, learned.clone(), Duration::ZERO);
                let (begins, proven) = (other.interval(), other.keeper.stats().proven);
                prop_assert_eq!(proven, learned.proven);
                let below_failed = learned.failed.is_none_or(|failed| begins < failed || begins <= secs(60));
                prop_assert!(below_failed && begins <= max, "{:?} with {:?}", begins, learned);
            }
        }
    }
}

#[test]
fn lessons_from_a_server_that_ends_links_before_they_beat_are_taken() {
    let heartbeat = Heartbeat::adaptive().min(secs(30)).start(secs(30));
    let mut rig = Rig::new(with_heartbeat(heartbeat), 1);
    let mut told = Vec::new();
    // Never at quite the same gap: a sweep, or a limit that is drawn.
    for number in 0..4_000 {
        rig.open(Beat::Ping);
        rig.heard();
        rig.pass(millis(27_100 + number * 1_103 % 2_800));
        rig.end(LinkEnd::Eof);
        told.extend(rig.log.drain(..).filter_map(|(_, output)| match output {
            Output::Remember { learned, .. } => Some(learned),
            _ => None,
        }));
        rig.until_opening();
    }
    assert!(told.len() > 100, "told {} times", told.len());
    for learned in told {
        assert_eq!(learned.check(), Ok(()), "{learned:?}");
    }
}
