//! Logging in and subscribing, on every link before it is taken into use.

use std::sync::Arc;
use std::time::Duration;

use longlink::{Beat, Handshake, HandshakeError};
use mqtt_proto::v5::{Connect, ConnectReasonCode, Packet, PacketType, Subscribe, SubscriptionOptions};
use mqtt_proto::{Pid, QoS, TopicFilter};

use super::protocol::MqttLink;

/// For how long the broker keeps our session while we are away, in seconds.
const SESSION: u32 = 3600;

/// For how long a broker that is too busy is left alone.
const BUSY: Duration = Duration::from_secs(30);

/// Who we are, and what we want to hear.
#[derive(Clone)]
pub struct Login {
    pub client_id: Arc<str>,
    /// Name and password.
    pub credentials: Option<(Arc<str>, Arc<str>)>,
    /// For how long we may say nothing: 1 s to 65,535 s.
    pub keep_alive: Duration,
    /// The topic that we subscribe to.
    pub topic: Option<TopicFilter>,
}

impl Login {
    /// The `on_connect` hook.
    ///
    /// # Errors
    ///
    /// How the link ended, or what the broker refuses.
    pub async fn log_in(
        self,
        mut handshake: Handshake<MqttLink>,
    ) -> Result<Handshake<MqttLink>, HandshakeError> {
        // The first link begins a new session; later ones take it up again.
        handshake.send(self.connect(!handshake.is_reconnect())).await?;
        let Packet::Connack(answer) = handshake.recv().await? else {
            return Err(HandshakeError::retry("the broker's first packet is no CONNACK"));
        };
        if answer.reason_code != ConnectReasonCode::Success {
            return Err(refused(answer.reason_code));
        }
        // The broker may insist on a keep-alive of its own.
        if let Some(seconds) = answer.properties.server_keep_alive {
            handshake.set_beat(Beat::KeepAlive { max_send_gap: Duration::from_secs(seconds.into()) });
        }
        // A broker that still has our session has our subscription, too. One
        // that was restarted may have neither.
        if let (Some(topic), false) = (self.topic, answer.session_present) {
            subscribe(&mut handshake, topic).await?;
        }
        Ok(handshake)
    }

    fn connect(&self, clean_start: bool) -> Packet {
        let seconds = u16::try_from(self.keep_alive.as_secs()).unwrap_or(u16::MAX);
        let mut connect = Connect::new(Arc::clone(&self.client_id), seconds);
        connect.clean_start = clean_start;
        connect.properties.session_expiry_interval = Some(SESSION);
        if let Some((name, password)) = &self.credentials {
            connect.username = Some(Arc::clone(name));
            connect.password = Some(password.as_bytes().to_vec().into());
        }
        connect.into()
    }
}

/// The answer to a refused login.
fn refused(code: ConnectReasonCode) -> HandshakeError {
    let words = format!("the broker refuses the login: {code:?}");
    match code {
        // Once more, in case that the broker has only just heard of us.
        ConnectReasonCode::BadUserNameOrPassword | ConnectReasonCode::NotAuthorized => {
            HandshakeError::unauthorized(words)
        }
        ConnectReasonCode::UnsupportedProtocolVersion
        | ConnectReasonCode::ClientIdentifierNotValid
        | ConnectReasonCode::Banned => HandshakeError::stop(words),
        ConnectReasonCode::ServerBusy | ConnectReasonCode::ConnectionRateExceeded => {
            HandshakeError::after(BUSY, words)
        }
        // Unavailable, or something that nobody has thought of.
        _ => HandshakeError::retry(words),
    }
}

async fn subscribe(handshake: &mut Handshake<MqttLink>, topic: TopicFilter) -> Result<(), HandshakeError> {
    let topics = vec![(topic, SubscriptionOptions::new(QoS::Level1))];
    handshake.send(Subscribe::new(Pid::default(), topics).into()).await?;
    // Messages may come before the SUBACK: they are kept for the stream.
    let answer = handshake.recv_where(|packet| packet.get_type() == PacketType::Suback).await?;
    if let Packet::Suback(answer) = answer
        && let Some(refused) = answer.topics.iter().find(|code| **code as u8 >= 0x80)
    {
        return Err(HandshakeError::stop(format!("the broker refuses the subscription: {refused:?}")));
    }
    Ok(())
}
