//! Where servers let their clients in.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

pub trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for S {}

pub type Stream = Box<dyn ReadWrite>;

/// Clients that are through their handshakes, however many hang in theirs.
pub struct Door<P> {
    entered: Mutex<mpsc::UnboundedReceiver<P>>,
    _tasks: JoinSet<()>,
}

impl<P: Send + 'static> Door<P> {
    /// Lets in the clients that `accept` returns, unless `shake` turns them away.
    pub fn new<S, A, F>(
        mut accept: impl FnMut() -> A + Send + 'static,
        shake: impl Fn(S) -> F + Send + 'static,
    ) -> Door<P>
    where
        S: Send + 'static,
        A: Future<Output = S> + Send,
        F: Future<Output = Option<P>> + Send + 'static,
    {
        let (enter, entered) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut shaking = JoinSet::new();
            loop {
                tokio::select! {
                    stream = accept() => drop(shaking.spawn(shake(stream))),
                    Some(done) = shaking.join_next() => {
                        if let Ok(Some(peer)) = done {
                            let _ = enter.send(peer);
                        }
                    }
                }
            }
        });
        Door { entered: Mutex::new(entered), _tasks: tasks }
    }

    pub async fn accept(&self) -> P {
        self.entered.lock().await.recv().await.expect("the door is there")
    }
}

/// A TCP door on a port of its own, behind which `greet` makes a peer of each
/// stream; with TLS where there is a configuration.
pub async fn tcp<P, F>(
    tls: Option<Arc<ServerConfig>>,
    greet: impl Fn(Stream) -> F + Clone + Send + 'static,
) -> (SocketAddr, Door<P>)
where
    P: Send + 'static,
    F: Future<Output = Option<P>> + Send + 'static,
{
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    let accept = move || {
        let listener = Arc::clone(&listener);
        async move {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        }
    };
    let shake = move |tcp: TcpStream| {
        let (tls, greet) = (tls.clone(), greet.clone());
        async move {
            let stream: Stream = match tls {
                Some(tls) => Box::new(TlsAcceptor::from(tls).accept(tcp).await.ok()?),
                None => Box::new(tcp),
            };
            greet(stream).await
        }
    };
    (address, Door::new(accept, shake))
}
