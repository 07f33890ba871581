//! `from_fn`: any closure that opens a link is a transport, and can say what a
//! transport can.

use std::sync::{Arc, Mutex};

use futures::{FutureExt, SinkExt, StreamExt};
use longlink::keeper::{Learned, Recalled};
use longlink::store::{IntervalStore, PathKey, StoreError};
use longlink::testing::{ByHand, FaultyNet, IdleExpiry, Script, ScriptedAttempt, ScriptedLink};
use longlink::transport::{
    Attempt, ConnectError, ControlMessages, Frame, Framed, FromFn, Link, MessageTooBig, Transport, from_fn,
};
use longlink::{
    Event, Failure, Heartbeat, LinkEnd, NetworkHandle, NetworkStatus, Probing, ResilientConnection,
    SendError, TrySendError,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{self, LinesCodec};

use crate::support::*;

type Lines<Io> = codec::Framed<Io, LinesCodec>;

fn lines<Io: AsyncRead + AsyncWrite>(io: Io) -> Lines<Io> {
    codec::Framed::new(io, LinesCodec::new())
}

fn link<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static>(io: Io) -> Framed<Lines<Io>, String> {
    Framed::new(lines(io), ControlMessages::new())
}

/// A closure that opens the links of `script`.
fn scripted(
    script: &Script<String>,
) -> FromFn<impl Fn(Attempt) -> Opening<ScriptedLink<String, String>> + Send + Sync + 'static, String> {
    opening(script.transport())
}

type Opening<L> = futures::future::BoxFuture<'static, Result<L, ConnectError>>;

/// A closure that opens the links of `transport`, and says nothing for it.
fn opening<T: Transport>(
    transport: T,
) -> FromFn<impl Fn(Attempt) -> Opening<T::Link> + Send + Sync + 'static, <T::Link as Link>::Outgoing> {
    let transport = Arc::new(transport);
    from_fn(move |attempt| {
        let transport = Arc::clone(&transport);
        async move { transport.connect(&attempt).await }.boxed()
    })
}

#[tokio::test]
async fn a_closure_is_a_transport() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let transport = from_fn(move |attempt| {
        let address = address.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let local = stream.local_addr().ok();
            attempt.dialled(local);
            Ok(link(stream).local_addr(local))
        }
    });
    let first = Attempt::standalone(1, None);
    let mut link = transport.connect(&first).await.unwrap();
    let local = Link::local_addr(&link).expect("a socket has an address");
    assert_eq!(first.dial_report().and_then(|dialled| dialled.local), Some(local.ip()));

    let (stream, _) = server.accept().await.unwrap();
    drop(server);
    let mut peer = lines(stream);
    link.send("there and back".to_owned()).await.unwrap();
    let line = peer.next().await.unwrap().unwrap();
    peer.send(line).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message("there and back".to_owned())));

    let refused =
        transport.connect(&Attempt::standalone(2, None)).await.expect_err("nobody listens any more");
    assert_eq!(refused.failure(), &Failure::Refused);
}

#[tokio::test]
async fn an_async_function_or_closure_is_a_transport() {
    async fn open(attempt: Attempt) -> Result<Framed<Lines<DuplexStream>, String>, ConnectError> {
        attempt.dialled(None);
        Ok(link(duplex(8).0))
    }
    let (first, second) = (Attempt::standalone(1, None), Attempt::standalone(2, None));
    from_fn(open).connect(&first).await.unwrap();
    from_fn(async |attempt| open(attempt).await).connect(&second).await.unwrap();
    assert!(first.dial_report().is_some() && second.dial_report().is_some());
}

#[test]
fn a_closure_says_no_more_than_a_transport_does_by_default() {
    let plain = scripted(&Script::new([])).boxed();
    assert_eq!((plain.routes(), plain.endpoint(0)), (1, None));
    assert_eq!((plain.overlap(), plain.needs_network()), (true, true));
    let long = "x".repeat(1 << 20);
    assert_eq!(plain.size(&long), Ok(size_of::<String>()), "the size in memory, and no limit");
}

