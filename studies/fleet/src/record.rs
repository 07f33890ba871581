//! The counts while a fleet comes back.

use std::time::Duration;

use crate::service::{Nanos, nanos};

/// Arrivals are counted in steps of this …
pub const STEP: Duration = Duration::from_millis(10);
/// … and a second has so many.
pub const STEPS: usize = 100;

/// Times are from the first loss on.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub clients: usize,
    /// All attempts, those that got nowhere included.
    attempts: u64,
    first_second: u64,
    /// Attempts that reached a server, by step.
    arrivals: Vec<u32>,
    /// How many more clients, or fewer, are connected after each step.
    changes: Vec<i32>,
    losses: u64,
    /// How long each client was away, from its loss, or from when the service
    /// was back if that was later.
    away: Vec<Nanos>,
}

/// The figures of a schedule in a scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScheduleFigures {
    pub attempts_per_client: f64,
    /// Attempts made in the second after the first loss.
    pub first_second: u64,
    /// The most attempts that reached the servers within one second, once
    /// there was something to reach.
    pub peak_per_s: u64,
    /// When half of all who lost a link were back; `None` if never.
    pub t50: Option<Duration>,
    pub t99: Option<Duration>,
    /// Who never came back.
    pub never: u64,
}

impl Record {
    pub fn new(clients: usize) -> Record {
        Record { clients, ..Record::default() }
    }

    pub fn attempt(&mut self, at: Nanos, reaches_a_server: bool) {
        self.attempts += 1;
        if at < nanos(Duration::from_secs(1)) {
            self.first_second += 1;
        }
        if reaches_a_server {
            *entry(&mut self.arrivals, at) += 1;
        }
    }

    pub fn lost(&mut self, at: Nanos) {
        self.losses += 1;
        *entry(&mut self.changes, at) -= 1;
    }

    pub fn back(&mut self, away: Nanos, at: Nanos) {
        self.away.push(away);
        *entry(&mut self.changes, at) += 1;
    }

    /// The figures, where the service was back at `back`.
    pub fn figures(&mut self, back: Duration) -> ScheduleFigures {
        self.away.sort_unstable();
        let at = |part: f64| {
            let rank = (self.losses as f64 * part).ceil() as usize;
            self.away.get(rank.max(1) - 1).map(|&away| Duration::from_nanos(away))
        };
        let from = (back.as_nanos() / STEP.as_nanos()) as usize;
        ScheduleFigures {
            attempts_per_client: self.attempts as f64 / self.clients as f64,
            first_second: self.first_second,
            peak_per_s: self.most_within(STEPS, from),
            t50: at(0.5),
            t99: at(0.99),
            never: self.losses - self.away.len() as u64,
        }
    }

    /// The most attempts that reached a server within so many steps, anywhere
    /// after the first `from`.
    pub fn most_within(&self, steps: usize, from: usize) -> u64 {
        let arrivals = self.arrivals.get(from..).unwrap_or_default();
        let (mut within, mut most) = (0, 0);
        for (at, &count) in arrivals.iter().enumerate() {
            within += u64::from(count);
            if at >= steps {
                within -= u64::from(arrivals[at - steps]);
            }
            most = most.max(within);
        }
        most
    }

    /// Attempts that reached a server in each whole second.
    pub fn per_second(&self) -> Vec<u64> {
        self.arrivals.chunks(STEPS).map(|steps| steps.iter().map(|&count| u64::from(count)).sum()).collect()
    }

    /// The share of clients that are connected, at the end of each tenth of a
    /// second.
    pub fn connected(&self) -> Vec<f64> {
        let mut connected = self.clients as i64;
        let tenth = |steps: &[i32]| {
            connected += steps.iter().map(|&change| i64::from(change)).sum::<i64>();
            connected as f64 / self.clients as f64
        };
        self.changes.chunks(STEPS / 10).map(tenth).collect()
    }
}

fn entry<T: Clone + Default>(steps: &mut Vec<T>, at: Nanos) -> &mut T {
    let step = (at / nanos(STEP)) as usize;
    if steps.len() <= step {
        steps.resize(step + 1, T::default());
    }
    &mut steps[step]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Nanos = 1_000_000;

    #[test]
    fn the_peak_is_of_any_second_and_not_before_the_service_is_back() {
        let mut record = Record::new(10);
        for at in [0, 1, 2, 3, 4, 5, 1500, 2100, 2400, 2501] {
            record.attempt(at * MILLI, true);
        }
        record.attempt(999 * MILLI, false);
        assert_eq!(record.figures(Duration::ZERO).peak_per_s, 6);
        let figures = record.figures(Duration::from_secs(1));
        assert_eq!((figures.peak_per_s, figures.first_second), (3, 7));
        assert_eq!(figures.attempts_per_client, 1.1);
        assert_eq!(record.per_second(), [6, 1, 3]);
    }

    #[test]
    fn a_share_that_never_came_back_has_no_time() {
        let mut record = Record::new(4);
        for _ in 0..4 {
            record.lost(0);
        }
        for away in [100, 300] {
            record.back(away * MILLI, away * MILLI);
        }
        let figures = record.figures(Duration::ZERO);
        assert_eq!((figures.t50, figures.t99, figures.never), (Some(Duration::from_millis(300)), None, 2));
        assert_eq!(record.connected(), [0.0, 0.25, 0.25, 0.5]);
    }
}
