//! The system's facts about the path tell a dead path from a stuck server.

use crate::support::{Log, builder, in_time, millis, secs};
use longlink::keeper::PathFacts;
use longlink::testing::{Answers, Direction, FaultyNet, Script, ScriptedAttempt};
use longlink::{Cause, Event, Evidence, Heartbeat, ResilientConnection};

fn diagnoses(log: &Log) -> Vec<(Cause, Evidence)> {
    let diagnosed = log.events().into_iter().filter_map(|event| match event {
        Event::Diagnosed { cause, evidence, .. } => Some((cause, evidence)),
        _ => None,
    });
    diagnosed.collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_beats_and_answers_none_is_stuck() {
    let script = Script::<String>::new([ScriptedAttempt::open()
        .answers(Answers::Never)
        .path_facts(PathFacts::default())]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    // 27 s of silence, and ten of beats, since the link was there at once.
    assert_eq!(peer.dropped().await, secs(27 + 10));
    in_time(connection.connected()).await.unwrap();
    assert_eq!(diagnoses(&log), [(Cause::ServerStuck, Evidence::Acknowledged)]);
    assert_eq!(connection.stats().keeper.interval, secs(27), "nothing was learned");
}

#[tokio::test(start_paused = true)]
async fn a_path_that_dies_under_a_message_is_found_out_within_seconds() {
    let net = FaultyNet::<String>::echo(7);
    net.latency(Direction::Both, millis(20));
    let log = Log::default();
    let connection = ResilientConnection::builder(net.transport())
        .seed(7)
        .heartbeat(Heartbeat::fixed(secs(300)))
        .on_event(log.keep())
        .connect()
        .await
        .unwrap();
    // The first beat measures the round trip.
    tokio::time::sleep(secs(301)).await;
    net.black_hole(Direction::ToServer);
    let sent = net.elapsed();
    connection.sender().send("lost".to_owned()).await.unwrap();
    in_time(async {
        while log.count(|event| matches!(event, Event::Disconnected { .. })) == 0 {
            tokio::time::sleep(millis(10)).await;
        }
    })
    .await;
    // A second for the message, ten for the row of beats.
    let took = net.elapsed() - sent;
    assert!(took <= secs(11) + millis(20), "{took:?}");
}
