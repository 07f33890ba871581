//! A link with faults over it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{Entry, Shared, Way};
use crate::keeper::PathFacts;
use crate::transport::{ConfirmedBy, Frame, Link, Traffic};
use crate::{Beat, LinkEnd, Token};

/// A link with [`Faults`](super::Faults) over it. Its peer notices when it is
/// dropped, whatever the faults.
pub struct LinkWithFaults<L> {
    link: L,
    id: u64,
    shared: Arc<Shared>,
    /// Something was lost that way.
    gap_in: bool,
    gap_out: bool,
    /// The end of the link was lost.
    ended: bool,
    /// A beat that a stall holds: the latest.
    held_beat: Option<Token>,
}

impl<L> LinkWithFaults<L> {
    pub(super) fn new(link: L, shared: Arc<Shared>) -> LinkWithFaults<L> {
        let mut state = shared.state();
        state.opened += 1;
        let id = state.opened;
        state.links.insert(id, Entry::default());
        drop(state);
        LinkWithFaults { link, id, shared, gap_in: false, gap_out: false, ended: false, held_beat: None }
    }

    /// What is wrong that way. `cx` is woken when it changes.
    fn look(&self, cx: Option<&Context<'_>>, way: impl Fn(&super::State) -> Way) -> Result<Way, LinkEnd> {
        let mut state = self.shared.state();
        let way = way(&state);
        let Some(entry) = state.links.get_mut(&self.id) else { return Ok(way) };
        if let Some(cx) = cx
            && !entry.wakers.iter().any(|known| known.will_wake(cx.waker()))
        {
            entry.wakers.push(cx.waker().clone());
        }
        entry.end.clone().map_or(Ok(way), Err)
    }

    fn way_in(&self, cx: &Context<'_>) -> Result<Way, LinkEnd> {
        self.look(Some(cx), |state| state.to_client)
    }

    fn way_out(&self, cx: Option<&Context<'_>>) -> Result<Way, LinkEnd> {
        self.look(cx, |state| state.to_server)
    }

    /// Whether what is given now is lost.
    fn loses(&mut self) -> Result<bool, LinkEnd> {
        self.gap_out |= self.way_out(None)?.holed;
        Ok(self.gap_out)
    }
}

impl<L: Link> LinkWithFaults<L> {
    /// Reads what comes in and throws it away. Pending, unless the link's end
    /// was among it and nothing holds that back any more.
    fn swallow(&mut self, way: Way, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        /// Frames in a row; then others have their turn.
        const TURN: usize = 1024;
        for _ in 0..TURN {
            if self.ended {
                return if way.holed { Poll::Pending } else { Poll::Ready(LinkEnd::Reset) };
            }
            let frame = ready!(self.link.poll_next(cx));
            self.gap_in = true;
            self.ended = frame.is_err();
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<L: Link> Link for LinkWithFaults<L> {
    type Incoming = L::Incoming;
    type Outgoing = L::Outgoing;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<L::Incoming>, LinkEnd>> {
        let way = self.way_in(cx)?;
        if way.holed || self.gap_in {
            return self.swallow(way, cx).map(Err);
        }
        if way.stalled { Poll::Pending } else { self.link.poll_next(cx) }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let way = self.way_out(Some(cx))?;
        if way.holed || self.gap_out {
            return Poll::Ready(Ok(()));
        }
        if way.stalled { Poll::Pending } else { self.link.poll_ready(cx) }
    }

    fn start_send(&mut self, message: L::Outgoing) -> Result<(), LinkEnd> {
        if self.loses()? { Ok(()) } else { self.link.start_send(message) }
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        if self.loses()? {
            return Ok(());
        }
        if self.way_out(None)?.stalled {
            self.held_beat = Some(token);
            return Ok(());
        }
        self.link.start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let way = self.way_out(Some(cx))?;
        if way.holed || self.gap_out {
            self.held_beat = None;
            return Poll::Ready(Ok(()));
        }
        if way.stalled {
            return Poll::Pending;
        }
        if let Some(token) = self.held_beat.take() {
            self.link.start_beat(token)?;
        }
        self.link.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let way = self.way_out(Some(cx))?;
        self.gap_out |= way.holed;
        if self.gap_out {
            return Poll::Ready(Ok(()));
        }
        if way.stalled { Poll::Pending } else { self.link.poll_close(cx) }
    }

    fn beat(&self) -> Beat {
        self.link.beat()
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.link.confirmed_by()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.link.local_addr()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.link.peer_addr()
    }

    /// Nothing: what the link inside counts may be lost.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// Nothing: the system knows nothing of these faults.
    fn path_facts(&self) -> Option<PathFacts> {
        None
    }

    fn migrate(&mut self) -> bool {
        self.link.migrate()
    }

    fn is_vouched_for(&self) -> bool {
        self.link.is_vouched_for()
    }

    fn answers_after(&self) -> bool {
        self.link.answers_after()
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        if self.loses()? { Ok(()) } else { self.link.answer_me_after(silence) }
    }

    fn weigh(&self, message: &L::Incoming) -> usize {
        self.link.weigh(message)
    }

    fn park(&self, message: L::Incoming) -> L::Incoming {
        self.link.park(message)
    }
}

impl<L> Drop for LinkWithFaults<L> {
    fn drop(&mut self) {
        let gone = self.shared.state().links.remove(&self.id);
        // Its wakers may be anybody's: not under the lock.
        drop(gone);
    }
}

impl<L: fmt::Debug> fmt::Debug for LinkWithFaults<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkWithFaults").field("link", &self.link).finish_non_exhaustive()
    }
}
