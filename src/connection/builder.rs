//! Setting up a connection.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::ResilientConnection;
use crate::clock::Clock;
#[cfg(feature = "test-util")]
use crate::clock::Suspend;
use crate::driver;
use crate::keeper::{self, Config};
use crate::network::Network;
use crate::outbox::Bounds;
use crate::shared::{Error, Handshake, HandshakeError, Hook};
use crate::store::IntervalStore;
use crate::transport::{Link, Transport};
use crate::{Event, FirstConnect, Heartbeat, Invalid, Reconnect};

/// Sets up a [`ResilientConnection`]. Made by
/// [`ResilientConnection::builder`].
///
/// | | default | const |
/// |---|---|---|
/// | `outbox_messages` | 1,024 | [`OUTBOX_MESSAGES`](Builder::OUTBOX_MESSAGES) |
/// | `outbox_bytes` | 1 MiB | [`OUTBOX_BYTES`](Builder::OUTBOX_BYTES) |
/// | `inbox_messages` | 256 | [`INBOX_MESSAGES`](Builder::INBOX_MESSAGES) |
/// | `inbox_bytes` | 32 KiB | [`INBOX_BYTES`](Builder::INBOX_BYTES) |
/// | `close_deadline` | 3 s | [`CLOSE_DEADLINE`](Builder::CLOSE_DEADLINE) |
/// | `first_connect` | [`FirstConnect::Retry`] | |
/// | `heartbeat` | [`Heartbeat::adaptive`] | |
/// | `reconnect` | [`Reconnect::default`] | |
/// | `store` | none: it remembers for itself | |
///
/// `Debug` shows settings only, nothing of the transport.
#[must_use = "a builder does nothing until `build` or `connect`"]
pub struct Builder<T: Transport> {
    transport: T,
    keeper: Config,
    hook: Option<Arc<Hook<T::Link>>>,
    scouts_log_in: bool,
    listener: Option<Box<driver::OnEvent>>,
    network: Option<Box<dyn Network>>,
    store: Option<Arc<dyn IntervalStore>>,
    outbox: Bounds,
    inbox_messages: usize,
    inbox_bytes: usize,
    seed: Option<u64>,
    runtime: Option<Handle>,
    #[cfg(feature = "test-util")]
    suspend: Option<Suspend>,
}

/// The connection that a transport's links make.
type Connection<T> = ResilientConnection<
    <<T as Transport>::Link as Link>::Incoming,
    <<T as Transport>::Link as Link>::Outgoing,
>;

impl<In, Out> ResilientConnection<In, Out> {
    /// Begins to set up a connection over `transport`.
    pub fn builder<T>(transport: T) -> Builder<T>
    where
        T: Transport,
        T::Link: Link<Incoming = In, Outgoing = Out>,
    {
        Builder::new(transport)
    }
}

impl<T: Transport> Builder<T> {
    /// Messages in the outbox: see [`Bounds::MESSAGES`].
    pub const OUTBOX_MESSAGES: usize = Bounds::MESSAGES;
    /// Bytes in the outbox: see [`Bounds::BYTES`].
    pub const OUTBOX_BYTES: usize = Bounds::BYTES;
    /// 256 messages in the inbox: enough for one wake-up to be shared by
    /// many, few enough that a reader that stalls is noticed.
    pub const INBOX_MESSAGES: usize = 256;
    /// 32 KiB in the inbox: 256 messages of 128 bytes.
    pub const INBOX_BYTES: usize = 32 * 1024;
    /// 3 s for a graceful close: a peer that answers a goodbye does so in one
    /// round trip.
    pub const CLOSE_DEADLINE: Duration = keeper::CLOSE_DEADLINE;

    fn new(transport: T) -> Builder<T> {
        Builder {
            transport,
            keeper: Config::default(),
            hook: None,
            scouts_log_in: false,
            listener: None,
            network: None,
            store: None,
            outbox: Bounds::default(),
            inbox_messages: Self::INBOX_MESSAGES,
            inbox_bytes: Self::INBOX_BYTES,
            seed: None,
            runtime: None,
            #[cfg(feature = "test-util")]
            suspend: None,
        }
    }

    /// When to beat. Default: [`Heartbeat::adaptive`].
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Builder<T> {
        self.keeper.heartbeat = heartbeat;
        self
    }

