use super::*;
use crate::holdings::alone;

/// Two links: of messages 10..20 the first took six, of which four
/// arrived and three were confirmed; the second took two, both delivered;
/// two were never sent. Number 13 was withdrawn before.
fn right() -> Ledger {
    let numbers = [10, 11, 12, 14, 15, 16, 17, 18, 19, 20];
    let accepted = numbers.map(|number| Accepted { number, confirmed: !matches!(number, 12 | 20) }).to_vec();
    let fate = |number| match number {
        10 | 11 | 12 | 17 | 18 => Fate::Delivered,
        14..=16 => Fate::MaybeSent,
        _ => Fate::NotSent,
    };
    let outcomes = accepted.iter().filter(|one| one.confirmed).map(|one| (one.number, fate(one.number)));
    let arrived = [(1, 10), (1, 11), (1, 12), (1, 14), (3, 17), (3, 18)];
    Ledger {
        outcomes: outcomes.collect(),
        accepted,
        handed_back: vec![20],
        taken: 8,
        links: vec![
            Used { epoch: 1, link: 1, maybe: 3, ended_by_peer: true },
            Used { epoch: 2, link: 3, maybe: 0, ended_by_peer: true },
        ],
        arrived: arrived.map(|(link, number)| Arrived { link, number }).to_vec(),
        sent: vec![
            Sent { link: 1, first: 0, count: 3, finished: false },
            Sent { link: 3, first: 3, count: 2, finished: true },
        ],
        read: [(1, 1, 0, 0), (1, 1, 1, 1), (2, 3, 0, 3), (2, 3, 1, 4)]
            .map(|(epoch, link, index, number)| Read { epoch, link, index, number })
            .to_vec(),
    }
}

/// The breaches once `spoil` has changed a right ledger.
fn wrong(spoil: impl FnOnce(&mut Ledger)) -> Vec<Wrong> {
    let mut ledger = right();
    spoil(&mut ledger);
    ledger.judge().expect_err("it is noticed")
}

#[test]
fn a_right_ledger_adds_up() {
    let _alone = alone();
    let totals = right().judge().unwrap();
    let expected = Totals {
        links: 2,
        accepted: 10,
        delivered: 5,
        not_sent: 2,
        maybe: 3,
        maybe_arrived: 1,
        sent: 5,
        read: 4,
    };
    assert_eq!(totals, expected);
}

#[test]
fn links_from_which_nothing_arrived_took_what_is_in_doubt() {
    let _alone = alone();
    let mut ledger = right();
    // Two of the three in doubt went to links that came to nothing.
    ledger.links[0].maybe = 1;
    ledger.links.insert(1, Used { epoch: 2, link: 2, maybe: 0, ended_by_peer: false });
    ledger.links.insert(2, Used { epoch: 3, link: 9, maybe: 2, ended_by_peer: false });
    ledger.links[3].epoch = 4;
    for read in &mut ledger.read[2..] {
        read.epoch = 4;
    }
    assert_eq!(ledger.judge().unwrap().links, 4);
    // They cannot have taken more than there is between the two.
    ledger.links[2].maybe = 3;
    assert!(ledger.judge().is_err());
}

#[test]
fn a_duplicate_is_noticed() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.arrived.insert(5, Arrived { link: 3, number: 17 }));
    assert!(wrongs.contains(&Wrong::Twice { number: 17 }), "{wrongs:?}");
    // One in doubt that is sent again on the next link.
    let wrongs = wrong(|ledger| ledger.arrived.insert(4, Arrived { link: 3, number: 14 }));
    assert!(wrongs.contains(&Wrong::Twice { number: 14 }), "{wrongs:?}");
}

#[test]
fn another_order_is_noticed() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.arrived.swap(4, 5));
    assert!(wrongs.contains(&Wrong::OutOfOrder { number: 17, after: 18 }), "{wrongs:?}");
    // The old link's message behind the new link's.
    let wrongs = wrong(|ledger| ledger.arrived.swap(3, 4));
    assert!(wrongs.contains(&Wrong::OutOfOrder { number: 14, after: 17 }), "{wrongs:?}");
    let wrongs = wrong(|ledger| ledger.read.swap(0, 1));
    assert!(wrongs.contains(&Wrong::ReadOutOfOrder { number: 0, after: 1 }), "{wrongs:?}");
    let wrongs = wrong(|ledger| ledger.read.swap(1, 2));
    assert!(wrongs.contains(&Wrong::ReadOutOfOrder { number: 1, after: 3 }), "{wrongs:?}");
}

