//! A peer that says goodbye in the protocol's own words, over `Framed`.

use std::task::{Context, Waker};

use futures::{SinkExt, StreamExt};
use longlink::testing::ByHand;
use longlink::transport::{ControlMessages, Frame, Framed, Link, Transport, from_fn};
use longlink::{Error, GiveUp, LinkEnd, Outcome, Reconnect, ResilientConnection, Retry, Setback, Token};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_util::codec::{self, LinesCodec};

use crate::support::*;

const BANNED: u16 = 465;

type Control = ControlMessages<String, String>;
type Lines = codec::Framed<DuplexStream, LinesCodec>;

/// `ERROR` is the peer's goodbye, with a code or without.
fn errors() -> Control {
    Control::new().closes(|line| {
        let code = line.strip_prefix("ERROR")?;
        Some(LinkEnd::closed(code.trim().parse().ok(), "in so many words"))
    })
}

fn lines(io: DuplexStream) -> Lines {
    codec::Framed::new(io, LinesCodec::new())
}

fn pair(control: Control) -> (Framed<Lines, String>, Lines) {
    let (ours, theirs) = duplex(1024);
    (Framed::new(lines(ours), control), lines(theirs))
}

/// A transport of such links, and the far ends of those that it opens.
fn transport(
    control: Control,
) -> (impl Transport<Link: Link<Incoming = String, Outgoing = String>>, mpsc::UnboundedReceiver<Lines>) {
    let (far_ends, far) = mpsc::unbounded_channel();
    let transport = from_fn(move |_| {
        let (link, theirs) = pair(control.clone());
        far_ends.send(theirs).unwrap();
        async move { Ok(link) }
    });
    (transport, far)
}

async fn line(peer: &mut Lines) -> String {
    in_time(peer.next()).await.expect("a line").expect("a good line")
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_judged_by_its_code_and_nothing_behind_it_is_read() {
    let (transport, mut far) = transport(errors());
    let reconnect = Reconnect::default().classify(|refusal, usual| match refusal {
        Setback::Ended(LinkEnd::Closed { code: Some(BANNED), .. }) => Retry::Never,
        _ => usual,
    });
    let mut connection =
        ResilientConnection::builder(transport).reconnect(reconnect).seed(1).connect().await.unwrap();
    let mut peer = in_time(far.recv()).await.unwrap();
    for said in ["one", "ERROR 465", "two"] {
        peer.send(said).await.unwrap();
    }
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "one");
    let end = in_time(connection.recv()).await.unwrap().unwrap_err();
    let Error::GaveUp { reason: GiveUp::Close { code, reason }, .. } = end else { panic!("{end:?}") };
    assert_eq!((code, &*reason), (BANNED, "in so many words"));
    assert!(connection.recv().await.is_none());
    assert_eq!(connection.stats().messages_received, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_our_goodbye_confirms_what_was_sent() {
    for (goodbye, expected) in
        [(Some("QUIT"), Outcome::Delivered), (None, Outcome::MaybeSent("m".to_owned()))]
    {
        let mut control = errors().ping(|_| "PING".to_owned()).pong(|line| line == "PONG");
        if let Some(goodbye) = goodbye {
            control = control.goodbye(move || goodbye.to_owned());
        }
        let (transport, mut far) = transport(control);
        let connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
        let mut peer = in_time(far.recv()).await.unwrap();
        let confirmation = connection.sender().send_confirmed("m".to_owned()).await.unwrap();
        settle().await;
        connection.pause();
        settle().await;
        assert_eq!(line(&mut peer).await, "m");
        assert_eq!(line(&mut peer).await, "PING");
        if let Some(goodbye) = goodbye {
            assert_eq!(line(&mut peer).await, goodbye);
        }
        peer.send("ERROR").await.unwrap();
        assert_eq!(in_time(confirmation).await, expected, "{goodbye:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_with_a_code_of_its_own_is_no_answer_to_ours() {
    let control = errors().ping(|_| "PING".to_owned()).goodbye(|| "QUIT".to_owned());
    let (transport, mut far) = transport(control);
    let connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    let mut peer = in_time(far.recv()).await.unwrap();
    let confirmation = connection.sender().send_confirmed("m".to_owned()).await.unwrap();
    settle().await;
    connection.pause();
    settle().await;
    peer.send("ERROR 465").await.unwrap();
    assert_eq!(in_time(confirmation).await, Outcome::MaybeSent("m".to_owned()));
}

#[tokio::test]
async fn a_goodbye_that_crosses_ours_on_its_way_does_not_look_like_its_answer() {
    let (ours, mut theirs) = duplex(2);
    let mut link = Framed::new(lines(ours), errors().goodbye(|| "QUIT".to_owned()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(link.poll_close(&mut cx).is_pending(), "a part of the goodbye waits");
    let (ended, said) = tokio::join!(link.next(), theirs.write_all(b"ERROR\n"));
    said.unwrap();
    assert_eq!(ended, Err(LinkEnd::Eof));
}

#[tokio::test]
async fn a_goodbye_before_ours_or_behind_it_ends_the_link_as_it_says() {
    let said = LinkEnd::closed(None, "in so many words");
    let (mut link, mut peer) = pair(errors().goodbye(|| "QUIT".to_owned()));
    peer.send("ERROR").await.unwrap();
    assert_eq!(link.next().await, Err(said.clone()));

    let (mut link, mut peer) = pair(errors().goodbye(|| "QUIT".to_owned()));
    link.say_goodbye().await.unwrap();
    peer.send("late").await.unwrap();
    peer.send("ERROR").await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message("late".to_owned())));
    assert_eq!(link.next().await, Err(said));
}

#[tokio::test]
async fn of_words_that_could_be_two_things_the_first_setting_decides() {
    let control = Control::new()
        .closes(|_| Some(LinkEnd::closed(None, "")))
        .alive(|line| line != "closes")
        .answer(|line| (line == "pong" || line == "answer").then(|| "yes".to_owned()))
        .pong(|line| (line == "pong").then_some(Token(1)));
    let (mut link, mut peer) = pair(control);
    for said in ["pong", "answer", "alive", "closes"] {
        peer.send(said).await.unwrap();
    }
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(1)))));
    assert_eq!(link.next().await, Ok(Frame::Alive));
    assert_eq!(link.next().await, Ok(Frame::Alive));
    assert_eq!(link.next().await, Err(LinkEnd::closed(None, "")));
}
