//! A boxed link or transport forwards every method.

use std::sync::Mutex;

use super::*;
use crate::Failure;
use crate::keeper::Purpose;

/// A link and transport whose every method notes that it was called and
/// answers as no default would.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<&'static str>>>);

impl Noting {
    fn note(&self, method: &'static str) {
        self.0.lock().expect("no test panics under it").push(method);
    }

    fn noted(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("no test panics under it"))
    }
}

const LOCAL: &str = "127.0.0.1:4711";
const PEER: &str = "192.0.2.9:443";
const LISTEN: Beat = Beat::Listen { longest_silence: Duration::from_secs(25) };

impl Link for Noting {
    type Incoming = u8;
    type Outgoing = u16;

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Result<Frame<u8>, LinkEnd>> {
        self.note("poll_next");
        Poll::Ready(Ok(Frame::Alive))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.note("poll_ready");
        Poll::Ready(Err(LinkEnd::Eof))
    }

    fn start_send(&mut self, message: u16) -> Result<(), LinkEnd> {
        self.note("start_send");
        Err(LinkEnd::Protocol(message.to_string()))
    }

    fn start_beat(&mut self, Token(token): Token) -> Result<(), LinkEnd> {
        self.note("start_beat");
        Err(LinkEnd::Protocol(token.to_string()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.note("poll_flush");
        Poll::Ready(Err(LinkEnd::Reset))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.note("poll_close");
        Poll::Pending
    }

    fn beat(&self) -> Beat {
        self.note("beat");
        LISTEN
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.note("confirmed_by");
        ConfirmedBy::Flush
    }

    fn is_vouched_for(&self) -> bool {
        self.note("is_vouched_for");
        false
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.note("local_addr");
        LOCAL.parse().ok()
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.note("peer_addr");
        PEER.parse().ok()
    }

    fn traffic(&self) -> Option<Traffic> {
        self.note("traffic");
        Some(Traffic { received: 1, sent: 2 })
    }

    fn path_facts(&self) -> Option<PathFacts> {
        self.note("path_facts");
        Some(PathFacts::new(3, Duration::ZERO))
    }

    fn migrate(&mut self) -> bool {
        self.note("migrate");
        true
    }

    fn answers_after(&self) -> bool {
        self.note("answers_after");
        true
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.note("answer_me_after");
        Err(LinkEnd::Protocol(silence.as_secs().to_string()))
    }

    fn size(&self, message: &u8) -> usize {
        self.note("size");
        usize::from(*message) + 100
    }

    fn detach(&self, message: u8) -> u8 {
        self.note("detach");
        message + 1
    }
}

#[async_trait]
impl Transport for Noting {
    type Link = Noting;

    async fn connect(&self, attempt: &Attempt) -> Result<Noting, ConnectError> {
        self.note("connect");
        match attempt.number() {
            1 => Ok(self.clone()),
            _ => Err(Failure::Dns.into()),
        }
    }

    fn routes(&self) -> usize {
        self.note("routes");
        3
    }

    fn endpoint(&self, route: usize) -> Option<String> {
        self.note("endpoint");
        Some(format!("noting:{route}"))
    }

    fn overlap(&self) -> bool {
        self.note("overlap");
        false
    }

    fn needs_network(&self) -> bool {
        self.note("needs_network");
        false
    }

    fn size(&self, message: &u16) -> Result<usize, MessageTooBig> {
        self.note("size");
        Err(MessageTooBig::new(usize::from(*message), 9))
    }
}

/// The methods of a trait, as its source lists them, without the one that
/// boxes it.
fn methods_of(declaration: &str, source: &str) -> Vec<String> {
    let (_, body) = source.split_once(declaration).expect("the trait is declared in its file");
    let (body, _) = body.split_once("\n}\n").expect("the trait ends");
    let named = body.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("async ");
        Some(line.strip_prefix("fn ")?.split(['(', '<']).next()?.to_owned())
    });
    named.filter(|name| name != "boxed").collect()
}

#[test]
fn a_boxed_link_forwards_every_method() {
    let noting = Noting::default();
    let mut link: BoxLink<u8, u16> = Link::boxed(noting.clone());
    let mut cx = Context::from_waker(std::task::Waker::noop());

    // Called through the generic trait, as a connection would.
    fn call<L: Link<Incoming = u8, Outgoing = u16>>(link: &mut L, cx: &mut Context<'_>) {
        assert_eq!(link.poll_next(cx), Poll::Ready(Ok(Frame::Alive)));
        assert_eq!(link.poll_ready(cx), Poll::Ready(Err(LinkEnd::Eof)));
        assert_eq!(link.start_send(700), Err(LinkEnd::Protocol("700".to_owned())));
        assert_eq!(link.start_beat(Token(5)), Err(LinkEnd::Protocol("5".to_owned())));
        assert_eq!(link.poll_flush(cx), Poll::Ready(Err(LinkEnd::Reset)));
        assert_eq!(link.poll_close(cx), Poll::Pending);
        assert_eq!(link.beat(), LISTEN);
        assert_eq!(link.confirmed_by(), ConfirmedBy::Flush);
        assert!(!link.is_vouched_for());
        assert_eq!(link.local_addr(), LOCAL.parse().ok());
        assert_eq!(link.peer_addr(), PEER.parse().ok());
        assert_eq!(link.traffic(), Some(Traffic { received: 1, sent: 2 }));
        assert_eq!(link.path_facts(), Some(PathFacts::new(3, Duration::ZERO)));
        assert!(link.migrate());
        assert!(link.answers_after());
        let refused = link.answer_me_after(Duration::from_secs(4));
        assert_eq!(refused, Err(LinkEnd::Protocol("4".to_owned())));
        assert_eq!(link.size(&7), 107);
        assert_eq!(link.detach(7), 8);
    }
    call(&mut link, &mut cx);
    assert_eq!(noting.noted(), methods_of("pub trait Link: Send + 'static {", include_str!("../link.rs")));
}

#[tokio::test]
async fn boxed_and_shared_transports_forward_every_method() {
    async fn call<T: Transport>(transport: T)
    where
        T::Link: Link<Incoming = u8, Outgoing = u16>,
    {
        let attempt = |number| Attempt::new(crate::LinkId(1), number, 0, Purpose::Main, None);
        assert!(transport.connect(&attempt(1)).await.is_ok());
        assert_eq!(transport.routes(), 3);
        assert_eq!(transport.endpoint(2).as_deref(), Some("noting:2"));
        assert!(!transport.overlap());
        assert!(!transport.needs_network());
        assert_eq!(transport.size(&12), Err(MessageTooBig::new(12, 9)));
    }
    let noting = Noting::default();
    let all = methods_of("pub trait Transport: Send + Sync + 'static {", include_str!("../../transport.rs"));
    let boxed: BoxTransport<u8, u16> = Transport::boxed(noting.clone());
    call(boxed).await;
    assert_eq!(noting.noted(), all);
    call(Arc::new(noting.clone())).await;
    assert_eq!(noting.noted(), all);
    call(Box::new(noting.clone())).await;
    assert_eq!(noting.noted(), all);
}
