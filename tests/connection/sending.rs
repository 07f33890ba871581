//! Accepted messages go out in order, and their outcomes are told.

use std::sync::OnceLock;

use crate::support::{Log, Peer, builder, connected, in_time, millis, secs, settle};
use futures::{FutureExt, SinkExt, StreamExt};
use longlink::testing::{Answers, Script, ScriptedAttempt, ScriptedLink, ScriptedTransport, WroteWhat};
use longlink::transport::{
    Attempt, ConfirmedBy, ConnectError, ControlMessages, Framed, MessageTooBig, Transport, from_fn,
};
use longlink::{
    Beat, Error, Event, LinkEnd, Outcome, ResilientConnection, SendError, Sender, State, TrySendError,
};

#[tokio::test(start_paused = true)]
async fn what_is_sent_behind_a_confirmed_message_brings_no_second_beat() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(100)))]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    let beats = |peer: &Peer| {
        peer.written().into_iter().filter(|wrote| matches!(wrote.what, WroteWhat::Beat(_))).count()
    };
    let confirmation = connection.sender().send_confirmed("asked".into()).await.unwrap();
    tokio::time::sleep(millis(10)).await;
    connection.sender().send("plain".into()).await.unwrap();
    assert_eq!(confirmation.await, Outcome::Delivered);
    tokio::time::sleep(millis(500)).await;
    assert_eq!(beats(&peer), 1);
    // One that is asked about behind the beat needs one of its own.
    let first = connection.sender().send_confirmed("third".into()).await.unwrap();
    tokio::time::sleep(millis(10)).await;
    let second = connection.sender().send_confirmed("fourth".into()).await.unwrap();
    assert_eq!((first.await, second.await), (Outcome::Delivered, Outcome::Delivered));
    assert_eq!(beats(&peer), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_arrives_in_order_and_in_one_flush() {
    let (mut connection, _script, peer) = connected().await;
    for n in 0..300 {
        connection.feed(n.to_string()).await.unwrap();
    }
    connection.drain().await.unwrap();
    let expected: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(peer.messages(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_without_a_link_goes_out_on_the_next_in_order() {
    let script = Script::new([ScriptedAttempt::open().after(secs(2))]);
    let connection = builder(&script).build().unwrap();
    let sender = connection.sender();
    for message in ["a", "b", "c"] {
        sender.send(message.into()).await.unwrap();
    }
    let peer = script.next_link().await;
    connection.drain().await.unwrap();
    assert_eq!(peer.messages(), ["a", "b", "c"]);
    assert_eq!(script.elapsed(), secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_waits_and_serves_in_turn() {
    let script = Script::new([ScriptedAttempt::open().after(secs(1))]);
    let connection = builder(&script).outbox_messages(2).build().unwrap();
    let sender = connection.sender();
    sender.try_send("1".into()).unwrap();
    sender.try_send("2".into()).unwrap();
    assert_eq!(sender.try_send("x".into()), Err(TrySendError::Full("x".into())));
    let waiting: Vec<_> = ["3", "4", "5"]
        .map(|message| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(message.into()).await })
        })
        .into();
    settle().await;
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    for waiting in waiting {
        in_time(waiting).await.unwrap().unwrap();
    }
    connection.drain().await.unwrap();
    assert_eq!(script.next_link().await.messages(), ["1", "2", "3", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_who_comes_later_takes_the_room_of_one_who_waits() {
    let (connection, _script, peer) = {
        let script = Script::new([]);
        let connection = builder(&script).outbox_messages(1).connect().await.unwrap();
        let peer = script.next_link().await;
        (connection, script, peer)
    };
    peer.block_writes();
    let sender = connection.sender();
    sender.send("1".into()).await.unwrap();
    let first = sender.clone();
    let mut waiting = Box::pin(first.send("2".into()));
    assert!(waiting.as_mut().now_or_never().is_none());
    peer.take_writes();
    settle().await;
    assert_eq!(sender.try_send("3".into()), Err(TrySendError::Full("3".into())));
    in_time(waiting).await.unwrap();
    sender.send("3".into()).await.unwrap();
    connection.drain().await.unwrap();
    assert_eq!(peer.messages(), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn pitfall_17_queues_are_bounded() {
    let (connection, _script, peer) = connected().await;
    peer.block_writes();
    let sender = connection.sender();
    let mut accepted = 0;
    while sender.try_send("m".into()).is_ok() {
        accepted += 1;
    }
    settle().await;
    while sender.try_send("m".into()).is_ok() {
        accepted += 1;
    }
    assert_eq!(accepted, 1024, "what the driver has taken counts too");
    for n in 0..10_000 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(connection.stats().messages_received, 256);
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_message_is_delivered_once_a_beat_after_it_is_answered() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(80)))]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    let began = script.elapsed();
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert_eq!(script.elapsed() - began, millis(80));
    let written: Vec<_> = peer.written().into_iter().map(|wrote| (wrote.at - began, wrote.what)).collect();
    assert_eq!(written[0], (millis(0), WroteWhat::Message("m".into())));
    assert!(matches!(written[1], (at, WroteWhat::Beat(_)) if at.is_zero()));
}

#[tokio::test(start_paused = true)]
async fn pitfall_18_a_message_is_delivered_not_sent_or_maybe_sent() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never)]);
    script.otherwise(ScriptedAttempt::hang());
    let log = Log::default();
    let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let sender = connection.sender();
    let peer = script.next_link().await;
    let maybe = sender.send_confirmed("taken".into()).await.unwrap();
    sender.send("taken too".into()).await.unwrap();
    connection.drain().await.unwrap();
    peer.end(LinkEnd::Reset);
    assert_eq!(maybe.await, Outcome::MaybeSent("taken".into()));
    settle().await;
    assert_eq!(log.count(|event| *event == Event::MaybeSent { count: 2 }), 1);

    let never = sender.send_confirmed("kept".into()).await.unwrap();
    sender.send("kept too".into()).await.unwrap();
    let closed = connection.close().await;
    assert_eq!(never.await, Outcome::NotSent("kept".into()));
    assert_eq!(closed.not_sent, ["kept too"]);
    assert_eq!(closed.maybe_sent, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_link_did_not_take_goes_out_on_the_next() {
    let (connection, script, peer) = connected().await;
    peer.block_writes();
    let sender = connection.sender();
    let confirmation = sender.send_confirmed("m".into()).await.unwrap();
    settle().await;
    peer.end(LinkEnd::Eof);
    let next = script.next_link().await;
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert_eq!(next.messages(), ["m"]);
    assert!(peer.messages().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_link_that_confirms_by_flush_confirms_by_flush() {
    let script =
        Script::new([ScriptedAttempt::open().confirmed_by(ConfirmedBy::Flush).answers(Answers::Never)]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    peer.block_writes();
    let mut confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    settle().await;
    assert!((&mut confirmation).now_or_never().is_none());
    peer.take_writes();
    assert_eq!(confirmation.await, Outcome::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_confirms_nothing_leaves_a_message_maybe_sent() {
    let script = Script::new([ScriptedAttempt::open().confirmed_by(ConfirmedBy::Never)]);
    let connection = builder(&script).connect().await.unwrap();
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    assert_eq!(confirmation.await, Outcome::MaybeSent("m".into()));
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_hands_the_message_back() {
    let (mut connection, _script, _peer) = connected().await;
    let sender = connection.sender();
    let _ = connection.close().await;
    assert_eq!(sender.send("m".into()).await, Err(SendError::Closed("m".into())));
    assert_eq!(sender.try_send("m".into()), Err(TrySendError::Closed("m".into())));
    assert!(matches!(sender.reserve().await, Err(Error::Closed)));
    assert_eq!(futures::SinkExt::send(&mut connection, "m".into()).await, Err(SendError::Closed("m".into())));
    assert!(sender.send_confirmed("m".into()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_permit_keeps_its_room_and_gives_it_back() {
    let script = Script::<String>::new([]);
    script.otherwise(ScriptedAttempt::hang());
    let connection = builder(&script).outbox_messages(1).build().unwrap();
    let sender = connection.sender();
    let permit = sender.reserve().await.unwrap();
    assert!(matches!(sender.try_send("x".into()), Err(TrySendError::Full(_))));
    drop(permit);
    let permit = sender.reserve().await.unwrap();
    permit.send("m".into()).unwrap();
    assert!(matches!(sender.try_send("x".into()), Err(TrySendError::Full(_))));
}

#[tokio::test(start_paused = true)]
async fn pitfall_21_halves_on_two_tasks_are_both_woken() {
    let script = Script::new([ScriptedAttempt::open().after(millis(10))]);
    let connection = builder(&script).outbox_messages(1).build().unwrap();
    let (mut sink, mut stream) = connection.split();
    let reader = tokio::spawn(async move {
        let mut read = Vec::new();
        while let Some(message) = stream.next().await {
            read.push(message.unwrap());
        }
        read
    });
    let writer = tokio::spawn(async move {
        for n in 0..20 {
            sink.send(n.to_string()).await.unwrap();
        }
        sink
    });
    let peer = script.next_link().await;
    for n in 0..20 {
        settle().await;
        peer.deliver(n.to_string());
    }
    let mut sink = in_time(writer).await.unwrap();
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(peer.messages(), expected);
    sink.close().await.unwrap();
    assert_eq!(in_time(reader).await.unwrap(), expected);
}

#[test]
fn code_outside_a_runtime_can_send() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (script, connection) = runtime.block_on(async {
        let script = Script::new([]);
        let connection = builder(&script).connect().await.unwrap();
        (script, connection)
    });
    connection.sender().blocking_send("m".into()).unwrap();
    runtime.block_on(async {
        connection.drain().await.unwrap();
        assert_eq!(script.next_link().await.messages(), ["m"]);
    });
}

/// A link over a pipe of 64 KiB, which wakes nobody but when the other end
/// has read.
#[tokio::test(start_paused = true)]
async fn what_came_while_the_peer_took_nothing_goes_out_as_soon_as_it_does() {
    use tokio::io::AsyncReadExt;
    use tokio_util::codec::{self, LinesCodec};

    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let ours = std::sync::Mutex::new(Some(ours));
    let transport = from_fn(move |_| {
        let ours = ours.lock().unwrap().take().expect("one link is enough");
        async move {
            Ok(Framed::new(codec::Framed::new(ours, LinesCodec::new()), ControlMessages::<_, String>::new()))
        }
    });
    let connection = ResilientConnection::builder(transport).connect().await.unwrap();
    let sender = connection.sender();
    for count in [100, 3] {
        for _ in 0..count {
            sender.send("x".repeat(1023)).await.unwrap();
        }
        settle().await;
    }
    // All but the last three are read: then there is room for those.
    let mut read = vec![0; 100 * 1024];
    theirs.read_exact(&mut read).await.unwrap();
    tokio::time::timeout(secs(1), connection.drain()).await.expect("nothing is in the way").unwrap();
}

#[tokio::test(start_paused = true)]
async fn on_a_link_that_the_login_made_us_listen_to_nothing_confirms() {
    let script = Script::new([]);
    let connection = builder(&script)
        .on_connect(|mut handshake| async move {
            handshake.set_beat(Beat::Listen { longest_silence: secs(60) });
            Ok(handshake)
        })
        .connect()
        .await
        .unwrap();
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    assert_eq!(confirmation.await, Outcome::MaybeSent("m".into()));
    assert_eq!(script.elapsed(), secs(0), "no answer to a beat that cannot go out is waited for");
}

/// The size of a message is its length.
struct ByLength(ScriptedTransport<String>);

#[async_trait::async_trait]
impl Transport for ByLength {
    type Link = ScriptedLink<String, String>;

    async fn connect(&self, attempt: &Attempt) -> Result<Self::Link, ConnectError> {
        self.0.connect(attempt).await
    }

    fn size(&self, message: &String) -> Result<usize, MessageTooBig> {
        Ok(message.len())
    }
}

#[tokio::test(start_paused = true)]
async fn room_that_a_small_message_leaves_of_its_place_goes_to_who_waits() {
    let script = Script::new([ScriptedAttempt::hang()]);
    let connection = ResilientConnection::builder(ByLength(script.transport()))
        .outbox_messages(4)
        .outbox_bytes(100)
        .build()
        .unwrap();
    let sender = connection.sender();
    let permit = sender.reserve().await.unwrap();
    sender.send("x".repeat(80)).await.unwrap();
    let mut waiting = Box::pin(sender.send("waited".into()));
    assert!(waiting.as_mut().now_or_never().is_none(), "a quarter and 80 are full");
    permit.send(String::new()).unwrap();
    waiting.now_or_never().expect("there is room for it").unwrap();
}

/// A message whose drop uses the sender that sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touchy(u32);

static TOUCHED: OnceLock<Sender<Touchy>> = OnceLock::new();

impl Drop for Touchy {
    fn drop(&mut self) {
        if let Some(sender) = TOUCHED.get() {
            // Were a lock held here, this would wait for itself.
            let _ = sender.drain().now_or_never();
        }
    }
}

#[test]
fn pitfall_16_the_drop_of_a_message_may_use_the_sender_that_sent_it() {
    let (done, is_done) = std::sync::mpsc::channel();
    // On a thread of its own, so that a test that hangs fails.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(1)))]);
            let transport: ScriptedTransport<Touchy> = script.transport();
            let mut connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
            let sender = TOUCHED.get_or_init(|| connection.sender());
            let confirmation = sender.send_confirmed(Touchy(1)).await.unwrap();
            assert_eq!(confirmation.await, Outcome::Delivered);
            // Of two that no link takes nobody asks for the one any more.
            connection.pause();
            connection.watch().wait_for(|state| state == State::Paused).await.unwrap();
            let asked = sender.send_confirmed(Touchy(2)).await.unwrap();
            drop(sender.send_confirmed(Touchy(3)).await.unwrap());
            assert_eq!(connection.close().await.not_sent, [Touchy(3)]);
            assert_eq!(asked.await, Outcome::NotSent(Touchy(2)));
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(secs(30)).expect("nobody waits for itself");
}

/// A message of which, by its number, no copy can be made.
#[derive(Debug, PartialEq, Eq)]
struct Single(u32);

impl Clone for Single {
    fn clone(&self) -> Single {
        assert_ne!(self.0, 1, "there is only one");
        Single(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_clone_panics_comes_back_unsent_and_its_link_lives() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(10)))]);
    let transport: ScriptedTransport<Single> = script.transport();
    let connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    let peer = script.next_link().await;
    let sender = connection.sender();
    let [first, second, third] = [0, 1, 2].map(|number| sender.send_confirmed(Single(number)));
    let (first, second, third) = (first.await.unwrap(), second.await.unwrap(), third.await.unwrap());
    assert_eq!(second.await, Outcome::NotSent(Single(1)));
    assert_eq!((first.await, third.await), (Outcome::Delivered, Outcome::Delivered));
    assert_eq!(peer.messages(), [Single(0), Single(2)]);
    assert_eq!((connection.stats().panics, connection.stats().keeper.reconnects), (1, 0));
}
