//! The timeout is learned, on the link in use or by scouts.

use std::thread;
use std::time::Duration;

use longlink::{Cause, Detection, Evidence, Heartbeat, LinkEnd, Probing};

use crate::hiccups::steadily;
use crate::lab::required;
use crate::routers::{Lab, Nat, Strangers};
use crate::stage::{PLAIN, Stage, T, hold, learn, learn_at, wanted};

#[test]
fn a_timeout_of_8_s_is_learned_however_the_router_forgets() {
    if !Lab::possible() {
        return;
    }
    // Scales under which the ladder meets the timeout in different ways: at
    // the least one, two and three links are to be lost.
    let routers = [
        ("dropped-strict", Strangers::Dropped, false, 1.0 / 8.0),
        ("reset-strict", Strangers::Reset, false, 1.0 / 8.0),
        ("dropped-loose", Strangers::Dropped, true, 1.0 / 10.0),
        ("reset-loose", Strangers::Reset, true, 1.0 / 9.0),
    ];
    // A glimpse in an ordinary `cargo test`.
    let routers = if required() { &routers[..] } else { &routers[..1] };
    thread::scope(|scope| {
        for &(name, strangers, loose, scale) in routers {
            scope.spawn(move || {
                steadily(name, || {
                    let stage = Stage::set(&[Nat { timeout: T, strangers, loose }]);
                    let mut client = stage.client_with(name, Heartbeat::adaptive().scaled(scale), scale);
                    learn_at(&mut client, T, Probing::Main, scale);
                    assert!(!client.account.lost.is_empty(), "nothing but a loss tells this timeout");
                    for loss in &client.account.lost {
                        match strangers {
                            Strangers::Reset => assert_eq!(loss.detection, Detection::Ended(LinkEnd::Reset)),
                            Strangers::Dropped | Strangers::Adopted => {
                                assert_eq!(loss.detection, Detection::Unanswered { beats: 5 });
                            }
                        }
                        assert!(loss.gap > T, "{loss:?}");
                    }
                    for diagnosis in &client.account.diagnosed {
                        assert_eq!(*diagnosis, (Cause::IdleExpiry, Evidence::ConnectedAtOnce));
                    }
                    if required() {
                        hold(&mut client, 2);
                    }
                    let links = client.account.lost.len() as u64 + 1;
                    assert_eq!(stage.server.links(client.name()), links, "by the server's record");
                })
            });
        }
    });
}

#[test]
fn scouts_learn_a_timeout_of_8_s_without_one_loss_of_the_link_in_use() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        for (name, strangers) in [("scouts-dropped", Strangers::Dropped), ("scouts-reset", Strangers::Reset)]
        {
            scope.spawn(move || {
                steadily(name, || {
                    let stage = Stage::set(&[Nat { strangers, ..PLAIN }]);
                    let mut client = stage.client(name, Probing::Scout);
                    learn(&mut client, T, Probing::Scout);
                    hold(&mut client, 3);
                    assert!(client.account.lost.is_empty(), "{:?}", client.account);
                    assert_eq!(stage.server.logins(client.name()), 1, "by the server's record");
                    // Scouts that were called back while they were opened, the
                    // server has perhaps never seen.
                    let links = stage.server.links(client.name());
                    assert!(
                        (2..=client.account.scouts + 1).contains(&links),
                        "{links}: {:?}",
                        client.account
                    );
                })
            });
        }
    });
}

#[test]
fn of_two_routers_in_a_row_the_sooner_to_forget_is_learned() {
    if !wanted() {
        return;
    }
    let slow = Nat { timeout: Duration::from_secs(13), ..PLAIN };
    thread::scope(|scope| {
        for (name, nats) in [("near-sooner", [PLAIN, slow]), ("far-sooner", [slow, PLAIN])] {
            scope.spawn(move || {
                steadily(name, || {
                    let stage = Stage::set(&nats);
                    let mut client = stage.client(name, Probing::Main);
                    learn(&mut client, T, Probing::Main);
                    hold(&mut client, 2);
                })
            });
        }
    });
}
