//! A machine or process that slept is not taken for a dead link.

use crate::support::{Log, builder, millis, secs, settle};
use longlink::testing::{Answers, Script, ScriptedAttempt, WroteWhat};
use longlink::{Event, Heartbeat, State, Suspend};

#[tokio::test(start_paused = true)]
async fn pitfall_45_a_suspend_is_seen_and_the_link_is_probed() {
    let script = Script::<String>::new([]);
    let suspend = Suspend::new();
    let log = Log::default();
    let connection = builder(&script)
        .heartbeat(Heartbeat::fixed(secs(20)))
        .suspend(&suspend)
        .on_event(log.keep())
        .connect()
        .await
        .unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(5)).await;
    suspend.slept(secs(300));
    // Whatever wakes the task shows it the sleep.
    peer.alive();
    tokio::time::sleep(secs(5)).await;
    let slept = |event: &Event| matches!(event, Event::Slept { lasted } if *lasted >= secs(299));
    assert_eq!(log.count(slept), 1, "{:?}", log.events());
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    let beats = peer.written().iter().filter(|wrote| matches!(wrote.what, WroteWhat::Beat(_))).count();
    assert!(beats >= 1, "it was probed before the next beat was due");
}

#[tokio::test(start_paused = true)]
async fn pitfall_45_a_link_that_did_not_survive_the_sleep_is_replaced_soon() {
    let script = Script::<String>::new([ScriptedAttempt::open().answers(Answers::Never)]);
    let suspend = Suspend::new();
    let log = Log::default();
    let connection = builder(&script).suspend(&suspend).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    suspend.slept(secs(300));
    connection.probe_now();
    assert!(peer.dropped().await <= secs(10));
    connection.connected().await.unwrap();
    settle().await;
    assert!(log.count(|event| matches!(event, Event::Slept { .. })) >= 1);
}

#[tokio::test(start_paused = true)]
async fn pitfall_34_a_frozen_process_reads_waiting_bytes_before_it_judges() {
    let script = Script::<String>::new([ScriptedAttempt::open().answers(Answers::Never)]);
    let log = Log::default();
    let connection =
        builder(&script).heartbeat(Heartbeat::fixed(secs(20))).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    // Up to the first beat, whose answer is on its way when the process stops.
    let beat = loop {
        match peer.next_written().await.unwrap().what {
            WroteWhat::Beat(token) => break token,
            WroteWhat::Message(_) | WroteWhat::AskAfter(_) | WroteWhat::Goodbye => {}
        }
    };
    peer.pong(Some(beat));
    // Frozen: time goes on, no task runs, and all timers are late at once.
    tokio::time::advance(secs(90)).await;
    settle().await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    assert_eq!(log.count(|event| matches!(event, Event::BeatMissed { .. })), 0);
    assert!(peer.dropped_at().is_none());
}

#[tokio::test(start_paused = true)]
async fn pitfall_34_a_waiting_answer_is_read_before_a_passed_deadline() {
    let script = Script::<String>::new([ScriptedAttempt::open().answers(Answers::Never)]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    connection.probe_now();
    settle().await;
    let WroteWhat::Beat(beat) = peer.next_written().await.unwrap().what else { panic!("no probe") };
    let answering = {
        let peer = peer.clone();
        tokio::spawn(async move {
            tokio::time::sleep(millis(2_900)).await;
            peer.pong(Some(beat));
        })
    };
    settle().await;
    // The process stops: the answer comes before the probe's deadline of 3 s,
    // but both are seen at once, after it. Half a second is not so late that
    // the deadline would not count.
    tokio::time::advance(millis(3_500)).await;
    answering.await.unwrap();
    settle().await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    assert!(peer.dropped_at().is_none());
}
