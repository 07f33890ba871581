//! Nothing is told behind `Event::Closed`, and it is always told.

use crate::support::{Log, builder, close, millis, secs, settle};
use longlink::Event;
use longlink::testing::{Answers, Script, ScriptedAttempt};

#[tokio::test(start_paused = true)]
async fn closed_comes_after_what_is_in_doubt() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let log = Log::default();
    let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    connection.sender().send("m".into()).await.unwrap();
    settle().await;
    assert_eq!(close(&mut connection).await.maybe_sent, 1);
    tokio::time::sleep(millis(1)).await;
    let events = log.events();
    let tail: Vec<_> = events.iter().rev().take(2).collect();
    assert_eq!(tail, [&Event::Closed, &Event::MaybeSent { count: 1 }]);
}

/// A confirmation that does not come uses the time up that the goodbye would
/// have had.
#[tokio::test(start_paused = true)]
async fn closed_is_told_when_the_closing_runs_into_its_deadline() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let log = Log::default();
    let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let sender = connection.sender();
    let _confirmation = sender.send_confirmed("m".into()).await.unwrap();
    settle().await;
    let _ = close(&mut connection).await;
    assert_eq!(script.elapsed(), secs(3));
    tokio::time::sleep(millis(1)).await;
    assert_eq!(log.count(|event| matches!(event, Event::Closed)), 1, "{:?}", log.events());
}
