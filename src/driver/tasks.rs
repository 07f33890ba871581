//! The small tasks beside the driver's: those that open links and those that
//! say goodbye on them. A scout's has a file of its own.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::reports::{Report, Reports};
use crate::contain::{Panicked, contain, contain_future, drop_contained};
use crate::keeper::{Dialled, Failure, LinkEnd, LinkId, Token};
use crate::shared::{Hook, Session};
use crate::transport::{Attempt, ConnectError, Frame, Link, Transport};

/// The tasks that run. A task is aborted when it is abandoned, and all are
/// when the driver goes.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    link: LinkId,
    task: AbortHandle,
    /// A scout's task takes orders.
    orders: Option<mpsc::Sender<Order>>,
}

/// What a scout is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Beat, now.
    Beat(Token),
    /// Say goodbye.
    Retire,
}

impl Tasks {
    pub(super) fn spawn(&mut self, link: LinkId, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task).abort_handle();
        self.running.push(Running { link, task, orders: None });
    }

    /// As [`Tasks::spawn`], for a task that takes orders.
    pub(super) fn spawn_scout(
        &mut self,
        link: LinkId,
        orders: mpsc::Sender<Order>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = tokio::spawn(task).abort_handle();
        self.running.push(Running { link, task, orders: Some(orders) });
    }

    /// Gives a scout an order. False if there is no such scout.
    pub(super) fn order(&self, link: LinkId, order: Order) -> bool {
        let scout = self.running.iter().find(|running| running.link == link);
        // A scout that does not keep up with its orders will not answer in
        // time either.
        scout.and_then(|scout| scout.orders.as_ref()).is_some_and(|orders| orders.try_send(order).is_ok())
    }

    /// The task has said its last word. False if it had been abandoned: then
    /// its word does not count.
    pub(super) fn ended(&mut self, link: LinkId) -> bool {
        let before = self.running.len();
        self.running.retain(|running| running.link != link);
        self.running.len() < before
    }

    /// Whether the link's task runs and was not abandoned.
    pub(super) fn knows(&self, link: LinkId) -> bool {
        self.running.iter().any(|running| running.link == link)
    }

    /// Drops the link's task, and the link with it, at once.
    pub(super) fn abandon(&mut self, link: LinkId) {
        self.running.retain(|running| {
            if running.link == link {
                running.task.abort();
            }
            running.link != link
        });
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for running in &self.running {
            running.task.abort();
        }
    }
}

/// Opens a link and logs in. The keeper holds the deadline over both: when it
/// passes, this is dropped.
pub(super) async fn open<T: Transport>(
    transport: Arc<T>,
    hook: Option<Arc<Hook<T::Link>>>,
    attempt: Attempt,
    reconnect: bool,
    kept: (usize, usize),
    reports: Arc<Reports<T::Link>>,
) {
    let id = attempt.link_id();
    let dialled = attempt.clone();
    let connecting = connect(&*transport, hook, attempt, reconnect, kept);
    let tell = |dialled| reports.send(id, Report::Dialled(dialled));
    let report = match telling_the_dial(connecting, &dialled, tell).await {
        Ok(session) => Report::Opened(Box::new(session)),
        Err(error) => Report::Failed { error, dialled: dialled.dial_report() },
    };
    reports.send(id, report);
}

/// Tells the attempt's dial as soon as it is reported, if there is more to
/// wait for then.
async fn telling_the_dial<O>(
    connecting: impl Future<Output = O>,
    attempt: &Attempt,
    tell: impl Fn(Dialled),
) -> O {
    let mut connecting = pin!(connecting);
    let mut told = false;
    poll_fn(|cx| {
        let connected = connecting.as_mut().poll(cx);
        if connected.is_pending()
            && !told
            && let Some(dialled) = attempt.dial_report()
        {
            told = true;
            tell(dialled);
        }
        connected
    })
    .await
}

