//! The bookkeeping that judges: what each side has seen of one connection's
//! messages, and whether the two agree.

use std::collections::{BTreeMap, BTreeSet};

/// What one connection's run has left behind on both sides.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What the client's outbox accepted, in order.
    pub accepted: Vec<Accepted>,
    /// What confirmations said.
    pub outcomes: Vec<(u64, Fate)>,
    /// What `close` handed back.
    pub handed_back: Vec<u64>,
    /// How many messages links took, by the connection's own count.
    pub taken: u64,
    /// The links that the client used, in order.
    pub links: Vec<Used>,
    /// What the server received, in order.
    pub arrived: Vec<Arrived>,
    /// What the server sent, link by link.
    pub sent: Vec<Sent>,
    /// What the client's reader got, in order.
    pub read: Vec<Read>,
}

/// A message that the client's outbox accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    pub number: u64,
    /// Somebody waits for its outcome.
    pub confirmed: bool,
}

/// What became of a message from the client, as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Delivered,
    NotSent,
    MaybeSent,
}

/// A link that the client used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    pub epoch: u64,
    /// The number that both sides know it by.
    pub link: u64,
    /// How many messages it had taken that are in doubt, as the client was
    /// told.
    pub maybe: u64,
    /// The client saw an end that the server had made.
    pub ended_by_peer: bool,
}

/// A message that the server received.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub link: u64,
    pub number: u64,
}

/// What the server sent over one link: messages `first..first + count`.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub link: u64,
    pub first: u64,
    pub count: u64,
    /// The server ended it after all of them, and nothing stood in the way.
    pub finished: bool,
}

/// A message that the client's reader got.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub epoch: u64,
    pub link: u64,
    /// Its place among those of its link.
    pub index: u64,
    pub number: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The server received it twice.
    Twice { number: u64 },
    /// The server received it after a later one.
    OutOfOrder { number: u64, after: u64 },
    /// The server received what was never accepted, or was withdrawn.
    NeverAccepted { number: u64 },
    /// The server received it, but not one that was to come before it on the
    /// same link.
    Gap { link: u64, before: u64 },
    /// It was called delivered and never arrived.
    DeliveredNeverArrived { number: u64 },
    /// It was called not sent, or handed back, and arrived.
    NotSentArrived { number: u64 },
    /// Its confirmation never resolved.
    NoOutcome { number: u64 },
    /// Its outcome was told twice, or to nobody who asked.
    OutcomeTooMany { number: u64 },
    /// Its outcome is not that of its place on its link.
    OtherOutcome { number: u64, told: Fate, is: Fate },
    /// What a link took does not agree with what arrived, what was confirmed
    /// and what is in doubt.
    CountsDisagree { epoch: u64, taken: u64, arrived: u64, maybe: u64 },
    /// accepted = delivered + not sent + maybe does not hold.
    SumDisagrees { accepted: u64, delivered: u64, not_sent: u64, maybe: u64 },
    /// The client read a message out of order, or twice.
    ReadOutOfOrder { number: u64, after: u64 },
    /// The client read a message of one link under the name of another.
    ReadOnWrongLink { number: u64, epoch: u64, link: u64 },
    /// The client read a message, but not the one before it on the same link.
    ReadGap { link: u64, index: u64 },
    /// The client read what the server did not send.
    ReadNeverSent { number: u64 },
    /// The server ended the link in an orderly way, the client saw that, and
    /// did not read all that came before.
    LostBeforeTheEnd { link: u64, sent: u64, read: u64 },
}

/// What came of a run in which nothing is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub links: u64,
    pub accepted: u64,
    pub delivered: u64,
    pub not_sent: u64,
    pub maybe: u64,
    /// Of those in doubt, how many arrived.
    pub maybe_arrived: u64,
    pub sent: u64,
    pub read: u64,
}

impl Totals {
    pub fn add(&mut self, more: Totals) {
        self.links += more.links;
        self.accepted += more.accepted;
        self.delivered += more.delivered;
        self.not_sent += more.not_sent;
        self.maybe += more.maybe;
        self.maybe_arrived += more.maybe_arrived;
        self.sent += more.sent;
        self.read += more.read;
    }
}

impl Ledger {
    /// Judges it all.
    pub fn judge(&self) -> Result<Totals, Vec<Wrong>> {
        let mut judge = Judge { ledger: self, wrong: Vec::new() };
        let totals = judge.outgoing();
        judge.incoming();
        if judge.wrong.is_empty() { Ok(totals) } else { Err(judge.wrong) }
    }
}

