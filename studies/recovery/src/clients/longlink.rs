//! longlink, with its defaults but for what the row names.

use longlink::{Event, Heartbeat, Reconnect, ResilientConnection, WebSocket};

use super::{Client, Role};

pub(super) async fn run(client: Client, mut role: Role) {
    let tape = role.tape.clone();
    let transport = WebSocket::new(role.url()).expect("the URL is well formed");
    let mut builder = ResilientConnection::builder(transport).on_event(move |event| match event {
        Event::Disconnected { .. } => tape.gone(),
        Event::AttemptFailed { .. } => tape.failed(),
        _ => {}
    });
    if client == Client::LonglinkEager {
        builder = builder.reconnect(Reconnect::eager());
    }
    if client == Client::LonglinkPrompt {
        builder = builder.heartbeat(Heartbeat::prompt());
    }
    if client.is_told() {
        builder = builder.network(role.network.clone());
    }
    let mut connection = builder.build().expect("the settings are valid");
    let sender = connection.sender();
    let speaking = async {
        loop {
            let said = role.speech.next().await;
            if sender.send(said.to_string().into()).await.is_err() {
                return;
            }
        }
    };
    let listening = async {
        while let Some(Ok(message)) = connection.recv().await {
            role.tape.message(message.as_text().unwrap_or_default());
        }
    };
    tokio::join!(speaking, listening);
}
