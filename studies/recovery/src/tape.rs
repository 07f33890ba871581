//! The notes of one client, with the time: each adapter writes on a tape.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

/// A tape; clones are the same.
#[derive(Clone, Debug)]
pub struct Tape {
    told: Arc<Mutex<Told>>,
    /// The newest link that a message came from.
    newest: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Told {
    signs: Vec<Instant>,
    failures: Vec<Instant>,
    /// The first message of each link, by the link's number.
    first: Vec<(u64, Instant)>,
}

impl Tape {
    pub fn new() -> Tape {
        Tape { told: Arc::default(), newest: Arc::new(watch::Sender::new(0)) }
    }

    // For the clients.

    /// The client's application has received `text`.
    pub fn message(&self, text: &str) {
        let now = Instant::now();
        // A line that a cut link left unfinished is no message.
        let Some(link) = link_of(text) else { return };
        let mut told = self.lock();
        if told.first.iter().all(|(known, _)| *known != link) {
            told.first.push((link, now));
            drop(told);
            self.newest.send_if_modified(|newest| {
                let is_newer = link > *newest;
                *newest = link.max(*newest);
                is_newer
            });
        }
    }

    /// The client says that its link is gone or, where it says nothing, tries
    /// to open another.
    pub fn gone(&self) {
        self.lock().signs.push(Instant::now());
    }

    /// The client says that an attempt failed.
    pub fn failed(&self) {
        self.lock().failures.push(Instant::now());
    }

    // For the trial.

    /// When the first message came from a link after `link`. Waits for it.
    pub async fn link_after(&self, link: u64) -> Instant {
        let mut newest = self.newest.subscribe();
        newest.wait_for(|newest| *newest > link).await.expect("the tape holds the sender");
        let told = self.lock();
        let times = told.first.iter().filter(|(number, _)| *number > link).map(|(_, at)| *at);
        times.min().expect("the newest link has a first message")
    }

    /// The first sign, from `since` on, that the client knows.
    pub fn first_sign(&self, since: Instant) -> Option<Instant> {
        self.lock().signs.iter().copied().find(|at| *at >= since)
    }

    /// How many attempts have failed from `since` on, as the client says.
    pub fn failures(&self, since: Instant) -> u64 {
        self.lock().failures.iter().filter(|at| **at >= since).count() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the link that a message of the server names first.
fn link_of(text: &str) -> Option<u64> {
    serde_json::from_str::<(u64, u64)>(text).ok().map(|(link, _)| link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_first_message_of_a_link_counts_and_only_what_came_since() {
        let tape = Tape::new();
        tape.gone();
        tape.failed();
        tape.message("[1,0]");
        let since = Instant::now();
        assert_eq!((tape.first_sign(since), tape.failures(since)), (None, 0));
        tape.gone();
        tape.failed();
        tape.message("[2,0]");
        let back = tape.link_after(1).await;
        let later = Instant::now();
        tape.gone();
        tape.message("[2,1]");
        assert_eq!(tape.link_after(1).await, back);
        assert_eq!(tape.failures(since), 1);
        assert!(tape.first_sign(since).is_some_and(|sign| since <= sign && sign <= later));
    }

    #[test]
    fn half_a_line_is_no_message() {
        assert_eq!(link_of("[3,14]\n"), Some(3));
        assert_eq!(link_of("[3,1[4,0]"), None);
    }
}
