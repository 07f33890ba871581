//! Publishing with QoS 1: at least once.

use std::time::Duration;

use bytes::Bytes;
use longlink::{Outcome, Sender};
use mqute_codec::protocol::v5::{Packet, PubAck, Publish, ReasonCode};
use mqute_codec::protocol::{Flags, QoS};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Failed;

/// How long a broker that has read a message may take to acknowledge it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes one message after the other.
///
/// Two signs say what became of a message, and they say different things:
///
/// - longlink's `Delivered`: a PINGREQ that went out after it was answered.
///   The broker has *read* it. A broker that dies now has forgotten it.
/// - the broker's PUBACK: it has *taken charge* of it, as far as it ever will.
///   What it does about its own death is in its configuration.
///
/// And a third one says that nobody knows: longlink's `MaybeSent`. The link took
/// the message and died without either sign. longlink never sends such a message
/// again by itself, because that may deliver it twice. QoS 1 allows for that, so
/// here it is sent again, marked as a duplicate.
pub struct Publisher {
    sender: Sender<Packet>,
    acks: mpsc::Receiver<PubAck>,
    latest: u16,
    /// How many messages were sent again.
    pub again: u64,
}

impl Publisher {
    /// A publisher, which wants to be told of every PUBACK that comes in.
    pub fn new(sender: Sender<Packet>) -> (Publisher, mpsc::Sender<PubAck>) {
        let (tell, acks) = mpsc::channel(16);
        (Publisher { sender, acks, latest: 0, again: 0 }, tell)
    }

    /// Publishes `payload` and waits until the broker has taken charge of it,
    /// over as many links as that takes.
    pub async fn publish(&mut self, topic: &str, payload: Bytes) -> Result<(), Failed> {
        self.latest = self.latest.checked_add(1).unwrap_or(1);
        let id = self.latest;
        let mut flags = Flags::new(QoS::AtLeastOnce);
        loop {
            let packet = Packet::Publish(Publish::new(topic, id, None, payload.clone(), flags));
            let confirmation = self.sender.send_confirmed(packet).await?;
            tokio::select! {
                biased;
                answer = self.acknowledged(id) => return answer,
                outcome = confirmation => match outcome {
                    Outcome::Delivered => {
                        if let Ok(answer) = timeout(PATIENCE, self.acknowledged(id)).await {
                            return answer;
                        }
                    }
                    Outcome::MaybeSent(_) => {}
                    Outcome::NotSent(_) => return Err("the connection is closed".into()),
                },
            }
            flags.dup = true;
            self.again += 1;
        }
    }

    /// The broker's word about the message `id`; its words about others, which
    /// were sent twice and are acknowledged twice, are passed over.
    async fn acknowledged(&mut self, id: u16) -> Result<(), Failed> {
        while let Some(ack) = self.acks.recv().await {
            if ack.packet_id() == id {
                return match ack.code() {
                    // That nobody listens is no failure.
                    ReasonCode::Success | ReasonCode::NoMatchingSubscribers => Ok(()),
                    refused => Err(format!("the broker refuses the message: {refused}").into()),
                };
            }
        }
        Err("the connection is closed".into())
    }
}
