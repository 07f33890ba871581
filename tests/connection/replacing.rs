//! A second link that takes the place of the first while both live.

use std::time::Duration;

use crate::support::{Connection, Log, Peer, builder, close, in_time, millis, secs, settle};
use longlink::testing::{Answers, Script, ScriptedAttempt, WroteWhat};
use longlink::{Detection, Error, Event, LinkEnd, Outcome, State, Transition};

/// How long the second link takes to open.
const OPENING: Duration = Duration::from_millis(40);

/// A first link, and one that was opened beside it and took its place; this is
/// how goodbyes are answered.
async fn both(goodbyes: Answers) -> (Connection, Script<String>, Peer, Peer, Log) {
    let steps = [ScriptedAttempt::open(), ScriptedAttempt::open().after(OPENING)];
    let script = Script::new(steps.map(|step| step.goodbyes(goodbyes)));
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let old = script.next_link().await;
    settle().await;
    connection.replace_link();
    let new = script.next_link().await;
    settle().await;
    assert_eq!(script.elapsed(), OPENING);
    (connection, script, old, new, log)
}

fn said(message: &str) -> Transition<String> {
    Transition::Message(message.to_owned())
}

fn said_goodbye(peer: &Peer) -> bool {
    peer.written().iter().any(|wrote| wrote.what == WroteWhat::Goodbye)
}

#[tokio::test(start_paused = true)]
async fn links_replaced_under_traffic_lose_double_or_reorder_nothing() {
    const ROUNDS: u64 = 20;
    let script = Script::<String>::new([]);
    script.otherwise(ScriptedAttempt::open().after(millis(7)).goodbyes(Answers::After(millis(10))));
    let mut connection = builder(&script).connect().await.unwrap();
    let sender = connection.sender();
    let sends = tokio::spawn(async move {
        for n in 0..ROUNDS * 50 {
            sender.send(n.to_string()).await.unwrap();
            tokio::time::sleep(millis(1)).await;
        }
    });
    // The server says everything on one link: the one that it was told of last.
    let server = tokio::spawn({
        let script = script.clone();
        async move {
            let mut peers = vec![script.next_link().await];
            for n in 0..ROUNDS * 50 {
                peers.last().unwrap().deliver(n.to_string());
                tokio::select! {
                    biased;
                    peer = script.next_link() => peers.push(peer),
                    () = tokio::time::sleep(millis(1)) => {}
                }
            }
            peers
        }
    });
    let replace = async {
        for _ in 0..ROUNDS {
            tokio::time::sleep(millis(45)).await;
            connection.replace_link();
        }
    };
    in_time(replace).await;
    in_time(sends).await.unwrap();
    let peers = in_time(server).await.unwrap();
    assert_eq!(peers.len() as u64, ROUNDS + 1);
    connection.drain().await.unwrap();
    let arrived: Vec<String> = peers.iter().flat_map(Peer::messages).collect();
    assert_eq!(arrived, (0..ROUNDS * 50).map(|n| n.to_string()).collect::<Vec<_>>());
    for n in 0..ROUNDS * 50 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    assert_eq!(connection.watch().state(), State::Connected { epoch: ROUNDS + 1 });
    let stats = connection.stats();
    assert_eq!((stats.messages_sent, stats.messages_received), (ROUNDS * 50, ROUNDS * 50));
    assert_eq!((stats.keeper.reconnects, stats.messages_dropped), (ROUNDS, 0));
}

#[tokio::test(start_paused = true)]
async fn the_old_links_last_messages_come_before_the_new_links_first() {
    let (connection, script, old, new, _log) = both(Answers::Never).await;
    let mut connection = connection.with_transitions();
    new.deliver("new 1".into());
    old.deliver("old 1".into());
    settle().await;
    new.deliver("new 2".into());
    old.deliver("old 2".into());
    for wanted in [Transition::Connected { epoch: 1 }, said("old 1"), said("old 2")] {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
    let next = tokio::time::timeout(secs(1), connection.recv()).await;
    assert!(next.is_err(), "the old link may say more");
    old.deliver("old 3".into());
    old.end(LinkEnd::closed(Some(1000), ""));
    let wanted = [
        said("old 3"),
        Transition::Disconnected { epoch: 1 },
        Transition::Connected { epoch: 2 },
        said("new 1"),
        said("new 2"),
    ];
    for wanted in wanted {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
    assert_eq!(script.elapsed(), OPENING + secs(1));
    new.deliver("new 3".into());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), said("new 3"));
}

