//! An application that will not need its link for a while.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Config, Finish, Input, Output};
use longlink::{
    Activity, Beat, Cause, Detection, Event, Failure, GiveUp, LinkEnd, NetworkStatus, Reconnect, RetryReason,
    State,
};

fn pause(rig: &mut Rig) {
    rig.keeper.tell(Input::Pause);
    rig.drain();
}

fn resume(rig: &mut Rig) {
    rig.keeper.tell(Input::Resume);
    rig.drain();
}

fn opened(rig: &Rig) -> usize {
    rig.instants(|output| matches!(output, Output::Open { .. })).len()
}

#[test]
fn a_pause_says_goodbye_and_opens_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    let link = rig.main();
    rig.pass(secs(5));
    rig.forget();
    pause(&mut rig);
    assert_eq!(rig.keeper.state(), State::Paused);
    assert_eq!(rig.detection(), Some(Detection::Paused));
    assert!(rig.outputs().contains(&&Output::Retire { link }));
    let ours = |output: &Output| {
        matches!(output, Output::Emit(Event::Paused | Event::Diagnosed { cause: Cause::Ours, .. }))
    };
    assert_eq!(rig.instants(ours).len(), 2);
    // The goodbye has its deadline, and then nothing is due any more.
    rig.pass(secs(3));
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    assert_eq!(rig.timer(), None);
    rig.pass(secs(1_000_000));
    assert_eq!(opened(&rig), 0);
}

#[test]
fn whatever_happens_in_a_pause_opens_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    pause(&mut rig);
    rig.forget();
    for status in [NetworkStatus::Offline, NetworkStatus::Online, NetworkStatus::Changed, NetworkStatus::Woke]
    {
        rig.network(status);
        rig.pass(secs(5));
    }
    rig.named("cafe");
    rig.suspend(secs(5_000));
    rig.timeout();
    rig.probe();
    rig.keeper.tell(Input::Reconnect);
    rig.keeper.tell(Input::Confirm);
    rig.drain();
    pause(&mut rig);
    rig.pass(secs(5_000));
    assert_eq!(opened(&rig), 0);
    assert_eq!(rig.beats(), NEVER);
    assert_eq!(rig.keeper.state(), State::Paused);
}

#[test]
fn a_resume_opens_a_link_at_once() {
    let mut rig = Rig::connected(Config::default(), 1);
    pause(&mut rig);
    rig.pass(secs(100));
    rig.forget();
    resume(&mut rig);
    assert_eq!(rig.instants(|output| matches!(output, Output::Open { .. })), [rig.elapsed()]);
    rig.open(Beat::Ping);
    assert_eq!(rig.keeper.state(), State::Connected { epoch: 2 });
    // Without a pause it changes nothing.
    rig.forget();
    resume(&mut rig);
    assert_eq!(rig.log, []);
}

#[test]
fn a_pause_ends_an_attempt_and_a_wait() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let link = rig.opening().expect("an attempt is under way");
    pause(&mut rig);
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    resume(&mut rig);
    rig.fail(Failure::Refused);
    pause(&mut rig);
    assert_eq!((rig.timer(), rig.keeper.state()), (None, State::Paused));
}

#[test]
fn pausing_and_resuming_does_not_get_around_a_servers_own_time() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: true });
    let due = rig.due();
    rig.pass(secs(10));
    pause(&mut rig);
    rig.pass(secs(10));
    resume(&mut rig);
    let (_, left, reason) = rig.scheduled().expect("it is told");
    assert_eq!((rig.elapsed() + left, reason), (due, RetryReason::RetryAfter));
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.until_opening(), due);

    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: true });
    pause(&mut rig);
    rig.pass(secs(200));
    rig.forget();
    resume(&mut rig);
    assert_eq!(opened(&rig), 1, "its time has come and gone");
}

#[test]
fn a_new_link_does_not_wait_for_the_old_ones_goodbye() {
    let mut rig = Rig::connected(Config::default(), 1);
    let old = rig.main();
    pause(&mut rig);
    resume(&mut rig);
    rig.pass(millis(500));
    rig.forget();
    let new = rig.open(Beat::Ping);
    let wanted = [Output::Abandon { link: old }, Output::Promote { link: new, epoch: 2 }];
    let order: Vec<&Output> = rig.outputs().into_iter().filter(|output| wanted.contains(output)).collect();
    assert_eq!(order, [&wanted[0], &wanted[1]], "its messages come before the new link's, or not at all");
}

