//! A connection whose peer can be asked to speak after a silence, and the
//! dial that says why a link was lost.

use std::time::Duration;

use crate::support::{Log, builder, in_time, millis, secs};
use longlink::testing::{Answers, Script, ScriptedAttempt, WroteWhat};
use longlink::{Cause, Event, Evidence, Heartbeat};

fn diagnoses(log: &Log) -> Vec<(Cause, Evidence)> {
    let diagnosed = log.events().into_iter().filter_map(|event| match event {
        Event::Diagnosed { cause, evidence, .. } => Some((cause, evidence)),
        _ => None,
    });
    diagnosed.collect()
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_when_asked_spares_all_beats() {
    let script = Script::<String>::new([ScriptedAttempt::open().words(Answers::After(millis(40)))]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(100)).await;
    let written: Vec<(Duration, WroteWhat<String>)> =
        peer.written().into_iter().map(|wrote| (wrote.at, wrote.what)).collect();
    let asked = |at, silence| (millis(at), WroteWhat::AskAfter(secs(silence)));
    assert_eq!(written, [asked(0, 10), asked(10_040, 27), asked(37_080, 34), asked(71_120, 58)]);
    assert_eq!(connection.stats().keeper.proven, secs(34));
}

#[tokio::test(start_paused = true)]
async fn a_path_that_takes_up_forgotten_flows_is_found_out_without_a_drop() {
    // The first word comes; then the path forgets, and takes up the flow again
    // for every beat.
    let script = Script::<String>::new([ScriptedAttempt::open().words(Answers::AtOnce)]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(50)).await;
    // 34 s were asked for at 37 s; from here on the peer is not heard.
    peer.words(Answers::Never);
    // One word may be lost or late: 58 s are asked for twice.
    tokio::time::sleep(secs(150)).await;
    let stats = connection.stats();
    assert_eq!(
        (stats.keeper.proven, stats.keeper.interval, stats.keeper.reconnects),
        (secs(34), secs(42), 0)
    );
    assert_eq!(diagnoses(&log), []);
}

#[tokio::test(start_paused = true)]
async fn a_quick_dial_tells_an_idle_expiry_before_the_login_ends() {
    let local = "10.0.0.1:4000".parse().unwrap();
    let script = Script::<String>::new([
        ScriptedAttempt::open().local_addr(local),
        ScriptedAttempt::hang().local_addr(local).dialled_after(millis(20)),
    ]);
    let log = Log::default();
    let _connection = builder(&script).heartbeat(Heartbeat::adaptive()).on_event(log.keep()).build().unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(30)).await;
    peer.answers(Answers::Never);
    let dropped = in_time(peer.dropped()).await;
    tokio::time::sleep(millis(100)).await;
    assert_eq!(script.attempts()[1].abandoned, None, "the attempt is still under way");
    assert_eq!(diagnoses(&log), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)], "after {dropped:?}");
}
