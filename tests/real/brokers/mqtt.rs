//! mosquitto.

use std::fs;
use std::time::Duration;

use longlink::{
    Beat, Builder, Detection, Error, Event, Failure, GiveUp, Heartbeat, LinkEnd, ResilientConnection, Tcp,
};
use mqtt_proto::v5::{Packet, Publish};
use mqtt_proto::{Pid, QosPid, TopicFilter, TopicName};
use tokio::time::{sleep, timeout};

use crate::authority::Authority;
use crate::client::{Client, MORTAL, PATIENCE};
use crate::login::Login;
use crate::mosquitto::{Mosquitto, PASSWORD, USER};
use crate::protocol::{self, Mqtt};

const TOPIC: &str = "longlink/test";
/// A broker ends a client that is silent for 1.5 times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// A time that no test waits for.
const LONG: Duration = Duration::from_secs(3600);

fn login(name: &str) -> Login {
    Login {
        client_id: name.into(),
        credentials: None,
        keep_alive: LONG,
        topic: Some(TopicFilter::try_from(TOPIC).expect("a sound topic")),
    }
}

fn tcp(broker: &Mosquitto, keep_alive: Duration) -> Tcp<Mqtt, Packet> {
    let protocol = protocol::mqtt(keep_alive).expect("the settings are sound");
    Tcp::new(broker.address(), protocol).expect("a sound address")
}

/// As `examples/mqtt` does it.
fn builder(transport: Tcp<Mqtt, Packet>, login: Login) -> Builder<Tcp<Mqtt, Packet>> {
    ResilientConnection::builder(transport)
        .overlap(false)
        .on_connect(move |handshake| login.clone().log_in(handshake))
}

fn client(broker: &Mosquitto, name: &str) -> Client<Packet> {
    Client::start(builder(tcp(broker, LONG), login(name)))
}

fn message(number: u64, qos: QosPid) -> Packet {
    let topic = TopicName::try_from(TOPIC).expect("a sound topic");
    Publish::new(qos, topic, number.to_string().into()).into()
}

/// Publishes a number and waits for it to come back. What is accepted while
/// there is no link goes out on the next.
async fn echo(client: &mut Client<Packet>, number: u64) {
    let sender = client.connection.sender();
    sender.send(message(number, QosPid::Level0)).await.expect("the connection is open");
    until_message(client, number).await;
}

async fn until_message(client: &mut Client<Packet>, number: u64) {
    until_packet(
        client,
        |packet| matches!(packet, Packet::Publish(publish) if publish.payload == number.to_string()),
    )
    .await;
}

async fn until_packet(client: &mut Client<Packet>, wanted: impl Fn(&Packet) -> bool) {
    while !wanted(&client.receive().await) {}
}

#[tokio::test]
async fn a_client_that_only_listens_is_heard_as_often_as_the_broker_wants_it() {
    let Some(broker) = Mosquitto::open("") else { return };
    let mut login = login("listening");
    login.keep_alive = KEEP_ALIVE;
    let mut listening = Client::start(builder(tcp(&broker, KEEP_ALIVE), login.clone()));
    // The rule is the broker's: the same client without beats is thrown out.
    login.client_id = "silent".into();
    let silent = ResilientConnection::builder(tcp(&broker, KEEP_ALIVE)).on_connect(move |handshake| {
        let login = login.clone();
        async {
            let mut handshake = login.log_in(handshake).await?;
            handshake.set_beat(Beat::Listen { longest_silence: LONG });
            Ok(handshake)
        }
    });
    let mut silent = Client::start(silent);
    listening.until_connected().await;
    assert!(matches!(silent.until_lost().await, Detection::Ended(_)));
    assert_eq!(broker.count("Client silent has exceeded timeout"), 1, "{}", broker.log());
    listening.until_answered(4).await;
    assert_eq!(listening.losses(), 0, "{:?}", listening.told());
    assert_eq!(listening.connection.stats().messages_received, 0);
}

#[tokio::test]
async fn the_keep_alive_of_the_broker_replaces_the_offered_one() {
    // The least that it can insist on.
    const INSISTED: Duration = Duration::from_secs(10);
    let Some(broker) = Mosquitto::open(&format!("max_keepalive {}", INSISTED.as_secs())) else { return };
    // No other reason to beat is there.
    let builder = builder(tcp(&broker, LONG), login("overruled")).heartbeat(Heartbeat::fixed(LONG));
    let mut client = Client::start(builder);
    let gap = client
        .until(|event| match event {
            Event::BeatSent { gap, .. } => Some(*gap),
            _ => None,
        })
        .await;
    // The login's last word went out just before the link was in use.
    assert!(gap + Duration::from_secs(1) > INSISTED, "{gap:?}");
    client.until_answered(1).await;
}

