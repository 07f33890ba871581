use super::*;
use crate::testing::ByHand;
use crate::transport::{Attempt, Frame, Link, Transport};
use crate::{Failure, Token};
use tokio::time::{Instant, sleep, timeout};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn open<M: Send + 'static>(net: &FaultyNet<M>) -> FaultyLink<M> {
    net.transport().connect(&Attempt::standalone(1, None)).await.expect("the network accepts")
}

/// The next frame, and the time of its arrival.
async fn next(net: &FaultyNet<u32>, link: &mut FaultyLink<u32>) -> (Result<Frame<u32>, LinkEnd>, Duration) {
    let frame = link.next().await;
    (frame, net.elapsed())
}

async fn silent(link: &mut FaultyLink<u32>, during: Duration) -> bool {
    timeout(during, link.next()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn an_echo_takes_one_round_trip() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::ToServer, ms(30));
    net.latency(Direction::ToClient, ms(20));
    let first = Attempt::standalone(1, None);
    let mut link = net.transport().connect(&first).await.expect("accepted");
    assert_eq!(net.elapsed(), ms(50));
    assert_eq!(first.dial_report().map(|dialled| dialled.took), Some(ms(50)));

    link.send(7).await.expect("taken");
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(7)), ms(100)));
    assert_eq!(net.received(), [Received { link: 1, at: ms(80), message: 7 }]);

    link.send_beat(Token(3)).await.expect("taken");
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Pong(Some(Token(3)))), ms(150)));
}

#[tokio::test(start_paused = true)]
async fn without_latency_everything_happens_at_once() {
    let net = FaultyNet::echo(1);
    let mut link = open(&net).await;
    for number in 0..1000 {
        link.send(number).await.expect("taken");
        assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(number)), ms(0)));
    }
}

#[tokio::test(start_paused = true)]
async fn jitter_and_loss_delay_but_keep_the_order() {
    for seed in 0..20 {
        let net = FaultyNet::echo(seed);
        net.latency(Direction::Both, ms(10));
        net.jitter(Direction::Both, ms(100));
        net.loss(Direction::Both, 0.2);
        let mut link = open(&net).await;
        for number in 0..100 {
            link.send(number).await.expect("taken");
            sleep(ms(5)).await;
        }
        for number in 0..100 {
            assert_eq!(link.next().await, Ok(Frame::Message(number)));
        }
        assert!(net.elapsed() > ms(700), "20 % loss must cost retransmissions");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_times() {
    async fn times(seed: u64) -> Vec<Duration> {
        let net = FaultyNet::echo(seed);
        net.jitter(Direction::Both, ms(100));
        net.loss(Direction::ToServer, 0.3);
        let mut link = open(&net).await;
        let mut times = Vec::new();
        for number in 0..20 {
            link.send(number).await.expect("taken");
            times.push(next(&net, &mut link).await.1);
        }
        times
    }
    assert_eq!(times(5).await, times(5).await);
    assert_ne!(times(5).await, times(6).await);
}

#[tokio::test(start_paused = true)]
async fn messages_lost_in_a_black_hole_are_sent_again_after_it() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    net.black_hole(Direction::ToServer);
    link.send(1).await.expect("taken");
    link.send(2).await.expect("taken");
    assert!(silent(&mut link, ms(980)).await);
    assert_eq!(net.received(), []);
    net.restore(Direction::ToServer);
    // Both are lost at 30 ms and sent again after 200, 400 and 800 ms more. At
    // 1430 ms both arrive: the second waits behind the first.
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(1)), ms(1440)));
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(2)), ms(1440)));
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_to_the_client_lets_messages_through_and_no_answer() {
    let net = FaultyNet::echo(1);
    let mut link = open(&net).await;
    net.black_hole(Direction::ToClient);
    link.send(1).await.expect("taken");
    link.send_beat(Token(1)).await.expect("taken");
    assert!(silent(&mut link, ms(600_000)).await);
    assert_eq!(net.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_unacknowledged_shows_a_dead_path() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    let facts = |link: &FaultyLink<u32>| link.path_facts().expect("the network tells");
    link.send(1).await.expect("taken");
    assert_eq!((facts(&link).unacknowledged, facts(&link).waiting), (4, ms(0)));
    sleep(ms(20)).await;
    assert_eq!(facts(&link).unacknowledged, 0);

    net.ignore_beats();
    link.send_beat(Token(1)).await.expect("taken");
    sleep(ms(20)).await;
    assert_eq!(facts(&link).unacknowledged, 0, "a server that is stuck still acknowledges");

    for direction in [Direction::ToServer, Direction::ToClient] {
        net.black_hole(direction);
        link.send(1).await.expect("taken");
        sleep(ms(5000)).await;
        assert_eq!((facts(&link).unacknowledged, facts(&link).waiting), (4, ms(5000)));
        net.restore(direction);
        sleep(ms(20_000)).await;
        assert_eq!(facts(&link).unacknowledged, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_window_waits_for_acknowledgements() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::Both, ms(10));
    net.window(2);
    let mut link = open(&net).await;
    for number in 0..6 {
        link.send(number).await.expect("taken");
    }
    assert_eq!(net.elapsed(), ms(60), "two in each round trip of 20 ms, after the first for dialling");
    net.black_hole(Direction::Both);
    assert!(
        timeout(ms(60_000), async {
            loop {
                link.send(9).await.expect("taken");
            }
        })
        .await
        .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stall_holds_what_is_on_its_way_and_lets_it_arrive_at_once() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    net.stall(Direction::ToClient);
    for number in 0..3 {
        link.send(number).await.expect("taken");
    }
    assert!(silent(&mut link, ms(5000)).await);
    net.restore(Direction::ToClient);
    for number in 0..3 {
        assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(number)), ms(5020)));
    }

    net.received();
    net.stall(Direction::ToServer);
    link.send(7).await.expect("taken");
    sleep(ms(1000)).await;
    net.restore(Direction::ToServer);
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(7)), ms(6030)));
    assert_eq!(net.received(), [Received { link: 1, at: ms(6020), message: 7 }]);
}

