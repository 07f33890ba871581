//! Links that are said goodbye to while nobody reads what they bring.

use crate::forward::forward;
use crate::support::{builder, in_time, secs, settle};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use longlink::keeper::LinkEnd;
use longlink::testing::{Answers, Script, ScriptedLink, Step};
use longlink::transport::{Frame, Link, Transport, from_fn};
use longlink::{Event, Outcome, ResilientConnection, State, Transition};

#[tokio::test(start_paused = true)]
async fn pitfall_18_a_close_that_lay_unread_before_our_goodbye_is_no_answer_to_it() {
    let script = Script::new([Step::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let mut connection = builder(&script).inbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..3 {
        peer.deliver(n.to_string());
    }
    settle().await;
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    peer.end(LinkEnd::closed(Some(1000), ""));
    settle().await;
    connection.pause();
    settle().await;
    for n in 0..3 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    assert_eq!(in_time(confirmation).await, Outcome::MaybeSent("m".into()));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_does_not_keep_a_resumed_connection_from_its_next_link() {
    let script = Script::new([Step::open().goodbyes(Answers::Never)]);
    let connection = builder(&script).inbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..5 {
        peer.deliver(n.to_string());
    }
    settle().await;
    connection.pause();
    settle().await;
    connection.resume();
    let again = tokio::time::timeout(secs(60), connection.connected()).await;
    assert_eq!(again.expect("a link within a minute").unwrap(), 2);
    let second = script.next_link().await;
    second.deliver("new".into());
    settle().await;
    let mut connection = connection.with_transitions();
    let mut told = Vec::new();
    while told.len() < 9 {
        told.push(in_time(connection.recv()).await.unwrap().unwrap());
    }
    let said = |n: i32| Transition::Message(n.to_string());
    let mut wanted = vec![Transition::Connected { epoch: 1 }];
    wanted.extend((0..5).map(said));
    wanted.push(Transition::Disconnected { epoch: 1 });
    wanted.push(Transition::Connected { epoch: 2 });
    wanted.push(Transition::Message("new".into()));
    assert_eq!(told, wanted);
}

#[tokio::test(start_paused = true)]
async fn pitfall_17_a_link_that_is_said_goodbye_to_fills_the_inbox_no_further_than_any() {
    let script = Script::new([Step::open().goodbyes(Answers::Never)]);
    // Room for four of the messages, which count 24 bytes each.
    let connection = builder(&script).inbox_bytes(4 * size_of::<String>()).connect().await.unwrap();
    let peer = script.next_link().await;
    settle().await;
    connection.pause();
    settle().await;
    for n in 0..200 {
        peer.deliver(n.to_string());
    }
    settle().await;
    let read = connection.stats().messages_received;
    assert!(read <= 4, "{read} messages were put into an inbox for 4");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_read_when_the_reader_goes_is_counted_to_the_last() {
    let script = Script::new([]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..10 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "0");
    let mut events = connection.events();
    let sender = connection.sender();
    drop(connection);
    let told = in_time(events.recv()).await;
    assert_eq!(told, Some(Event::MessagesDropped { count: 9 }));
    drop(sender);
}

/// A link that is slow to read once it was said goodbye to: it waits on its
/// worker until it is let go, and then has a message.
struct Slow {
    link: ScriptedLink<String>,
    closing: bool,
    reads: mpsc::Sender<()>,
    let_go: Option<Receiver<()>>,
}

impl Link for Slow {
    type Incoming = String;
    type Outgoing = String;

    forward!(poll_ready start_send start_beat poll_flush);

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        if self.closing
            && let Some(let_go) = self.let_go.take()
        {
            self.reads.send(()).unwrap();
            let_go.recv().unwrap();
            return Poll::Ready(Ok(Frame::Message("late".into())));
        }
        self.link.poll_next(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let closed = self.link.poll_close(cx);
        if !std::mem::replace(&mut self.closing, true) {
            cx.waker().wake_by_ref();
        }
        closed
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_message_that_is_read_while_its_link_is_abandoned_on_another_thread_is_counted_as_dropped() {
    let script = Script::<String>::new([Step::open().goodbyes(Answers::Never)]);
    let inner = Arc::new(script.transport());
    let (reads, is_reading) = mpsc::channel();
    let (goes, let_go) = mpsc::channel();
    let let_go = Arc::new(Mutex::new(Some(let_go)));
    let transport = from_fn(move |attempt| {
        let (inner, reads, let_go) = (Arc::clone(&inner), reads.clone(), Arc::clone(&let_go));
        async move {
            let link = inner.connect(&attempt).await?;
            Ok(Slow { link, closing: false, reads, let_go: let_go.lock().unwrap().take() })
        }
    });
    let connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    let mut events = connection.events();
    connection.pause();
    connection.watch().wait_for(|state| state == State::Paused).await.unwrap();
    tokio::task::spawn_blocking(move || is_reading.recv_timeout(secs(30)).unwrap()).await.unwrap();
    connection.resume();
    // The next link takes the place of the one that is still being read.
    assert_eq!(connection.connected().await.unwrap(), 2);
    goes.send(()).unwrap();
    let told = async {
        while let Some(event) = events.recv().await {
            if event == (Event::MessagesDropped { count: 1 }) {
                return;
            }
        }
    };
    tokio::time::timeout(secs(30), told).await.expect("it is told");
    let stats = connection.stats();
    assert_eq!((stats.messages_received, stats.messages_dropped), (1, 1));
}
