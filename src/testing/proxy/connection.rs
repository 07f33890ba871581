//! One connection through the proxy: two sockets and the lanes between them.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::lane::{Lane, Outcome};
use super::rules::{Orders, Shared, State};
use super::socket::Socket;
use super::{Cut, Newcomers};

/// The place of one connection among those that are open.
#[derive(Debug)]
pub(super) struct Registered {
    id: u64,
    shared: Arc<Shared>,
}

impl Registered {
    pub(super) fn new(id: u64, shared: Arc<Shared>) -> Registered {
        shared.state().flows.insert(id, Orders::default());
        Registered { id, shared }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.state().flows.remove(&self.id);
    }
}

/// Carries one connection from its beginning to its end.
pub(super) async fn serve(client: Socket, newcomers: Newcomers, place: Registered) {
    let server = match newcomers {
        Newcomers::Unanswered => None,
        Newcomers::Connected | Newcomers::Refused | Newcomers::Closed => {
            let address = place.shared.state().server.clone();
            match Socket::connect(&address).await {
                Ok(server) => Some(server),
                Err(_) => return client.reset(),
            }
        }
    };
    let mut connection = Connection {
        client: Some(client),
        server,
        to_client: Lane::default(),
        to_server: Lane::default(),
        shared: Arc::clone(&place.shared),
        id: place.id,
    };
    poll_fn(|cx| connection.poll(cx)).await;
}

struct Connection {
    client: Option<Socket>,
    server: Option<Socket>,
    to_client: Lane,
    to_server: Lane,
    shared: Arc<Shared>,
    id: u64,
}

impl Connection {
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
                Outcome::Waits => {}
                Outcome::Cut(Cut::Reset) => {
                    self.reset_client();
                    self.reset_server();
                }
                Outcome::Cut(Cut::Fin) => self.part(cx),
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

    fn obey(&mut self, state: &mut State, cx: &Context<'_>) {
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

    /// Sends both ends a FIN. Both sockets stay, and what comes over them is
    /// thrown away, until their ends have closed them: to close a socket with
    /// unread data would be a reset.
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
