//! A link that is left, and then its successor, too.

use std::time::Duration;

use crate::support::{Connection, Peer, builder, in_time, settle};
use longlink::testing::{Answers, Script, ScriptedAttempt};

const OPENING: Duration = Duration::from_millis(40);

/// Messages of the old link's peer from before it was dropped for a third link are
/// in the stream: no byte that lay there is thrown away unread.
#[tokio::test(start_paused = true)]
async fn what_lies_on_the_oldest_link_when_a_third_one_opens_is_read() {
    let script = Script::new([]);
    script.otherwise(ScriptedAttempt::open().after(OPENING).goodbyes(Answers::Never));
    let mut connection: Connection = builder(&script).connect().await.unwrap();
    let first: Peer = script.next_link().await;
    connection.replace_link();
    let _second = script.next_link().await;
    settle().await;
    connection.replace_link();
    settle().await;
    // It lies there a moment before the third one opens, in the same turn.
    let said = tokio::spawn({
        let first = first.clone();
        async move {
            tokio::time::sleep(OPENING).await;
            let lives = first.dropped_at().is_none();
            first.deliver("said in time".into());
            lives
        }
    });
    let third = script.next_link().await;
    assert!(said.await.unwrap(), "the old link lives, and this lies on it");
    settle().await;
    assert!(first.dropped_at().is_some());
    third.deliver("third".into());
    settle().await;
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "said in time");
}