struct Judge<'a> {
    ledger: &'a Ledger,
    wrong: Vec<Wrong>,
}

/// A run of messages that one link took, by their places among the accepted.
#[derive(Clone, Copy, Debug)]
struct Run {
    epoch: u64,
    start: u64,
    /// How many of them arrived, from the first on.
    arrived: u64,
    maybe: u64,
    /// Where the next begins, once known.
    end: u64,
}

impl Judge<'_> {
    fn outgoing(&mut self) -> Totals {
        let ledger = self.ledger;
        let places: BTreeMap<u64, u64> =
            (0..).zip(&ledger.accepted).map(|(at, one)| (one.number, at)).collect();
        let arrived_on = self.arrivals(&places);
        let runs = self.runs(&arrived_on);
        let has_arrived: BTreeSet<u64> = ledger.arrived.iter().map(|one| one.number).collect();
        self.outcomes(&places, &runs, &has_arrived);

        let maybe = ledger.links.iter().map(|link| link.maybe).sum();
        let told_not_sent = ledger.outcomes.iter().filter(|(_, fate)| *fate == Fate::NotSent).count() as u64;
        let not_sent = told_not_sent + ledger.handed_back.len() as u64;
        let delivered = ledger.taken.saturating_sub(maybe);
        let accepted = ledger.accepted.len() as u64;
        if ledger.taken < maybe || accepted != delivered + not_sent + maybe {
            self.wrong.push(Wrong::SumDisagrees { accepted, delivered, not_sent, maybe });
        }
        Totals {
            links: ledger.links.len() as u64,
            accepted,
            delivered,
            not_sent,
            maybe,
            maybe_arrived: (has_arrived.len() as u64).saturating_sub(delivered),
            sent: ledger.sent.iter().map(|link| link.count).sum(),
            read: ledger.read.len() as u64,
        }
    }

    /// Looks at the order of what the server received; gives the first place
    /// and the number of what came over each link.
    fn arrivals(&mut self, places: &BTreeMap<u64, u64>) -> BTreeMap<u64, (u64, u64)> {
        let mut on: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        let mut last: Option<u64> = None;
        let mut seen = BTreeSet::new();
        for one in &self.ledger.arrived {
            if !seen.insert(one.number) {
                self.wrong.push(Wrong::Twice { number: one.number });
            } else if let Some(after) = last.filter(|last| *last > one.number) {
                self.wrong.push(Wrong::OutOfOrder { number: one.number, after });
            }
            last = last.max(Some(one.number));
            let Some(&place) = places.get(&one.number) else {
                self.wrong.push(Wrong::NeverAccepted { number: one.number });
                continue;
            };
            let (first, count) = on.entry(one.link).or_insert((place, 0));
            if place != *first + *count {
                self.wrong.push(Wrong::Gap { link: one.link, before: one.number });
            }
            *count += 1;
        }
        on
    }

    /// What each link took. Links take the accepted in order and leave none
    /// out; of what one took a part arrived, all of it from the first on; what
    /// was delivered is the first part of that, what is in doubt the rest of
    /// what was taken. So where the next link begins tells how many this one
    /// took, as a link from which nothing arrived took only what is in doubt.
    fn runs(&mut self, arrived_on: &BTreeMap<u64, (u64, u64)>) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for used in &self.ledger.links {
            let (start, arrived) = arrived_on.get(&used.link).copied().unwrap_or((0, 0));
            if arrived > 0 {
                Self::end_at(&mut runs, start);
            }
            runs.push(Run { epoch: used.epoch, start, arrived, maybe: used.maybe, end: start });
        }
        Self::end_at(&mut runs, self.ledger.taken);
        for (at, run) in runs.iter().enumerate() {
            let taken = run.end.saturating_sub(run.start);
            let fits = run.end >= run.start
                && (at > 0 || run.start == 0)
                && taken >= run.arrived
                && taken >= run.maybe
                && taken - run.maybe <= run.arrived;
            if !fits {
                let (epoch, arrived, maybe) = (run.epoch, run.arrived, run.maybe);
                self.wrong.push(Wrong::CountsDisagree { epoch, taken, arrived, maybe });
            }
        }
        runs
    }

    /// The next message that a link takes is at `place`. Those of the links
    /// before it from which nothing arrived lie right before.
    fn end_at(runs: &mut [Run], place: u64) {
        let mut end = place;
        for run in runs.iter_mut().rev() {
            run.end = end;
            if run.arrived > 0 {
                break;
            }
            run.start = end.saturating_sub(run.maybe);
            end = run.start;
        }
    }

    fn outcomes(&mut self, places: &BTreeMap<u64, u64>, runs: &[Run], has_arrived: &BTreeSet<u64>) {
        let ledger = self.ledger;
        let mut open: BTreeSet<u64> =
            ledger.accepted.iter().filter(|one| one.confirmed).map(|one| one.number).collect();
        for &(number, told) in &ledger.outcomes {
            if !open.remove(&number) {
                self.wrong.push(Wrong::OutcomeTooMany { number });
                continue;
            }
            let arrived = has_arrived.contains(&number);
            match told {
                Fate::Delivered if !arrived => self.wrong.push(Wrong::DeliveredNeverArrived { number }),
                Fate::NotSent if arrived => self.wrong.push(Wrong::NotSentArrived { number }),
                Fate::Delivered | Fate::NotSent | Fate::MaybeSent => {}
            }
            let is = fate_at(places[&number], runs);
            if told != is {
                self.wrong.push(Wrong::OtherOutcome { number, told, is });
            }
        }
        self.wrong.extend(open.into_iter().map(|number| Wrong::NoOutcome { number }));
        let mut back = BTreeSet::new();
        for &number in &ledger.handed_back {
            if !back.insert(number) {
                self.wrong.push(Wrong::OutcomeTooMany { number });
            }
            match places.get(&number).map(|place| fate_at(*place, runs)) {
                Some(Fate::NotSent) => {}
                Some(is) => self.wrong.push(Wrong::OtherOutcome { number, told: Fate::NotSent, is }),
                None => self.wrong.push(Wrong::NeverAccepted { number }),
            }
            if has_arrived.contains(&number) {
                self.wrong.push(Wrong::NotSentArrived { number });
            }
        }
    }

    fn incoming(&mut self) {
        let ledger = self.ledger;
        let sent: BTreeMap<u64, Sent> = ledger.sent.iter().map(|link| (link.link, *link)).collect();
        let used: BTreeMap<u64, Used> = ledger.links.iter().map(|link| (link.epoch, *link)).collect();
        let mut read_of: BTreeMap<u64, u64> = BTreeMap::new();
        let mut last: Option<u64> = None;
        for one in &ledger.read {
            if let Some(after) = last.filter(|last| *last >= one.number) {
                self.wrong.push(Wrong::ReadOutOfOrder { number: one.number, after });
            }
            last = last.max(Some(one.number));
            if used.get(&one.epoch).is_none_or(|used| used.link != one.link) {
                let (number, epoch, link) = (one.number, one.epoch, one.link);
                self.wrong.push(Wrong::ReadOnWrongLink { number, epoch, link });
            }
            let read = read_of.entry(one.link).or_default();
            if *read != one.index {
                self.wrong.push(Wrong::ReadGap { link: one.link, index: one.index });
            }
            *read = one.index + 1;
            let was_sent = sent.get(&one.link).is_some_and(|link| {
                one.index < link.count && link.first.checked_add(one.index) == Some(one.number)
            });
            if !was_sent {
                self.wrong.push(Wrong::ReadNeverSent { number: one.number });
            }
        }
        for used in &ledger.links {
            let Some(sent) = sent.get(&used.link).filter(|sent| sent.finished && used.ended_by_peer) else {
                continue;
            };
            let read = read_of.get(&used.link).copied().unwrap_or(0);
            if read < sent.count {
                self.wrong.push(Wrong::LostBeforeTheEnd { link: used.link, sent: sent.count, read });
            }
        }
    }
}

/// What became of the message at `place`, by the links that took it.
fn fate_at(place: u64, runs: &[Run]) -> Fate {
    match runs.iter().find(|run| run.start <= place && place < run.end) {
        Some(run) if place < run.end - run.maybe.min(run.end) => Fate::Delivered,
        Some(_) => Fate::MaybeSent,
        None => Fate::NotSent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holdings::alone;

    /// Two links: of messages 10..20 the first took six, of which four
    /// arrived and three were confirmed; the second took two, both delivered;
    /// two were never sent. Number 13 was withdrawn before.
    fn right() -> Ledger {
        let numbers = [10, 11, 12, 14, 15, 16, 17, 18, 19, 20];
        let accepted =
            numbers.map(|number| Accepted { number, confirmed: !matches!(number, 12 | 20) }).to_vec();
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

    /// What is wrong once `spoil` has had its way with the right one.
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
}
