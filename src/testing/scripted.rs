//! A transport that follows a script, attempt by attempt.

mod attempt;
mod link;
mod peer;
mod wire;

pub use attempt::{Answers, ScriptedAttempt};
pub use link::ScriptedLink;
pub use peer::ScriptedPeer;
pub use wire::{Wrote, WroteWhat};

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::keeper::Purpose;
use crate::testing::alarm::wait_until;
use crate::transport::{Attempt, ConnectError, Transport};
use crate::{Failure, LinkId};
use attempt::AttemptOutcome;
use wire::Wire;

/// A script for a transport: the outcome of each attempt to connect, and the
/// other end of each link that opens. For tests of one exact order of events.
///
/// Clones are the same script. Attempts beyond the list go as
/// [`otherwise`](Script::otherwise) says. Default: a link opens at once.
///
/// The links have no limits. The test says every word of the peer, and all
/// times are exact. For a network with a server that behaves like one see
/// [`FaultyNet`](super::FaultyNet).
///
/// ```
/// use std::time::Duration;
/// use longlink::{LinkEnd, ResilientConnection};
/// use longlink::testing::{Script, ScriptedAttempt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let script = Script::<String>::new([
///     ScriptedAttempt::open().after(Duration::from_millis(80)),
///     ScriptedAttempt::refuse(),
/// ]);
/// let mut connection = ResilientConnection::builder(script.transport()).seed(7).build()?;
///
/// let peer = script.next_link().await;
/// peer.deliver("hello".to_owned());
/// peer.end(LinkEnd::Reset);
/// assert_eq!(connection.recv().await.transpose()?.as_deref(), Some("hello"));
/// assert_eq!(peer.dropped().await, Duration::from_millis(80));
///
/// // The second attempt is refused; the third, like all further ones, opens.
/// script.next_link().await;
/// assert_eq!(script.attempts().len(), 3);
/// # Ok(())
/// # }
/// ```
pub struct Script<In, Out = In> {
    shared: Arc<SharedScript<In, Out>>,
}

impl<In: Send + 'static, Out: Send + 'static> Script<In, Out> {
    /// A script whose first attempts go as `steps` say, in their order. The
    /// times of the script count from here.
    pub fn new(steps: impl IntoIterator<Item = ScriptedAttempt>) -> Script<In, Out> {
        let progress = ScriptProgress {
            steps: steps.into_iter().collect(),
            otherwise: ScriptedAttempt::open(),
            attempts: Vec::new(),
            peers: VecDeque::new(),
        };
        Script {
            shared: Arc::new(SharedScript {
                began: Instant::now(),
                progress: Mutex::new(progress),
                opened: Notify::new(),
            }),
        }
    }

    /// Adds an attempt to the end of the list.
    pub fn then(&self, step: ScriptedAttempt) {
        self.shared.progress().steps.push_back(step);
    }

    /// Sets the outcome of all attempts beyond the list.
    pub fn otherwise(&self, step: ScriptedAttempt) {
        self.shared.progress().otherwise = step;
    }

    /// Makes a transport that follows the script.
    pub fn transport(&self) -> ScriptedTransport<In, Out> {
        ScriptedTransport { shared: Arc::clone(&self.shared) }
    }

    /// Returns all attempts so far, in their order.
    pub fn attempts(&self) -> Vec<AttemptRecord> {
        self.shared.progress().attempts.clone()
    }

    /// Waits for the next link that opens, and returns its other end. Returns
    /// each link once, in the order in which they opened. Cancel safe.
    pub async fn next_link(&self) -> ScriptedPeer<In, Out> {
        loop {
            let opened = self.shared.opened.notified();
            if let Some(peer) = self.shared.progress().peers.pop_front() {
                return peer;
            }
            opened.await;
        }
    }

    /// The time since the script began. All its times count from there.
    pub fn elapsed(&self) -> Duration {
        self.shared.began.elapsed()
    }
}