#[test]
fn closing_a_paused_connection_lets_the_goodbye_finish() {
    let mut rig = Rig::connected(Config::default(), 1);
    let link = rig.main();
    pause(&mut rig);
    rig.pass(millis(10));
    rig.keeper.tell(Input::Close);
    rig.drain();
    assert_eq!(rig.finished(), None);
    rig.keeper.tell(Input::Ended { link, end: LinkEnd::closed(Some(1000), "") });
    rig.drain();
    assert_eq!(rig.finished(), Some(Finish::Closed));

    let mut rig = Rig::connected(Config::default(), 1);
    pause(&mut rig);
    rig.pass(secs(10));
    rig.keeper.tell(Input::Close);
    rig.drain();
    assert_eq!(rig.finished(), Some(Finish::Closed), "there is nobody to say goodbye to");
}

#[test]
fn a_pause_teaches_nothing_and_counts_as_no_failure() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(58));
    let interval = rig.interval();
    rig.pass(secs(40));
    pause(&mut rig);
    rig.pass(secs(600));
    resume(&mut rig);
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.interval(), interval);

    // A young link has proved nothing, and a pause does not make it so: what
    // failed before it still counts.
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..4 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    pause(&mut rig);
    resume(&mut rig);
    rig.fail(Failure::Refused);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: 6 });
}

#[test]
fn time_in_a_pause_is_downtime() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.pass(secs(5));
    pause(&mut rig);
    rig.pass(secs(100));
    let stats = rig.keeper.stats();
    assert_eq!((stats.uptime, stats.downtime), (secs(5), Duration::from_secs(100)));
}

#[test]
fn an_attempt_that_a_pause_cut_short_does_not_count_towards_giving_up() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(1), 1);
    pause(&mut rig);
    resume(&mut rig);
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Attempts(1))));
}

#[test]
fn links_that_pauses_cut_short_do_not_count_towards_giving_up() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(2), 1);
    for _ in 0..5 {
        rig.open(Beat::Ping);
        rig.pass(secs(10));
        pause(&mut rig);
        resume(&mut rig);
    }
    assert_eq!(rig.keeper.state(), State::Connecting { attempt: 1 });
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), None, "one attempt has failed");
    assert!(rig.delay() <= secs(1), "{:?}", rig.delay());
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Attempts(2))));
}

#[test]
fn once_it_is_closing_nothing_that_is_set_changes_anything() {
    for over in [false, true] {
        let mut rig = Rig::linked();
        let link = rig.main();
        rig.close();
        if over {
            rig.keeper.tell(Input::Ended { link, end: LinkEnd::Eof });
            rig.drain();
        }
        rig.forget();
        let timer = rig.timer();
        rig.keeper.tell(Input::Update(Box::default()));
        for activity in [Activity::Background, Activity::Foreground] {
            rig.keeper.tell(Input::Activity(activity));
        }
        rig.drain();
        assert_eq!(rig.outputs(), Vec::<&Output>::new(), "over: {over}");
        assert_eq!(rig.timer(), timer);
    }
}

#[test]
fn a_resume_when_a_servers_own_time_has_come_opens_a_link_at_once() {
    for (early, opens) in [(Duration::from_nanos(1), false), (Duration::ZERO, true)] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: true });
        let due = rig.due();
        rig.pass(secs(10));
        pause(&mut rig);
        rig.pass(due - early - rig.elapsed());
        rig.forget();
        resume(&mut rig);
        assert_eq!(opened(&rig), usize::from(opens), "{early:?} before");
        assert_eq!(rig.scheduled().is_none(), opens, "{early:?} before");
    }
}

#[test]
fn a_death_before_a_pause_is_not_judged_by_the_dial_behind_it() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.until_death();
    pause(&mut rig);
    rig.pass(secs(10));
    resume(&mut rig);
    rig.open(Beat::Ping);
    assert_eq!(rig.diagnoses(), [], "who knows what the network was meanwhile");
}
