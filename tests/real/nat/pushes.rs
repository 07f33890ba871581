//! Pushes of a server without a request.

use std::thread;
use std::time::Duration;

use longlink::{Event, Heartbeat, Probing};

use crate::hiccups::steadily;
use crate::lab::client::{Client, News};
use crate::routers::{Nat, Strangers};
use crate::stage::{PLAIN, SCALE, Stage, T, assert_in_band, learn, wanted};

/// Clients at once, whose pushes come at different times of their silences;
/// every third has scouts.
const CLIENTS: u32 = 6;
const PUSHES: u32 = 5;

/// A router that takes up again what it has forgotten, for the client's words.
const ADOPTING: Nat = Nat { strangers: Strangers::Adopted, loose: true, ..PLAIN };

/// Learns, and then hears all that is pushed at times that lie anywhere in a
/// silence, on one link.
fn all_arrive(stage: &Stage, mut client: Client, probing: Probing, number: u32) {
    learn(&mut client, T, probing);
    client.account.clear();
    let interval = client.stats().keeper.interval;
    for turn in 0..PUSHES {
        // Long enough for a beat or two since the push before.
        let phase = f64::from(number + turn * CLIENTS) / f64::from(CLIENTS * PUSHES);
        client.pass(interval.mul_f64(1.0 + phase));
        client.say("a push");
        stage.server.push(client.name());
    }
    client.pass(Duration::from_secs(2));
    assert_eq!(client.account.pushes, (1..=u64::from(PUSHES)).collect::<Vec<_>>());
    assert!(client.account.lost.is_empty(), "{:?}", client.account);
}

#[test]
fn no_push_of_the_server_is_lost_once_the_interval_is_held() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let probing = if number % 3 == 2 { Probing::Scout } else { Probing::Main };
                let name = format!("pushed-{number}");
                steadily(&name, || {
                    let stage = Stage::set(&[PLAIN]);
                    all_arrive(&stage, stage.client(&name, probing), probing, number);
                });
            });
        }
        // So that what is shown could be otherwise.
        scope.spawn(move || {
            steadily("too-late", || {
                let stage = Stage::set(&[PLAIN]);
                let late = T * 3 / 2;
                let heartbeat = Heartbeat::fixed(late.div_f64(SCALE)).scaled(SCALE);
                let mut client = stage.client_with("too-late", heartbeat, SCALE);
                client.until_connected(Duration::from_secs(10));
                client.pass(T * 5 / 4);
                stage.server.push(client.name());
                client.pass(T);
                assert!(client.account.pushes.is_empty(), "{:?}", client.account);
                assert_eq!(client.account.lost.len(), 1, "{:?}", client.account);
            })
        });
    });
}

#[test]
fn no_push_is_lost_behind_an_adopting_router_if_the_server_speaks() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || {
                let name = format!("asking-{number}");
                steadily(&name, || {
                    let stage = Stage::set(&[ADOPTING]);
                    all_arrive(&stage, stage.asking_client(&name), Probing::Main, number);
                });
            });
        }
    });
}

#[test]
fn a_push_held_up_by_an_adopting_router_tells_the_timeout() {
    if !wanted() {
        return;
    }
    steadily("held-up", held_up);
}

fn held_up() {
    let stage = Stage::set(&[ADOPTING]);
    // The ladder tries 115 s, which is 7.7 s here, and then 9.9 s.
    let scale = 1.0 / 15.0;
    let mut client = stage.client_with("held-up", Heartbeat::adaptive().scaled(scale), scale);
    client.until(
        "a silence beyond the timeout is tried",
        T * 4,
        |news, _| matches!(news, News::Event(Event::IntervalChanged { interval, .. }) if *interval > T),
    );
    // The router drops it, and what the server's system sends again after
    // 0.2 s and 0.7 s. The beat opens the way. The next repetition, at about
    // 1.6 s, comes after the beat was missed and before that is a death.
    let silence = client.stats().keeper.interval;
    client.pass(silence - Duration::from_millis(1300));
    stage.server.push(client.name());
    client.until("the push, and what it tells", T, |_, account| {
        account.pushes == [1] && !account.learned.is_empty()
    });
    assert!(client.account.lost.is_empty(), "{:?}", client.account);
    assert_in_band(&client, T);
}
