//! Redis, over TCP and over its socket file.

use std::time::Duration;

use longlink::transport::Transport;
use longlink::{
    Builder, Detection, Error, Event, Failure, GiveUp, Handshake, HandshakeError, Heartbeat, LinkEnd,
    ResilientConnection, Tcp,
};

use crate::client::{Client, MORTAL, SCALE};
use crate::resp::{Command, Reply, Resp, RespLink, resp};
use crate::store::{PASSWORD, Redis};

const CHANNEL: &str = "news";

fn tcp(redis: &Redis) -> Tcp<Resp, Command> {
    Tcp::new(redis.address(), resp()).expect("a sound address")
}

/// The login on every new link.
async fn log_in(
    mut handshake: Handshake<RespLink>,
    password: &str,
) -> Result<Handshake<RespLink>, HandshakeError> {
    handshake.send(["AUTH", password].into()).await?;
    match handshake.recv().await? {
        Reply::Simple(_) => Ok(handshake),
        Reply::Error(words) if words.starts_with("WRONGPASS") => {
            Err(HandshakeError::unauthorized("the password is refused"))
        }
        _ => Err(HandshakeError::retry("no answer to the password")),
    }
}

fn builder<T>(transport: T) -> Builder<T>
where
    T: Transport<Link = RespLink>,
{
    ResilientConnection::builder(transport).on_connect(|handshake| log_in(handshake, PASSWORD))
}

/// One who hears what is published.
fn subscriber(redis: &Redis) -> Client<Reply, Command> {
    let builder = ResilientConnection::builder(tcp(redis)).on_connect(|handshake| async {
        let mut handshake = log_in(handshake, PASSWORD).await?;
        handshake.send(["SUBSCRIBE", CHANNEL].into()).await?;
        handshake.recv().await?;
        Ok(handshake)
    });
    Client::start(builder)
}

async fn ask(client: &mut Client<Reply, Command>, command: impl Into<Command>) -> Reply {
    client.connection.sender().send(command.into()).await.expect("the connection is open");
    client.receive().await
}

/// Publishes and checks that the one subscriber hears it.
async fn publish(
    publisher: &mut Client<Reply, Command>,
    subscriber: &mut Client<Reply, Command>,
    words: &str,
) {
    assert_eq!(ask(publisher, ["PUBLISH", CHANNEL, words]).await, Reply::Integer(1));
    let bulk = |word: &str| Reply::Bulk(Some(word.to_owned().into()));
    assert_eq!(subscriber.receive().await, Reply::Array(vec![bulk("message"), bulk(CHANNEL), bulk(words)]));
}

/// Sends many commands at once, and reads what they answer.
async fn count(client: &mut Client<Reply, Command>, from: i64, to: i64) {
    let sender = client.connection.sender();
    let sending = async {
        for _ in from..to {
            sender.send(["INCR", "counter"].into()).await.expect("the connection is open");
        }
    };
    let reading = async {
        for number in from..to {
            assert_eq!(client.receive().await, Reply::Integer(number));
        }
    };
    tokio::join!(sending, reading);
}

#[tokio::test]
async fn commands_are_answered_in_order_and_a_password_is_never_printed() {
    let Some(redis) = Redis::start(0) else { return };
    let mut client = Client::start(builder(tcp(&redis)));
    count(&mut client, 1, 5_001).await;

    let builder = ResilientConnection::builder(tcp(&redis));
    let mut wrong = Client::start(builder.on_connect(|handshake| log_in(handshake, "Qe5-never-printed")));
    let error = wrong.until_over().await;
    assert!(
        matches!(&error, Error::GaveUp { reason: GiveUp::Failure(Failure::Unauthorized), .. }),
        "{error:?}"
    );
    let failed = |event: &&Event| matches!(event, Event::AttemptFailed { .. });
    assert_eq!(wrong.told().iter().filter(failed).count(), 2);
    let words = format!("{error:?} {error} {:?} {:?}", wrong.told(), client.told());
    assert!(!words.contains("never-printed"), "{words}");
}

#[tokio::test]
async fn a_subscription_is_there_again_after_a_kick_a_stop_and_a_kill() {
    let Some(mut redis) = Redis::start(0) else { return };
    let mut publisher = Client::start(builder(tcp(&redis)));
    let mut subscriber = subscriber(&redis);
    subscriber.until_connected().await;
    publish(&mut publisher, &mut subscriber, "one").await;

    let killed = ask(&mut publisher, ["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    assert_eq!(killed, Reply::Integer(1));
    assert_eq!(subscriber.until_lost().await, Detection::Ended(LinkEnd::Eof));
    subscriber.until_connected().await;
    publish(&mut publisher, &mut subscriber, "two").await;

    publisher.until_connected().await;
    redis.stop();
    for client in [&mut publisher, &mut subscriber] {
        client.until_lost().await;
    }
    redis.restart();
    subscriber.until_connected().await;
    publish(&mut publisher, &mut subscriber, "three").await;

    publisher.until_connected().await;
    redis.kill();
    for client in [&mut publisher, &mut subscriber] {
        client.until_lost().await;
    }
    redis.restart();
    subscriber.until_connected().await;
    publish(&mut publisher, &mut subscriber, "four").await;
}

#[tokio::test]
async fn beats_are_answered_around_a_subscription_and_not_when_frozen() {
    let Some(redis) = Redis::start(0) else { return };
    let mut client = Client::start(builder(tcp(&redis)).heartbeat(Heartbeat::adaptive().scaled(MORTAL)));
    client.until_answered(1).await;
    client.connection.sender().send(["SUBSCRIBE", CHANNEL].into()).await.expect("the connection is open");
    assert!(matches!(client.receive().await, Reply::Array(_)));
    client.until_answered(1).await;
    redis.freeze();
    assert_eq!(client.until_lost().await, Detection::Unanswered { beats: 5 });
    redis.thaw();
    client.until_connected().await;
    // None of the answers was taken for a message.
    assert_eq!(client.connection.stats().messages_received, 1);
}

#[tokio::test]
async fn the_servers_idle_limit_is_learned() {
    const LIMIT: Duration = Duration::from_secs(2);
    let Some(redis) = Redis::start(LIMIT.as_secs()) else { return };
    // The limit is real.
    let idle = builder(tcp(&redis)).heartbeat(Heartbeat::fixed(Duration::from_secs(30)));
    assert_eq!(Client::start(idle).until_lost().await, Detection::Ended(LinkEnd::Eof));

    let mut client = Client::start(builder(tcp(&redis)).heartbeat(Heartbeat::adaptive().scaled(SCALE)));
    let failed = client
        .until(|event| match event {
            Event::IdleTimeoutLearned { failed, .. } => Some(*failed),
            _ => None,
        })
        .await;
    // Redis counts whole seconds, so that it bears 2 s, and nearly 3 s where
    // they begin early in one. Nobody can hold just below such a limit.
    let interval = client.connection.stats().keeper.interval;
    assert!(failed >= LIMIT && interval < failed, "{interval:?}, {failed:?}");
    assert!(interval > LIMIT.mul_f64(0.7), "{interval:?}");
    client.until_answered(1).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_same_goes_over_a_socket_file_which_is_gone_for_a_while() {
    use longlink::Unix;

    let Some(mut redis) = Redis::start(0) else { return };
    let mut client = Client::start(builder(Unix::new(redis.socket(), resp()).unwrap()));
    count(&mut client, 1, 501).await;
    client.until_connected().await;
    redis.stop();
    client.until_lost().await;
    client.until_failed().await;
    redis.restart();
    count(&mut client, 1, 501).await;
}
