//! Attempts to open links, each in a task of its own.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::AbortHandle;

use super::Driver;
use super::link::LiveLink;
use super::reports::{Report, Reports};
use crate::contain::{Panicked, contain_future, drop_contained};
use crate::keeper::{Dialled, Input, Purpose};
use crate::shared::{Handshake, Hook};
use crate::transport::{Attempt, ConnectError, Transport};
use crate::{Failure, LinkId};

/// The attempts under way. A task is aborted when its attempt is abandoned, and
/// all tasks are when the driver goes.
#[derive(Debug, Default)]
pub(super) struct Openings {
    under_way: Vec<Opening>,
}

#[derive(Debug)]
struct Opening {
    link: LinkId,
    purpose: Purpose,
    task: AbortHandle,
}

impl Openings {
    fn spawn(&mut self, link: LinkId, purpose: Purpose, task: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(task).abort_handle();
        // There is usually one attempt.
        self.under_way.reserve_exact(1);
        self.under_way.push(Opening { link, purpose, task });
    }

    /// The attempt has a result. Returns its purpose, or nothing if the attempt was
    /// abandoned: then the result does not count.
    fn over(&mut self, link: LinkId) -> Option<Purpose> {
        let at = self.under_way.iter().position(|opening| opening.link == link)?;
        let purpose = self.under_way.swap_remove(at).purpose;
        if self.under_way.is_empty() {
            self.under_way = Vec::new();
        }
        Some(purpose)
    }

    fn knows(&self, link: LinkId) -> bool {
        self.under_way.iter().any(|opening| opening.link == link)
    }

    /// Drops the attempt at once, and with it the link that it may have opened.
    pub(super) fn abandon(&mut self, link: LinkId) {
        for opening in self.under_way.extract_if(.., |opening| opening.link == link) {
            opening.task.abort();
        }
    }
}

impl Drop for Openings {
    fn drop(&mut self) {
        for opening in &self.under_way {
            opening.task.abort();
        }
    }
}

impl<T: Transport> Driver<T> {
    /// Begins to open a link.
    pub(super) fn open(&mut self, link: LinkId, purpose: Purpose, route: usize, number: u32) {
        let attempt = Attempt::new(link, number, route, purpose, self.last_failure.clone());
        let (logs_in, reconnect) = match purpose {
            Purpose::Main => {
                // The error belongs to the attempt before.
                self.last_error = None;
                (true, self.connected_before)
            }
            Purpose::Scout => (self.scouts_log_in, false),
        };
        let bounds = self.inbox.bounds();
        let task = open(
            Arc::clone(&self.transport),
            self.hook.clone().filter(|_| logs_in),
            attempt,
            reconnect,
            (bounds.messages, bounds.bytes),
            Arc::clone(&self.reports),
        );
        self.openings.spawn(link, purpose, task);
    }

    /// Takes the results of attempts. The result of an abandoned attempt does not count.
    pub(super) fn take_reports(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready((link, report)) = self.reports.poll_next(cx) {
            let now = self.now();
            match report {
                Report::Dialled(dialled) => {
                    if self.openings.knows(link) {
                        self.keeper.handle(Input::Dialled { link, dialled }, now);
                    }
                }
                Report::Opened(handshake) => match self.openings.over(link) {
                    Some(_) => self.opened(link, *handshake),
                    None => drop_contained(handshake),
                },
                Report::Failed { error, dialled } => {
                    if let Some(purpose) = self.openings.over(link) {
                        self.failed(link, purpose, error, dialled);
                    }
                }
            }
            self.execute();
        }
    }

    /// A link is open. It is held until the keeper decides about it.
    fn opened(&mut self, link: LinkId, handshake: Handshake<T::Link>) {
        let now = self.now();
        match LiveLink::new(link, handshake) {
            Ok((live, opened)) => {
                self.links.add(live);
                self.keeper.handle(Input::Opened { link, opened }, now);
            }
            Err(Panicked) => {
                self.count_panic();
                let failure = Failure::Panicked;
                self.keeper.handle(Input::OpenFailed { link, failure, dialled: None }, now);
            }
        }
    }

    fn failed(&mut self, link: LinkId, purpose: Purpose, error: ConnectError, dialled: Option<Dialled>) {
        let failure = error.failure().clone();
        if failure == Failure::Panicked {
            self.count_panic();
        }
        if purpose == Purpose::Main {
            self.last_error = Some(Arc::new(error));
        }
        let now = self.now();
        self.keeper.handle(Input::OpenFailed { link, failure, dialled }, now);
    }
}

/// Opens a link and logs in. The keeper holds the deadline over both: when it
/// passes, this future is dropped.
async fn open<T: Transport>(
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
        Ok(handshake) => Report::Opened(Box::new(handshake)),
        Err(error) => Report::Failed { error, dialled: dialled.dial_report() },
    };
    reports.send(id, report);
}

/// Polls `connecting`, and meanwhile reports the attempt's dial as soon as the transport
/// has told it. A dial that is told with the last poll goes with the result.
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

/// Opens one link, and logs in if there is a hook for it.
async fn connect<T: Transport>(
    transport: &T,
    hook: Option<Arc<Hook<T::Link>>>,
    attempt: Attempt,
    reconnect: bool,
    kept: (usize, usize),
) -> Result<Handshake<T::Link>, ConnectError> {
    let link = match contain_future(async { transport.connect(&attempt).await }).await {
        Ok(connected) => connected?,
        Err(Panicked) => return Err(panicked()),
    };
    let handshake = Handshake::new(link, attempt, reconnect, kept);
    let Some(hook) = hook else { return Ok(handshake) };
    match contain_future(async move { hook(handshake).await }).await {
        Ok(Ok(handshake)) => match handshake.end().cloned() {
            // A link that has ended is not opened, whatever the login makes
            // of it.
            Some(end) => {
                drop_contained(handshake);
                Err(ConnectError::new(Failure::Ended(end)))
            }
            None => Ok(handshake),
        },
        Ok(Err(refused)) => Err(refused.into_connect_error()),
        Err(Panicked) => Err(panicked()),
    }
}

fn panicked() -> ConnectError {
    ConnectError::new(Failure::Panicked)
}
