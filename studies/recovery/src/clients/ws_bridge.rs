//! ws-bridge, with the default `BackoffConfig`, through `ReconnectingWs::new`
//! as its guide shows it. It tells nothing of the end of a link; what shows
//! it is that it calls for another, which it does at once.

use ws_bridge::WsEndpoint;
use ws_bridge::reconnect::{BackoffConfig, ReconnectingWs};

use super::Role;

/// The messages: numbers in JSON.
struct Feed;

impl WsEndpoint for Feed {
    const PATH: &'static str = "/";
    type ServerMsg = (u64, u64);
    type ClientMsg = u64;
}

pub(super) async fn run(mut role: Role) {
    let base = format!("ws://{}", role.address);
    let tape = role.tape.clone();
    let mut connection = ReconnectingWs::new(BackoffConfig::default(), || {
        let (base, tape) = (base.clone(), tape.clone());
        async move {
            tape.gone();
            let link = ws_bridge::native_client::connect::<Feed>(&base).await;
            if link.is_err() {
                tape.failed();
            }
            link.ok()
        }
    });
    while let Some(message) = connection.recv().await {
        if let Ok((link, number)) = message {
            role.tape.message(&format!("[{link},{number}]"));
        }
        // One owner both reads and sends, and `recv` reconnects: to drop it
        // half way, to send, would begin its delay anew. So what is due is
        // sent between two messages. It has no heartbeat that this could keep
        // from working.
        while let Some(said) = role.speech.due() {
            let _ = connection.send(said).await;
        }
    }
}
