//! stubborn-io's `StubbornTcpStream`, with the default `ReconnectOptions` but
//! for the callbacks that tell what it does.
//!
//! It speaks lines over TCP and not WebSocket: what it replaces is the socket
//! below the protocol, where no handshake is made again.

use stubborn_io::{ReconnectOptions, StubbornTcpStream};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::Role;

pub(super) async fn run(mut role: Role) {
    let (ends, failures) = (role.tape.clone(), role.tape.clone());
    let options = ReconnectOptions::new()
        .with_on_disconnect_callback(move || ends.gone())
        .with_on_connect_fail_callback(move || failures.failed());
    let stream = StubbornTcpStream::connect_with_options(role.address, options).await;
    let Ok(stream) = stream else { return };
    // Both halves in one task: it wakes only who polled it last.
    let (reader, mut writer) = tokio::io::split(stream);
    let speaking = async {
        loop {
            let said = role.speech.next().await;
            if writer.write_all(format!("{said}\n").as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let listening = async {
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            role.tape.message(&line);
        }
    };
    tokio::join!(speaking, listening);
}
