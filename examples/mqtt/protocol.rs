//! MQTT 5 as longlink wants to know it: how packets lie on the stream, who
//! beats, which words are a goodbye, how one logs in.

use std::time::Duration;

use bytes::BytesMut;
use longlink::keeper::{Failure, Refusal, Retry};
use longlink::transport::StreamLink;
use longlink::{Beat, HookError, Invalid, LinkEnd, Protocol, Reconnect, Session};
use mqute_codec::Error;
use mqute_codec::codec::{Encoded, PacketCodec};
use mqute_codec::protocol::v5::{
    Connect, ConnectProperties, Disconnect, Packet, PingReq, ReasonCode, RetainHandling, Subscribe,
    TopicOptionFilter,
};
use mqute_codec::protocol::{Credentials, QoS};
use tokio_util::codec::{Decoder, Encoder};

/// The longest packet either way.
const LONGEST: usize = 256 * 1024;
/// How long the broker keeps our session while we are away.
const SESSION: Duration = Duration::from_secs(3600);

/// A link that carries packets.
pub type MqttLink = StreamLink<Mqtt, Packet>;

/// The codec: a packet codec of another crate cuts the stream into frames,
/// and reads and writes what is in them.
#[derive(Debug)]
pub struct Mqtt(PacketCodec);

impl Decoder for Mqtt {
    type Item = Packet;
    type Error = Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Packet>, Error> {
        self.0.decode(bytes)?.map(Packet::decode).transpose()
    }
}

impl Encoder<Packet> for Mqtt {
    type Error = Error;

    fn encode(&mut self, packet: Packet, bytes: &mut BytesMut) -> Result<(), Error> {
        packet.encode(bytes)
    }
}

/// The protocol, with the keep-alive that [`Login`] asks for.
pub fn mqtt(keep_alive: Duration) -> Result<Protocol<Mqtt, Packet>, Invalid> {
    Protocol::new(|| Mqtt(PacketCodec::new(Some(LONGEST), Some(LONGEST))))
        .ping(|_| Packet::PingReq(PingReq {}))
        .pong(|packet| matches!(packet, Packet::PingResp(_)))
        // The broker ends a link on which *we* say nothing for 1.5 times the
        // keep-alive, however much it says itself. longlink beats more often
        // where the network asks for it.
        .with_beat(Beat::Ceiling { max_out_silence: keep_alive })
        .goodbye(|| Packet::Disconnect(Disconnect::new(ReasonCode::NormalDisconnection, None)))
        .closes(|packet| match packet {
            Packet::Disconnect(goodbye) => Some(closed(goodbye.code())),
            Packet::ConnAck(welcome) if is_refusal(welcome.code()) => Some(closed(welcome.code())),
            _ => None,
        })
        .weigh_out(|packet| match packet {
            Packet::Publish(publish) => publish.encoded_len(),
            other => size_of_val(other),
        })
        .max_message(LONGEST)
}

/// What follows a refused login or a goodbye. MQTT 5 has one table of reason
/// codes for both; what is not named here is as longlink has it.
pub fn reconnect() -> Reconnect {
    Reconnect::default().classify(|refusal, usual| {
        let (Refusal::Ended(LinkEnd::Closed { code: Some(code), .. })
        | Refusal::Failed(Failure::Ended(LinkEnd::Closed { code: Some(code), .. }))) = refusal
        else {
            return usual;
        };
        match u8::try_from(*code).map(ReasonCode::try_from) {
            // Whoever knows better credentials, or a broker that is only just
            // starting, gets a second chance.
            Ok(Ok(ReasonCode::BadUserNameOrPassword | ReasonCode::NotAuthorized)) => {
                Retry::NeverAfter { answers: 2, apart: Duration::ZERO }
            }
            // Somebody else has logged in with our client id: to take it back
            // would only end theirs, and so on for ever.
            Ok(Ok(
                ReasonCode::SessionTakenOver
                | ReasonCode::Banned
                | ReasonCode::ClientIdentifierNotValid
                | ReasonCode::UnsupportedProtocolVersion,
            )) => Retry::Never,
            Ok(Ok(ReasonCode::ServerBusy | ReasonCode::ConnectionRateExceeded)) => Retry::Halfway,
            _ => usual,
        }
    })
}

/// Who we are, and what we want to hear.
#[derive(Clone)]
pub struct Login {
    pub client_id: String,
    pub credentials: Option<Credentials>,
    pub keep_alive: Duration,
    /// The topics that we subscribe to.
    pub topic: Option<String>,
}

impl Login {
    /// Logs in and subscribes, on every link before it is taken into use.
    pub async fn log_in(self, mut session: Session<MqttLink>) -> Result<Session<MqttLink>, HookError> {
        // The first link begins a session, later ones take it up again.
        session.send(self.connect(!session.is_reconnect())).await?;
        // A refusal does not come to here: it has ended the link.
        let Packet::ConnAck(welcome) = session.recv().await? else {
            return Err(HookError::retry("the broker does not begin with a CONNACK"));
        };
        // The broker may want to hear from us more often than we offered.
        if let Some(seconds) = welcome.properties().and_then(|told| told.server_keep_alive) {
            session.set_beat(Beat::Ceiling { max_out_silence: Duration::from_secs(seconds.into()) });
        }
        match &self.topic {
            // Whoever still has our session has our subscription.
            Some(topic) if !welcome.session_present() => {
                session.send(subscribe(topic)).await?;
                // What the subscription brings may come before its SUBACK: it
                // is kept for the stream.
                let answer = session.recv_where(|packet| matches!(packet, Packet::SubAck(_))).await?;
                granted(&answer)?;
            }
            Some(_) | None => {}
        }
        Ok(session)
    }

    fn connect(&self, clean_start: bool) -> Packet {
        let properties =
            ConnectProperties { session_expiry_interval: Some(SESSION), ..ConnectProperties::default() };
        Packet::Connect(Connect::with_properties(
            &*self.client_id,
            self.credentials.clone(),
            None,
            properties,
            self.keep_alive,
            clean_start,
        ))
    }
}

fn subscribe(topic: &str) -> Packet {
    let filter = TopicOptionFilter::new(topic, QoS::AtLeastOnce, false, false, RetainHandling::Send);
    Packet::Subscribe(Subscribe::new(1, None, [filter]))
}

/// Another attempt would be refused the same topic.
fn granted(answer: &Packet) -> Result<(), HookError> {
    match answer {
        Packet::SubAck(answer) => match answer.codes().as_ref().iter().find(|code| is_refusal(**code)) {
            Some(refused) => Err(HookError::stop(format!("subscription refused: {refused}"))),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// From 0x80 on reason codes are refusals.
fn is_refusal(code: ReasonCode) -> bool {
    u8::from(code) >= 0x80
}

fn closed(code: ReasonCode) -> LinkEnd {
    LinkEnd::closed(Some(u8::from(code).into()), &code.to_string())
}