/// One attempt to open a link, as the scripted transport saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// [`Attempt::number`].
    pub number: u32,
    /// [`Attempt::link_id`].
    pub link: LinkId,
    /// [`Attempt::route`].
    pub route: usize,
    /// [`Attempt::purpose`].
    pub purpose: Purpose,
    /// [`Attempt::last_failure`].
    pub last_failure: Option<Failure>,
    /// When the attempt began, since the script began.
    pub at: Duration,
    /// When the attempt was dropped before its end, since the script began;
    /// `None` if it was not.
    pub abandoned: Option<Duration>,
}

/// The transport that follows a [`Script`]. Its endpoint is `script:` for every
/// script.
pub struct ScriptedTransport<In, Out = In> {
    shared: Arc<SharedScript<In, Out>>,
}

#[async_trait]
impl<In: Send + 'static, Out: Send + 'static> Transport for ScriptedTransport<In, Out> {
    type Link = ScriptedLink<In, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<ScriptedLink<In, Out>, ConnectError> {
        let began = Instant::now();
        let (index, step) = self.shared.enter(attempt);
        let mut unfinished = Unfinished { shared: &self.shared, index: Some(index) };
        if let Some(dial) = step.dial {
            wait_until(began + dial).await;
            attempt.dialled(step.local_addr);
        }
        wait_until(began + step.after).await;
        if matches!(step.outcome, AttemptOutcome::Hang) {
            std::future::pending::<()>().await;
        }
        unfinished.index = None;
        match step.outcome {
            AttemptOutcome::Open => {
                let wire = Arc::new(Wire::new(&step, attempt.link_id(), self.shared.began));
                let (link, peer) = (ScriptedLink::new(&step, Arc::clone(&wire)), ScriptedPeer::new(wire));
                self.shared.progress().peers.push_back(peer);
                self.shared.opened.notify_one();
                Ok(link)
            }
            AttemptOutcome::Fail(failure) => Err(ConnectError::new(failure)),
            AttemptOutcome::Panic => panic!("the script lets this attempt panic"),
            AttemptOutcome::Hang => unreachable!("a hanging attempt ends only by being dropped"),
        }
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        Some("script:".to_owned())
    }
}

/// The state that a script and its transports share.
struct SharedScript<In, Out> {
    began: Instant,
    progress: Mutex<ScriptProgress<In, Out>>,
    opened: Notify,
}

struct ScriptProgress<In, Out> {
    steps: VecDeque<ScriptedAttempt>,
    otherwise: ScriptedAttempt,
    attempts: Vec<AttemptRecord>,
    /// The ends of open links that the test has not asked for yet.
    peers: VecDeque<ScriptedPeer<In, Out>>,
}

impl<In, Out> SharedScript<In, Out> {
    fn progress(&self) -> MutexGuard<'_, ScriptProgress<In, Out>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, attempt: &Attempt) -> (usize, ScriptedAttempt) {
        let mut progress = self.progress();
        progress.attempts.push(AttemptRecord {
            number: attempt.number(),
            link: attempt.link_id(),
            route: attempt.route(),
            purpose: attempt.purpose(),
            last_failure: attempt.last_failure().cloned(),
            at: self.began.elapsed(),
            abandoned: None,
        });
        let step = progress.steps.pop_front().unwrap_or_else(|| progress.otherwise.clone());
        (progress.attempts.len() - 1, step)
    }
}

/// Records in its drop that an attempt was dropped before its end.
struct Unfinished<'a, In, Out> {
    shared: &'a SharedScript<In, Out>,
    index: Option<usize>,
}

impl<In, Out> Drop for Unfinished<'_, In, Out> {
    fn drop(&mut self) {
        if let Some(index) = self.index {
            let now = self.shared.began.elapsed();
            self.shared.progress().attempts[index].abandoned = Some(now);
        }
    }
}

impl<In, Out> Clone for Script<In, Out> {
    fn clone(&self) -> Script<In, Out> {
        Script { shared: Arc::clone(&self.shared) }
    }
}

impl<In, Out> fmt::Debug for Script<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("attempts", &self.shared.progress().attempts).finish_non_exhaustive()
    }
}

impl<In, Out> fmt::Debug for ScriptedTransport<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
