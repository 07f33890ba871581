//! Once it is over: whatever is told to a keeper then, or wanted of it, changes
//! nothing.

use std::time::Duration;

use crate::rig::{RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{
    Activity, Beat, Because, Config, Dialled, Event, Failure, Finish, GiveUp, Heartbeat, Keeper, Learned,
    LinkEnd, LinkId, Moment, NetworkStatus, Opened, Output, PathFacts, Recalled, Reconnect, RouteFacts,
    Token,
};

type Input = fn(&mut Keeper, LinkId, Moment);
type Way = fn() -> Rig;

/// All that can be told or wanted.
const INPUTS: [(&str, Input); 26] = [
    ("start", |keeper, _, now| keeper.start(now)),
    ("probe_now", |keeper, _, now| keeper.probe_now(now)),
    ("reconnect_now", |keeper, _, now| keeper.reconnect_now(now)),
    ("confirm", |keeper, _, now| keeper.confirm(now)),
    ("foreground", |keeper, _, now| keeper.set_activity(Activity::Foreground, now)),
    ("background", |keeper, _, now| keeper.set_activity(Activity::Background, now)),
    ("pause", |keeper, _, now| keeper.pause(now)),
    ("resume", |keeper, _, now| keeper.resume(now)),
    ("update", |keeper, _, now| keeper.update(with_heartbeat(Heartbeat::prompt()), now)),
    ("close", |keeper, _, now| keeper.close(now)),
    ("dialled", |keeper, link, now| keeper.handle_dialled(link, Dialled::new(RTT, None), now)),
    ("opened", |keeper, link, now| {
        keeper.handle_opened(link, Opened::new(Beat::Ping, Dialled::new(RTT, None), RTT), now);
    }),
    ("open_failed", |keeper, link, now| keeper.handle_open_failed(link, Failure::Refused, None, now)),
    ("heard", |keeper, link, now| keeper.handle_heard(link, now)),
    ("message", |keeper, link, now| keeper.handle_message(link, now)),
    ("answered", |keeper, link, now| keeper.handle_answered(link, Some(Token(1)), now)),
    ("sent", |keeper, link, now| keeper.handle_sent(link, now)),
    ("ended", |keeper, link, now| keeper.handle_ended(link, LinkEnd::Eof, now)),
    ("stalled", |keeper, link, now| keeper.handle_stalled(link, now)),
    ("resumed", |keeper, link, now| keeper.handle_resumed(link, now)),
    ("path", |keeper, link, now| keeper.handle_path(link, PathFacts::new(1, secs(60)), now)),
    ("route", |keeper, link, now| keeper.handle_route(link, RouteFacts::new(false, None), now)),
    ("network", |keeper, _, now| {
        for status in
            [NetworkStatus::Offline, NetworkStatus::Online, NetworkStatus::Changed, NetworkStatus::Woke]
        {
            keeper.handle_network(status, now);
        }
    }),
    ("named", |keeper, _, now| keeper.handle_network_named("elsewhere", now)),
    ("recalled", |keeper, _, now| {
        let known = Recalled::new(Learned::new(secs(58)).failed(secs(68)), secs(60));
        keeper.handle_recalled(None, Some(known), now);
    }),
    ("timeout", |keeper, _, now| keeper.handle_timeout(now)),
];

fn fail_fast() -> Config {
    let mut config = Config::default();
    config.fail_fast = true;
    config
}

/// The ways in which it can be over.
const WAYS: [(&str, Way); 7] = [
    ("closed before the start", || {
        let mut rig = Rig::new(Config::default(), 1);
        rig.keeper = Keeper::new(Config::default(), 1, rig.now);
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
        rig.keeper.handle_ended(link, LinkEnd::Eof, rig.now);
        rig.drain();
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
        for (name, input) in INPUTS {
            for later in moments {
                let mut rig = over();
                assert!(rig.finished.is_some(), "{way}");
                assert_eq!(rig.log.last().map(|(_, output)| matches!(output, Output::Finish(_))), Some(true));
                let links: Vec<LinkId> = rig
                    .log
                    .iter()
                    .filter_map(|(_, output)| match output {
                        Output::Open { link, .. } => Some(*link),
                        _ => None,
                    })
                    .collect();
                later(&mut rig);
                let (state, figures) = (rig.keeper.state(), rig.keeper.figures(rig.now));
                for link in links {
                    input(&mut rig.keeper, link, rig.now);
                    assert_eq!(rig.keeper.poll_output(), None, "{way}: {name}");
                    assert_eq!(rig.keeper.poll_timeout(), None, "{way}: {name}");
                    assert_eq!(rig.keeper.state(), state, "{way}: {name}");
                    assert_eq!(rig.keeper.figures(rig.now), figures, "{way}: {name}");
                }
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
fn who_is_told_to_fail_fast_gives_up_at_the_first_failure_and_for_its_reason() {
    let finished = |fail: fn(&mut Rig)| {
        let mut rig = Rig::new(fail_fast(), 1);
        rig.pass(millis(100));
        fail(&mut rig);
        rig.finished
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
    assert_eq!(rig.finished, None);
    let (attempt, delay, because) = rig.scheduled().expect("an attempt was scheduled");
    assert_eq!(because, Because::AttemptFailed);
    assert!(attempt > 1 && delay > Duration::ZERO);
}