#[test]
fn a_delivered_one_that_is_lost_is_noticed() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.arrived.retain(|one| one.number != 18));
    assert!(wrongs.contains(&Wrong::DeliveredNeverArrived { number: 18 }), "{wrongs:?}");
    // In the middle of a link it leaves a gap, confirmed or not.
    let wrongs = wrong(|ledger| ledger.arrived.retain(|one| one.number != 12));
    assert!(wrongs.contains(&Wrong::Gap { link: 1, before: 14 }), "{wrongs:?}");
    // The last of an unconfirmed kind: the count does not fit.
    let wrongs = wrong(|ledger| {
        ledger.accepted[7].confirmed = false;
        ledger.outcomes.retain(|(number, _)| *number != 18);
        ledger.arrived.retain(|one| one.number != 18);
    });
    assert_eq!(wrongs, [Wrong::CountsDisagree { epoch: 2, taken: 2, arrived: 1, maybe: 0 }]);
}

#[test]
fn one_that_is_called_not_sent_and_arrives_is_noticed() {
    let _alone = alone();
    for number in [19, 20] {
        let wrongs = wrong(|ledger| {
            ledger.arrived.push(Arrived { link: 3, number });
        });
        assert!(wrongs.contains(&Wrong::NotSentArrived { number }), "{wrongs:?}");
    }
}

#[test]
fn what_was_withdrawn_and_arrives_is_noticed() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.arrived.insert(3, Arrived { link: 1, number: 13 }));
    assert_eq!(wrongs, [Wrong::NeverAccepted { number: 13 }]);
}

#[test]
fn outcomes_are_told_once_and_are_those_of_their_place() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.outcomes.retain(|(number, _)| *number != 15));
    assert_eq!(wrongs, [Wrong::NoOutcome { number: 15 }]);
    let wrongs = wrong(|ledger| ledger.outcomes.push((15, Fate::MaybeSent)));
    assert_eq!(wrongs, [Wrong::OutcomeTooMany { number: 15 }]);
    // It arrived, and nothing showed that to the client.
    let wrongs = wrong(|ledger| ledger.outcomes[3].1 = Fate::Delivered);
    let (told, is) = (Fate::Delivered, Fate::MaybeSent);
    let expected =
        [Wrong::DeliveredNeverArrived { number: 15 }, Wrong::OtherOutcome { number: 15, told, is }];
    assert_eq!(wrongs, expected);
    let wrongs = wrong(|ledger| ledger.outcomes[0].1 = Fate::MaybeSent);
    assert_eq!(wrongs, [Wrong::OtherOutcome { number: 10, told: is, is: told }]);
}

#[test]
fn sums_that_do_not_add_up_are_noticed() {
    let _alone = alone();
    let spoils: [fn(&mut Ledger); 4] = [
        |ledger| ledger.handed_back.clear(),
        |ledger| ledger.taken += 1,
        |ledger| ledger.taken -= 1,
        |ledger| ledger.accepted.push(Accepted { number: 21, confirmed: false }),
    ];
    for spoil in spoils {
        let wrongs = wrong(spoil);
        assert!(wrongs.iter().any(|wrong| matches!(wrong, Wrong::SumDisagrees { .. })), "{wrongs:?}");
    }
}

#[test]
fn what_the_client_reads_is_what_the_server_sent_from_the_first_on() {
    let _alone = alone();
    let wrongs = wrong(|ledger| {
        ledger.read.remove(0);
    });
    assert_eq!(wrongs, [Wrong::ReadGap { link: 1, index: 1 }]);
    let wrongs = wrong(|ledger| ledger.sent[0].count = 1);
    assert_eq!(wrongs, [Wrong::ReadNeverSent { number: 1 }]);
    let wrongs = wrong(|ledger| ledger.read[2].epoch = 1);
    assert_eq!(wrongs, [Wrong::ReadOnWrongLink { number: 3, epoch: 1, link: 3 }]);
}

#[test]
fn nothing_is_lost_before_an_orderly_end() {
    let _alone = alone();
    let wrongs = wrong(|ledger| ledger.read.truncate(3));
    assert_eq!(wrongs, [Wrong::LostBeforeTheEnd { link: 3, sent: 2, read: 1 }]);
    // Where the client left by itself, it may be.
    let mut ledger = right();
    ledger.read.pop();
    ledger.links[1].ended_by_peer = false;
    assert_eq!(ledger.judge().unwrap().read, 3);
}
