//! Links come and go: the dead are dropped at once, and nothing of them
//! lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::forward::forward;
use crate::support::{Connection, Log, builder, connected, in_time, millis, secs, settle};
use futures::FutureExt;
use longlink::testing::{Answers, Script, ScriptedAttempt, ScriptedLink, WroteWhat};
use longlink::transport::{ConfirmedBy, Frame, Link, Traffic, Transport, from_fn};
use longlink::{
    Beat, Detection, Error, Event, Failure, FirstConnect, GiveUp, LinkEnd, Outcome, Reconnect,
    ResilientConnection, State,
};

#[tokio::test(start_paused = true)]
async fn pitfall_04_a_dead_link_is_dropped_at_once() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    peer.block_writes();
    connection.sender().send("stuck".into()).await.unwrap();
    connection.probe_now();
    let dropped = in_time(peer.dropped()).await;
    assert_eq!(dropped, secs(3), "the probe's deadline, and no close was waited for");
    settle().await;
    assert_eq!(
        log.count(|event| matches!(event, Event::Disconnected { detection: Detection::ProbeUnanswered, .. })),
        1
    );
    script.next_link().await;
    assert!(peer.written().iter().all(|wrote| wrote.what != WroteWhat::Goodbye));
}

#[tokio::test(start_paused = true)]
async fn pitfall_05_a_link_whose_stream_ends_is_an_event() {
    let (mut connection, script, peer) = connected().await;
    peer.deliver("last words".into());
    peer.end(LinkEnd::Eof);
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "last words");
    let next = script.next_link().await;
    next.deliver("again".into());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "again");
}

#[tokio::test(start_paused = true)]
async fn pitfall_05_an_attempt_whose_task_panics_is_an_event() {
    let script = Script::new([ScriptedAttempt::panic(), ScriptedAttempt::open()]);
    let connection = builder(&script).connect().await.unwrap();
    assert_eq!(script.attempts()[1].last_failure, Some(Failure::Panicked));
    assert_eq!(connection.stats().panics, 1);
}

#[tokio::test(start_paused = true)]
async fn pitfall_07_per_link_state_dies_with_its_link() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never), ScriptedAttempt::open()]);
    let mut connection = builder(&script).connect().await.unwrap();
    let first = script.next_link().await;
    // The first link is left stalled, and with a beat under way whose name
    // the second link's first beat will have too.
    let confirmation = connection.sender().send_confirmed("maybe".into()).await.unwrap();
    settle().await;
    for n in 0..300 {
        first.deliver(n.to_string());
    }
    settle().await;
    connection.reconnect_now();
    assert_eq!(confirmation.await, Outcome::MaybeSent("maybe".into()));
    let second = script.next_link().await;
    for n in 0..256 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    second.deliver("not stalled".into());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "not stalled");
    let fresh = connection.sender().send_confirmed("fresh".into()).await.unwrap();
    let outcome = tokio::time::timeout(secs(1), fresh).await;
    assert_eq!(outcome.expect("its own beat confirms it"), Outcome::Delivered);
    assert_eq!(second.messages(), ["fresh"]);
}

#[tokio::test(start_paused = true)]
async fn pitfall_08_a_late_word_of_an_old_link_does_not_touch_the_new_one() {
    let (mut connection, script, first) = connected().await;
    connection.reconnect_now();
    let second = script.next_link().await;
    settle().await;
    first.deliver("too late".into());
    first.end(LinkEnd::Reset);
    second.deliver("in time".into());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "in time");
    tokio::time::sleep(secs(5)).await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 2 });
    assert!(first.dropped_at().is_some() && second.dropped_at().is_none());
}

#[tokio::test(start_paused = true)]
async fn pitfall_08_an_abandoned_attempt_that_succeeds_late_is_dropped() {
    let script = Script::new([ScriptedAttempt::open().after(secs(2))]);
    let reconnect = Reconnect::default().attempt_deadline(secs(1));
    let connection = builder(&script).reconnect(reconnect).connect().await.unwrap();
    assert_eq!(script.attempts()[0].abandoned, Some(secs(1)));
    assert_eq!(script.next_link().await.id().get(), 2);
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
}

#[tokio::test(start_paused = true)]
async fn pitfall_09_there_is_one_reconnect_at_a_time() {
    let (connection, script, peer) = connected().await;
    script.otherwise(ScriptedAttempt::open().after(secs(1)));
    peer.end(LinkEnd::Reset);
    for _ in 0..50 {
        connection.reconnect_now();
        connection.probe_now();
        tokio::time::sleep(millis(10)).await;
    }
    connection.connected().await.unwrap();
    tokio::time::sleep(secs(5)).await;
    assert_eq!(script.attempts().len(), 2);
    assert_eq!(connection.watch().state(), State::Connected { epoch: 2 });
}