#[tokio::test(start_paused = true)]
async fn a_cut_resets_both_ends_behind_what_had_arrived() {
    let net = FaultyNet::<u32>::new(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    let mut server = net.accept().await;
    server.send(1);
    link.send(2).await.expect("taken");
    sleep(ms(10)).await;
    server.send(3);
    net.cut();
    assert_eq!(next(&net, &mut link).await, (Ok(Frame::Message(1)), ms(30)));
    assert_eq!(next(&net, &mut link).await, (Err(LinkEnd::Reset), ms(30)));
    assert_eq!(server.recv().await, Ok(2));
    assert_eq!(server.recv().await, Err(LinkEnd::Reset));
    assert_eq!(link.send(4).await, Err(LinkEnd::Reset));
}

#[tokio::test(start_paused = true)]
async fn a_half_close_ends_one_way_behind_what_was_sent() {
    let net = FaultyNet::<u32>::new(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    let mut server = net.accept().await;
    server.send(1);
    net.half_close(Direction::ToClient);
    assert_eq!(link.next().await, Ok(Frame::Message(1)));
    assert_eq!(link.next().await, Err(LinkEnd::Eof));
    link.send(2).await.expect("the other way goes on");
    assert_eq!(server.recv().await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn closes_go_both_ways_with_code_and_reason() {
    let net = FaultyNet::<u32>::new(1);
    let mut link = open(&net).await;
    net.accept().await.close(1012, "restart");
    assert_eq!(link.next().await, Err(LinkEnd::closed(Some(1012), "restart")));

    let mut link = open(&net).await;
    let mut server = net.accept().await;
    link.say_goodbye().await.expect("said");
    assert_eq!(link.next().await, Err(LinkEnd::closed(Some(1000), "")));
    assert_eq!(server.recv().await, Err(LinkEnd::closed(Some(1000), "")));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_link_is_an_end_of_stream_for_the_server_and_is_forgotten() {
    let net = FaultyNet::<u32>::new(1);
    let mut link = open(&net).await;
    let mut server = net.accept().await;
    link.send(1).await.expect("taken");
    assert_eq!(net.open_links(), 1);
    drop(link);
    assert_eq!(net.open_links(), 0);
    assert_eq!(server.recv().await, Ok(1));
    assert_eq!(server.recv().await, Err(LinkEnd::Eof));
    drop(server);
    net.cut();
    assert_eq!(net.net.with(|world, _| world.flows.len()), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_link_had_sent_still_arrives() {
    let net = FaultyNet::echo(1);
    net.latency(Direction::Both, ms(10));
    let mut link = open(&net).await;
    link.send(1).await.expect("taken");
    drop(link);
    sleep(ms(10)).await;
    assert_eq!(net.received(), [Received { link: 1, at: ms(30), message: 1 }]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_idle_timeout_forgets_exactly_at_its_time() {
    let net = FaultyNet::echo(1);
    net.idle_timeout(ms(3000), IdleExpiry::Silent);
    let mut link = open(&net).await;
    for _ in 0..3 {
        sleep(ms(2999)).await;
        link.send(1).await.expect("taken");
        assert_eq!(link.next().await, Ok(Frame::Message(1)));
    }
    sleep(ms(3000)).await;
    link.send(2).await.expect("taken");
    assert!(silent(&mut link, ms(3_600_000)).await);
    assert_eq!(net.received().len(), 3);
    drop(link);
    net.received();
    assert_eq!(net.net.with(|world, _| world.flows.len()), 0, "nothing is kept of a forgotten link");
    assert!(open(&net).await.send(3).await.is_ok(), "a new link is not forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_link_loses_what_the_server_pushes() {
    let net = FaultyNet::<u32>::new(1);
    net.idle_timeout(ms(3000), IdleExpiry::Silent);
    let mut link = open(&net).await;
    let server = net.accept().await;
    sleep(ms(3000)).await;
    server.send(1);
    assert!(silent(&mut link, ms(3_600_000)).await);
}

#[tokio::test(start_paused = true)]
async fn idle_expiry_can_reset_on_use_or_end_at_its_time() {
    let net = FaultyNet::echo(1);
    net.idle_timeout(ms(3000), IdleExpiry::ResetOnUse);
    let mut link = open(&net).await;
    assert!(silent(&mut link, ms(4000)).await);
    link.send(1).await.expect("taken");
    assert_eq!(next(&net, &mut link).await, (Err(LinkEnd::Reset), ms(4000)));
    assert_eq!(net.received(), []);

    for (expiry, end) in [(IdleExpiry::Reset, LinkEnd::Reset), (IdleExpiry::Fin, LinkEnd::Eof)] {
        net.idle_timeout(ms(3000), expiry);
        let mut link = open(&net).await;
        let began = Instant::now();
        sleep(ms(1000)).await;
        link.send(1).await.expect("taken");
        assert_eq!(link.next().await, Ok(Frame::Message(1)));
        assert_eq!(link.next().await, Err(end));
        assert_eq!(began.elapsed(), ms(4000));
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_refused_unanswered_or_wait_for_the_path() {
    let net = FaultyNet::<u32>::echo(1);
    net.latency(Direction::Both, ms(10));
    let transport = net.transport();

    net.dialling(Dialling::Refused);
    let error = transport.connect(&Attempt::standalone(1, None)).await.expect_err("refused");
    assert_eq!((error.failure(), net.elapsed()), (&Failure::Refused, ms(20)));

    net.dialling(Dialling::Unanswered);
    assert!(timeout(ms(15_000), transport.connect(&Attempt::standalone(2, None))).await.is_err());

    net.dialling(Dialling::Accepted);
    net.black_hole(Direction::ToClient);
    let began = Instant::now();
    let dialling =
        tokio::spawn(async move { transport.connect(&Attempt::standalone(3, None)).await.is_ok() });
    sleep(ms(2000)).await;
    net.restore(Direction::ToClient);
    assert!(dialling.await.expect("no panic"));
    assert_eq!(began.elapsed(), ms(3020), "asked at 0, 1 and 3 s");
}

#[tokio::test(start_paused = true)]
async fn one_link_can_fail_alone() {
    let net = FaultyNet::<u32>::echo(1);
    let mut first = open(&net).await;
    let mut second = open(&net).await;
    let server = net.accept().await;
    server.black_hole(Direction::ToClient);
    first.send(1).await.expect("taken");
    second.send(2).await.expect("taken");
    assert_eq!(second.next().await, Ok(Frame::Message(2)));
    assert!(silent(&mut first, ms(1000)).await);
    server.restore(Direction::ToClient);
    assert_eq!(first.next().await, Ok(Frame::Message(1)));
    server.reset();
    assert_eq!(first.next().await, Err(LinkEnd::Reset));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_server_hears_what_the_client_sends() {
    let net = FaultyNet::<u32>::new(1);
    net.latency(Direction::ToServer, ms(25));
    let mut link = open(&net).await;
    let mut server = net.accept().await;
    let reader = tokio::spawn(async move { server.recv().await });
    sleep(ms(100)).await;
    link.send(4).await.expect("taken");
    assert_eq!(reader.await.expect("no panic"), Ok(4));
    assert_eq!(net.elapsed(), ms(150));
}
