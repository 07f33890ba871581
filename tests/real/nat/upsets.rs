//! An event that is no idle timeout teaches none.

use std::thread;
use std::time::Duration;

use longlink::{Evidence, Probing};

use crate::hiccups::steadily;
use crate::routers::{Nat, Strangers};
use crate::stage::{BACK, PLAIN, Stage, T, hold, learn, wanted};

/// How often the router moves.
const CHANGES: u8 = 2;

#[test]
fn a_minute_of_darkness_changes_nothing_that_was_learned() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        for (name, probing) in [("darkness", Probing::Main), ("darkness-scouts", Probing::Scout)] {
            scope.spawn(move || {
                steadily(name, || {
                    let stage = Stage::set(&[PLAIN]);
                    let mut client = stage.client(name, probing);
                    learn(&mut client, T, probing);
                    let before = client.stats();
                    client.account.clear();

                    client.say("it is dark");
                    stage.lab.darken(0);
                    client.pass(Duration::from_secs(60));
                    stage.lab.lighten(0);
                    client.say("it is light");
                    assert_eq!(client.account.lost.len(), 1, "{:?}", client.account.lost);
                    assert!(client.account.failures > 0, "no attempt failed in the dark");
                    client.until_connected(BACK);
                    client.round_trip();

                    let account = &client.account;
                    let failed = |(_, ground): &(_, Evidence)| *ground == Evidence::DialFailed;
                    assert!(account.diagnosed.iter().all(failed), "{account:?}");
                    assert!(account.learned.is_empty() && account.shrank.is_empty(), "{account:?}");
                    let after = client.stats();
                    assert_eq!(
                        (after.keeper.interval, after.keeper.proven),
                        (before.keeper.interval, before.keeper.proven)
                    );
                    hold(&mut client, 2);
                })
            });
        }
    });
}

#[test]
fn another_address_of_the_router_costs_a_link_and_teaches_nothing() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        let stories = [
            ("moved-dropped", Strangers::Dropped, Probing::Main),
            ("moved-reset", Strangers::Reset, Probing::Main),
            ("moved-scouts", Strangers::Dropped, Probing::Scout),
        ];
        for (name, strangers, probing) in stories {
            scope.spawn(move || {
                steadily(name, || {
                    let stage = Stage::set(&[Nat { strangers, ..PLAIN }]);
                    let mut client = stage.client(name, probing);
                    learn(&mut client, T, probing);
                    let before = client.stats();
                    let learning = stage.server.logins(client.name());
                    client.account.clear();

                    for change in 1..=CHANGES {
                        // Past the last words of the login or of the beat before.
                        client.pass(Duration::from_secs(1));
                        client.say("another address");
                        stage.lab.change_address(0, 2 + change);
                        let lost = usize::from(change);
                        client.until("the link is lost", T * 2, |_, account| account.lost.len() == lost);
                        client.until_connected(BACK);
                        client.round_trip();
                        // The doubt is lifted: the same interval again, and the gap
                        // that failed survives.
                        client.until_interval(before.keeper.interval, T * 3);
                        let gap = client.account.lost[lost - 1].gap;
                        client.until_survived(gap, T * 20);
                        assert_eq!(client.account.lost.len(), lost, "{:?}", client.account);
                    }
                    assert_eq!(stage.server.logins(client.name()), learning + u64::from(CHANGES));
                    let account = &client.account;
                    assert!(account.shrank.is_empty(), "{account:?}");
                    assert_eq!(client.stats().keeper.interval, before.keeper.interval);
                })
            });
        }
    });
}