#[tokio::test(start_paused = true)]
async fn pitfall_28_one_deadline_runs_over_connect_and_login() {
    let script = Script::new([ScriptedAttempt::open().after(secs(10))]);
    let log = Log::default();
    let logins = Arc::new(AtomicUsize::new(0));
    let detection = Arc::clone(&logins);
    let _connection = builder(&script)
        .on_event(log.keep())
        .on_connect(move |handshake| {
            let first = detection.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                if first {
                    std::future::pending::<()>().await;
                }
                Ok(handshake)
            }
        })
        .connect()
        .await
        .unwrap();
    let peer = script.next_link().await;
    assert_eq!(peer.dropped_at(), Some(secs(15)), "10 s of connecting and 5 s of login");
    let timed_out =
        |event: &Event| matches!(event, Event::AttemptFailed { failure: Failure::TimedOut, attempt: 1, .. });
    settle().await;
    assert_eq!(log.count(timed_out), 1);
}

#[tokio::test(start_paused = true)]
async fn a_first_connect_can_be_told_to_fail_fast() {
    let script = Script::<String>::new([ScriptedAttempt::refuse()]);
    let error = builder(&script).first_connect(FirstConnect::FailFast).connect().await.unwrap_err();
    assert!(matches!(error, Error::GaveUp { .. }), "{error:?}");
    assert_eq!(script.attempts().len(), 1);

    let script = Script::<String>::new([ScriptedAttempt::open(), ScriptedAttempt::refuse()]);
    let connection = builder(&script).first_connect(FirstConnect::FailFast).connect().await.unwrap();
    script.next_link().await.end(LinkEnd::Reset);
    script.next_link().await;
    assert_eq!(connection.connected().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_failing_fast_nothing_is_told_or_tried_any_more() {
    let nothing: fn(&Connection) = |_| {};
    let orders: fn(&Connection) = |connection| {
        connection.reconnect_now();
        connection.probe_now();
    };
    for happens in [nothing, orders] {
        let script = Script::new([]);
        script.otherwise(ScriptedAttempt::refuse());
        let log = Log::default();
        let connection =
            builder(&script).first_connect(FirstConnect::FailFast).on_event(log.keep()).build().unwrap();
        // They are with the driver in the turn in which it gives up.
        happens(&connection);
        assert!(in_time(connection.connected()).await.is_err());
        happens(&connection);
        tokio::time::sleep(secs(600)).await;
        assert_eq!(script.attempts().len(), 1);
        let told: Vec<String> = log.events().iter().map(Event::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(matches!(log.events()[2], Event::GaveUp { reason: GiveUp::Failure(Failure::Refused) }));
    }
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_the_streams_last_and_only_error() {
    let script = Script::<String>::new([]);
    script.otherwise(ScriptedAttempt::refuse());
    let mut connection = builder(&script).reconnect(Reconnect::default().attempts(3)).build().unwrap();
    let sender = connection.sender();
    let confirmation = sender.send_confirmed("m".into()).await.unwrap();
    let error = in_time(connection.recv()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::GaveUp { .. }));
    assert!(in_time(connection.recv()).await.is_none());
    assert_eq!(confirmation.await, Outcome::NotSent("m".into()));
    assert!(matches!(connection.connected().await, Err(Error::GaveUp { .. })));
    assert!(matches!(connection.drain().await, Err(Error::GaveUp { .. })));
    assert_eq!(connection.watch().state(), State::GaveUp);
    assert_eq!(script.attempts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn pitfall_26_dropping_the_last_handle_ends_every_task_and_link() {
    let script = Script::<String>::new([]);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    let sender = connection.sender();
    let another = sender.clone();
    drop(connection);
    drop(sender);
    settle().await;
    assert!(peer.dropped_at().is_none(), "a sender is left");
    drop(another);
    settle().await;
    assert!(peer.dropped_at().is_some());
    assert_eq!(tasks(), before);

    script.then(ScriptedAttempt::hang());
    let connecting = builder(&script).build().unwrap();
    settle().await;
    drop(connecting);
    settle().await;
    assert!(script.attempts()[1].abandoned.is_some());
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn pitfall_26_dropping_it_while_goodbye_is_said_drops_that_link_too() {
    let script = Script::<String>::new([ScriptedAttempt::open().goodbyes(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    let close = tokio::time::timeout(secs(1), connection.close()).await;
    assert!(close.is_err());
    drop(connection);
    settle().await;
    assert_eq!(peer.dropped_at(), Some(secs(1)));
}

#[test]
fn pitfall_26_a_runtime_that_is_shut_down_leaves_nobody_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut connection, confirmation) = runtime.block_on(async {
        let script = Script::<String>::new([]);
        script.otherwise(ScriptedAttempt::hang());
        let connection = builder(&script).build().unwrap();
        let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        (connection, confirmation)
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    other.block_on(async {
        assert_eq!(confirmation.await, Outcome::NotSent("m".into()));
        assert!(matches!(connection.recv().await, Some(Err(Error::Stopped))));
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_36_the_driver_answers_though_the_application_rests() {
    let (connection, _script, peer) = connected().await;
    peer.alive();
    peer.deliver("unread".into());
    let alive = AtomicBool::new(false);
    for _ in 0..40 {
        tokio::time::sleep(secs(10)).await;
        let beats = peer.written().iter().filter(|wrote| matches!(wrote.what, WroteWhat::Beat(_))).count();
        alive.fetch_or(beats > 0, Ordering::Relaxed);
    }
    assert!(alive.into_inner(), "beats went out");
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    assert_eq!(connection.stats().keeper.beats_missed, 0, "and their answers were read");
}

#[tokio::test(start_paused = true)]
async fn pitfall_36_beats_go_out_while_the_reader_stalls() {
    let script = Script::<String>::new([]);
    let log = Log::default();
    let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..1_000 {
        peer.deliver(n.to_string());
    }
    tokio::time::sleep(secs(300)).await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    let beats = peer.written().iter().filter(|wrote| matches!(wrote.what, WroteWhat::Beat(_))).count();
    assert!(beats >= 1, "the NAT is held");
    assert_eq!(log.count(|event| matches!(event, Event::ReaderStalled { .. })), 1);
    for n in 0..1_000 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    tokio::time::sleep(secs(300)).await;
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
}

#[tokio::test(start_paused = true)]
async fn pitfall_30_a_beat_of_no_time_that_the_server_wants_does_not_run_hot() {
    for beat in [
        Beat::Every { interval: Duration::ZERO },
        Beat::KeepAlive { max_send_gap: Duration::ZERO },
        Beat::Listen { longest_silence: Duration::ZERO },
    ] {
        let script = Script::new([ScriptedAttempt::open().beat(beat)]);
        let connection = builder(&script).connect().await.unwrap();
        tokio::time::sleep(millis(900)).await;
        settle().await;
        assert!(
            connection.stats().keeper.beats_sent <= 1,
            "{beat:?}: {}",
            connection.stats().keeper.beats_sent
        );
        assert_eq!(connection.watch().state(), State::Connected { epoch: 1 }, "{beat:?}");
    }
}

/// A link whose code panics where it is asked this for the `n`-th time.
struct Panicking {
    link: ScriptedLink<String>,
    asked: Arc<AtomicUsize>,
    what: &'static str,
    n: usize,
}

impl Panicking {
    fn note(&self, what: &str) {
        if what == self.what && self.asked.fetch_add(1, Ordering::Relaxed) + 1 == self.n {
            panic!("{what} for the {}. time", self.n);
        }
    }
}

impl Link for Panicking {
    type Incoming = String;
    type Outgoing = String;

    forward!(poll_next poll_ready start_send start_beat poll_flush poll_close);

    fn beat(&self) -> Beat {
        self.note("beat");
        Beat::Ping
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.note("confirmed_by");
        ConfirmedBy::Answer
    }

    fn traffic(&self) -> Option<Traffic> {
        self.note("traffic");
        Some(Traffic::default())
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_16_whatever_panics_beside_the_link_ends_that_link_alone() {
    for (what, n) in
        [("beat", 1), ("beat", 2), ("confirmed_by", 1), ("traffic", 1), ("traffic", 2), ("traffic", 5)]
    {
        let script = Script::new([]);
        let (inner, asked) = (Arc::new(script.transport()), Arc::new(AtomicUsize::new(0)));
        let transport = from_fn(move |attempt| {
            let (inner, asked) = (Arc::clone(&inner), Arc::clone(&asked));
            async move { Ok(Panicking { link: inner.connect(&attempt).await?, asked, what, n }) }
        });
        let mut connection = ResilientConnection::builder(transport).seed(1).build().unwrap();
        for beat in 0..3 {
            tokio::time::sleep(secs(60)).await;
            let link = connection.connected().await;
            assert!(link.is_ok(), "{what} {n}, beat {beat}: {link:?}");
        }
        let mut last = None;
        while let Some(peer) = script.next_link().now_or_never() {
            last = Some(peer);
        }
        last.expect("a link is in use").deliver("still here".into());
        assert_eq!(connection.recv().await.unwrap().unwrap(), "still here", "{what} {n}");
        assert!(connection.stats().panics <= 1, "{what} {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_behind_an_end_is_that_of_the_last_attempt() {
    let script = Script::new([ScriptedAttempt::refuse(), ScriptedAttempt::hang()]);
    let reconnect = Reconnect::default().attempts(2);
    let error = builder(&script).reconnect(reconnect).connect().await.unwrap_err();
    let Error::GaveUp { source, .. } = error else { panic!("{error:?}") };
    assert!(source.is_none(), "the last attempt timed out, it was not {source:?}");
}
