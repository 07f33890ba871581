//! Links and transports whose type is hidden.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;

use super::{Attempt, BoxLink, ConfirmedBy, ConnectError, Frame, Link, MessageTooBig, Traffic, Transport};
use crate::keeper::PathFacts;
use crate::{Beat, LinkEnd, Token};

/// Any transport whose links carry these messages. [`Transport::boxed`] makes
/// one.
pub type BoxTransport<In, Out = In> = Box<dyn Transport<Link = BoxLink<In, Out>>>;

impl<L: Link + ?Sized> Link for Box<L> {
    type Incoming = L::Incoming;
    type Outgoing = L::Outgoing;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Self::Incoming>, LinkEnd>> {
        (**self).poll_next(cx)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        (**self).poll_ready(cx)
    }

    fn start_send(&mut self, message: Self::Outgoing) -> Result<(), LinkEnd> {
        (**self).start_send(message)
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        (**self).start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        (**self).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        (**self).poll_close(cx)
    }

    fn beat(&self) -> Beat {
        (**self).beat()
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        (**self).confirmed_by()
    }

    fn is_vouched_for(&self) -> bool {
        (**self).is_vouched_for()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        (**self).local_addr()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        (**self).peer_addr()
    }

    fn traffic(&self) -> Option<Traffic> {
        (**self).traffic()
    }

    fn path_facts(&self) -> Option<PathFacts> {
        (**self).path_facts()
    }

    fn migrate(&mut self) -> bool {
        (**self).migrate()
    }

    fn answers_after(&self) -> bool {
        (**self).answers_after()
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        (**self).answer_me_after(silence)
    }

    fn size(&self, message: &Self::Incoming) -> usize {
        (**self).size(message)
    }

    fn detach(&self, message: Self::Incoming) -> Self::Incoming {
        (**self).detach(message)
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Box<T> {
    type Link = T::Link;

    async fn connect(&self, attempt: &Attempt) -> Result<Self::Link, ConnectError> {
        (**self).connect(attempt).await
    }

    fn routes(&self) -> usize {
        (**self).routes()
    }

    fn endpoint(&self, route: usize) -> Option<String> {
        (**self).endpoint(route)
    }

    fn overlap(&self) -> bool {
        (**self).overlap()
    }

    fn needs_network(&self) -> bool {
        (**self).needs_network()
    }

    fn size(&self, message: &<Self::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        (**self).size(message)
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    type Link = T::Link;

    async fn connect(&self, attempt: &Attempt) -> Result<Self::Link, ConnectError> {
        (**self).connect(attempt).await
    }

    fn routes(&self) -> usize {
        (**self).routes()
    }

    fn endpoint(&self, route: usize) -> Option<String> {
        (**self).endpoint(route)
    }

    fn overlap(&self) -> bool {
        (**self).overlap()
    }

    fn needs_network(&self) -> bool {
        (**self).needs_network()
    }

    fn size(&self, message: &<Self::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        (**self).size(message)
    }
}

pub(super) fn transport<T: Transport>(
    transport: T,
) -> BoxTransport<<T::Link as Link>::Incoming, <T::Link as Link>::Outgoing> {
    Box::new(Boxing(transport))
}

/// Boxes the links of the transport that it wraps.
struct Boxing<T>(T);

#[async_trait]
impl<T: Transport> Transport for Boxing<T> {
    type Link = BoxLink<<T::Link as Link>::Incoming, <T::Link as Link>::Outgoing>;

    async fn connect(&self, attempt: &Attempt) -> Result<Self::Link, ConnectError> {
        self.0.connect(attempt).await.map(Link::boxed)
    }

    fn routes(&self) -> usize {
        self.0.routes()
    }

    fn endpoint(&self, route: usize) -> Option<String> {
        self.0.endpoint(route)
    }

    fn overlap(&self) -> bool {
        self.0.overlap()
    }

    fn needs_network(&self) -> bool {
        self.0.needs_network()
    }

    fn size(&self, message: &<Self::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        self.0.size(message)
    }
}

#[cfg(test)]
mod tests;
