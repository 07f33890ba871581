//! A transport whose every attempt goes as a script says.

mod link;
mod peer;
mod step;
mod wire;

pub use link::ScriptedLink;
pub use peer::Peer;
pub use step::{Answers, Step};
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
use step::Outcome;
use wire::Wire;

/// Says what becomes of each attempt to connect, and hands out the other end
/// of each link that opens.
///
/// Clones are the same script. When its steps are used up, every further
/// attempt goes as [`otherwise`](Script::otherwise) says: at first, a link
/// opens at once.
///
/// Its links have no limits, their ends are told exactly what to say, and its
/// times are exact. For a server that behaves like one see
/// [`InProcess`](crate::transport::InProcess).
///
/// ```
/// use std::time::Duration;
/// use longlink::{LinkEnd, ResilientConnection};
/// use longlink::testing::{Script, Step};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let script = Script::<String>::new([
///     Step::open().after(Duration::from_millis(80)),
///     Step::refuse(),
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
    stage: Arc<Stage<In, Out>>,
}

impl<In: Send + 'static, Out: Send + 'static> Script<In, Out> {
    /// A script whose first attempts go as `steps` say, in their order. Its
    /// times count from here.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Script<In, Out> {
        let play = Play {
            steps: steps.into_iter().collect(),
            otherwise: Step::open(),
            attempts: Vec::new(),
            peers: VecDeque::new(),
        };
        Script {
            stage: Arc::new(Stage { began: Instant::now(), play: Mutex::new(play), opened: Notify::new() }),
        }
    }

    /// Adds a step at the end.
    pub fn then(&self, step: Step) {
        self.stage.play().steps.push_back(step);
    }

    /// What becomes of attempts for which no step is left.
    pub fn otherwise(&self, step: Step) {
        self.stage.play().otherwise = step;
    }

    /// The transport that plays the script.
    pub fn transport(&self) -> ScriptedTransport<In, Out> {
        ScriptedTransport { stage: Arc::clone(&self.stage) }
    }

    /// All attempts so far, in their order.
    pub fn attempts(&self) -> Vec<AttemptRecord> {
        self.stage.play().attempts.clone()
    }

    /// Waits for the next link that opens, and returns its other end. Each
    /// link is returned once, in the order in which they opened. Cancel safe.
    pub async fn next_link(&self) -> Peer<In, Out> {
        loop {
            let opened = self.stage.opened.notified();
            if let Some(peer) = self.stage.play().peers.pop_front() {
                return peer;
            }
            opened.await;
        }
    }

    /// Time since the script began, which is what all its times count from.
    pub fn elapsed(&self) -> Duration {
        self.stage.began.elapsed()
    }
}

/// One attempt to open a link, as the transport saw it.
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
    /// When it began, since the script began.
    pub at: Duration,
    /// When it was dropped before the script let it end, if it was.
    pub abandoned: Option<Duration>,
}

/// The transport that plays a [`Script`]. Its endpoint is `script:`, whatever
/// the script.
pub struct ScriptedTransport<In, Out = In> {
    stage: Arc<Stage<In, Out>>,
}

#[async_trait]
impl<In: Send + 'static, Out: Send + 'static> Transport for ScriptedTransport<In, Out> {
    type Link = ScriptedLink<In, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<ScriptedLink<In, Out>, ConnectError> {
        let began = Instant::now();
        let (index, step) = self.stage.enter(attempt);
        let mut unfinished = Unfinished { stage: &self.stage, index: Some(index) };
        if let Some(dial) = step.dial {
            wait_until(began + dial).await;
            attempt.dialled(step.local_addr);
        }
        wait_until(began + step.after).await;
        if matches!(step.outcome, Outcome::Hang) {
            std::future::pending::<()>().await;
        }
        unfinished.index = None;
        match step.outcome {
            Outcome::Open => {
                let wire = Arc::new(Wire::new(&step, attempt.link_id(), self.stage.began));
                let (link, peer) = (ScriptedLink::new(&step, Arc::clone(&wire)), Peer::new(wire));
                self.stage.play().peers.push_back(peer);
                self.stage.opened.notify_one();
                Ok(link)
            }
            Outcome::Fail(failure) => Err(ConnectError::new(failure)),
            Outcome::Panic => panic!("the script lets this attempt panic"),
            Outcome::Hang => unreachable!("a hanging attempt ends only by being dropped"),
        }
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        Some("script:".to_owned())
    }
}

/// What a script and its transport share.
struct Stage<In, Out> {
    began: Instant,
    play: Mutex<Play<In, Out>>,
    opened: Notify,
}

struct Play<In, Out> {
    steps: VecDeque<Step>,
    otherwise: Step,
    attempts: Vec<AttemptRecord>,
    /// Opened links that the test has not yet asked for.
    peers: VecDeque<Peer<In, Out>>,
}

impl<In, Out> Stage<In, Out> {
    fn play(&self) -> MutexGuard<'_, Play<In, Out>> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, attempt: &Attempt) -> (usize, Step) {
        let mut play = self.play();
        play.attempts.push(AttemptRecord {
            number: attempt.number(),
            link: attempt.link_id(),
            route: attempt.route(),
            purpose: attempt.purpose(),
            last_failure: attempt.last_failure().cloned(),
            at: self.began.elapsed(),
            abandoned: None,
        });
        let step = play.steps.pop_front().unwrap_or_else(|| play.otherwise.clone());
        (play.attempts.len() - 1, step)
    }
}

/// Notes that an attempt was dropped before its end.
struct Unfinished<'a, In, Out> {
    stage: &'a Stage<In, Out>,
    index: Option<usize>,
}

impl<In, Out> Drop for Unfinished<'_, In, Out> {
    fn drop(&mut self) {
        if let Some(index) = self.index {
            let now = self.stage.began.elapsed();
            self.stage.play().attempts[index].abandoned = Some(now);
        }
    }
}

impl<In, Out> Clone for Script<In, Out> {
    fn clone(&self) -> Script<In, Out> {
        Script { stage: Arc::clone(&self.stage) }
    }
}

impl<In, Out> fmt::Debug for Script<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("attempts", &self.stage.play().attempts).finish_non_exhaustive()
    }
}

impl<In, Out> fmt::Debug for ScriptedTransport<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
