//! Whether what the two sides have seen agrees.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fate, Ledger, Sent, Totals, Used, Wrong};

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

    /// The messages that each link took. Links take the accepted messages in order and
    /// leave none out. Of the messages of one link a first part arrived; a first part of
    /// those was delivered, and the other messages that the link took are in doubt. So
    /// the place where the next link begins tells how many this link
    /// took: a link from which nothing arrived took only messages in doubt.
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

/// The fate of the message at `place`, by the links that took it.
fn fate_at(place: u64, runs: &[Run]) -> Fate {
    match runs.iter().find(|run| run.start <= place && place < run.end) {
        Some(run) if place < run.end - run.maybe.min(run.end) => Fate::Delivered,
        Some(_) => Fate::MaybeSent,
        None => Fate::NotSent,
    }
}
