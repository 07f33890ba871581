//! One connection through the proxy: two sockets, and a relay for each direction.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::relay::{Relay, RelayOutcome};
use super::rules::{ConnectionOrders, ProxyState, SharedProxy};
use super::socket::EndSocket;
use super::{Cut, Newcomers};

/// The entry of one connection among the open connections.
#[derive(Debug)]
pub(super) struct Registered {
    id: u64,
    shared: Arc<SharedProxy>,
}

impl Registered {
    pub(super) fn new(id: u64, shared: Arc<SharedProxy>) -> Registered {
        shared.state().flows.insert(id, ConnectionOrders::default());
        Registered { id, shared }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.state().flows.remove(&self.id);
    }
}

/// Carries one connection from its beginning to its end.
pub(super) async fn serve(client: EndSocket, newcomers: Newcomers, place: Registered) {
    let server = match newcomers {
        Newcomers::Unanswered => None,
        Newcomers::Connected | Newcomers::Refused | Newcomers::Closed => {
            let address = place.shared.state().server.clone();
            match EndSocket::connect(&address).await {
                Ok(server) => Some(server),
                Err(_) => return client.reset(),
            }
        }
    };
    let mut connection = ProxiedConnection {
        client: Some(client),
        server,
        to_client: Relay::default(),
        to_server: Relay::default(),
        shared: Arc::clone(&place.shared),
        id: place.id,
    };
    poll_fn(|cx| connection.poll(cx)).await;
}

struct ProxiedConnection {
    client: Option<EndSocket>,
    server: Option<EndSocket>,
    to_client: Relay,
    to_server: Relay,
    shared: Arc<SharedProxy>,
    id: u64,
}

impl ProxiedConnection {
    /// Ready when the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        self.obey(&mut state, cx);
        let to_server =
            self.to_server.run(self.client.as_mut(), self.server.as_mut(), &mut state.to_server, cx);
        let to_client =
            self.to_client.run(self.server.as_mut(), self.client.as_mut(), &mut state.to_client, cx);
        let refused =
            self.to_server.answers_reset(&state.to_client) || self.to_client.answers_reset(&state.to_server);
        drop(state);
        if refused {
            self.reset_client();
            self.reset_server();
        }
        for outcome in [to_server, to_client] {
            match outcome {
                RelayOutcome::Waits => {}
                RelayOutcome::Cut(Cut::Reset) => {
                    self.reset_client();
                    self.reset_server();
                }
                RelayOutcome::Cut(Cut::Fin) => self.part(cx),
            }
        }
        match self.to_client.is_over() && self.to_server.is_over() || self.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn is_empty(&self) -> bool {
        self.client.is_none() && self.server.is_none()
    }

    fn obey(&mut self, state: &mut ProxyState, cx: &Context<'_>) {
        let Some(orders) = state.flows.get_mut(&self.id) else { return };
        let given = std::mem::take(orders);
        orders.waker = Some(cx.waker().clone());
        let now = Instant::now();
        if given.finish_to_client {
            self.to_client.finish(now);
        }
        if given.finish_to_server {
            self.to_server.finish(now);
        }
        if given.reset_client {
            self.reset_client();
        }
        if given.reset_server {
            self.reset_server();
        }
    }

    /// Sends both ends a FIN. Both sockets stay until their peers close them, and
    /// further bytes are thrown away: closing a socket with unread data would be
    /// a reset.
    fn part(&mut self, cx: &mut Context<'_>) {
        for end in [&mut self.client, &mut self.server].into_iter().flatten() {
            end.finish(cx);
        }
        self.to_client.shut();
        self.to_server.shut();
        cx.waker().wake_by_ref();
    }

    fn reset_client(&mut self) {
        if let Some(client) = self.client.take() {
            client.reset();
        }
        self.to_client.shut();
        self.to_server.shut();
    }

    fn reset_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.reset();
        }
        self.to_client.shut();
        self.to_server.shut();
    }
}
