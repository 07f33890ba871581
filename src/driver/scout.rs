//! A scout's task: opens a side link, is silent on it, beats when told, and
//! tells what comes in. What that is does not matter to anybody.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::reports::{Report, Reports};
use super::tasks::{self, Order};
use crate::contain::{Panicked, contain, drop_contained};
use crate::keeper::{LinkEnd, LinkId, Opened};
use crate::shared::Hook;
use crate::transport::{Attempt, ConnectError, Frame, Link, Transport};

/// A row of beats and a goodbye wait at most.
const ORDERS: usize = 32;

/// A scout, and where to leave its orders.
pub(super) fn scout<T: Transport>(
    transport: Arc<T>,
    hook: Option<Arc<Hook<T::Link>>>,
    attempt: Attempt,
    reports: Arc<Reports<T::Link>>,
) -> (mpsc::Sender<Order>, impl Future<Output = ()> + Send + 'static) {
    let (sender, orders) = mpsc::channel(ORDERS);
    (sender, run(transport, hook, attempt, orders, reports))
}

async fn run<T: Transport>(
    transport: Arc<T>,
    hook: Option<Arc<Hook<T::Link>>>,
    attempt: Attempt,
    orders: mpsc::Receiver<Order>,
    reports: Arc<Reports<T::Link>>,
) {
    /// What a login may skip, in messages and bytes: the inbox's defaults.
    const SKIPPED: (usize, usize) = (256, 32 * 1024);
    let id = attempt.link_id();
    let failed = |error: &ConnectError| Report::ScoutFailed {
        failure: error.failure().clone(),
        dialled: attempt.dial_report(),
    };
    let session = match tasks::connect(&*transport, hook, attempt.clone(), false, SKIPPED).await {
        Ok(session) => session,
        Err(error) => return reports.send(id, failed(&error)),
    };
    let opened = contain(|| Opened::new(session.beat(), session.dialled(), session.attempt().elapsed()));
    let Ok(opened) = opened else {
        drop_contained(session);
        return reports.send(id, failed(&tasks::panicked()));
    };
    reports.send(id, Report::ScoutOpened(opened));
    let (link, ..) = session.into_parts();
    let mut scout = Scout { id, link, orders, unflushed: true, goodbye: Goodbye::Unsaid, reports };
    let end = poll_fn(|cx| match contain(|| scout.poll(cx)) {
        Ok(end) => end,
        Err(Panicked) => Poll::Ready(LinkEnd::Panicked),
    })
    .await;
    let reports = Arc::clone(&scout.reports);
    drop_contained(scout);
    reports.send(id, Report::Ended(end));
}

struct Scout<L: Link> {
    id: LinkId,
    link: L,
    orders: mpsc::Receiver<Order>,
    unflushed: bool,
    goodbye: Goodbye,
    reports: Arc<Reports<L>>,
}

#[derive(PartialEq, Eq)]
enum Goodbye {
    Unsaid,
    Wanted,
    Said,
}

impl<L: Link> Scout<L> {
    /// Ready with the end of the link.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        /// Frames in one turn, so that a flood does not hold the worker.
        const TURN: usize = 256;
        while let Poll::Ready(Some(order)) = self.orders.poll_recv(cx) {
            match order {
                Order::Beat(token) => match self.link.start_beat(token) {
                    Ok(()) => self.unflushed = true,
                    Err(end) => return Poll::Ready(end),
                },
                Order::Retire => self.goodbye = Goodbye::Wanted,
            }
        }
        let mut heard = false;
        let mut ended = None;
        let mut more = true;
        for _ in 0..TURN {
            if self.reports.poll_room(cx).is_pending() {
                more = false;
                break;
            }
            match self.link.poll_next(cx) {
                Poll::Pending => {
                    more = false;
                    break;
                }
                Poll::Ready(Ok(Frame::Pong(token))) => {
                    self.reports.send(self.id, Report::ScoutAnswered(token));
                }
                Poll::Ready(Ok(Frame::Message(_) | Frame::Alive)) => {
                    heard = true;
                    self.unflushed = true;
                }
                Poll::Ready(Err(end)) => {
                    ended = Some(end);
                    break;
                }
            }
        }
        if heard && self.goodbye == Goodbye::Unsaid {
            self.reports.send(self.id, Report::ScoutHeard);
        }
        if let Some(end) = ended {
            return Poll::Ready(end);
        }
        if self.unflushed {
            match self.link.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => {}
            }
        }
        // An error of the write side is not the end: the peer's last word is
        // still read.
        if self.goodbye == Goodbye::Wanted && self.link.poll_close(cx).is_ready() {
            self.goodbye = Goodbye::Said;
            more = true;
        }
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
