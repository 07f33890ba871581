//! Medians of what came out.

use std::time::Duration;

use crate::clients::Client;
use crate::fault::Fault;
use crate::trial::Outcome;

/// All outcomes.
#[derive(Debug, Default)]
pub struct Results {
    all: Vec<(Client, Fault, Outcome)>,
}

/// A client under a fault: medians over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub client: Client,
    pub fault: Fault,
    /// `None`: not while it was watched.
    pub detected: Option<Duration>,
    pub back: Option<Duration>,
    pub attempts: f64,
}

impl Results {
    pub fn add(&mut self, client: Client, fault: Fault, outcome: Outcome) {
        self.all.push((client, fault, outcome));
    }

    /// A row for each client and fault that has an outcome, by fault.
    pub fn rows(&self) -> Vec<Row> {
        let pairs = Fault::ALL.into_iter().flat_map(|fault| Client::ALL.map(|client| (client, fault)));
        pairs.filter_map(|(client, fault)| self.row(client, fault)).collect()
    }

    /// The medians of a client under a fault, if it was tried.
    pub fn row(&self, client: Client, fault: Fault) -> Option<Row> {
        let mine =
            || self.all.iter().filter(|(c, f, _)| (*c, *f) == (client, fault)).map(|(.., outcome)| outcome);
        mine().next()?;
        let attempts = median(mine().map(|outcome| outcome.attempts as f64).collect(), |a, b| (a + b) / 2.0);
        Some(Row {
            client,
            fault,
            detected: median_wait(mine().map(|outcome| outcome.detected)),
            back: median_wait(mine().map(|outcome| outcome.back)),
            attempts,
        })
    }

    /// The shortest and the longest time to be back, if it always was.
    pub fn span(&self, client: Client, fault: Fault) -> Option<(Duration, Duration)> {
        let mine = self.all.iter().filter(|(c, f, _)| (*c, *f) == (client, fault));
        let all: Option<Vec<_>> = mine.map(|(.., outcome)| outcome.back).collect();
        let all = all?;
        Some((*all.iter().min()?, *all.iter().max()?))
    }
}

/// An event that never came counts as the longest wait.
fn median_wait(waits: impl Iterator<Item = Option<Duration>>) -> Option<Duration> {
    let wait = median(waits.map(|wait| wait.unwrap_or(Duration::MAX)).collect(), |a, b| {
        a.checked_add(b).map_or(Duration::MAX, |sum| sum / 2)
    });
    (wait < Duration::MAX).then_some(wait)
}

fn median<T: Copy + PartialOrd>(mut values: Vec<T>, between: impl Fn(T, T) -> T) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("no value is a NaN"));
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { between(values[half - 1], values[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(secs: &[u64]) -> Option<Duration> {
        median_wait(secs.iter().map(|secs| (*secs > 0).then(|| Duration::from_secs(*secs))))
    }

    #[test]
    fn what_never_came_counts_as_the_longest_wait() {
        assert_eq!(waits(&[3, 0, 1]), Some(Duration::from_secs(3)));
        assert_eq!(waits(&[3, 0, 0]), None);
        assert_eq!(waits(&[3, 2]), Some(Duration::from_millis(2500)));
        assert_eq!(waits(&[3, 0]), None);
    }

    #[test]
    fn rows_are_of_those_that_were_tried() {
        let mut results = Results::default();
        for attempts in [1, 2] {
            let outcome = Outcome { detected: None, back: Some(Duration::from_secs(attempts)), attempts };
            results.add(Client::ByHand, Fault::Fin, outcome);
        }
        let rows = results.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].detected, rows[0].back, rows[0].attempts),
            (None, Some(Duration::from_millis(1500)), 1.5)
        );
        let span = (Duration::from_secs(1), Duration::from_secs(2));
        assert_eq!(results.span(Client::ByHand, Fault::Fin), Some(span));
    }
}
