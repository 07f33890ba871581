//! stream-tungstenite, as `WebSocketClient::new` makes it: the default
//! `ClientConfig` and retry strategy. Its README sets a receive timeout of
//! 30 s in one example; the default, which is used here, is 20 s. It tells of
//! the end of a link and of failed attempts through its events.

use std::sync::Arc;

use stream_tungstenite::{ConnectionEvent, WebSocketClient};
use tokio::sync::broadcast::error::RecvError;

use super::Role;

pub(super) async fn run(mut role: Role) {
    let client = Arc::new(WebSocketClient::new(role.url()));
    let mut messages = client.subscribe();
    let mut events = client.subscribe_events();
    let listening = async {
        loop {
            match messages.recv().await {
                Ok(message) => role.tape.message(message.to_text().unwrap_or_default()),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    };
    let telling = async {
        loop {
            match events.recv().await {
                Ok(ConnectionEvent::Disconnected { .. }) => role.tape.gone(),
                Ok(ConnectionEvent::Error { .. }) => role.tape.failed(),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    };
    let speaking = async {
        loop {
            let said = role.speech.next().await.to_string();
            // Without a link it answers with an error, and the message is lost.
            let _ = client.send(said.into()).await;
        }
    };
    let (_, (), (), ()) = tokio::join!(client.run(), listening, telling, speaking);
}
