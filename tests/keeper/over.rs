//! Once it is over: whatever is told to a keeper then, or wanted of it, changes
//! nothing.

use std::time::Duration;

use crate::rig::{RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{
    Config, Dialled, Finish, Input, Learned, Messages, Opened, Output, PathFacts, Recalled, RouteFacts,
};
use longlink::testing::VirtualKeeper;
use longlink::{
    Activity, Beat, Event, Failure, FirstConnect, GiveUp, Heartbeat, LinkEnd, LinkId, NetworkStatus,
    Reconnect, RetryReason, Token,
};

type MakeOver = fn() -> Rig;

/// All that can be told or wanted, of this link where it speaks of one.
fn inputs(link: LinkId) -> Vec<Input<'static>> {
    let opened = Opened::new(Beat::Ping, Dialled::new(RTT, None), RTT);
    let known = Recalled::new(Learned::new(secs(58)).failed(secs(68)), secs(60));
    let read = |messages, answers| Input::Read { link, messages, answers };
    let statuses =
        [NetworkStatus::Offline, NetworkStatus::Online, NetworkStatus::Changed, NetworkStatus::Woke];
    let mut inputs = vec![
        Input::Start,
        Input::Probe,
        Input::Reconnect,
        Input::Replace,
        Input::Confirm,
        Input::Activity(Activity::Foreground),
        Input::Activity(Activity::Background),
        Input::Pause,
        Input::Resume,
        Input::Update(Box::new(with_heartbeat(Heartbeat::prompt()))),
        Input::Close,
        Input::Dialled { link, dialled: Dialled::new(RTT, None) },
        Input::Opened { link, opened },
        Input::OpenFailed { link, failure: Failure::Refused, dialled: None },
        read(Messages::None, &[]),
        read(Messages::BeforeAnswers, &[]),
        read(Messages::AfterAnswers, &[Some(Token(1)), None]),
        Input::Sent { link },
        Input::Ended { link, end: LinkEnd::Eof },
        Input::Stalled { link },
        Input::ReadAgain { link },
        Input::Path { link, facts: Some(PathFacts::new(1, secs(60))) },
        Input::Route { link, facts: Some(RouteFacts::new(false, None)) },
        Input::NetworkNamed { network: "elsewhere" },
        Input::Recalled { network: None, recalled: Some(known) },
        Input::Timeout,
    ];
    inputs.extend(statuses.map(Input::Network));
    inputs
}

fn fail_fast() -> Config {
    let mut config = Config::default();
    config.first_connect = FirstConnect::FailFast;
    config
}

/// The ways in which it can be over.
const WAYS: [(&str, MakeOver); 7] = [
    ("closed before the start", || {
        let mut rig = Rig::new(Config::default(), 1);
        rig.keeper = VirtualKeeper::new(Config::default(), 1);
        rig.close();
        rig
    }),
    ("closed while an attempt is under way", || {
        let mut rig = Rig::new(Config::default(), 1);
        rig.close();
        rig
    }),
    ("closed, and the goodbye was answered", || {
        let mut rig = Rig::beating(Default::default());
        let link = rig.main();
        rig.close();
        rig.tell(Input::Ended { link, end: LinkEnd::Eof });
        rig
    }),
    ("closed, and the goodbye was not answered", || {
        let mut rig = Rig::beating(Default::default());
        rig.close();
        rig.pass(secs(3));
        rig
    }),
    ("given up at the first failure", || {
        let mut rig = Rig::new(fail_fast(), 1);
        rig.fail(Failure::Refused);
        rig
    }),
    ("given up after all attempts, while the network is reported gone", || {
        let mut rig = Rig::dialling(Reconnect::default().attempts(2), 1);
        rig.network(NetworkStatus::Offline);
        rig.fail(Failure::Refused);
        rig.until_opening();
        rig.network(NetworkStatus::Online);
        rig.fail(Failure::Refused);
        rig
    }),
    ("given up for what a peer said", || {
        let mut rig = Rig::dialling(Reconnect::default().attempts(1), 1);
        rig.open(Beat::Ping);
        rig.end(LinkEnd::Reset);
        rig
    }),
];

#[test]
fn once_it_is_over_nothing_that_is_told_or_wanted_changes_anything() {
    // In the same instant, after an hour, and after an hour of sleep.
    let moments: [fn(&mut Rig); 3] = [|_| {}, |rig| rig.freeze(secs(3_600)), |rig| rig.suspend(secs(3_600))];
    for (way, over) in WAYS {
        for later in moments {
            let mut rig = over();
            assert!(rig.finished().is_some(), "{way}");
            assert_eq!(rig.log.last().map(|(_, output)| matches!(output, Output::Finish(_))), Some(true));
            let opened = |(_, output): &(Duration, Output)| match output {
                Output::Open { link, .. } => Some(*link),
                _ => None,
            };
            let links: Vec<LinkId> = rig.log.iter().filter_map(opened).collect();
            later(&mut rig);
            let (state, stats) = (rig.keeper.state(), rig.keeper.stats());
            for input in links.into_iter().flat_map(inputs) {
                let name = format!("{way}: {input:?}");
                rig.keeper.tell(input);
                assert_eq!(rig.keeper.poll_output(), None, "{name}");
                assert_eq!(rig.keeper.deadline(), None, "{name}");
                assert_eq!(rig.keeper.state(), state, "{name}");
                assert_eq!(rig.keeper.stats(), stats, "{name}");
            }
        }
    }
}

#[test]
fn no_attempt_is_announced_that_never_comes() {
    for (way, over) in WAYS {
        let rig = over();
        let outputs = rig.outputs();
        let gave_up = outputs.iter().position(|output| matches!(output, Output::Emit(Event::GaveUp { .. })));
        let Some(gave_up) = gave_up else { continue };
        let after_last_attempt =
            outputs.iter().rposition(|output| matches!(output, Output::Open { .. })).unwrap_or(0);
        let announced = outputs[after_last_attempt..gave_up].iter().any(|output| {
            matches!(output, Output::Emit(Event::ReconnectScheduled { .. } | Event::ReconnectAdvanced { .. }))
        });
        assert!(!announced, "{way}: {outputs:?}");
        assert_eq!(outputs.len(), gave_up + 2, "{way}: the finish follows, and nothing else: {outputs:?}");
    }
}

#[test]
fn failing_fast_gives_up_at_the_first_failure_with_its_reason() {
    let finished = |fail: fn(&mut Rig)| {
        let mut rig = Rig::new(fail_fast(), 1);
        rig.pass(millis(100));
        fail(&mut rig);
        rig.finished()
    };
    let failure = |failure| Some(Finish::GaveUp(GiveUp::Failure(failure)));
    assert_eq!(finished(|rig| rig.fail(Failure::Dns)), failure(Failure::Dns));
    assert_eq!(finished(|rig| rig.pass(secs(15))), failure(Failure::TimedOut));
    // An attempt that is cut short for news of the network has not failed.
    let news: fn(&mut Rig) = |rig| {
        rig.pass(secs(2));
        rig.network(NetworkStatus::Online);
        rig.until_opening();
    };
    assert_eq!(finished(news), None);
}

#[test]
fn who_was_told_to_fail_fast_comes_back_once_a_link_was_in_use() {
    let mut rig = Rig::new(fail_fast(), 1);
    rig.open(Beat::Ping);
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), None);
    let (attempt, delay, reason) = rig.scheduled().expect("an attempt was scheduled");
    assert_eq!(reason, RetryReason::AttemptFailed);
    assert!(attempt > 1 && delay > Duration::ZERO);
}
