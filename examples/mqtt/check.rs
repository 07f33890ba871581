//! `--check`: publishes numbered messages to itself, through whatever is done
//! to the broker meanwhile, and says what became of them.

use std::collections::HashSet;
use std::time::Duration;

use mqtt_proto::TopicName;
use mqtt_proto::v5::{Packet, Publish};
use tokio::time::{interval, timeout};

use crate::publisher::Publisher;
use crate::{Connection, Failed, acknowledge};

/// One message every so often.
const PACE: Duration = Duration::from_millis(20);
/// How long it may take in all: the broker may be away for seconds, and then
/// a delay is drawn.
const DEADLINE: Duration = Duration::from_secs(120);

/// Publishes `messages` to `topic`. The last line that is printed is JSON; an
/// error unless each message was acknowledged and has come in.
pub async fn run(mut connection: Connection, topic: TopicName, messages: u64) -> Result<(), Failed> {
    let mut received = Received::default();
    let published = timeout(DEADLINE, exchange(&mut connection, topic, messages, &mut received)).await;
    let links = connection.stats().keeper.reconnects + 1;
    let _ = connection.close().await;
    let again = published.map_err(|_| "it takes too long")??;
    let (count, twice) = (received.numbers.len(), received.twice);
    println!(
        "{{\"acknowledged\":{messages},\"sent_again\":{again},\"received\":{count},\"twice\":{twice},\"links\":{links}}}"
    );
    Ok(())
}

/// Publishes and reads, until all that was published is acknowledged and has
/// come in. Returns how many messages were sent again.
async fn exchange(
    connection: &mut Connection,
    topic: TopicName,
    messages: u64,
    received: &mut Received,
) -> Result<u64, Failed> {
    let sender = connection.sender();
    let (mut publisher, acks) = Publisher::new(connection);
    let publishing = async {
        let mut pace = interval(PACE);
        for number in 1..=messages {
            pace.tick().await;
            publisher.publish(&topic, number.to_string().into()).await?;
            println!("acknowledged {number}");
        }
        Ok::<_, Failed>(publisher.again())
    };
    tokio::pin!(publishing);
    let mut again = None;
    while again.is_none() || (received.numbers.len() as u64) < messages {
        tokio::select! {
            done = &mut publishing, if again.is_none() => again = Some(done?),
            packet = connection.recv() => match packet.transpose()? {
                Some(Packet::Publish(message)) => {
                    received.note(&message)?;
                    acknowledge(&sender, &message).await?;
                }
                Some(Packet::Puback(ack)) => {
                    let _ = acks.try_send(ack);
                }
                Some(_) => {}
                None => return Err("the connection was closed".into()),
            },
        }
    }
    Ok(again.unwrap_or(0))
}

/// The messages that came in.
#[derive(Default)]
struct Received {
    numbers: HashSet<u64>,
    /// How many came again, as QoS 1 allows.
    twice: u64,
}

impl Received {
    fn note(&mut self, message: &Publish) -> Result<(), Failed> {
        let number = std::str::from_utf8(&message.payload)?.parse()?;
        if !self.numbers.insert(number) {
            self.twice += 1;
        }
        Ok(())
    }
}
