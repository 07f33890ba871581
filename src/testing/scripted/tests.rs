use super::*;
use crate::keeper::PathFacts;
use crate::testing::ByHand;
use crate::transport::{Attempt, ConfirmedBy, Frame, Link};
use crate::{Beat, LinkEnd, Token};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn each_attempt_goes_as_its_step_says() {
    let script = Script::<u8>::new([
        ScriptedAttempt::refuse(),
        ScriptedAttempt::fail(Failure::Tls).dialled_after(ms(20)).after(ms(50)),
        ScriptedAttempt::open().dialled_after(ms(10)).after(ms(80)),
    ]);
    let transport = script.transport();

    let first = Attempt::standalone(1, None);
    let error = transport.connect(&first).await.expect_err("refused");
    assert_eq!((error.failure(), first.dial_report()), (&Failure::Refused, None));

    let second = Attempt::standalone(2, None);
    let error = transport.connect(&second).await.expect_err("TLS fails");
    assert_eq!(error.failure(), &Failure::Tls);
    assert_eq!(second.dial_report().map(|dialled| dialled.took), Some(ms(20)));
    assert_eq!(script.elapsed(), ms(50));

    let third = Attempt::standalone(3, None);
    transport.connect(&third).await.expect("opens");
    assert_eq!(third.dial_report().map(|dialled| dialled.took), Some(ms(10)));
    assert_eq!(script.elapsed(), ms(130));

    let seen: Vec<_> = script.attempts().iter().map(|seen| (seen.number, seen.at, seen.abandoned)).collect();
    assert_eq!(seen, [(1, ms(0), None), (2, ms(0), None), (3, ms(50), None)]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_ends_only_by_being_dropped() {
    let script = Script::<u8>::new([ScriptedAttempt::hang()]);
    let transport = script.transport();
    let waited = tokio::time::timeout(ms(15_000), transport.connect(&Attempt::standalone(1, None))).await;
    assert!(waited.is_err());
    assert_eq!(script.attempts()[0].abandoned, Some(ms(15_000)));
}

#[tokio::test(start_paused = true)]
async fn a_step_can_panic() {
    let script = Script::<u8>::new([ScriptedAttempt::panic()]);
    let transport = script.transport();
    let task = tokio::spawn(async move { transport.connect(&Attempt::standalone(1, None)).await.is_ok() });
    assert!(task.await.expect_err("the task panics").is_panic());
    assert_eq!(script.attempts()[0].abandoned, None);
}

#[tokio::test(start_paused = true)]
async fn steps_can_be_added_and_the_rest_goes_as_otherwise_says() {
    let script = Script::<u8>::new([]);
    script.then(ScriptedAttempt::refuse());
    let transport = script.transport();
    assert!(transport.connect(&Attempt::standalone(1, None)).await.is_err());
    assert!(transport.connect(&Attempt::standalone(2, None)).await.is_ok());
    script.otherwise(ScriptedAttempt::fail(Failure::Dns));
    for number in 3..6 {
        assert!(transport.connect(&Attempt::standalone(number, None)).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_read_in_order_and_then_the_end() {
    let (mut link, peer) = open(ScriptedAttempt::open()).await;
    peer.deliver(1);
    peer.alive();
    peer.pong(None);
    peer.end(LinkEnd::Reset);
    assert_eq!(link.next().await, Ok(Frame::Message(1)));
    assert_eq!(link.next().await, Ok(Frame::Alive));
    assert_eq!(link.next().await, Ok(Frame::Pong(None)));
    assert_eq!(link.next().await, Err(LinkEnd::Reset));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_reader_is_woken() {
    let (mut link, peer) = open(ScriptedAttempt::open()).await;
    let reader = tokio::spawn(async move { link.next().await });
    tokio::time::sleep(ms(70)).await;
    peer.deliver(9);
    assert_eq!(reader.await.expect("no panic"), Ok(Frame::Message(9)));
    assert_eq!(peer.dropped().await, ms(70));
}

#[tokio::test(start_paused = true)]
async fn beats_are_answered_after_the_delay_asked_for_or_never() {
    let (mut link, peer) = open(ScriptedAttempt::open().answers(Answers::After(ms(40)))).await;
    let began = Instant::now();
    link.send_beat(Token(1)).await.expect("taken");
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(1)))));
    assert_eq!(began.elapsed(), ms(40));

    peer.answers(Answers::Never);
    link.send_beat(Token(2)).await.expect("taken");
    assert!(tokio::time::timeout(ms(60_000), link.next()).await.is_err());

    peer.answers(Answers::AtOnce);
    link.send_beat(Token(3)).await.expect("taken");
    let began = Instant::now();
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(3)))));
    assert_eq!(began.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_does_not_hold_up_a_message() {
    let (mut link, peer) = open(ScriptedAttempt::open().answers(Answers::After(ms(40)))).await;
    link.send_beat(Token(1)).await.expect("taken");
    peer.deliver(5);
    assert_eq!(link.next().await, Ok(Frame::Message(5)));
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(1)))));
}

