//! The idle timeout in an end of the link in use.

use crate::rig::{RTT, Rig, millis, secs};
use longlink::keeper::{Config, Input, Output};
use longlink::{Activity, Beat, Cause, Event, Evidence, Heartbeat, LinkEnd, RetryReason};

#[test]
fn a_reset_answering_a_held_beat_is_a_doubt_and_a_fin_a_restart() {
    for (end, doubted) in [(LinkEnd::Eof, false), (LinkEnd::Reset, true)] {
        let mut rig = Rig::connected(Config::default(), 1);
        rig.learn(secs(115));
        // Somebody looks: nothing is tried.
        rig.keeper.tell(Input::Activity(Activity::Foreground));
        rig.drain();
        let held = rig.interval();
        assert!(held > secs(100), "{held:?}");
        rig.until_beat();
        rig.pass(RTT);
        rig.end(end.clone());
        rig.until_opening();
        rig.pass(RTT);
        rig.open(Beat::Ping);
        assert_eq!(rig.interval(), if doubted { held / 2 } else { held }, "{end}");
    }
}

#[test]
fn a_gap_that_we_made_shorter_was_no_try_of_the_one_that_was_to_be() {
    for (sends, reason) in [(false, RetryReason::EndedAlone), (true, RetryReason::LinkEnded)] {
        let mut rig = Rig::connected(Config::default(), 1);
        if sends {
            rig.pass(secs(5));
            rig.sent();
        }
        assert_eq!(rig.until_beat(), secs(27));
        rig.pass(RTT);
        rig.end(LinkEnd::Eof);
        assert_eq!(rig.scheduled().map(|scheduled| scheduled.2), Some(reason), "sends: {sends}");
    }
}

#[test]
fn an_end_after_a_gap_that_something_spoiled_says_nothing_of_idleness() {
    let nothing: fn(&mut Rig) = |_| {};
    let stalls: fn(&mut Rig) = |rig| {
        rig.stalled();
        rig.resumed();
    };
    // The last: a look at the link, under way when it ends.
    let probes: fn(&mut Rig) = |rig| rig.probe();
    for (happens, cause) in
        [(nothing, Cause::IdleExpiry), (stalls, Cause::ClosedByPeer), (probes, Cause::ClosedByPeer)]
    {
        let mut rig = Rig::connected(Config::default(), 1);
        rig.learn(secs(58));
        rig.pass(secs(60));
        happens(&mut rig);
        rig.end(LinkEnd::Reset);
        rig.until_opening();
        rig.pass(RTT);
        rig.open(Beat::Ping);
        assert_eq!(rig.diagnoses(), [(cause, Evidence::ConnectedAtOnce)]);
        let learned = |output: &Output| matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. }));
        assert_eq!(rig.instants(learned).len(), usize::from(cause == Cause::IdleExpiry));
    }
}

#[test]
fn an_end_that_tells_its_own_reason_is_diagnosed_at_once_and_no_other() {
    let peer_said = (Cause::ClosedByPeer, Evidence::PeerSaid);
    let ours = (Cause::Ours, Evidence::Ourselves);
    let may_be_idle = (Cause::ClosedByPeer, Evidence::ConnectedAtOnce);
    let path = (Cause::PathDead, Evidence::ConnectedAtOnce);
    let io = LinkEnd::Io { kind: std::io::ErrorKind::Other, message: String::new() };
    for (end, at_once, diagnosis) in [
        (LinkEnd::closed(Some(1011), ""), true, peer_said),
        (LinkEnd::Protocol("reserved bits are set".to_owned()), true, peer_said),
        (LinkEnd::TooBig { size: 2, limit: 1 }, true, ours),
        (LinkEnd::Panicked, true, ours),
        // A middlebox may have done these, or the path: the next dial shows.
        (LinkEnd::closed(Some(1001), ""), false, may_be_idle),
        (LinkEnd::closed(None, ""), false, may_be_idle),
        (LinkEnd::Eof, false, may_be_idle),
        (LinkEnd::Reset, false, may_be_idle),
        (io, false, path),
    ] {
        let mut rig = Rig::linked();
        rig.end(end.clone());
        assert_eq!(rig.diagnoses().len(), usize::from(at_once), "{end}");
        rig.until_opening();
        rig.pass(RTT);
        rig.open(Beat::Ping);
        assert_eq!(rig.diagnoses(), [diagnosis], "{end}");
    }
}

#[test]
fn once_ends_have_shown_that_the_timeout_shrank_beats_are_drawn_again() {
    let mut rig = Rig::beating(Heartbeat::adaptive().max(secs(58)));
    rig.learn(secs(58));
    // A death that is doubted, and two ends that say what it is.
    rig.until_death();
    rig.until_opening();
    rig.open(Beat::Ping);
    for _ in 0..2 {
        rig.pass(secs(20));
        rig.end(LinkEnd::Eof);
        rig.until_opening();
        rig.open(Beat::Ping);
    }
    let shrank = |output: &Output| matches!(output, Output::Emit(Event::IdleTimeoutShrank { .. }));
    assert_eq!(rig.instants(shrank).len(), 1);
    let held = rig.interval();
    let mut drawn = Vec::new();
    for _ in 0..20 {
        let from = rig.elapsed();
        drawn.push(rig.beat_answered(RTT) - from);
    }
    assert!(drawn.iter().all(|after| *after >= held.mul_f64(0.9) && *after <= held), "{drawn:?}");
    assert!(drawn.iter().any(|after| *after < held.mul_f64(0.98)), "{drawn:?}");
}

#[test]
fn pitfall_41_a_fin_below_the_proven_gap_is_no_idle_timeout() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    let (interval, proven) = (rig.interval(), rig.keeper.stats().proven);
    rig.pass(secs(50));
    rig.end(LinkEnd::Eof);
    reopen_at_once(&mut rig);
    let stats = rig.keeper.stats();
    assert_eq!((stats.interval, stats.proven), (interval, proven), "a restart says nothing");
}

#[test]
fn pitfall_41_a_second_fin_at_the_same_gap_is_one() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    for gap in [millis(50_000), millis(50_500)] {
        // Heard, so that the gap is counted from here.
        rig.heard();
        rig.pass(gap);
        rig.end(LinkEnd::Eof);
        reopen_at_once(&mut rig);
    }
    let stats = rig.keeper.stats();
    assert!(stats.interval < secs(50), "the interval is {:?}", stats.interval);
}

#[test]
fn pitfall_41_a_second_fin_at_another_gap_is_none() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    let interval = rig.interval();
    for gap in [secs(50), secs(58)] {
        rig.heard();
        rig.pass(gap);
        rig.end(LinkEnd::Eof);
        reopen_at_once(&mut rig);
    }
    assert_eq!(rig.interval(), interval);
}

/// The next attempt comes and succeeds at once.
fn reopen_at_once(rig: &mut Rig) {
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
}
