//! A link with faults over it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::{FaultBook, OpenLink};
use crate::keeper::PathFacts;
use crate::testing::direction::DirectionFaults;
use crate::transport::{ConfirmedBy, Frame, Link, Traffic};
use crate::{Beat, LinkEnd, Token};

/// A link with [`Faults`](super::Faults) over it. Faults do not hide a dropped
/// link from its peer.
pub struct LinkWithFaults<L> {
    link: L,
    id: u64,
    book: Arc<FaultBook>,
    /// A message to the client was lost.
    gap_in: bool,
    /// A message to the server was lost.
    gap_out: bool,
    /// The end of the link was lost.
    ended: bool,
    /// The latest beat that a stall holds.
    held_beat: Option<Token>,
}

impl<L> LinkWithFaults<L> {
    pub(super) fn new(link: L, book: Arc<FaultBook>) -> LinkWithFaults<L> {
        let mut state = book.state();
        state.opened += 1;
        let id = state.opened;
        state.links.insert(id, OpenLink::default());
        drop(state);
        LinkWithFaults { link, id, book, gap_in: false, gap_out: false, ended: false, held_beat: None }
    }

    /// Returns the faults of one direction. `cx` is woken when they change.
    fn look(
        &self,
        cx: Option<&Context<'_>>,
        faults: impl Fn(&super::FaultState) -> DirectionFaults,
    ) -> Result<DirectionFaults, LinkEnd> {
        let mut state = self.book.state();
        let faults = faults(&state);
        let Some(entry) = state.links.get_mut(&self.id) else { return Ok(faults) };
        if let Some(cx) = cx
            && !entry.wakers.iter().any(|known| known.will_wake(cx.waker()))
        {
            entry.wakers.push(cx.waker().clone());
        }
        entry.end.clone().map_or(Ok(faults), Err)
    }

    fn faults_in(&self, cx: &Context<'_>) -> Result<DirectionFaults, LinkEnd> {
        self.look(Some(cx), |state| state.to_client)
    }

    fn faults_out(&self, cx: Option<&Context<'_>>) -> Result<DirectionFaults, LinkEnd> {
        self.look(cx, |state| state.to_server)
    }

    /// Whether a message that is given now is lost.
    fn loses(&mut self) -> Result<bool, LinkEnd> {
        self.gap_out |= self.faults_out(None)?.holed;
        Ok(self.gap_out)
    }
}

impl<L: Link> LinkWithFaults<L> {
    /// Reads incoming frames and drops them. Ready if the link has ended and the
    /// black hole is gone.
    fn swallow(&mut self, faults: DirectionFaults, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        /// Frames in a row; then other tasks have their turn.
        const TURN: usize = 1024;
        for _ in 0..TURN {
            if self.ended {
                return if faults.holed { Poll::Pending } else { Poll::Ready(LinkEnd::Reset) };
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
        let faults = self.faults_in(cx)?;
        if faults.holed || self.gap_in {
            return self.swallow(faults, cx).map(Err);
        }
        if faults.stalled { Poll::Pending } else { self.link.poll_next(cx) }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let faults = self.faults_out(Some(cx))?;
        if faults.holed || self.gap_out {
            return Poll::Ready(Ok(()));
        }
        if faults.stalled { Poll::Pending } else { self.link.poll_ready(cx) }
    }

    fn start_send(&mut self, message: L::Outgoing) -> Result<(), LinkEnd> {
        if self.loses()? { Ok(()) } else { self.link.start_send(message) }
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        if self.loses()? {
            return Ok(());
        }
        if self.faults_out(None)?.stalled {
            self.held_beat = Some(token);
            return Ok(());
        }
        self.link.start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let faults = self.faults_out(Some(cx))?;
        if faults.holed || self.gap_out {
            self.held_beat = None;
            return Poll::Ready(Ok(()));
        }
        if faults.stalled {
            return Poll::Pending;
        }
        if let Some(token) = self.held_beat.take() {
            self.link.start_beat(token)?;
        }
        self.link.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let faults = self.faults_out(Some(cx))?;
        self.gap_out |= faults.holed;
        if self.gap_out {
            return Poll::Ready(Ok(()));
        }
        if faults.stalled { Poll::Pending } else { self.link.poll_close(cx) }
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

    /// Nothing: the inner link also counts bytes that a fault loses.
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

    fn size(&self, message: &L::Incoming) -> usize {
        self.link.size(message)
    }

    fn detach(&self, message: L::Incoming) -> L::Incoming {
        self.link.detach(message)
    }
}

impl<L> Drop for LinkWithFaults<L> {
    fn drop(&mut self) {
        let gone = self.book.state().links.remove(&self.id);
        // Dropping a waker runs foreign code, so it happens outside the lock.
        drop(gone);
    }
}

impl<L: fmt::Debug> fmt::Debug for LinkWithFaults<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkWithFaults").field("link", &self.link).finish_non_exhaustive()
    }
}