    /// When to come back. Default: [`Reconnect::default`].
    pub fn reconnect(mut self, reconnect: Reconnect) -> Builder<T> {
        self.keeper.reconnect = reconnect;
        self
    }

    /// The source of news about the host's network. Nobody is asked where the
    /// transport does not [need one](Transport::needs_network). Default: no source.
    pub fn network(mut self, network: impl Network) -> Builder<T> {
        self.network = Some(Box::new(network));
        self
    }

    /// The store that keeps the idle timeouts that were learned, by the network's
    /// name and the transport's endpoint, so that the next connection begins with
    /// them. Default: none; the connection remembers for itself, by the
    /// network's name, for as long as it lives. The last call counts.
    pub fn interval_store(mut self, store: impl IntervalStore) -> Builder<T> {
        self.store = Some(Arc::new(store));
        self
    }

    /// A callback for every event, in order. It runs on a task of its own, so that a
    /// slow callback delays nothing. When the callback is 1,024 events behind, the
    /// oldest events go and [`Event::EventsDropped`] stands in their place. A panic
    /// in it is caught and counted. Default: no callback. The last call counts.
    pub fn on_event(mut self, callback: impl Fn(&Event) + Send + 'static) -> Builder<T> {
        self.listener = Some(Box::new(callback));
        self
    }

