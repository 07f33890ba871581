//! Every public future may be dropped at any point, as its documentation
//! says: each is polled n times and dropped, for every n that it takes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::support::{Connection, Peer, builder, connected, in_time, millis, settle};
use futures::{FutureExt, SinkExt, StreamExt};
use longlink::keeper::LinkEnd;
use longlink::testing::{Answers, ByHand, FaultyNet, Script, Step, WroteWhat, attempt};
use longlink::transport::{Frame, Framed, MEMORY_MESSAGES, Memory, MemoryFrame, from_fn};
use longlink::{Outcome, ResilientConnection, State, Transition, Transport};
use tokio::io::AsyncReadExt;
use tokio_util::codec::{self, LinesCodec};

/// Polls `future` up to `times`, letting everything else go on after each,
/// and drops it. Returns its output if it came to that.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        settle().await;
        tokio::time::sleep(millis(10)).await;
    }
    None
}

/// What a future came to before it was dropped, or what the next one comes to.
async fn or_again<T>(early: Option<T>, again: impl Future<Output = T>) -> T {
    match early {
        Some(output) => output,
        None => in_time(again).await,
    }
}

/// Calls `try_with` with 0, 1, 2 ... polls until the future ends by itself.
macro_rules! for_every_poll {
    (|$times:ident| $body:expr) => {
        let mut finished = false;
        for $times in 0..64 {
            if in_time(async { $body }).await {
                finished = true;
                break;
            }
        }
        assert!(finished, "the future never ended");
    };
}

