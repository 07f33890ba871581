//! MQTT 5 as longlink wants to know it: how packets lie on the stream, who
//! beats, which words are a goodbye.

use std::time::Duration;

use bytes::BytesMut;
use longlink::transport::ControlMessages;
use longlink::{Beat, Invalid, LinkEnd, Protocol, Reconnect, Retry, Setback, StreamLink};
use mqtt_proto::v5::{Disconnect, DisconnectReasonCode, ErrorV5, Header, Packet, PacketType};
use mqtt_proto::{Encodable, Error, total_len};
use tokio_util::codec::{Decoder, Encoder};

/// The longest packet either way.
const LONGEST: usize = 256 * 1024;

/// A link that carries packets.
pub type MqttLink = StreamLink<Mqtt, Packet>;

/// The codec. It cuts the stream into packets; another crate knows what is in
/// them.
#[derive(Debug)]
pub struct Mqtt;

impl Decoder for Mqtt {
    type Item = Packet;
    type Error = ErrorV5;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Packet>, ErrorV5> {
        let length = match Header::decode(bytes) {
            Ok(header) => total_len(header.remaining_len as usize)?,
            Err(error) if error.is_eof() => return Ok(None),
            Err(error) => return Err(error),
        };
        if bytes.len() < length {
            return Ok(None);
        }
        match Packet::decode(&bytes.split_to(length))? {
            Some(packet) => Ok(Some(packet)),
            // Its contents say that they are longer than the whole.
            None => Err(Error::InvalidRemainingLength.into()),
        }
    }
}

impl Encoder<Packet> for Mqtt {
    type Error = ErrorV5;

    fn encode(&mut self, packet: Packet, bytes: &mut BytesMut) -> Result<(), ErrorV5> {
        bytes.extend_from_slice(packet.encode()?.as_ref());
        Ok(())
    }
}

/// The protocol, for a client that promises to be silent no longer than
/// `keep_alive`.
pub fn mqtt(keep_alive: Duration) -> Result<Protocol<Mqtt, Packet>, Invalid> {
    packets(control(keep_alive))
}

/// Packets, with these among them for longlink.
pub fn packets(control: ControlMessages<Packet, Packet>) -> Result<Protocol<Mqtt, Packet>, Invalid> {
    let size = |packet: &Packet| match packet {
        Packet::Publish(message) => message.encode_len(),
        other => size_of_val(other),
    };
    Protocol::new(|| Mqtt, control).size_out(size).max_message(LONGEST)
}

/// MQTT's beats and goodbyes.
pub fn control(keep_alive: Duration) -> ControlMessages<Packet, Packet> {
    ControlMessages::<Packet, Packet>::new()
        .ping(|_| Packet::Pingreq)
        .pong(|packet| packet.get_type() == PacketType::Pingresp)
        // The broker ends a link on which *we* have said nothing for 1.5
        // times the keep-alive, however much it says itself. Where the network
        // wants it longlink beats sooner.
        .beat(Beat::KeepAlive { max_send_gap: keep_alive })
        .goodbye(|| Packet::Disconnect(Disconnect::new_normal()))
        .closes(|packet| match packet {
            Packet::Disconnect(goodbye) => {
                let code = goodbye.reason_code;
                Some(LinkEnd::closed(Some(code as u16), &format!("{code:?}")))
            }
            _ => None,
        })
}

/// When to come back: as longlink has it, but for one of the broker's goodbyes.
pub fn reconnect() -> Reconnect {
    const TAKEN_OVER: u16 = DisconnectReasonCode::SessionTakenOver as u16;
    Reconnect::default().classify(|refusal, usual| match refusal {
        // Somebody has logged in with our client id: to take it back would
        // only end theirs, and so on for ever.
        Setback::Ended(LinkEnd::Closed { code: Some(TAKEN_OVER), .. }) => Retry::Never,
        _ => usual,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_cut_from_the_stream_only_when_it_is_whole() {
        let mut stream = BytesMut::from(&[0xd0, 0, 0xe0, 1][..]);
        assert_eq!(Mqtt.decode(&mut stream), Ok(Some(Packet::Pingresp)));
        assert_eq!(Mqtt.decode(&mut stream), Ok(None));
        stream.extend_from_slice(&[0x8e, 0xd0]);
        let goodbye = Disconnect::new(DisconnectReasonCode::SessionTakenOver);
        assert_eq!(Mqtt.decode(&mut stream), Ok(Some(Packet::Disconnect(goodbye))));
        assert_eq!(Mqtt.decode(&mut stream), Ok(None));
        assert_eq!(&*stream, [0xd0]);
    }

    #[test]
    fn what_is_longer_inside_than_outside_is_no_packet() {
        // A topic of nine bytes in a packet of five.
        let mut stream = BytesMut::from(&[0x30, 5, 0, 9, b'a', b'b', b'c', 0, 0, 0][..]);
        assert_eq!(Mqtt.decode(&mut stream), Err(Error::InvalidRemainingLength.into()));
    }
}