/// One link, logged in if there is a hook for it.
pub(super) async fn connect<T: Transport>(
    transport: &T,
    hook: Option<Arc<Hook<T::Link>>>,
    attempt: Attempt,
    reconnect: bool,
    kept: (usize, usize),
) -> Result<Session<T::Link>, ConnectError> {
    let link = match contain_future(async { transport.connect(&attempt).await }).await {
        Ok(connected) => connected?,
        Err(Panicked) => return Err(panicked()),
    };
    let session = Session::new(link, attempt, reconnect, kept);
    let Some(hook) = hook else { return Ok(session) };
    match contain_future(async move { hook(session).await }).await {
        Ok(Ok(session)) => match session.end().cloned() {
            // A link that has ended is no link, whatever the login makes of
            // it.
            Some(end) => {
                drop_contained(session);
                Err(ConnectError::new(Failure::Ended(end)))
            }
            None => Ok(session),
        },
        Ok(Err(refused)) => Err(refused.into_connect_error()),
        Err(Panicked) => Err(panicked()),
    }
}

pub(super) fn panicked() -> ConnectError {
    ConnectError::new(Failure::Panicked)
}

/// Says goodbye on a link and reads it to its end, both at once, since a peer
/// that is stuck writing reads nothing. The keeper holds the deadline.
pub(super) async fn retire<L: Link>(id: LinkId, link: L, reports: Arc<Reports<L>>) {
    let mut retired = Retired { id, link, reports, goodbye: Goodbye::Waits { turns: 0 } };
    let end = poll_fn(|cx| match contain(|| retired.poll(cx)) {
        Ok(end) => end,
        Err(Panicked) => Poll::Ready(LinkEnd::Panicked),
    })
    .await;
    let end = if retired.goodbye == (Goodbye::Said { last: true }) { end } else { end.crossing_ours() };
    let reports = Arc::clone(&retired.reports);
    drop_contained(retired);
    reports.send(id, Report::Ended(end));
}

/// A link on which goodbye is said.
struct Retired<L: Link> {
    id: LinkId,
    link: L,
    reports: Arc<Reports<L>>,
    goodbye: Goodbye,
}

/// How far our goodbye has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    /// It waits, so many turns by now, for what the peer has said already to be
    /// read: a goodbye of the peer's own among it is no answer to ours.
    Waits { turns: u32 },
    /// It is being written.
    Begun,
    /// It was written, and it was the last word: all that the peer had said
    /// till then was read.
    Said { last: bool },
    /// It cannot be written any more.
    Broken,
}

/// What one turn of reading came to.
enum Read {
    /// Nothing more is there.
    All,
    /// More is there, or may be.
    Some,
    /// There is no room for more.
    NoRoom,
}

impl<L: Link> Retired<L> {
    /// Ready with the end of the link.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        /// Turns that the goodbye waits at most: a peer that never falls
        /// silent, or a reader that stalls, does not keep it back.
        const TURNS: u32 = 32;
        let read = match self.read(cx) {
            Ok(read) => read,
            Err(end) => return Poll::Ready(end),
        };
        let all = matches!(read, Read::All);
        let mut again = matches!(read, Read::Some);
        match self.goodbye {
            Goodbye::Waits { turns } if !all && turns < TURNS => {
                self.goodbye = Goodbye::Waits { turns: turns + 1 };
                again = true;
            }
            Goodbye::Waits { .. } | Goodbye::Begun => {
                self.goodbye = match self.link.poll_close(cx) {
                    Poll::Pending => Goodbye::Begun,
                    Poll::Ready(Ok(())) => Goodbye::Said { last: all },
                    // An error of the write side is not the end: what the peer
                    // has said is still read.
                    Poll::Ready(Err(_)) => Goodbye::Broken,
                };
                again |= self.goodbye != Goodbye::Begun;
            }
            Goodbye::Said { .. } | Goodbye::Broken => {}
        }
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<Read, LinkEnd> {
        /// Frames in one turn, so that a flood does not hold the worker.
        const TURN: usize = 256;
        for _ in 0..TURN {
            if self.reports.poll_room(cx).is_pending() {
                return Ok(Read::NoRoom);
            }
            match self.link.poll_next(cx) {
                Poll::Pending => return Ok(Read::All),
                Poll::Ready(Ok(Frame::Message(message))) => {
                    let weight = self.link.weigh(&message);
                    self.reports.send(self.id, Report::Message(message, weight));
                }
                // What was sent before the goodbye may be known to have
                // arrived by it.
                Poll::Ready(Ok(Frame::Pong(token))) => self.reports.send(self.id, Report::Answered(token)),
                Poll::Ready(Ok(Frame::Alive)) => {}
                Poll::Ready(Err(end)) => return Err(end),
            }
        }
        Ok(Read::Some)
    }
}
