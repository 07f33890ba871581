//! Publishing with QoS 1: at least once.

use std::time::Duration;

use bytes::Bytes;
use longlink::{Outcome, ResilientConnection, Sender, StateWatch};
use mqtt_proto::v5::{Packet, Puback, PubackReasonCode, Publish};
use mqtt_proto::{Pid, QosPid, TopicName};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Failed;

/// How long a broker that has read a message may take to acknowledge it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes one message after the other.
///
/// Two signs tell what became of a message, and they do not say the same:
///
/// - `Delivered`, from longlink: a PINGREQ that went out after it was answered.
///   So the broker has *read* it. A broker that dies now has forgotten it.
/// - PUBACK, from the broker: it has *taken charge* of it. Whether that holds
///   beyond its own death is up to its configuration.
///
/// The third one says that nobody knows. `MaybeSent`: a link took the message
/// and ended without either sign. longlink does not send such a message again by
/// itself, since it might come twice. QoS 1 allows for that, so it is done here,
/// with the mark that MQTT has for it.
pub struct Publisher {
    sender: Sender<Packet>,
    state: StateWatch,
    acks: mpsc::Receiver<Puback>,
    latest: Pid,
    again: u64,
}

impl Publisher {
    /// A publisher, and where it wants to be told of every PUBACK.
    pub fn new(connection: &ResilientConnection<Packet>) -> (Publisher, mpsc::Sender<Puback>) {
        let (tell, acks) = mpsc::channel(16);
        let (sender, state) = (connection.sender(), connection.watch());
        (Publisher { sender, state, acks, latest: Pid::default(), again: 0 }, tell)
    }

    /// How many messages were sent again.
    pub fn again(&self) -> u64 {
        self.again
    }

    /// Publishes `payload` and waits until the broker has taken charge of it,
    /// over as many links as that takes.
    pub async fn publish(&mut self, topic: &TopicName, payload: Bytes) -> Result<(), Failed> {
        self.latest += 1;
        let id = self.latest;
        let mut message = Publish::new(QosPid::Level1(id), topic.clone(), payload);
        loop {
            let confirmation = self.sender.send_confirmed(message.clone().into()).await?;
            tokio::select! {
                biased;
                answer = self.acknowledged(id) => return answer,
                outcome = confirmation => match outcome {
                    // The broker has it, and its word is on the way; unless it
                    // dies first. Only another link may carry it again.
                    Outcome::Delivered => {
                        let mut state = self.state.clone();
                        let this = state.state();
                        tokio::select! {
                            biased;
                            answer = timeout(PATIENCE, self.acknowledged(id)) => {
                                return answer.unwrap_or_else(|_| Err("the broker does not acknowledge".into()));
                            }
                            _ = state.wait_for(|state| state != this) => {}
                        }
                    }
                    Outcome::MaybeSent(_) => {}
                    Outcome::NotSent(_) => return Err("the connection is closed".into()),
                },
            }
            message.dup = true;
            self.again += 1;
        }
    }

    /// Waits for the broker's word about `id`. What was sent twice may be
    /// acknowledged twice: words about others are passed over.
    async fn acknowledged(&mut self, id: Pid) -> Result<(), Failed> {
        while let Some(ack) = self.acks.recv().await {
            if ack.pid == id {
                return match ack.reason_code {
                    // That nobody listens is no failure.
                    PubackReasonCode::Success | PubackReasonCode::NoMatchingSubscribers => Ok(()),
                    refused => Err(format!("the broker refuses the message: {refused:?}").into()),
                };
            }
        }
        Err("the connection is closed".into())
    }
}
