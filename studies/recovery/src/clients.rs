//! The clients, each as its README shows it.
//!
//! An adapter does what an application would do and no more: it opens the
//! connection, reads, sends what [`Speech`] says, and puts on its [`Tape`]
//! what the client itself tells. Settings are the client's defaults; where
//! one had to be chosen, the adapter says which and why.

mod by_hand;
mod ezsockets;
mod longlink;
mod stream_tungstenite;
mod stubborn;
mod ws_bridge;

use std::net::SocketAddr;

use ::longlink::NetworkHandle;

use crate::fault::Fault;
use crate::server::Language;
use crate::speech::Speech;
use crate::tape::Tape;

/// A client, with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Client {
    /// longlink's defaults.
    Longlink,
    /// With `Reconnect::eager()`.
    LonglinkEager,
    /// With `Heartbeat::prompt()`.
    LonglinkPrompt,
    /// The defaults, and a host that tells it of the network.
    LonglinkTold,
    ByHand,
    Ezsockets,
    StreamTungstenite,
    WsBridge,
    Stubborn,
}

/// The parts that an adapter gets.
#[derive(Debug)]
pub struct Role {
    pub address: SocketAddr,
    pub speech: Speech,
    pub tape: Tape,
    /// News of the network, for the client that listens to it.
    pub network: NetworkHandle,
}

impl Role {
    fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }
}

impl Client {
    pub const ALL: [Client; 9] = [
        Client::Longlink,
        Client::LonglinkEager,
        Client::LonglinkPrompt,
        Client::LonglinkTold,
        Client::ByHand,
        Client::Ezsockets,
        Client::StreamTungstenite,
        Client::WsBridge,
        Client::Stubborn,
    ];

    /// In the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Client::Longlink => "longlink",
            Client::LonglinkEager => "longlink_eager",
            Client::LonglinkPrompt => "longlink_prompt",
            Client::LonglinkTold => "longlink_told",
            Client::ByHand => "by_hand",
            Client::Ezsockets => "ezsockets",
            Client::StreamTungstenite => "stream_tungstenite",
            Client::WsBridge => "ws_bridge",
            Client::Stubborn => "stubborn_io",
        }
    }

    /// In the tables.
    pub fn title(self) -> &'static str {
        match self {
            Client::Longlink => "longlink",
            Client::LonglinkEager => "longlink, `Reconnect::eager()`",
            Client::LonglinkPrompt => "longlink, `Heartbeat::prompt()`",
            Client::LonglinkTold => "longlink, told of the network",
            Client::ByHand => "by hand",
            Client::Ezsockets => "ezsockets",
            Client::StreamTungstenite => "stream-tungstenite",
            Client::WsBridge => "ws-bridge",
            Client::Stubborn => "stubborn-io",
        }
    }

    /// The crate that it is, as the lock file names it.
    pub fn package(self) -> Option<&'static str> {
        match self {
            Client::Longlink | Client::LonglinkEager | Client::LonglinkPrompt | Client::LonglinkTold => {
                Some("longlink")
            }
            Client::ByHand => None,
            Client::Ezsockets => Some("ezsockets"),
            Client::StreamTungstenite => Some("stream-tungstenite"),
            Client::WsBridge => Some("ws-bridge"),
            Client::Stubborn => Some("stubborn-io"),
        }
    }

    /// The language of its server.
    pub fn language(self) -> Language {
        if self == Client::Stubborn { Language::Lines } else { Language::WebSocket }
    }

    /// Whether the fault says something about this client that no other row
    /// does, or exists for it at all.
    pub fn meets(self, fault: Fault) -> bool {
        match self {
            Client::LonglinkTold => fault.is_of_the_network(),
            Client::LonglinkPrompt => fault.is_silent(),
            Client::LonglinkEager => fault != Fault::Quiet,
            // TCP has no Close.
            Client::Stubborn => fault != Fault::Close1012,
            Client::Longlink
            | Client::ByHand
            | Client::Ezsockets
            | Client::StreamTungstenite
            | Client::WsBridge => true,
        }
    }

    /// Whether its host tells it of the network.
    pub fn is_told(self) -> bool {
        self == Client::LonglinkTold
    }

    /// Runs it for as long as the future is polled.
    pub async fn run(self, role: Role) {
        match self {
            Client::Longlink | Client::LonglinkEager | Client::LonglinkPrompt | Client::LonglinkTold => {
                longlink::run(self, role).await;
            }
            Client::ByHand => by_hand::run(role).await,
            Client::Ezsockets => ezsockets::run(role).await,
            Client::StreamTungstenite => stream_tungstenite::run(role).await,
            Client::WsBridge => ws_bridge::run(role).await,
            Client::Stubborn => stubborn::run(role).await,
        }
    }
}