#[tokio::test(start_paused = true)]
async fn an_old_link_without_an_end_holds_new_messages_for_3_s() {
    let (mut connection, script, old, new, _log) = both(Answers::Never).await;
    new.deliver("new".into());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "new");
    assert_eq!(script.elapsed(), OPENING + secs(3));
    assert_eq!(old.dropped_at(), Some(OPENING + secs(3)));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_goes_over_the_new_link_from_its_promotion() {
    let script = Script::new([
        ScriptedAttempt::open().goodbyes(Answers::Never),
        ScriptedAttempt::open().after(OPENING),
    ]);
    let connection = builder(&script).connect().await.unwrap();
    let old = script.next_link().await;
    let sender = connection.sender();
    connection.replace_link();
    sender.send("before".into()).await.unwrap();
    tokio::time::sleep(OPENING / 2).await;
    assert_eq!(old.messages(), ["before"]);
    // Messages that the old link does not take go over the new one, ahead of the rest.
    old.block_writes();
    sender.send("taken".into()).await.unwrap();
    sender.send("waits".into()).await.unwrap();
    let new = script.next_link().await;
    sender.send("after".into()).await.unwrap();
    settle().await;
    assert_eq!(new.messages(), ["taken", "waits", "after"]);
    old.take_writes();
    settle().await;
    assert_eq!(old.messages(), [""; 0]);
    assert!(old.dropped_at().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_old_link_took_is_settled_by_its_own_end() {
    let delivered = (LinkEnd::closed(Some(1000), ""), true);
    for (end, arrived) in [delivered, (LinkEnd::Eof, false), (LinkEnd::Reset, false)] {
        let script = Script::new([
            ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never),
            ScriptedAttempt::open().after(OPENING),
        ]);
        let log = Log::default();
        let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
        let old = script.next_link().await;
        let sender = connection.sender();
        let first = sender.send_confirmed("first".into()).await.unwrap();
        settle().await;
        connection.replace_link();
        let new = script.next_link().await;
        // The new link answers its beats meanwhile.
        let second = sender.send_confirmed("second".into()).await.unwrap();
        assert_eq!(in_time(second).await, Outcome::Delivered);
        assert_eq!(new.messages(), ["second"]);
        tokio::time::sleep(secs(1)).await;
        assert_eq!(log.count(|event| matches!(event, Event::MaybeSent { .. })), 0);
        old.end(end.clone());
        let wanted = if arrived { Outcome::Delivered } else { Outcome::MaybeSent("first".into()) };
        assert_eq!(in_time(first).await, wanted, "{end:?}");
        settle().await;
        let doubtful = log.count(|event| matches!(event, Event::MaybeSent { count: 1 }));
        assert_eq!(doubtful, usize::from(!arrived));
        assert_eq!(connection.watch().state(), State::Connected { epoch: 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn if_the_second_link_cannot_be_opened_nothing_has_happened() {
    for step in [ScriptedAttempt::refuse(), ScriptedAttempt::panic(), ScriptedAttempt::hang()] {
        let script = Script::new([ScriptedAttempt::open(), step]);
        let log = Log::default();
        let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
        let peer = script.next_link().await;
        connection.replace_link();
        // The attempt's deadline is over, too.
        tokio::time::sleep(secs(20)).await;
        assert_eq!(script.attempts().len(), 2);
        assert_eq!(log.count(|event| matches!(event, Event::AttemptFailed { .. })), 1);
        assert_eq!(log.count(|event| matches!(event, Event::Disconnected { .. })), 0);
        assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
        connection.sender().send("out".into()).await.unwrap();
        peer.deliver("in".into());
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "in");
        assert_eq!(peer.messages(), ["out"]);
    }
}

#[tokio::test(start_paused = true)]
async fn if_the_first_dies_the_second_comes_back_without_a_wait() {
    let script = Script::new([ScriptedAttempt::open(), ScriptedAttempt::open().after(OPENING)]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let old = script.next_link().await;
    settle().await;
    connection.replace_link();
    tokio::time::sleep(OPENING / 2).await;
    old.deliver("last".into());
    old.end(LinkEnd::Reset);
    settle().await;
    assert!(matches!(connection.watch().state(), State::Connecting { .. }));
    let new = script.next_link().await;
    new.deliver("first".into());
    settle().await;
    assert_eq!((script.elapsed(), script.attempts().len()), (OPENING, 2));
    assert_eq!(log.count(|event| matches!(event, Event::ReconnectScheduled { .. })), 0);
    let mut connection = connection.with_transitions();
    let wanted = [
        Transition::Connected { epoch: 1 },
        said("last"),
        Transition::Disconnected { epoch: 1 },
        Transition::Connected { epoch: 2 },
        said("first"),
    ];
    for wanted in wanted {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn without_overlap_no_second_link_is_opened() {
    let script = Script::<String>::new([]);
    let connection = builder(&script).overlap(false).connect().await.unwrap();
    let peer = script.next_link().await;
    connection.replace_link();
    tokio::time::sleep(secs(20)).await;
    assert_eq!(script.attempts().len(), 1);
    assert!(peer.dropped_at().is_none() && !said_goodbye(&peer));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_closed_while_both_live_says_goodbye_on_both() {
    let (mut connection, script, old, new, _log) = both(Answers::After(millis(100))).await;
    old.deliver("old".into());
    new.deliver("new".into());
    connection.sender().send("out".into()).await.unwrap();
    let closed = close(&mut connection).await;
    assert!(closed.not_sent.is_empty());
    assert_eq!(closed.maybe_sent, 0);
    assert_eq!(script.elapsed(), OPENING + millis(100));
    let written: Vec<_> = new.written().into_iter().map(|wrote| wrote.what).collect();
    assert_eq!(written, [WroteWhat::Message("out".into()), WroteWhat::Goodbye]);
    assert!(said_goodbye(&old) && old.dropped_at().is_some() && new.dropped_at().is_some());
    for wanted in ["old", "new"] {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
    assert!(connection.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_close_of_two_silent_links_keeps_its_deadline_and_counts_both() {
    let script = Script::new(
        [ScriptedAttempt::open(), ScriptedAttempt::open().after(OPENING)]
            .map(|step| step.answers(Answers::Never).goodbyes(Answers::Never)),
    );
    let mut connection = builder(&script).connect().await.unwrap();
    let sender = connection.sender();
    sender.send("over the old".into()).await.unwrap();
    settle().await;
    connection.replace_link();
    script.next_link().await;
    script.next_link().await;
    sender.send("over the new".into()).await.unwrap();
    settle().await;
    let closed = close(&mut connection).await;
    assert_eq!(closed.maybe_sent, 2);
    assert_eq!(script.elapsed(), OPENING + secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_pause_while_two_links_live_reads_both_to_their_end_in_order() {
    let (connection, script, old, new, _log) = both(Answers::Never).await;
    new.deliver("new 1".into());
    settle().await;
    connection.pause();
    settle().await;
    assert_eq!(connection.watch().state(), State::Paused);
    assert!(said_goodbye(&new) && said_goodbye(&old));
    // The younger one's end comes first, and is told in its place.
    new.deliver("new 2".into());
    new.end(LinkEnd::closed(Some(1000), ""));
    settle().await;
    assert!(new.dropped_at().is_some());
    old.deliver("old".into());
    old.end(LinkEnd::closed(Some(1000), ""));
    settle().await;
    assert_eq!(script.elapsed(), OPENING);
    connection.resume();
    script.next_link().await;
    let mut connection = connection.with_transitions();
    let wanted = [
        Transition::Connected { epoch: 1 },
        said("old"),
        Transition::Disconnected { epoch: 1 },
        Transition::Connected { epoch: 2 },
        said("new 1"),
        said("new 2"),
        Transition::Disconnected { epoch: 2 },
        Transition::Connected { epoch: 3 },
    ];
    for wanted in wanted {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_link_is_read_one_inbox_ahead_of_the_old_ones_end() {
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::Never), ScriptedAttempt::open()]);
    let mut connection = builder(&script).inbox_messages(4).connect().await.unwrap();
    let old = script.next_link().await;
    settle().await;
    connection.replace_link();
    let new = script.next_link().await;
    for n in 0..20 {
        new.deliver(n.to_string());
    }
    settle().await;
    old.deliver("old".into());
    old.end(LinkEnd::Eof);
    settle().await;
    // The old one's, and one inbox of the new one's.
    assert_eq!(connection.stats().messages_received, 5);
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "old");
    for n in 0..20 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    tokio::time::sleep(secs(300)).await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 2 });
}

#[tokio::test(start_paused = true)]
async fn a_new_link_that_dies_early_is_replaced_and_keeps_its_place() {
    let (connection, script, old, new, log) = both(Answers::Never).await;
    old.deliver("old".into());
    new.deliver("new".into());
    new.end(LinkEnd::Reset);
    let third = script.next_link().await;
    third.deliver("third".into());
    settle().await;
    // The next link does not wait for the old one's end.
    assert!(script.elapsed() < OPENING + secs(3));
    assert_eq!(old.dropped_at(), Some(script.elapsed()));
    let mut connection = connection.with_transitions();
    let wanted = [
        Transition::Connected { epoch: 1 },
        said("old"),
        Transition::Disconnected { epoch: 1 },
        Transition::Connected { epoch: 2 },
        said("new"),
        Transition::Disconnected { epoch: 2 },
        Transition::Connected { epoch: 3 },
        said("third"),
    ];
    for wanted in wanted {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), wanted);
    }
    let replaced =
        |event: &Event| matches!(event, Event::Disconnected { detection: Detection::Replaced, .. });
    assert_eq!(log.count(replaced), 1);
}

#[tokio::test(start_paused = true)]
async fn pitfall_26_dropping_a_connection_while_both_live_drops_both() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (connection, script, old, new, _log) = both(Answers::Never).await;
    drop(connection);
    settle().await;
    assert_eq!((old.dropped_at(), new.dropped_at()), (Some(script.elapsed()), Some(script.elapsed())));
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_opens_no_second_link() {
    let (mut connection, script, ..) = both(Answers::AtOnce).await;
    assert_eq!(close(&mut connection).await.maybe_sent, 0);
    connection.replace_link();
    tokio::time::sleep(secs(20)).await;
    assert_eq!(script.attempts().len(), 2);
    assert!(matches!(connection.connected().await, Err(Error::Closed)));
}
