//! A connection in a dozen lines: says hello and prints what comes in.
//!
//! `cargo run --example minimal -- wss://example.com/feed`

use futures::{SinkExt, StreamExt};
use longlink::{ResilientConnection, WebSocket};

#[tokio::main]
async fn main() -> Result<(), longlink::Error> {
    let url = std::env::args().nth(1).expect("usage: minimal <ws(s)://...>");
    let mut connection = ResilientConnection::builder(WebSocket::new(&url)?)
        .on_event(|event| eprintln!("{event}"))
        .connect()
        .await?;
    connection.send("hello".into()).await?;
    while let Some(message) = connection.next().await {
        println!("{}", message?);
    }
    Ok(())
}
