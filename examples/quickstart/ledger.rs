//! The application's own account of every message, by number.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The outcome of every message.
#[derive(Debug, Default)]
pub struct Ledger {
    messages: BTreeMap<u64, Entry>,
    /// The numbers echoed, in the order of their arrival.
    echoes: Vec<u64>,
    /// The numbers of the pushes, in the order of their arrival.
    pushes: Vec<u64>,
}

#[derive(Debug, Default)]
struct Entry {
    offered: Option<Instant>,
    accepted: bool,
    /// When longlink told what became of it, and what.
    settled: Option<(Instant, Fate)>,
}

/// The outcome that longlink told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has it.
    Delivered,
    /// A link took it and ended before that was sure.
    MaybeSent,
    /// No link took it.
    NotSent,
}

/// A break: from the moment when a flow was cut to the moment when that was
/// noticed.
#[derive(Clone, Copy, Debug)]
pub struct Break {
    /// When the flow was cut, by the log of whoever cut it.
    pub cut: Instant,
    /// When the client noticed.
    pub noticed: Instant,
}

/// The sum of a ledger and the server's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accepted by longlink.
    pub accepted: u64,
    /// Echoed at least once.
    pub echoed: u64,
    /// Reported as maybe sent.
    pub maybe_sent: u64,
    /// Unsettled when a flow was cut, or accepted before that was noticed.
    pub under_way: u64,
    /// Accepted, not echoed, and not reported as maybe sent; or pushed and
    /// not read.
    pub lost: u64,
    /// Times that a message came again, at the server or back here.
    pub repeated: u64,
    /// Times that a message came after a later one, at the server or here.
    pub reordered: u64,
}

impl Ledger {
    /// Message `number` is about to be sent.
    pub fn offer(&mut self, number: u64, at: Instant) {
        self.messages.entry(number).or_default().offered = Some(at);
    }

    /// Message `number` was accepted.
    pub fn accept(&mut self, number: u64) {
        self.messages.entry(number).or_default().accepted = true;
    }

    /// longlink told what became of message `number`.
    pub fn settle(&mut self, number: u64, fate: Fate, at: Instant) {
        self.messages.entry(number).or_default().settled = Some((at, fate));
    }

    /// The echo of message `number` came.
    pub fn echo(&mut self, number: u64) {
        self.echoes.push(number);
    }

    /// Push `number` came.
    pub fn push(&mut self, number: u64) {
        self.pushes.push(number);
    }

    /// How many messages are neither settled nor echoed: what to wait for
    /// at the end.
    pub fn open(&self) -> usize {
        let echoed: BTreeSet<_> = self.echoes.iter().collect();
        self.messages
            .iter()
            .filter(|(_, entry)| entry.accepted)
            .filter(|(number, entry)| match entry.settled {
                None => true,
                Some((_, Fate::Delivered)) => !echoed.contains(number),
                Some((_, Fate::MaybeSent | Fate::NotSent)) => false,
            })
            .count()
    }

    /// When message `number` was offered.
    pub fn offered(&self, number: u64) -> Option<Instant> {
        self.messages.get(&number)?.offered
    }

    /// Sums up, against what the server received and pushed.
    pub fn tally(&self, received: &[u64], pushed: u64, breaks: &[Break]) -> Tally {
        let (at_server, here, pushes) =
            (Sequence::of(received), Sequence::of(&self.echoes), Sequence::of(&self.pushes));
        let echoed = |number: &u64| here.seen.contains(number);
        let accepted = || self.messages.iter().filter(|(_, entry)| entry.accepted);
        let maybe = |entry: &Entry| matches!(entry.settled, Some((_, Fate::MaybeSent)));
        let lost = accepted().filter(|(number, entry)| !echoed(number) && !maybe(entry)).count() as u64;
        Tally {
            accepted: accepted().count() as u64,
            echoed: here.seen.len() as u64,
            maybe_sent: accepted().filter(|(_, entry)| maybe(entry)).count() as u64,
            under_way: accepted().filter(|(_, entry)| breaks.iter().any(|b| entry.was_under_way(b))).count()
                as u64,
            lost: lost + pushed.saturating_sub(pushes.seen.len() as u64),
            repeated: at_server.repeated + here.repeated + pushes.repeated,
            reordered: at_server.reordered + here.reordered + pushes.reordered,
        }
    }
}

impl Entry {
    fn was_under_way(&self, at: &Break) -> bool {
        self.offered.is_some_and(|offered| offered <= at.noticed)
            && self.settled.is_none_or(|(settled, _)| settled > at.cut)
    }
}

/// The faults in a sequence of numbers.
#[derive(Debug, Default)]
struct Sequence {
    seen: BTreeSet<u64>,
    repeated: u64,
    reordered: u64,
}

impl Sequence {
    fn of(numbers: &[u64]) -> Sequence {
        let mut sequence = Sequence::default();
        let mut highest = 0;
        for &number in numbers {
            if !sequence.seen.insert(number) {
                sequence.repeated += 1;
            } else if number < highest {
                sequence.reordered += 1;
            }
            highest = highest.max(number);
        }
        sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_accepted_and_neither_echoed_nor_maybe_is_lost() {
        let start = Instant::now();
        let mut ledger = Ledger::default();
        for number in 1..=4 {
            ledger.offer(number, start);
            ledger.accept(number);
        }
        ledger.echo(1);
        ledger.settle(1, Fate::Delivered, start);
        ledger.settle(2, Fate::MaybeSent, start + Duration::from_millis(5));
        ledger.settle(3, Fate::Delivered, start);
        let cut = Break { cut: start + Duration::from_millis(1), noticed: start + Duration::from_millis(5) };
        let tally = ledger.tally(&[1, 3], 1, &[cut]);
        assert_eq!((tally.accepted, tally.echoed, tally.maybe_sent), (4, 1, 1));
        // Messages 3 and 4, and the push.
        assert_eq!(tally.lost, 3);
        // Messages 2 and 4; the others were settled before the cut.
        assert_eq!(tally.under_way, 2);
    }

    #[test]
    fn what_comes_again_or_late_is_counted_on_either_side() {
        let mut ledger = Ledger::default();
        for number in [1, 3, 2, 3] {
            ledger.echo(number);
        }
        let tally = ledger.tally(&[1, 2, 2], 0, &[]);
        assert_eq!((tally.repeated, tally.reordered), (2, 1));
    }
}
