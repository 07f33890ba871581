//! The two ways in which messages go: as lines over TCP, and over WebSocket.

use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;

use futures::{Sink, SinkExt, Stream, StreamExt, future};
use longlink::transport::{Link, Transport};
use longlink::{Message, WebSocket};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Raw;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A transport of ours and a server that fits.
pub trait Wire: Send + Sync + 'static {
    const NAME: &'static str;
    type Message: Clone + Send + Sync + Unpin + 'static;
    type Link: Link<Incoming = Self::Message, Outgoing = Self::Message>;
    type Transport: Transport<Link = Self::Link>;

    fn transport(address: SocketAddr) -> Self::Transport;
    fn message(text: String) -> Self::Message;
    fn text(message: &Self::Message) -> &str;
    /// The server's end of a connection, once the handshake is through.
    fn accept(tcp: TcpStream) -> impl Future<Output = Option<Peer>> + Send;
}

/// The client's goodbye, for wires that leave it to the server to answer.
pub const QUIT: &str = "QUIT";

/// The server's next word.
#[derive(Debug)]
pub enum Say {
    Text(String),
    /// A goodbye of the server's own.
    Goodbye(u16),
    /// The answer to [`QUIT`], for wires that leave that to the server.
    Farewell,
}

/// The server's end of one connection.
pub struct Peer {
    /// Texts, to the end of the stream or the first error.
    pub incoming: Incoming,
    pub outgoing: Outgoing,
    pub plug: Plug,
}

pub type Incoming = Pin<Box<dyn Stream<Item = String> + Send>>;
pub type Outgoing = Pin<Box<dyn Sink<Say, Error = ()> + Send>>;

/// The socket once more, to end one way of it.
pub struct Plug(std::net::TcpStream);

impl Plug {
    /// Sends a FIN and nothing else.
    pub fn finish(&self) {
        // An error says that the connection is gone already.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// The socket twice.
fn double(tcp: TcpStream) -> Option<(TcpStream, Plug)> {
    tcp.set_nodelay(true).ok()?;
    let tcp = tcp.into_std().ok()?;
    let second = tcp.try_clone().ok()?;
    Some((TcpStream::from_std(tcp).ok()?, Plug(second)))
}

pub struct OverWebSocket;

impl Wire for OverWebSocket {
    const NAME: &'static str = "websocket";
    type Message = Message;
    type Link = longlink::WebSocketLink;
    type Transport = WebSocket;

    fn transport(address: SocketAddr) -> WebSocket {
        WebSocket::new(format!("ws://{address}/")).unwrap()
    }

    fn message(text: String) -> Message {
        Message::from(text)
    }

    fn text(message: &Message) -> &str {
        message.as_text().expect("the server sends texts")
    }

    async fn accept(tcp: TcpStream) -> Option<Peer> {
        let (tcp, plug) = double(tcp)?;
        let (outgoing, incoming) = tokio_tungstenite::accept_async(tcp).await.ok()?.split();
        let outgoing = outgoing.sink_map_err(drop).with(|say| {
            future::ready(Ok::<_, ()>(match say {
                Say::Text(text) => Raw::from(text),
                Say::Goodbye(code) => {
                    Raw::Close(Some(CloseFrame { code: code.into(), reason: "told so".into() }))
                }
                Say::Farewell => Raw::Close(None),
            }))
        });
        // Pings and closes are answered below this.
        let incoming = until_error(incoming).filter_map(|message| {
            future::ready(match message {
                Raw::Text(text) => Some(text.to_string()),
                Raw::Binary(_) | Raw::Ping(_) | Raw::Pong(_) | Raw::Close(_) | Raw::Frame(_) => None,
            })
        });
        Some(Peer { incoming: Box::pin(incoming), outgoing: Box::pin(outgoing), plug })
    }
}

/// The messages before the end or the first error.
fn until_error<S, M, E>(stream: S) -> impl Stream<Item = M> + Send
where
    S: Stream<Item = Result<M, E>> + Send,
    M: Send,
    E: Send,
{
    stream.map(Result::ok).take_while(|message| future::ready(message.is_some())).filter_map(future::ready)
}

#[cfg(feature = "tcp")]
pub use lines::OverTcp;

#[cfg(feature = "tcp")]
mod lines {
    use std::net::SocketAddr;

    use futures::{SinkExt, StreamExt, future};
    use longlink::transport::ControlMessages;
    use longlink::{LinkEnd, Protocol, StreamLink, Tcp, Token};
    use tokio::net::TcpStream;
    use tokio_util::bytes::BytesMut;
    use tokio_util::codec::{Decoder, Encoder, Framed, LinesCodec, LinesCodecError};

    use super::{Peer, QUIT, Say, Wire, double, until_error};

    /// Lines, without the one that the end of the stream has cut.
    struct WholeLines(LinesCodec);

    impl Decoder for WholeLines {
        type Item = String;
        type Error = LinesCodecError;

        fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
            self.0.decode(bytes)
        }

        fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, LinesCodecError> {
            let line = self.0.decode(bytes)?;
            if line.is_none() {
                bytes.clear();
            }
            Ok(line)
        }
    }

    impl Encoder<String> for WholeLines {
        type Error = LinesCodecError;

        fn encode(&mut self, line: String, bytes: &mut BytesMut) -> Result<(), LinesCodecError> {
            self.0.encode(line, bytes)
        }
    }

    pub struct OverTcp;

    impl Wire for OverTcp {
        const NAME: &'static str = "tcp";
        type Message = String;
        type Link = StreamLink<LinesCodec, String>;
        type Transport = Tcp<LinesCodec, String>;

        fn transport(address: SocketAddr) -> Tcp<LinesCodec, String> {
            let control = ControlMessages::<String, String>::new()
                .ping(|Token(token)| format!("PING {token}"))
                .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
                .closes(|line| match line.strip_prefix("CLOSING ") {
                    Some(code) => Some(LinkEnd::closed(code.parse().ok(), "")),
                    None => (line == "BYE").then(|| LinkEnd::closed(None, "")),
                })
                .goodbye(|| QUIT.to_owned());
            let lines = Protocol::new(LinesCodec::new, control).size_out(String::len);
            Tcp::new(address.to_string(), lines).unwrap()
        }

        fn message(text: String) -> String {
            text
        }

        fn text(message: &String) -> &str {
            message
        }

        async fn accept(tcp: TcpStream) -> Option<Peer> {
            let (tcp, plug) = double(tcp)?;
            let (outgoing, incoming) = Framed::new(tcp, WholeLines(LinesCodec::new())).split::<String>();
            let outgoing = outgoing.sink_map_err(drop).with(|say| {
                future::ready(Ok::<_, ()>(match say {
                    Say::Text(text) => text,
                    Say::Goodbye(code) => format!("CLOSING {code}"),
                    Say::Farewell => "BYE".to_owned(),
                }))
            });
            Some(Peer { incoming: Box::pin(until_error(incoming)), outgoing: Box::pin(outgoing), plug })
        }
    }
}