    /// Called with every link before it is taken into use: logs in,
    /// resubscribes, resumes, and hands the link back. The hook runs under the
    /// attempt's deadline and is dropped when that passes. A panic in it is a
    /// failed attempt. Default: nothing is to be done. The last call counts.
    ///
    /// ```no_run
    /// # #[cfg(feature = "websocket")]
    /// # async fn run() -> Result<(), longlink::Error> {
    /// use longlink::{HandshakeError, ResilientConnection, WebSocket};
    ///
    /// let connection = ResilientConnection::builder(WebSocket::new("wss://example.com/feed")?)
    ///     .on_connect(|mut handshake| async move {
    ///         handshake.send("subscribe prices".into()).await?;
    ///         match handshake.recv().await?.as_text() {
    ///             Some("subscribed") => Ok(handshake),
    ///             _ => Err(HandshakeError::retry("the server does not answer the login")),
    ///         }
    ///     })
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_connect<F, R>(mut self, hook: F) -> Builder<T>
    where
        F: Fn(Handshake<T::Link>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Handshake<T::Link>, HandshakeError>> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |handshake| Box::pin(hook(handshake))));
        self
    }

    /// Whether a second link may be opened beside the one in use. Default:
    /// true, unless the transport says otherwise. False for servers that
    /// allow one session a user and would end the first: then no scout is
    /// ever sent ([`Probing::Scout`](crate::Probing::Scout)).
    pub fn overlap(mut self, overlap: bool) -> Builder<T> {
        self.keeper.overlap = overlap;
        self
    }

    /// Runs the [`on_connect`](Builder::on_connect) hook on scouts too, for
    /// servers that end a link that does not log in. The hook can tell by
    /// [`Attempt::purpose`](crate::transport::Attempt::purpose). Messages that it
    /// reads are dropped. Default: scouts do not log in.
    pub fn scouts_log_in(mut self) -> Builder<T> {
        self.scouts_log_in = true;
        self
    }

    /// How many messages the outbox holds. Default: 1,024.
    pub fn outbox_messages(mut self, messages: usize) -> Builder<T> {
        self.outbox.messages = messages;
        self
    }

    /// How many bytes the outbox holds ([`Transport::size`]); one message may
    /// go over it. Default: 1 MiB.
    pub fn outbox_bytes(mut self, bytes: usize) -> Builder<T> {
        self.outbox.bytes = bytes;
        self
    }

    /// How many messages may wait for the reader, beside those that it has
    /// taken in one go. Default: 256.
    pub fn inbox_messages(mut self, messages: usize) -> Builder<T> {
        self.inbox_messages = messages;
        self
    }

    /// How many bytes may wait for the reader ([`Link::size`]); one message may
    /// go over it. Default: 32 KiB.
    pub fn inbox_bytes(mut self, bytes: usize) -> Builder<T> {
        self.inbox_bytes = bytes;
        self
    }

    /// The longest time without a message, apart from the heartbeat: a feed
    /// whose server answers beats but sends nothing any more is dropped after
    /// it, and opened anew. Set it well above the longest pause of the feed.
    /// Default: none, since only the application knows how often its server
    /// speaks.
    pub fn silence_limit(mut self, limit: Duration) -> Builder<T> {
        self.keeper.silence_limit = Some(limit);
        self
    }

    /// How long a graceful close may take in all. Default: 3 s.
    pub fn close_deadline(mut self, deadline: Duration) -> Builder<T> {
        self.keeper.close_deadline = deadline;
        self
    }

    /// How a failure counts before the first link was in use. Default:
    /// [`FirstConnect::Retry`].
    pub fn first_connect(mut self, first: FirstConnect) -> Builder<T> {
        self.keeper.first_connect = first;
        self
    }

    /// Pins all chance, so that a run can be repeated. Default: drawn from
    /// the system.
    pub fn seed(mut self, seed: u64) -> Builder<T> {
        self.seed = Some(seed);
        self
    }

    /// The runtime to run on. Its timer must be enabled, and the drivers that the
    /// transport needs. Default: the runtime that `build` is called in.
    pub fn runtime(mut self, runtime: Handle) -> Builder<T> {
        self.runtime = Some(runtime);
        self
    }

    /// Takes the machine's sleep from `suspend` instead of from the system.
    #[cfg(feature = "test-util")]
    pub fn suspend(mut self, suspend: &Suspend) -> Builder<T> {
        self.suspend = Some(suspend.clone());
        self
    }

    /// Builds the connection, which connects in the background. Returns at
    /// once.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the setting that cannot work; `runtime` outside a
    /// runtime.
    pub fn build(mut self) -> Result<Connection<T>, Invalid> {
        self.check()?;
        self.keeper.overlap &= self.transport.overlap();
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => Handle::try_current().map_err(|_| {
                Invalid::new("runtime", "must be given where `build` is called outside a tokio runtime")
            })?,
        };
        let network = self.network.filter(|_| self.transport.needs_network());
        let _entered = runtime.enter();
        #[cfg(feature = "test-util")]
        let clock = self.suspend.map_or_else(Clock::new, Clock::with_suspend);
        #[cfg(not(feature = "test-util"))]
        let clock = Clock::new();
        let (send_queue, inbox) = driver::start(driver::Setup {
            transport: self.transport,
            keeper: self.keeper,
            seed: self.seed.unwrap_or_else(random_seed),
            hook: self.hook,
            scouts_log_in: self.scouts_log_in,
            listener: self.listener,
            network: network.map(|network| network.watch()),
            store: self.store,
            outbox: self.outbox,
            inbox_messages: self.inbox_messages,
            inbox_bytes: self.inbox_bytes,
            clock,
            runtime: runtime.clone(),
        });
        Ok(ResilientConnection::new(send_queue, inbox))
    }

    /// Builds the connection and waits for its first link.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] as [`build`](Builder::build);
    /// [`Error::GaveUp`] if the connection gave up before it had a link.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, so is the connection.
    pub async fn connect(self) -> Result<Connection<T>, Error> {
        let connection = self.build()?;
        connection.connected().await?;
        Ok(connection)
    }

    fn check(&self) -> Result<(), Invalid> {
        self.keeper.check()?;
        let counts = [
            ("outbox_messages", self.outbox.messages),
            ("outbox_bytes", self.outbox.bytes),
            ("inbox_messages", self.inbox_messages),
            ("inbox_bytes", self.inbox_bytes),
        ];
        for (field, count) in counts {
            if count == 0 {
                return Err(Invalid::new(field, "must not be zero"));
            }
        }
        if self.transport.routes() == 0 {
            return Err(Invalid::new("transport", "must have at least one route"));
        }
        Ok(())
    }
}

/// A seed from the system, by way of the standard library's hasher keys.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl<T: Transport> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("keeper", &self.keeper)
            .field("outbox", &self.outbox)
            .field("inbox_messages", &self.inbox_messages)
            .field("inbox_bytes", &self.inbox_bytes)
            .field("on_connect", &self.hook.is_some())
            .field("on_event", &self.listener.is_some())
            .field("network", &self.network.is_some())
            .field("interval_store", &self.store.is_some())
            .finish_non_exhaustive()
    }
}