async fn small() -> (Connection, Script<String>, Peer) {
    let script = Script::new([Step::open().answers(Answers::After(millis(25)))]);
    let connection = builder(&script).outbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    (connection, script, peer)
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_recv_loses_no_message() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = connected().await;
        let early = {
            let receiving = async {
                let first = connection.recv().await.unwrap().unwrap();
                let second = connection.recv().await.unwrap().unwrap();
                (first, second)
            };
            let mut receiving = Box::pin(receiving);
            let _ = receiving.as_mut().now_or_never();
            drop(receiving);
            peer.deliver("a".into());
            polled(connection.recv(), times).await
        };
        settle().await;
        let first = match early {
            Some(first) => first,
            None => connection.recv().await,
        };
        assert_eq!(first.unwrap().unwrap(), "a");
        times > 2
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_recv_with_transitions_loses_no_item() {
    for_every_poll!(|times| {
        let (connection, script, peer) = connected().await;
        let mut stream = connection.with_transitions();
        peer.deliver("a".into());
        peer.end(LinkEnd::Eof);
        let expected = [
            Transition::Connected { epoch: 1 },
            Transition::Message("a".to_owned()),
            Transition::Disconnected { epoch: 1 },
            Transition::Connected { epoch: 2 },
        ];
        for expected in expected {
            let item = or_again(polled(stream.recv(), times).await, stream.recv()).await;
            assert_eq!(item.unwrap().unwrap(), expected);
        }
        drop(script);
        times > 3
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_send_has_sent_nothing_and_holds_no_room() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let sent = polled(sender.send("second".into()), times).await.is_some();
        peer.take_writes();
        sender.send("third".into()).await.unwrap();
        sender.drain().await.unwrap();
        let expected: &[&str] = if sent { &["first", "second", "third"] } else { &["first", "third"] };
        assert_eq!(peer.messages(), expected);
        sent
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_confirmed_send_has_sent_nothing_and_holds_no_room() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        let sent = polled(sender.send_confirmed("second".into()), times).await;
        let accepted = sent.is_some();
        drop(sent);
        sender.send("third".into()).await.unwrap();
        sender.drain().await.unwrap();
        let expected: &[&str] = if accepted { &["first", "second", "third"] } else { &["first", "third"] };
        assert_eq!(peer.messages(), expected);
        accepted
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_confirmation_withdraws_nothing_and_may_be_polled_again() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        let mut confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        let early = polled(&mut confirmation, times).await;
        let finished = early.is_some();
        let outcome = match early {
            Some(outcome) => outcome,
            None => confirmation.await,
        };
        assert_eq!(outcome, Outcome::Delivered);
        assert_eq!(peer.messages(), ["m"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_reserve_holds_no_room() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let finished = {
            let permit = polled(sender.reserve(), times).await;
            permit.is_some()
        };
        peer.take_writes();
        sender.send("second".into()).await.unwrap();
        sender.drain().await.unwrap();
        assert_eq!(peer.messages(), ["first", "second"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_drain_changes_nothing() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        connection.sender().send("m".into()).await.unwrap();
        if times > 1 {
            peer.take_writes();
        }
        let finished = polled(connection.drain(), times).await.is_some();
        peer.take_writes();
        connection.drain().await.unwrap();
        assert_eq!(peer.messages(), ["m"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_close_goes_on() {
    for_every_poll!(|times| {
        let script = Script::new([Step::open().goodbyes(Answers::After(millis(25)))]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        connection.sender().send("m".into()).await.unwrap();
        let finished = polled(connection.close(), times).await.is_some();
        let _ = connection.close().await;
        assert_eq!(peer.messages(), ["m"]);
        assert!(connection.recv().await.is_none());
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_connect_leaves_nothing_behind() {
    for_every_poll!(|times| {
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let script = Script::<String>::new([Step::open().after(millis(25))]);
        let connection = polled(builder(&script).connect(), times).await;
        let finished = connection.is_some();
        drop(connection);
        settle().await;
        assert_eq!(tasks(), before);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_waits_for_states_and_events_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([Step::open().after(millis(25))]);
        let connection = builder(&script).build().unwrap();
        let mut events = connection.events();
        let (mut watch, mut waiting) = (connection.watch(), connection.watch());
        let mut finished = polled(connection.connected(), times).await.is_some();
        assert_eq!(connection.connected().await.unwrap(), 1);
        let connected = State::Connected { epoch: 1 };
        // What a dropped wait has not told the next one tells.
        let mut told = None;
        while told != Some(connected) {
            told = or_again(polled(watch.changed(), times).await, watch.changed()).await;
        }
        let early = polled(waiting.wait_for(|state| state == connected), times).await;
        finished &= early.is_some();
        assert_eq!(waiting.wait_for(|state| state == connected).await, Some(connected));
        let mut names = Vec::new();
        for _ in 0..2 {
            let event = or_again(polled(events.recv(), times).await, events.recv()).await;
            names.push(format!("{:?}", event.unwrap()));
        }
        assert!(names[0].starts_with("Connecting"), "{names:?}");
        assert!(names[1].starts_with("Connected"), "{names:?}");
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_next_of_each_stream_loses_nothing() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = connected().await;
        let mut events = connection.events();
        peer.deliver("a".into());
        let first = or_again(polled(connection.next(), times).await, connection.next()).await;
        assert_eq!(first.unwrap().unwrap(), "a");
        let mut stream = connection.with_transitions();
        peer.deliver("b".into());
        peer.end(LinkEnd::Eof);
        let expected = [
            Transition::Connected { epoch: 1 },
            Transition::Message("b".to_owned()),
            Transition::Disconnected { epoch: 1 },
            Transition::Connected { epoch: 2 },
        ];
        for expected in expected {
            let item = or_again(polled(stream.next(), times).await, stream.next()).await;
            assert_eq!(item.unwrap().unwrap(), expected);
        }
        let event = or_again(polled(events.next(), times).await, events.next()).await;
        assert!(format!("{event:?}").starts_with("Some(Disconnected"), "{event:?}");
        times > 3
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_send_through_the_sink_has_sent_nothing_and_keeps_its_place_for_the_next() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        connection.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let sent = polled(connection.send("second".into()), times).await.is_some();
        peer.take_writes();
        settle().await;
        connection.send("third".into()).await.unwrap();
        // The same with transitions; then the place goes with the connection.
        let mut stream = connection.with_transitions();
        let fourth = polled(stream.send("fourth".into()), times).await.is_some();
        drop(stream);
        sender.send("fifth".into()).await.unwrap();
        sender.drain().await.unwrap();
        let all = [("first", true), ("second", sent), ("third", true), ("fourth", fourth), ("fifth", true)];
        let expected: Vec<&str> = all.iter().filter(|(_, sent)| *sent).map(|(message, _)| *message).collect();
        assert_eq!(peer.messages(), expected);
        sent && fourth
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_place_that_the_sink_was_given_and_did_not_use_goes_with_the_connection() {
    let (mut connection, _script, peer) = small().await;
    let sender = connection.sender();
    poll_fn(|cx| connection.poll_ready_unpin(cx)).await.unwrap();
    assert!(sender.try_send("too early".into()).is_err(), "it is kept for whoever uses the sink next");
    drop(connection);
    in_time(sender.send("in its place".into())).await.unwrap();
    in_time(sender.drain()).await.unwrap();
    assert_eq!(peer.messages(), ["in its place"]);
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_close_through_the_sink_goes_on() {
    for_every_poll!(|times| {
        let script = Script::new([Step::open().goodbyes(Answers::After(millis(25)))]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        connection.send("m".into()).await.unwrap();
        assert_eq!(polled(SinkExt::<String>::flush(&mut connection), times).await.is_some(), times > 0);
        let finished = polled(SinkExt::<String>::close(&mut connection), times).await.is_some();
        if times > 0 {
            // Nobody asks again: it goes on all the same.
            peer.dropped().await;
        }
        SinkExt::<String>::close(&mut connection).await.unwrap();
        assert_eq!(peer.messages(), ["m"]);
        assert!(connection.next().await.is_none());
        finished
    });
}

/// A task that nobody runs, to see who holds its waker.
struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

/// Polls a future once, drops it, and says how many wakers it has left behind.
fn left_behind<F: Future>(future: F) -> usize {
    let task = Arc::new(Idle);
    let waker = Waker::from(Arc::clone(&task));
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "it is to wait");
    drop((future, waker));
    Arc::strong_count(&task) - 1
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_wait_is_not_waited_for_any_more() {
    let script = Script::<String>::new([Step::hang()]);
    let mut connection = builder(&script).outbox_messages(1).build().unwrap();
    let sender = connection.sender();
    let mut watch = connection.watch();
    while watch.changed().now_or_never().is_some() {}
    sender.send("first".into()).await.unwrap();
    settle().await;
    assert_eq!(left_behind(sender.send("second".into())), 0, "send");
    assert_eq!(left_behind(sender.send_confirmed("second".into())), 0, "send_confirmed");
    assert_eq!(left_behind(sender.reserve()), 0, "reserve");
    assert_eq!(left_behind(sender.drain()), 0, "drain");
    assert_eq!(left_behind(connection.drain()), 0, "drain");
    assert_eq!(left_behind(connection.connected()), 0, "connected");
    while watch.changed().now_or_never().is_some() {}
    assert_eq!(left_behind(watch.changed()), 0, "changed");
    assert_eq!(left_behind(watch.wait_for(|_| false)), 0, "wait_for");
    assert_eq!(left_behind(builder(&script).connect()), 0, "connect");
    assert_eq!(left_behind(connection.close()), 0, "close");
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_logins_waits_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([]);
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let mut connection = builder(&script)
            .on_connect(move |mut session| {
                let told = told.clone();
                async move {
                    let mut finished = polled(session.flush(), times).await.is_some();
                    finished &= polled(session.recv_where(|m| m == "wanted"), times).await.is_some();
                    finished &= polled(session.recv(), times).await.is_some();
                    told.send(finished).await?;
                    assert!(session.attempt().last_failure().is_none());
                    Ok(session)
                }
            })
            .build()
            .unwrap();
        let peer = script.next_link().await;
        for message in ["a", "b", "wanted", "mine", "last"] {
            peer.deliver(message.into());
        }
        let finished = tell.recv().await.unwrap();
        // What was skipped comes first; the rest was read by the login or
        // comes after.
        let mut rest = Vec::new();
        while rest.last().is_none_or(|last| last != "last") {
            rest.push(connection.recv().await.unwrap().unwrap());
        }
        let all: &[&str] = &["a", "b", "wanted", "mine", "last"];
        let mut at = all.iter();
        for message in &rest {
            assert!(at.any(|expected| expected == message), "{rest:?}");
        }
        if finished {
            assert_eq!(rest, ["a", "b", "last"]);
        }
        finished
    });
}

/// Over a pipe of 8 bytes, so that a message takes several polls.
#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_send_of_the_logins_has_sent_its_message_whole_or_not_at_all() {
    for_every_poll!(|times| {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let ours = Mutex::new(Some(ours));
        let transport = from_fn(move |_| {
            let ours = ours.lock().unwrap().take().expect("one link is enough");
            async move { Ok(Framed::<_, String>::new(codec::Framed::new(ours, LinesCodec::new()))) }
        });
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let _connection = ResilientConnection::builder(transport)
            .on_connect(move |mut session| {
                let told = told.clone();
                async move {
                    let long = "a message of more than eight bytes".to_owned();
                    told.send(polled(session.send(long), times).await.is_some()).await?;
                    session.send("and again".into()).await?;
                    Ok(session)
                }
            })
            .build()
            .unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"and again\n") {
            tokio::time::sleep(millis(10)).await;
            theirs.read_buf(&mut said).await.unwrap();
        }
        // The link has it from the first poll on.
        let expected = match times {
            0 => "and again\n",
            _ => "a message of more than eight bytes\nand again\n",
        };
        assert_eq!(std::str::from_utf8(&said), Ok(expected));
        tell.recv().await.unwrap()
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_servers_end_of_a_link_in_memory_loses_nothing() {
    for_every_poll!(|times| {
        let place = Memory::<String>::new();
        let mut listener = place.listen();
        assert!(polled(listener.accept(), times).await.is_none());
        let mut link = place.connect(&attempt(1)).await.unwrap();
        let early = polled(listener.accept(), times).await;
        let mut finished = early.is_some();
        let peer = or_again(early, listener.accept()).await.unwrap();

        assert!(polled(peer.recv(), times).await.is_none());
        assert!(polled(peer.next(), times).await.is_none());
        for message in ["a", "b"] {
            link.send(message.into()).await.unwrap();
        }
        let early = polled(peer.recv(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, peer.recv()).await, Ok("a".into()));
        let early = polled(peer.next(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, peer.next()).await, Ok(MemoryFrame::Message("b".into())));

        for _ in 0..MEMORY_MESSAGES {
            peer.send("full".into()).await.unwrap();
        }
        assert!(polled(peer.send("dropped".into()), times).await.is_none());
        for _ in 0..MEMORY_MESSAGES {
            assert_eq!(link.next().await, Ok(Frame::Message("full".into())));
        }
        let sent = polled(peer.send("c".into()), times).await.is_some();
        finished &= sent;
        peer.send("d".into()).await.unwrap();
        let expected: &[&str] = if sent { &["c", "d"] } else { &["d"] };
        for message in expected {
            assert_eq!(in_time(link.next()).await, Ok(Frame::Message((*message).into())));
        }
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_what_the_test_kit_is_waited_for_is_not_lost() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([]);
        assert!(polled(script.next_link(), times).await.is_none());
        let mut link = script.transport().connect(&attempt(1)).await.unwrap();
        let early = polled(script.next_link(), times).await;
        let mut finished = early.is_some();
        let peer = or_again(early, script.next_link()).await;
        assert!(polled(peer.next_written(), times).await.is_none());
        assert!(polled(peer.dropped(), times).await.is_none());
        assert!(polled(link.next(), times).await.is_none());
        link.send("out".into()).await.unwrap();
        peer.deliver("in".into());
        let early = polled(peer.next_written(), times).await;
        finished &= early.is_some();
        let wrote = or_again(early, peer.next_written()).await.unwrap();
        assert_eq!(wrote.what, WroteWhat::Message("out".into()));
        let early = polled(link.next(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, link.next()).await, Ok(Frame::Message("in".into())));
        drop(link);
        let early = polled(peer.dropped(), times).await;
        finished &= early.is_some();
        assert!(or_again(early, peer.dropped()).await <= script.elapsed());

        let net = FaultyNet::<String>::new(1);
        assert!(polled(net.accept(), times).await.is_none());
        let mut link = net.transport().connect(&attempt(1)).await.unwrap();
        let early = polled(net.accept(), times).await;
        finished &= early.is_some();
        let mut server = or_again(early, net.accept()).await;
        assert!(polled(server.recv(), times).await.is_none());
        link.send("out".into()).await.unwrap();
        let early = polled(server.recv(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, server.recv()).await, Ok("out".into()));
        finished
    });
}
