//! mosquitto.

use std::fs;
use std::time::Duration;

use longlink::keeper::{Beat, Failure, GiveUp, Seen};
use longlink::{Builder, Error, Event, Heartbeat, LinkEnd, Reconnect, ResilientConnection, Session, Tcp};
use mqtt_proto::v5::{Connect, Packet, Publish};
use mqtt_proto::{QosPid, TopicFilter, TopicName};
use tokio::time::{sleep, timeout};

use crate::authority::Authority;
use crate::client::{Client, PATIENCE, SCALE};
use crate::login::Login;
use crate::mosquitto::{Mosquitto, PASSWORD, USER};
use crate::protocol::{self, Mqtt, MqttLink};

const TOPIC: &str = "longlink/test";
/// A broker ends a client that is silent for 1.5 times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// What nobody needs to keep.
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
        .on_connect(move |session| login.clone().log_in(session))
}

fn client(broker: &Mosquitto, name: &str) -> Client<Packet> {
    Client::start(builder(tcp(broker, LONG), login(name)))
}

fn message(number: u64, qos: QosPid) -> Packet {
    let topic = TopicName::try_from(TOPIC).expect("a sound topic");
    Publish::new(qos, topic, number.to_string().into()).into()
}

/// Publishes a number and waits for it to come back.
async fn echo(client: &mut Client<Packet>, number: u64) {
    let sender = client.connection.sender();
    sender.send(message(number, QosPid::Level0)).await.expect("the connection is open");
    loop {
        if let Packet::Publish(publish) = client.receive().await
            && publish.payload == number.to_string()
        {
            return;
        }
    }
}

#[tokio::test]
async fn the_brokers_own_keep_alive_is_kept_by_a_client_that_only_listens() {
    let Some(broker) = Mosquitto::open(&format!("max_keepalive {}", KEEP_ALIVE.as_secs())) else { return };
    // It offers an hour; CONNACK says otherwise, and the login passes that on.
    let mut listening = client(&broker, "listening");
    // The same without beats.
    let silent = Tcp::new(broker.address(), protocol::mqtt(LONG).expect("sound")).expect("a sound address");
    let mut silent: Client<Packet> = Client::start(ResilientConnection::builder(silent).on_connect(
        |mut session: Session<MqttLink>| async {
            session.send(Connect::new("silent".into(), 0).into()).await?;
            session.recv().await?;
            session.set_beat(Beat::Listen { longest_silence: LONG });
            Ok(session)
        },
    ));
    listening.until_connected().await;
    // The rule is the broker's: who does not beat is thrown out.
    let seen = silent.until_lost().await;
    const KEEP_ALIVE_TIMEOUT: u16 = 0x8d;
    assert!(
        matches!(seen, Seen::Ended(LinkEnd::Closed { code: Some(KEEP_ALIVE_TIMEOUT), .. } | LinkEnd::Eof)),
        "{seen}"
    );
    listening.until_answered(4).await;
    assert_eq!(listening.losses(), 0, "{:?}", listening.told());
    assert_eq!(listening.connection.stats().messages_received, 0);
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
    let protocol = protocol::mqtt(KEEP_ALIVE).expect("sound").with_beat(Beat::Ping);
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
    busy.until_answered(3).await;
    assert_eq!(busy.losses(), 0, "{:?}", busy.told());
    assert!(busy.connection.stats().messages_received > 20);
    talk.abort();
}

#[tokio::test]
async fn a_broker_that_was_stopped_still_knows_the_session_and_one_that_was_killed_is_told_again() {
    let Some(mut broker) = Mosquitto::open("persistence true") else { return };
    let mut client = client(&broker, "returning");
    client.until_connected().await;
    echo(&mut client, 1).await;
    let subscribed = "Received SUBSCRIBE from returning";
    assert_eq!(broker.count(subscribed), 1);

    broker.stop();
    client.until_lost().await;
    broker.restart();
    client.until_connected().await;
    echo(&mut client, 2).await;
    assert_eq!(broker.count(subscribed), 1, "the session was there: {}", broker.log());

    // What it had kept is lost with its file.
    broker.kill();
    client.until_lost().await;
    broker.forget();
    broker.restart();
    client.until_connected().await;
    echo(&mut client, 3).await;
    assert_eq!(broker.count(subscribed), 2, "{}", broker.log());
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_and_left_and_come_back_to() {
    let Some(broker) = Mosquitto::open("") else { return };
    let builder = builder(tcp(&broker, LONG), login("frozen")).heartbeat(Heartbeat::scaled(SCALE));
    let mut client = Client::start(builder);
    client.until_connected().await;
    echo(&mut client, 1).await;
    broker.freeze();
    assert_eq!(client.until_lost().await, Seen::Unanswered { beats: 5 });
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
    assert_eq!(broker.count("Sending CONNACK to sensor-8"), 2, "{}", broker.log());
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
        Client::start_with(builder, Reconnect::default())
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
