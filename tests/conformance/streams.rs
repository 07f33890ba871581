//! `Tcp`, with TLS and without, and `Unix`, speaking lines, through a proxy.

use std::io;

use futures::{SinkExt, StreamExt};
use longlink::testing::Proxy;
use longlink::testing::conformance::{Bench, Fault, FromClient, Note, Peer};
use longlink::transport::{ControlMessages, Link, Transport};
use longlink::{LinkEnd, Token};
#[cfg(unix)]
use longlink::{Protocol, Tcp, Unix};
use tokio_util::codec::{Framed, LinesCodec};

use crate::authority::Authority;
use crate::door::{self, Door, Stream};

/// The longest line, with its newline.
const LONGEST: usize = 64 * 1024;

/// A line is a message if it begins with a digit; else it is the protocol's:
/// `P7` asks and `p7` answers, `Q` is a goodbye.
fn lines() -> Protocol<LinesCodec, String> {
    let control = ControlMessages::<String, String>::new()
        .ping(|Token(token)| format!("P{token}"))
        .pong(|line| line.strip_prefix('p').and_then(|token| token.parse().ok()).map(Token))
        .answer(|line| line.strip_prefix('P').map(|token| format!("p{token}")))
        .goodbye(|| "Q".to_owned());
    Protocol::new(LinesCodec::new, control).size_out(|line| line.len() + 1).max_message(LONGEST).unwrap()
}

/// A bench for transports of the line protocol.
pub struct Streams<T> {
    transport: Box<dyn Fn() -> T + Send + Sync>,
    door: Door<Lines>,
    proxy: Proxy,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Tcp,
    Tls,
    #[cfg(unix)]
    Unix,
}

pub async fn tcp() -> Streams<Tcp<LinesCodec, String>> {
    let (address, door) = door::tcp(None, |stream| async { Some(Lines::new(stream)) }).await;
    let proxy = Proxy::to(address).unwrap();
    let front = proxy.addr().to_string();
    let transport = Box::new(move || Tcp::new(&front, lines()).unwrap());
    Streams { transport, door, proxy, kind: Kind::Tcp }
}

pub async fn tls() -> Streams<Tcp<LinesCodec, String>> {
    let authority = Authority::new();
    let (address, door) =
        door::tcp(Some(authority.server("127.0.0.1")), |stream| async { Some(Lines::new(stream)) }).await;
    let proxy = Proxy::to(address).unwrap();
    let front = proxy.addr().to_string();
    let transport =
        Box::new(move || Tcp::new(&front, lines()).unwrap().tls_config(authority.client()).unwrap());
    Streams { transport, door, proxy, kind: Kind::Tls }
}

#[cfg(unix)]
pub async fn unix() -> Streams<Unix<LinesCodec, String>> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::{UnixListener, UnixStream};

    static MADE: AtomicUsize = AtomicUsize::new(0);
    let which = MADE.fetch_add(1, Ordering::Relaxed);
    let place = |what: &str| {
        let name = format!("longlink-conformance-{}-{which}-{what}", std::process::id());
        std::env::temp_dir().join(name)
    };
    let (behind, front) = (place("server"), place("proxy"));
    let listener = Arc::new(Removed(UnixListener::bind(&behind).unwrap(), behind.clone()));
    let accept = move || {
        let listener = Arc::clone(&listener);
        async move { listener.0.accept().await.unwrap().0 }
    };
    let door = Door::new(accept, |stream: UnixStream| async { Some(Lines::new(Box::new(stream))) });
    let proxy = Proxy::to_unix(behind, &front).unwrap();
    let transport = Box::new(move || Unix::new(&front, lines()).unwrap());
    Streams { transport, door, proxy, kind: Kind::Unix }
}

/// A listener that removes its file when it is dropped.
#[cfg(unix)]
struct Removed(tokio::net::UnixListener, std::path::PathBuf);

#[cfg(unix)]
impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.1);
    }
}

impl<T> Bench for Streams<T>
where
    T: Transport<Link: Link<Incoming = String, Outgoing = String>>,
{
    type Transport = T;
    type Peer = Lines;

    fn transport(&self) -> T {
        (self.transport)()
    }

    async fn accept(&self) -> Lines {
        self.door.accept().await
    }

    fn outgoing(&self, note: Note) -> String {
        note.text()
    }

    fn incoming(&self, message: &String) -> Note {
        Note::read(message)
    }

    fn make(&self, fault: Fault) -> bool {
        let exists = match (fault, self.kind) {
            (Fault::SpoiltToClient | Fault::SpoiltToServer, kind) => kind == Kind::Tls,
            #[cfg(unix)]
            (Fault::Reset | Fault::MidFrame(longlink::testing::Cut::Reset), Kind::Unix) => false,
            _ => true,
        };
        exists && fault.make_at(&self.proxy)
    }

    fn restore(&self) {
        Fault::restore_at(&self.proxy);
    }

    fn closing(&self) -> LinkEnd {
        LinkEnd::Eof
    }

    fn limit(&self) -> Option<usize> {
        Some(LONGEST - 1)
    }
}

pub struct Lines(Framed<Stream, LinesCodec>);

impl Lines {
    fn new(stream: Stream) -> Lines {
        Lines(Framed::new(stream, LinesCodec::new()))
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.send(line).await.map_err(io::Error::other)
    }
}

impl Peer for Lines {
    async fn send(&mut self, note: Note) -> io::Result<()> {
        self.say(&note.text()).await
    }

    async fn recv(&mut self) -> FromClient {
        loop {
            let Some(Ok(line)) = self.0.next().await else { return FromClient::End };
            match line.as_bytes() {
                [b'P', ..] => drop(self.say(&line.replace('P', "p")).await),
                [b'p', ..] => return FromClient::Pong,
                b"Q" => return FromClient::End,
                _ => return FromClient::Message(Note::read(line)),
            }
        }
    }

    async fn ping(&mut self) -> io::Result<bool> {
        self.say("P1").await.map(|()| true)
    }

    async fn close(&mut self) -> io::Result<()> {
        SinkExt::<&str>::close(&mut self.0).await.map_err(io::Error::other)
    }
}
