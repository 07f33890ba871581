//! A link that outlives its address (QUIC): when the host's network is
//! another, the link moves there and goes on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use longlink::keeper::RouteFacts;
use longlink::network::{Network, NetworkChange, NetworkWatch};
use longlink::transport::{ConnectError, Frame, Link, from_fn};
use longlink::{Detection, LinkEnd, NetworkHandle, NetworkStatus, ResilientConnection, Token};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{Log, message, millis, secs};

/// A link to a server that sends everything back, at once and along the path
/// by which it came.
struct Mobile {
    host: Arc<Host>,
    local: SocketAddr,
    can_move: bool,
    there: mpsc::UnboundedSender<Frame<String>>,
    back: mpsc::UnboundedReceiver<Frame<String>>,
}

impl Mobile {
    /// Sends, if the host still has the address that the link sends from.
    fn transmit(&mut self, frame: Frame<String>) -> Result<(), LinkEnd> {
        if self.local == self.host.address() {
            self.there.send(frame).map_err(|_| LinkEnd::Reset)?;
        }
        Ok(())
    }
}

impl Link for Mobile {
    type Incoming = String;
    type Outgoing = String;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        Poll::Ready(ready!(self.back.poll_recv(cx)).ok_or(LinkEnd::Eof))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, message: String) -> Result<(), LinkEnd> {
        self.transmit(Frame::Message(message))
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.transmit(Frame::Pong(Some(token)))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.back.close();
        Poll::Ready(Ok(()))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Some(self.local)
    }

    fn migrate(&mut self) -> bool {
        if self.can_move {
            self.local = self.host.address();
        }
        self.can_move
    }
}

/// The host, which has one address at a time.
#[derive(Default)]
struct Host {
    port: AtomicU16,
    dialled_from: Mutex<Vec<SocketAddr>>,
}

impl Host {
    fn address(&self) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], self.port.load(Ordering::Relaxed)))
    }

    fn move_to(&self, port: u16) {
        self.port.store(port, Ordering::Relaxed);
    }

    fn dials(&self) -> usize {
        self.dialled_from.lock().expect("nobody panics under it").len()
    }

    fn open(self: Arc<Self>, can_move: bool) -> Mobile {
        let local = self.address();
        self.dialled_from.lock().expect("nobody panics under it").push(local);
        let (there, back) = mpsc::unbounded_channel();
        Mobile { host: self, local, can_move, there, back }
    }
}

/// The report of a host.
struct Says {
    network: NetworkHandle,
    host: Arc<Host>,
    /// It says whether it has an address.
    tells: bool,
}

struct Saying {
    watch: Box<dyn NetworkWatch>,
    host: Arc<Host>,
    tells: bool,
}

impl Network for Says {
    fn watch(&self) -> Box<dyn NetworkWatch> {
        Box::new(Saying { watch: self.network.watch(), host: Arc::clone(&self.host), tells: self.tells })
    }
}

impl NetworkWatch for Saying {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<NetworkChange> {
        self.watch.poll_change(cx)
    }

    fn route(&mut self, local: SocketAddr, _: Option<SocketAddr>) -> Option<RouteFacts> {
        self.tells.then(|| RouteFacts::new(local == self.host.address(), None))
    }
}

/// A connection that has said hello and whose host then moved.
async fn moved(can_move: bool, tells: bool) -> (ResilientConnection<String>, Arc<Host>, Log, Instant) {
    let (host, network, log) = (Arc::new(Host::default()), NetworkHandle::new(), Log::new());
    let dialler = Arc::clone(&host);
    let transport = from_fn(move |attempt| {
        let link = Arc::clone(&dialler).open(can_move);
        attempt.dialled(link.local_addr());
        async move { Ok::<_, ConnectError>(link) }
    });
    let mut connection = ResilientConnection::builder(transport)
        .network(Says { network: network.clone(), host: Arc::clone(&host), tells })
        .on_event(log.listener())
        .seed(1)
        .connect()
        .await
        .unwrap();
    connection.sender().send("hello".to_owned()).await.unwrap();
    assert_eq!(message(&mut connection).await, "hello");
    host.move_to(1);
    network.set(NetworkStatus::Changed);
    (connection, host, log, Instant::now())
}

#[tokio::test(start_paused = true)]
async fn a_link_that_can_move_goes_on_over_the_new_network() {
    let (mut connection, host, log, _) = moved(true, true).await;
    sleep(millis(1)).await;
    connection.sender().send("from here".to_owned()).await.unwrap();
    assert_eq!(message(&mut connection).await, "from here");
    sleep(secs(3600)).await;
    assert_eq!(log.ends().await, []);
    assert_eq!((host.dials(), connection.connected().await.unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_is_replaced_once_its_address_is_seen_to_be_gone() {
    let (mut connection, host, log, began) = moved(false, true).await;
    let from = began - log.began;
    sleep(secs(1)).await;
    assert_eq!(log.ends().await, [(from + millis(250), Detection::AddressGone)]);
    connection.sender().send("from here".to_owned()).await.unwrap();
    assert_eq!(message(&mut connection).await, "from here");
    assert_eq!(host.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_the_host_does_not_tell_it_is_probed_and_replaced() {
    let (mut connection, host, log, began) = moved(false, false).await;
    let from = began - log.began;
    sleep(secs(5)).await;
    // The change settles for 250 ms, then the probe has 3 s.
    assert_eq!(log.ends().await, [(from + millis(250) + secs(3), Detection::ProbeUnanswered)]);
    connection.sender().send("from here".to_owned()).await.unwrap();
    assert_eq!(message(&mut connection).await, "from here");
    assert_eq!(host.dials(), 2);
}