#[tokio::test(start_paused = true)]
async fn only_what_was_flushed_was_written() {
    let (mut link, peer) = open(ScriptedAttempt::open()).await;
    link.start_send(1).expect("taken");
    assert_eq!(peer.written(), []);
    tokio::time::sleep(ms(30)).await;
    link.flush().await.expect("flushed");
    link.start_beat(Token(7)).expect("taken");
    link.say_goodbye().await.expect("said");
    let wrote = |what| Wrote { at: ms(30), what };
    assert_eq!(peer.next_written().await, Some(wrote(WroteWhat::Message(1))));
    assert_eq!(peer.written(), [wrote(WroteWhat::Beat(Token(7))), wrote(WroteWhat::Goodbye)]);
    assert_eq!(link.next().await, Ok(Frame::Pong(Some(Token(7)))));
    assert_eq!(link.next().await, Err(LinkEnd::closed(Some(1000), "")));
    link.start_send(2).expect("taken");
    drop(link);
    assert_eq!(peer.next_written().await, None);
    assert!(peer.messages().is_empty());
}

#[tokio::test(start_paused = true)]
async fn blocked_writes_go_out_when_they_are_taken_again() {
    let (mut link, peer) = open(ScriptedAttempt::open()).await;
    peer.block_writes();
    let writer = tokio::spawn(async move {
        link.send(1).await.expect("taken");
        link
    });
    tokio::time::sleep(ms(500)).await;
    assert_eq!(peer.written(), []);
    peer.take_writes();
    let _link = writer.await.expect("no panic");
    assert_eq!(peer.written(), [Wrote { at: ms(500), what: WroteWhat::Message(1) }]);
}

#[tokio::test(start_paused = true)]
async fn a_link_has_the_capabilities_of_its_step() {
    let listen = Beat::Listen { longest_silence: ms(25_000) };
    let local = "127.0.0.1:4711".parse().expect("an address");
    let step = ScriptedAttempt::open().beat(listen).confirmed_by(ConfirmedBy::Flush).local_addr(local);
    let (link, peer) = open(step).await;
    assert_eq!(
        (link.beat(), link.confirmed_by(), link.local_addr()),
        (listen, ConfirmedBy::Flush, Some(local))
    );
    assert_eq!(link.path_facts(), None);
    peer.path_facts(Some(PathFacts::new(12, ms(3))));
    assert_eq!(link.path_facts(), Some(PathFacts::new(12, ms(3))));
}

async fn open(step: ScriptedAttempt) -> (ScriptedLink<u8>, ScriptedPeer<u8>) {
    let script = Script::new([step]);
    let link =
        script.transport().connect(&Attempt::standalone(1, None)).await.expect("the step opens a link");
    (link, script.next_link().await)
}