#[tokio::test]
async fn what_comes_in_does_not_put_off_what_the_broker_wants_to_hear() {
    let Some(broker) = Mosquitto::open("") else { return };
    // Nothing is said about what comes in at QoS 0.
    let mut login = login("busy");
    login.keep_alive = KEEP_ALIVE;
    let mut busy = Client::start(builder(tcp(&broker, KEEP_ALIVE), login.clone()));
    // The same with beats that whatever comes in puts off, as is right where
    // nobody counts our silence.
    login.client_id = "lulled".into();
    let protocol = protocol::packets(protocol::control(KEEP_ALIVE).beat(Beat::Ping)).expect("sound");
    let lulled = Tcp::new(broker.address(), protocol).expect("a sound address");
    let mut lulled = Client::start(builder(lulled, login));
    busy.until_connected().await;
    lulled.until_connected().await;

    let talker = client(&broker, "talker");
    let talk = tokio::spawn(async move {
        for number in 0.. {
            let sent = talker.connection.sender().send(message(number, QosPid::Level0)).await;
            sent.expect("the connection is open");
            sleep(Duration::from_millis(100)).await;
        }
    });
    lulled.until_lost().await;
    assert_eq!(broker.count("Client lulled has exceeded timeout"), 1, "{}", broker.log());
    busy.until_answered(3).await;
    assert_eq!(busy.losses(), 0, "{:?}", busy.told());
    assert!(busy.connection.stats().messages_received > 0);
    talk.abort();
}