/// Notes the endpoints that it is asked for.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl IntervalStore for Asked {
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError> {
        self.0.lock().unwrap().push(path.endpoint.clone());
        Ok(None)
    }

    fn remember(&self, _: &PathKey, _: &Learned) -> Result<(), StoreError> {
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_names_the_path_of_which_something_is_remembered() {
    let asked = Asked::default();
    let transport = scripted(&Script::new([])).endpoint("tcp://feed.example.com:7000");
    let building = ResilientConnection::builder(transport).seed(1).interval_store(asked.clone());
    let _connection = building.connect().await.unwrap();
    settle().await;
    assert_eq!(*asked.0.lock().unwrap(), ["tcp://feed.example.com:7000"]);
}

#[tokio::test(start_paused = true)]
async fn the_outbox_counts_bytes_by_the_size_that_the_closure_was_given() {
    let script = Script::new([ScriptedAttempt::hang()]);
    let transport = scripted(&script).size_out(String::len);
    let connection = ResilientConnection::builder(transport).outbox_bytes(100).build().unwrap();
    let sender = connection.sender();
    sender.try_send("x".repeat(99)).unwrap();
    sender.try_send("one may go over it".to_owned()).unwrap();
    assert!(matches!(sender.try_send(String::new()), Err(TrySendError::Full(_))));
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_is_refused_and_one_at_it_is_sent() {
    let script = Script::new([]);
    let transport = scripted(&script).max_message(16).unwrap().size_out(String::len);
    let mut connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    let peer = script.next_link().await;
    connection.send("x".repeat(16)).await.unwrap();
    let refused = connection.send("y".repeat(17)).await.unwrap_err();
    assert_eq!(refused, SendError::TooBig { message: "y".repeat(17), size: 17, limit: 16 });
    settle().await;
    assert_eq!(peer.messages(), ["x".repeat(16)]);
}

#[test]
fn a_limit_of_zero_is_refused_by_its_name() {
    let refused = scripted(&Script::new([])).max_message(0).unwrap_err();
    assert_eq!(refused.field, "from_fn.max_message");
}

#[tokio::test(start_paused = true)]
async fn without_overlap_a_closure_opens_no_second_link() {
    for overlap in [true, false] {
        let net = FaultyNet::<String>::new(1);
        net.idle_timeout(secs(100), IdleExpiry::Silent);
        let transport = opening(net.transport()).overlap(overlap);
        let log = Log::default();
        let connection = ResilientConnection::builder(transport)
            .heartbeat(Heartbeat::adaptive().probing(Probing::Scout))
            .on_event(log.keep())
            .seed(1)
            .connect()
            .await
            .unwrap();
        tokio::time::sleep(secs(600)).await;
        assert_eq!(connection.stats().keeper.scouts_sent > 0, overlap);
        assert_eq!(log.count(|event| *event == Event::ScoutsRefused) == 0, overlap);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_closure_that_needs_the_network_slows_down_offline() {
    for needs_network in [true, false] {
        let script = Script::new([]);
        let network = NetworkHandle::new();
        let transport = scripted(&script).needs_network(needs_network);
        let building = ResilientConnection::builder(transport).seed(1).network(network.clone());
        let _connection = building.connect().await.unwrap();
        let first = script.next_link().await;
        network.set(NetworkStatus::Offline);
        settle().await;
        tokio::time::sleep(secs(1)).await;
        first.end(LinkEnd::Reset);
        let ended = script.elapsed();
        settle().await;
        in_time(script.next_link()).await;
        let took = script.elapsed() - ended;
        assert_eq!(took > secs(10), needs_network, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clone_of_the_transport_says_the_same_and_opens_the_same_links() {
    async fn open(_: Attempt) -> Result<Framed<Lines<DuplexStream>, String>, ConnectError> {
        Ok(link(duplex(8).0))
    }
    let told = from_fn(open)
        .endpoint("here")
        .size_out(String::len)
        .overlap(false)
        .needs_network(false)
        .max_message(4)
        .unwrap();
    let clone = told.clone().boxed();
    assert_eq!(clone.endpoint(0).as_deref(), Some("here"));
    assert_eq!((clone.overlap(), clone.needs_network()), (false, false));
    assert_eq!(clone.size(&"five!".to_owned()), Err(MessageTooBig::new(5, 4)));
    clone.connect(&Attempt::standalone(1, None)).await.unwrap();
}
