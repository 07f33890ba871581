//! What link tasks report to the driver: one bounded channel for all of them,
//! each report with its link's id.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::connection::Session;
use crate::keeper::{Dialled, Failure, LinkEnd, LinkId, Opened, Token};
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
    /// A message came in on a link that is being retired.
    Message(L::Incoming),
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
    state: Mutex<State<L>>,
}

struct State<L: Link> {
    queue: VecDeque<(LinkId, Report<L>)>,
    driver: Option<Waker>,
    senders: Vec<Waker>,
}

impl<L: Link> Reports<L> {
    pub(crate) fn new() -> Reports<L> {
        Reports { state: Mutex::new(State { queue: VecDeque::new(), driver: None, senders: Vec::new() }) }
    }

    /// Reports; for a message, or what a scout hears, wait for
    /// [`Reports::poll_room`] first.
    pub(crate) fn send(&self, link: LinkId, report: Report<L>) {
        let mut state = self.lock();
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
        if state.queue.len() < BOUND {
            return Poll::Ready(());
        }
        if !state.senders.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.senders.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The next report; without `take_messages` none behind a message.
    pub(crate) fn poll_next(&self, take_messages: bool, cx: &mut Context<'_>) -> Poll<(LinkId, Report<L>)> {
        let mut state = self.lock();
        let message_first = matches!(state.queue.front(), Some((_, Report::Message(_))));
        if (!message_first || take_messages)
            && let Some(report) = state.queue.pop_front()
        {
            let senders = std::mem::take(&mut state.senders);
            if state.queue.is_empty() {
                state.queue = VecDeque::new();
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

    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Link> fmt::Debug for Reports<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").finish_non_exhaustive()
    }
}