#[tokio::test]
async fn a_kept_session_is_taken_up_and_a_lost_one_begun_anew() {
    let Some(mut broker) = Mosquitto::open("") else { return };
    let mut client = client(&broker, "returning");
    let mut other = Client::start(builder(tcp(&broker, LONG), login("other")));
    client.until_connected().await;
    other.until_connected().await;
    echo(&mut client, 1).await;
    let subscribed = "Received SUBSCRIBE from returning";
    assert_eq!(broker.count(subscribed), 1);

    // Messages that are published meanwhile wait at the broker.
    client.connection.pause();
    assert_eq!(client.until_lost().await, Detection::Paused);
    let missed = message(2, QosPid::Level1(Pid::default()));
    other.connection.sender().send(missed).await.expect("the connection is open");
    until_packet(&mut other, |packet| matches!(packet, Packet::Puback(_))).await;
    client.connection.resume();
    until_message(&mut client, 2).await;
    assert_eq!(broker.count(subscribed), 1, "{}", broker.log());

    // A broker that keeps nothing has to be told again.
    for (number, end) in [(3, Mosquitto::stop as fn(&mut Mosquitto)), (4, Mosquitto::kill)] {
        client.until_connected().await;
        end(&mut broker);
        assert!(matches!(client.until_lost().await, Detection::Ended(LinkEnd::Eof | LinkEnd::Reset)));
        broker.restart();
        echo(&mut client, number).await;
    }
    assert_eq!(broker.count(subscribed), 3, "{}", broker.log());
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_and_left_and_come_back_to() {
    let Some(broker) = Mosquitto::open("") else { return };
    let builder =
        builder(tcp(&broker, LONG), login("frozen")).heartbeat(Heartbeat::adaptive().scaled(MORTAL));
    let mut client = Client::start(builder);
    client.until_connected().await;
    echo(&mut client, 1).await;
    broker.freeze();
    assert_eq!(client.until_lost().await, Detection::Unanswered { beats: 5 });
    // The system still accepts links for it, and nobody answers the login.
    assert_eq!(client.until_failed().await, Failure::TimedOut);
    broker.thaw();
    client.until_connected().await;
    // It finds all the logins that nobody waits for any more, and may end
    // this link for one of them.
    let flowing = async {
        for number in 2.. {
            let sender = client.connection.sender();
            sender.send(message(number, QosPid::Level0)).await.expect("the connection is open");
            match timeout(Duration::from_millis(200), client.connection.recv()).await {
                Ok(Some(Ok(Packet::Publish(_)))) => break,
                Ok(Some(other)) => drop(other.expect("it comes back")),
                Ok(None) => panic!("nobody closes it"),
                Err(_) => {}
            }
        }
    };
    timeout(PATIENCE, flowing).await.expect("messages flow again");
}

#[tokio::test]
async fn the_brokers_goodbye_is_known_by_its_code() {
    const TOPIC_ALIAS_INVALID: u16 = 0x94;
    let Some(broker) = Mosquitto::open("") else { return };
    let mut client = client(&broker, "abbreviating");
    client.until_connected().await;
    // It allows for ten.
    let Packet::Publish(mut abbreviated) = message(0, QosPid::Level0) else { unreachable!() };
    abbreviated.properties.topic_alias = Some(u16::MAX);
    client.connection.sender().send(abbreviated.into()).await.expect("the connection is open");
    let detection = client.until_lost().await;
    assert!(
        matches!(detection, Detection::Ended(LinkEnd::Closed { code: Some(TOPIC_ALIAS_INVALID), .. })),
        "{detection}: {}",
        broker.log()
    );
    client.until_connected().await;
    echo(&mut client, 1).await;
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_more_and_printed_never() {
    const WRONG: &str = "Zu3-never-printed";
    let Some(broker) = Mosquitto::guarded() else { return };
    let mut login = login("sensor-7");
    login.credentials = Some((USER.into(), PASSWORD.into()));
    let mut right = Client::start(builder(tcp(&broker, LONG), login.clone()));
    right.until_connected().await;
    echo(&mut right, 1).await;

    login.client_id = "sensor-8".into();
    login.credentials = Some((USER.into(), WRONG.into()));
    let mut wrong = Client::start(builder(tcp(&broker, LONG), login));
    let error = wrong.until_over().await;
    assert!(
        matches!(&error, Error::GaveUp { reason: GiveUp::Failure(Failure::Unauthorized), .. }),
        "{error:?}"
    );
    // 135: not authorized.
    assert_eq!(broker.count("Sending CONNACK to 127.0.0.1 (0, 135)"), 2, "{}", broker.log());
    let words = format!("{error:?} {error} {:?} {:?}", wrong.told(), right.told());
    assert!(!words.contains("never-printed"), "{words}");
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_and_nothing_else_does() {
    let authority = Authority::new();
    let Some(broker) = Mosquitto::start(|directory| {
        let identity = authority.identity("127.0.0.1");
        let write = |name: &str, content: &str| {
            fs::write(directory.join(name), content).expect("the temporary directory can be written");
        };
        write("authority.pem", &authority.certificate());
        write("certificate.pem", &identity.certificate);
        write("key.pem", &identity.key);
        let directory = directory.display();
        format!(
            "allow_anonymous true\nrequire_certificate true\ncafile {directory}/authority.pem\n\
             certfile {directory}/certificate.pem\nkeyfile {directory}/key.pem"
        )
    }) else {
        return;
    };
    let secure = |config| tcp(&broker, LONG).tls_config(config).expect("a sound name");
    let own = authority.client_with(&authority.identity("sensor"));
    let mut known = Client::start(builder(secure(own), login("known")));
    known.until_connected().await;
    echo(&mut known, 1).await;

    let mut unknown = Client::start(builder(secure(authority.client()), login("unknown")));
    let failure = unknown.until_failed().await;
    // In TLS 1.3 the client is done before the server has looked at its
    // certificate: the refusal comes in answer to the first bytes.
    assert!(matches!(failure, Failure::Tls | Failure::Ended(_)), "{failure:?}");
    assert_eq!(broker.count("as unknown"), 0, "{}", broker.log());
}

#[tokio::test]
async fn two_clients_of_one_id_do_not_fight_for_it_at_full_speed() {
    let Some(broker) = Mosquitto::open("") else { return };
    let mut rivals = [1, 2].map(|_| {
        let builder = builder(tcp(&broker, LONG), login("rival"));
        // This broker says nothing when it ends a link for another, so that
        // the client cannot know better.
        Client::start_with(builder, protocol::reconnect())
    });
    for rival in &mut rivals {
        // No link lives long enough to prove itself, so that each loss counts
        // one more than the one before, and delays grow.
        let mut next = 2;
        while next < 5 {
            let (attempt, delay) = rival
                .until(|event| match event {
                    Event::ReconnectScheduled { attempt, delay, .. } => Some((*attempt, *delay)),
                    _ => None,
                })
                .await;
            assert_eq!(attempt, next);
            assert!(delay >= Duration::from_millis(500), "{delay:?}");
            next += 1;
        }
    }
}
