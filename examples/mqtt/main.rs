//! MQTT over raw TCP: a link that logs in, subscribes, beats as the broker
//! wants it, and comes back when the broker was restarted.
//!
//! ```text
//! cargo run --example mqtt --features tcp -- 127.0.0.1:1883 some/topic --watch
//! cargo run --example mqtt --features tcp -- 127.0.0.1:1883 some/topic --publish
//! ```
//!
//! `protocol.rs` says what longlink has to know of MQTT, `login.rs` what is done
//! on every new link, `publisher.rs` what QoS 1 means on top of that. What is in a
//! packet another crate knows.

mod args;
mod arguments;
mod check;
mod login;
mod protocol;
mod publisher;

use std::error::Error as StdError;
use std::process::ExitCode;

use longlink::{ResilientConnection, Sender, Tcp};
use mqtt_proto::v5::{Packet, Puback, Publish};
use mqtt_proto::{TopicFilter, TopicName};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::args::{Args, Mode};
use crate::login::Login;
use crate::publisher::Publisher;

/// Whatever may go wrong.
type Failed = Box<dyn StdError + Send + Sync>;
/// A connection that carries packets both ways.
type Connection = ResilientConnection<Packet>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(words) => {
            eprintln!("{words}\n\n{}", args::USAGE);
            return ExitCode::FAILURE;
        }
    };
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), Failed> {
    let connection = connect(args).await?;
    match args.mode {
        Mode::Watch => watch(connection).await,
        Mode::Publish => publish(connection, args.topic.as_str().try_into()?).await,
        Mode::Check { messages } => check::run(connection, args.topic.as_str().try_into()?, messages).await,
    }
}

async fn connect(args: &Args) -> Result<Connection, Failed> {
    let mut transport = Tcp::new(&args.broker, protocol::mqtt(args.keep_alive)?)?;
    if args.tls {
        transport = transport.tls()?;
    }
    let login = Login {
        client_id: args.client_id.as_str().into(),
        credentials: args.credentials(),
        keep_alive: args.keep_alive,
        topic: match args.mode {
            Mode::Watch | Mode::Check { .. } => Some(TopicFilter::try_from(args.topic.as_str())?),
            Mode::Publish => None,
        },
    };
    Ok(ResilientConnection::builder(transport)
        // A client id is in use once: a second link would end the first.
        .overlap(false)
        .reconnect(protocol::reconnect())
        .on_connect(move |handshake| login.clone().log_in(handshake))
        .on_event(|event| eprintln!("{event}"))
        .connect()
        .await?)
}

/// Prints what is published, until Ctrl-C.
async fn watch(mut connection: Connection) -> Result<(), Failed> {
    let sender = connection.sender();
    loop {
        tokio::select! {
            packet = connection.recv() => match packet.transpose()? {
                Some(Packet::Publish(message)) => {
                    println!("{}  {}", &*message.topic_name, String::from_utf8_lossy(&message.payload));
                    acknowledge(&sender, &message).await?;
                }
                Some(_) => {}
                None => return Ok(()),
            },
            _ = tokio::signal::ctrl_c() => {
                let _ = connection.close().await;
                return Ok(());
            }
        }
    }
}

/// Tells the broker that a message was dealt with. Without it the broker
/// delivers the message again to the next link of this session.
///
/// A PUBACK is not bound to a link: if this link has ended meanwhile, it
/// goes out on the next. A broker that still has our session is about to
/// deliver the message again, and takes the PUBACK for that delivery. A broker
/// without the session does not know the number, unless it has just given it to a
/// message of the new session: that message it would not deliver again.
async fn acknowledge(sender: &Sender<Packet>, message: &Publish) -> Result<(), Failed> {
    if let Some(id) = message.qos_pid.pid() {
        sender.send(Puback::new_success(id).into()).await?;
    }
    Ok(())
}

/// Publishes the lines that come from standard input.
async fn publish(mut connection: Connection, topic: TopicName) -> Result<(), Failed> {
    let (mut publisher, acks) = Publisher::new(&connection);
    let lines = async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            publisher.publish(&topic, line.into()).await?;
        }
        Ok(())
    };
    // The stream is read all the while, since the PUBACKs are in it.
    let reading = async {
        while let Some(packet) = connection.recv().await.transpose()? {
            if let Packet::Puback(ack) = packet {
                // Room is there: one message at a time is under way.
                let _ = acks.try_send(ack);
            }
        }
        Ok(())
    };
    let result = tokio::select! {
        result = lines => result,
        result = reading => result,
    };
    let _ = connection.close().await;
    result
}
