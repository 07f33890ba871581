//! What link tasks report to the driver: one bounded channel for all of them,
//! each report with its link's id.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::keeper::{Dialled, Failure, LinkEnd, LinkId, Opened, Token};
use crate::shared::Session;
use crate::transport::{ConnectError, Link};

/// Messages that may wait in the channel.
const BOUND: usize = 64;

/// What a link's task says.
pub(crate) enum Report<L: Link> {
    /// The link is open and logged in.
    Opened(Box<Session<L>>),
    /// The network path of an attempt is there.
    Dialled(Dialled),
    /// The attempt failed.
    Failed { error: ConnectError, dialled: Option<Dialled> },
    /// A message came in on a link that is being retired, and what it weighs.
    Message(L::Incoming, usize),
    /// A beat was answered on a link that is being retired.
    Answered(Option<Token>),
    /// A scout could not be opened.
    ScoutFailed { failure: Failure, dialled: Option<Dialled> },
    /// A scout is open.
    ScoutOpened(Opened),
    /// Something came in on a scout.
    ScoutHeard,
    /// A scout's beat was answered.
    ScoutAnswered(Option<Token>),
    /// A link that is being retired, or a scout, ended.
    Ended(LinkEnd),
}

/// The channel. Messages and what scouts hear are bounded; of all else a
/// link's task says a word or two.
pub(crate) struct Reports<L: Link> {
    /// What the messages in it may weigh; one may go over it.
    bytes: usize,
    state: Mutex<State<L>>,
}

struct State<L: Link> {
    queue: VecDeque<(LinkId, Report<L>)>,
    /// What the messages in it weigh.
    weight: usize,
    driver: Option<Waker>,
    senders: Vec<Waker>,
}

/// What a link that is over had read and nobody has taken.
pub(crate) struct LeftRead<In> {
    pub(crate) messages: Vec<In>,
    /// What the messages weigh together.
    pub(crate) bytes: usize,
    /// Answers to beats.
    pub(crate) answers: Vec<Option<Token>>,
}

impl<L: Link> Reports<L> {
    pub(crate) fn new(bytes: usize) -> Reports<L> {
        let state = State { queue: VecDeque::new(), weight: 0, driver: None, senders: Vec::new() };
        Reports { bytes, state: Mutex::new(state) }
    }

    /// Reports; for a message, or what a scout hears, wait for
    /// [`Reports::poll_room`] first.
    pub(crate) fn send(&self, link: LinkId, report: Report<L>) {
        let mut state = self.lock();
        if let Report::Message(_, weight) = report {
            state.weight = state.weight.saturating_add(weight);
        }
        state.queue.push_back((link, report));
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Ready when a message may be reported.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.queue.len() < BOUND && state.weight < self.bytes {
            return Poll::Ready(());
        }
        if !state.senders.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.senders.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The next report; without `take_messages` the next that is no message:
    /// a reader that stalls holds up messages, and nothing else. So the end of
    /// a link may come before its messages, which
    /// [`Reports::take_read`] has.
    pub(crate) fn poll_next(&self, take_messages: bool, cx: &mut Context<'_>) -> Poll<(LinkId, Report<L>)> {
        let mut state = self.lock();
        let at = match take_messages {
            true => Some(0),
            false => state.queue.iter().position(|(_, report)| !matches!(report, Report::Message(..))),
        };
        if let Some(report) = at.and_then(|at| state.queue.remove(at)) {
            if let (_, Report::Message(_, weight)) = report {
                state.weight = state.weight.saturating_sub(weight);
            }
            let senders = std::mem::take(&mut state.senders);
            if state.queue.is_empty() {
                state.queue = VecDeque::new();
                state.weight = 0;
            }
            drop(state);
            senders.into_iter().for_each(Waker::wake);
            return Poll::Ready(report);
        }
        match &mut state.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// What was read of a link that is over and is still here.
    pub(crate) fn take_read(&self, link: LinkId) -> LeftRead<L::Incoming> {
        let mut state = self.lock();
        let mut left = LeftRead { messages: Vec::new(), bytes: 0, answers: Vec::new() };
        for (id, report) in std::mem::take(&mut state.queue) {
            if id == link
                && let Report::Message(message, weight) = report
            {
                left.messages.push(message);
                left.bytes = left.bytes.saturating_add(weight);
            } else if id == link
                && let Report::Answered(token) = report
            {
                left.answers.push(token);
            } else {
                state.queue.push_back((id, report));
            }
        }
        state.weight = state.weight.saturating_sub(left.bytes);
        let senders = std::mem::take(&mut state.senders);
        drop(state);
        senders.into_iter().for_each(Waker::wake);
        left
    }

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Link> fmt::Debug for Reports<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").finish_non_exhaustive()
    }
}
