//! One client, one server, one fault.

use std::time::{Duration, Instant};

use longlink::{NetworkHandle, NetworkStatus};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout, timeout_at};

use crate::clients::{Client, Role};
use crate::fault::Fault;
use crate::server::Server;
use crate::speech::Speech;
use crate::tape::Tape;

/// How long a client may take to open its first link.
const FIRST_LINK: Duration = Duration::from_secs(10);
/// How long a link may take to carry out a blow.
const BLOW: Duration = Duration::from_secs(5);

/// One trial.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    pub client: Client,
    pub fault: Fault,
    /// How long the link is up, with messages on it, before the fault.
    pub warm_up: Duration,
    /// How long dials are refused, where the fault has them refused.
    pub away: Duration,
    /// How long the client is watched after the fault.
    pub limit: Duration,
}

/// The result of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// From the fault to the client's first sign that it knows.
    pub detected: Option<Duration>,
    /// To the first message on a new link: from the fault or, where dials
    /// were refused, from when they no longer were.
    pub back: Option<Duration>,
    /// Those that failed, as the client tells, and those that the server
    /// served.
    pub attempts: u64,
}

impl Trial {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// Says why the trial says nothing of the client.
    pub async fn run(self) -> Result<Outcome, String> {
        let Trial { client, fault, warm_up, away, limit } = self;
        let mut server = Server::start(client.language()).await.map_err(|e| format!("the server: {e}"))?;
        let tape = Tape::new();
        let network = NetworkHandle::new();
        let role = Role {
            address: server.address(),
            speech: Speech::new(fault.client_speaks()),
            tape: tape.clone(),
            network: network.clone(),
        };
        // Ends with this future.
        let mut running = JoinSet::new();
        running.spawn(client.run(role));
        timeout(FIRST_LINK, tape.link_after(0)).await.map_err(|_| "no first link".to_owned())?;
        sleep(warm_up).await;
        if server.accepted() != 1 || server.served() != 1 {
            return Err(format!("{} links before the fault", server.accepted()));
        }
        if fault.client_speaks() && server.heard() == 0 {
            return Err("the client has said nothing before the fault".to_owned());
        }

        let struck = timeout(BLOW, server.strike(fault)).await.map_err(|_| "no link to strike".to_owned())?;
        let mut reachable = struck;
        if fault.is_of_the_network() && client.is_told() {
            network.set(NetworkStatus::Offline);
        }
        if fault.away().is_some() {
            sleep_until((struck + away).into()).await;
            server.open().map_err(|e| format!("the server could not listen again: {e}"))?;
            reachable = Instant::now();
            if fault.is_of_the_network() && client.is_told() {
                network.set(NetworkStatus::Online);
            }
        }
        let back = timeout_at((struck + limit).into(), tape.link_after(1)).await.ok();
        Ok(Outcome {
            detected: tape.first_sign(struck).map(|at| at - struck),
            back: back.map(|at| at - reachable),
            attempts: tape.failures(struck) + server.served() - 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial with next to no warm-up.
    async fn outcome(client: Client, fault: Fault, limit: Duration) -> Outcome {
        let (warm_up, away) = (Duration::from_millis(1200), Duration::from_secs(2));
        Trial { client, fault, warm_up, away, limit }.run().await.unwrap()
    }

    #[tokio::test]
    async fn every_client_comes_back_from_a_reset() {
        let mut all = JoinSet::new();
        for client in Client::ALL.into_iter().filter(|client| client.meets(Fault::Reset)) {
            all.spawn(async move { (client, outcome(client, Fault::Reset, Duration::from_secs(30)).await) });
        }
        while let Some(done) = all.join_next().await {
            let (client, outcome) = done.unwrap();
            assert!(outcome.detected.is_some() && outcome.detected <= outcome.back, "{client:?} {outcome:?}");
            assert_eq!(outcome.attempts, 1, "{client:?}");
        }
    }

    #[tokio::test]
    async fn refused_dials_are_attempts_before_the_server_is_back() {
        // Attempts after 1 s and, 2 s later, 1 s after the server is back.
        let started = Instant::now();
        let outcome = outcome(Client::ByHand, Fault::ServerDown, Duration::from_secs(20)).await;
        assert_eq!(outcome.attempts, 2);
        assert!(outcome.detected.is_some());
        let back = outcome.back.unwrap();
        assert!(back <= started.elapsed() - Duration::from_millis(3200), "{back:?} counts from the fault");
    }

    #[tokio::test]
    async fn who_is_not_back_in_time_is_not_back() {
        let outcome = outcome(Client::WsBridge, Fault::HalfOpen, Duration::from_secs(1)).await;
        assert_eq!(outcome, Outcome { detected: None, back: None, attempts: 0 });
    }
}
