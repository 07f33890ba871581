//! Those who wait to know what became of a message.

use std::collections::VecDeque;
use std::fmt;

use super::queue::believed;
use super::{KEPT, Outcome};
use crate::keeper::Token;

/// The most beats that are remembered while unanswered. A forgotten one
/// confirms nothing, the next answered one does.
const MARKS: usize = 32;

/// A request to be told what became of a message.
pub struct Confirm<M, T> {
    /// Comes back with the outcome.
    pub ticket: T,
    /// A copy of the message, to be handed back if it is maybe sent.
    pub copy: M,
}

impl<M, T> fmt::Debug for Confirm<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").finish_non_exhaustive()
    }
}

/// One message whose outcome somebody waits for.
struct Expected<M, T> {
    number: u64,
    weight: usize,
    confirm: Confirm<M, T>,
}

/// All such messages, by number, and the beats that will confirm them.
pub(super) struct Confirmations<M, T> {
    expected: VecDeque<Expected<M, T>>,
    /// How many of the first of them were given to a link.
    given: usize,
    /// What those weigh.
    given_weight: u64,
    /// Beats under way, and the message number that each was sent after.
    marks: VecDeque<(Token, u64)>,
    /// How many beats before those were forgotten: an answer that names none
    /// answers one of them.
    forgotten: usize,
}

impl<M, T> Default for Confirmations<M, T> {
    fn default() -> Confirmations<M, T> {
        Confirmations {
            expected: VecDeque::new(),
            given: 0,
            given_weight: 0,
            marks: VecDeque::new(),
            forgotten: 0,
        }
    }
}

impl<M, T> Confirmations<M, T> {
    pub(super) fn expect(&mut self, number: u64, weight: usize, confirm: Confirm<M, T>) {
        self.expected.push_back(Expected { number, weight: believed(weight), confirm });
    }

    /// All messages below `number` were given to a link.
    pub(super) fn given_below(&mut self, number: u64) {
        while let Some(next) = self.expected.get(self.given)
            && next.number < number
        {
            self.given += 1;
            self.given_weight += next.weight as u64;
        }
    }

    pub(super) fn mark(&mut self, token: Token, number: u64) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
            self.forgotten += 1;
        }
        self.marks.push_back((token, number));
    }

    /// The number below which the answer confirms, if it answers a beat that
    /// is remembered.
    pub(super) fn answered(&mut self, token: Option<Token>) -> Option<u64> {
        let at = match token {
            Some(token) => self.marks.iter().position(|(sent, _)| *sent == token)?,
            None if self.forgotten > 0 => {
                self.forgotten -= 1;
                return None;
            }
            None => 0,
        };
        self.forgotten = 0;
        self.marks.drain(..=at.min(self.marks.len().checked_sub(1)?)).next_back().map(|(_, number)| number)
    }

    pub(super) fn forget_marks(&mut self) {
        self.marks.clear();
        self.forgotten = 0;
    }

    /// Settles those below `number` that were given to a link.
    pub(super) fn settle_below(
        &mut self,
        number: u64,
        mut outcome: impl FnMut(M) -> Outcome<M>,
        settled: &mut VecDeque<(T, Outcome<M>)>,
    ) {
        while self.given > 0 && self.expected.front().is_some_and(|next| next.number < number) {
            let Some(next) = self.expected.pop_front() else { return };
            self.given -= 1;
            self.given_weight -= next.weight as u64;
            settled.push_back((next.confirm.ticket, outcome(next.confirm.copy)));
        }
    }

    /// Forgets those that `unwanted` names and that were not given to a link;
    /// their copies go to `spare`.
    pub(super) fn forget(&mut self, unwanted: impl Fn(&T) -> bool, spare: &mut Vec<M>) {
        for expected in self.expected.split_off(self.given) {
            if unwanted(&expected.confirm.ticket) {
                spare.push(expected.confirm.copy);
            } else {
                self.expected.push_back(expected);
            }
        }
    }

    /// Takes back what was asked about message `number`, which is the first
    /// that was not given to a link, if anybody did.
    pub(super) fn withdraw(&mut self, number: u64) -> Option<Confirm<M, T>> {
        let next = self.expected.get(self.given)?;
        if next.number != number {
            return None;
        }
        self.expected.remove(self.given).map(|expected| expected.confirm)
    }

    /// How many were given to a link.
    pub(super) fn given(&self) -> usize {
        self.given
    }

    /// What those weigh.
    pub(super) fn given_weight(&self) -> u64 {
        self.given_weight
    }

    /// Whether there is one below `number` that was not given to a link yet.
    pub(super) fn any_to_give_below(&self, number: u64) -> bool {
        self.expected.get(self.given).is_some_and(|next| next.number < number)
    }

    pub(super) fn shrink(&mut self) {
        if self.expected.is_empty() && self.expected.capacity() > KEPT {
            self.expected = VecDeque::new();
        }
        if self.marks.is_empty() && self.marks.capacity() > KEPT {
            self.marks = VecDeque::new();
        }
    }
}

impl<M, T> fmt::Debug for Confirmations<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmations")
            .field("expected", &self.expected.len())
            .field("given", &self.given)
            .field("marks", &self.marks)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_confirmations_keep_only_a_little_of_what_a_burst_took() {
        let mut confirmations = Confirmations::<u32, u32>::default();
        for (capacity, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
            confirmations.expected = VecDeque::with_capacity(capacity);
            confirmations.marks = VecDeque::with_capacity(capacity);
            confirmations.shrink();
            assert_eq!((confirmations.expected.capacity(), confirmations.marks.capacity()), (kept, kept));
        }
    }
}
