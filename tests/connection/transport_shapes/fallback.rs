//! A transport of transports: the first way that works is taken, and the
//! links of the ways are unlike each other.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use longlink::transport::{Attempt, BoxLink, BoxTransport, ConnectError, Transport};
use longlink::{Failure, ResilientConnection};

use super::polling::{self, Mood};
use super::{in_time, line_server, message, server_beats};

struct Fallback(Vec<BoxTransport<String>>);

#[async_trait]
impl Transport for Fallback {
    type Link = BoxLink<String>;

    async fn connect(&self, attempt: &Attempt) -> Result<BoxLink<String>, ConnectError> {
        let mut last = ConnectError::new(Failure::Stop);
        for way in &self.0 {
            match way.connect(attempt).await {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_way_serves_while_the_first_fails_and_beats_as_it_must() {
    let (dialler, mut lines) = line_server();
    let poll_server = Arc::new(polling::Server::default());
    let ways =
        Fallback(vec![server_beats::transport(dialler).boxed(), polling::transport(&poll_server).boxed()]);
    let mut connection = ResilientConnection::builder(ways).seed(1).build().unwrap();

    // The first way answers and breaks off before its handshake is over.
    drop(in_time(lines.recv()).await.unwrap());
    poll_server.publish("by poll");
    assert_eq!(message(&mut connection).await, "by poll");
    connection.send("up".to_owned()).await.unwrap();
    connection.drain().await.unwrap();
    assert_eq!(poll_server.posted(), ["up"]);

    // When the second ends, the next attempt begins with the first again.
    poll_server.mood(Mood::Down);
    let mut lines = in_time(lines.recv()).await.unwrap();
    lines.send(server_beats::OPEN).await.unwrap();
    lines.send("4by line").await.unwrap();
    assert_eq!(message(&mut connection).await, "by line");
    connection.send("up again".to_owned()).await.unwrap();
    assert_eq!(in_time(lines.next()).await.unwrap().unwrap(), "4up again");
    lines.send("2").await.unwrap();
    assert_eq!(in_time(lines.next()).await.unwrap().unwrap(), "3", "a box passes on that the server beats");
    assert_eq!(connection.stats().keeper.beats_sent, 0);
}
