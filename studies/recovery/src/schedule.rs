//! Which trials are run, and when the fault falls in each.

use std::time::Duration;

use crate::clients::Client;
use crate::fault::Fault;
use crate::trial::Trial;

/// longlink takes a link for proved after 30 s, and comes back more slowly
/// from one that was not: each link is up for longer than that.
const PROVED: Duration = Duration::from_secs(31);
/// Faults fall evenly over this time after that. A client that pings by its
/// own clock meets the fault at any point between two pings.
const SPREAD: Duration = Duration::from_secs(30);
/// By this part less or more than the round time dials are refused: no outage
/// has a round length, and a client whose delays are whole seconds would be
/// there by a hair, or miss it by one.
const UNEVEN: f64 = 0.2;
/// How long each client is watched.
const WATCHED: Duration = Duration::from_secs(75);

/// In a quick run the faults fall within 3 s, those that take long to notice
/// after a few seconds only, and clients are watched for less long.
const SPREAD_QUICK: Duration = Duration::from_secs(3);
const QUICK_SILENT: Duration = Duration::from_secs(2);
const WATCHED_QUICK: Duration = Duration::from_secs(22);
const WATCHED_QUICK_SILENT: Duration = Duration::from_secs(50);

/// All trials of a run, in the order in which their faults fall: a round
/// after the other, and within a round each fault under every client before
/// the next fault.
pub fn trials(rounds: usize, quick: bool) -> Vec<Trial> {
    let mut pairs = Vec::new();
    for fault in Fault::ALL {
        pairs.extend(
            Client::ALL.into_iter().filter(|client| client.meets(fault)).map(|client| (client, fault)),
        );
    }
    let count = (pairs.len() * rounds) as u32;
    let all = (0..rounds).flat_map(|round| pairs.iter().map(move |pair| (round, *pair)));
    all.zip(0_u32..)
        .map(|((round, (client, fault)), place)| {
            let (least, spread) = match (quick, fault.is_silent()) {
                (false, _) => (PROVED, SPREAD),
                (true, false) => (PROVED, SPREAD_QUICK),
                (true, true) => (QUICK_SILENT, SPREAD_QUICK),
            };
            let warm_up = least + spread * place / count;
            let uneven = 1.0 - UNEVEN + 2.0 * UNEVEN * turn(round);
            let away = fault.away().unwrap_or_default().mul_f64(uneven);
            Trial { client, fault, warm_up, away, limit: watched(fault, quick) }
        })
        .collect()
}

/// Numbers between 0 and 1 that lie evenly however many there are, and follow
/// no order.
fn turn(round: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (0.5 + round as f64 * GOLDEN).fract()
}

/// How long a client is watched after the fault.
pub fn watched(fault: Fault, quick: bool) -> Duration {
    match (quick, fault.is_silent()) {
        (false, _) => WATCHED,
        (true, false) => WATCHED_QUICK,
        (true, true) => WATCHED_QUICK_SILENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_run_ends_within_a_minute() {
        let longest = trials(3, true).iter().map(|trial| trial.warm_up + trial.limit).max();
        assert!(longest < Some(Duration::from_secs(58)), "{longest:?}");
    }

    #[test]
    fn dials_are_refused_for_about_as_long_as_the_fault_says() {
        for (fault, least, most) in [(Fault::ServerDown, 2.4, 3.6), (Fault::NetworkAway, 8.0, 12.0)] {
            let all = trials(11, false);
            let away = all.iter().filter(|trial| trial.fault == fault).map(|trial| trial.away.as_secs_f64());
            let (shortest, longest) =
                away.fold((f64::MAX, 0.0_f64), |(a, b), away| (a.min(away), b.max(away)));
            assert!(least <= shortest && shortest < least * 1.05, "{shortest}");
            assert!(most * 0.95 < longest && longest <= most, "{longest}");
        }
    }

    #[test]
    fn each_client_meets_each_of_its_faults_once_a_round() {
        let all = trials(5, false);
        for client in Client::ALL {
            for fault in Fault::ALL {
                let mine: Vec<_> =
                    all.iter().filter(|trial| (trial.client, trial.fault) == (client, fault)).collect();
                assert_eq!(mine.len(), if client.meets(fault) { 5 } else { 0 });
                for (round, trial) in mine.iter().enumerate() {
                    let after = trial.warm_up - PROVED;
                    assert_eq!((after.as_secs_f64() / 6.0) as usize, round, "{after:?}");
                }
            }
        }
    }
}
