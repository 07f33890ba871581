//! The waits of a login hook.

use std::sync::Mutex;

use super::polled;
use crate::support::{builder, millis};
use longlink::ResilientConnection;
use longlink::testing::Script;
use longlink::transport::{ControlMessages, Framed, from_fn};
use tokio::io::AsyncReadExt;
use tokio_util::codec::{self, LinesCodec};

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_logins_waits_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([]);
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let mut connection = builder(&script)
            .on_connect(move |mut handshake| {
                let told = told.clone();
                async move {
                    let mut finished = polled(handshake.flush(), times).await.is_some();
                    finished &= polled(handshake.recv_where(|m| m == "wanted"), times).await.is_some();
                    finished &= polled(handshake.recv(), times).await.is_some();
                    told.send(finished).await?;
                    assert!(handshake.attempt().last_failure().is_none());
                    Ok(handshake)
                }
            })
            .build()
            .unwrap();
        let peer = script.next_link().await;
        for message in ["a", "b", "wanted", "mine", "last"] {
            peer.deliver(message.into());
        }
        let finished = tell.recv().await.unwrap();
        // Skipped messages come first; the login read the rest, or the rest
        // comes after.
        let mut rest = Vec::new();
        while rest.last().is_none_or(|last| last != "last") {
            rest.push(connection.recv().await.unwrap().unwrap());
        }
        let all: &[&str] = &["a", "b", "wanted", "mine", "last"];
        let mut at = all.iter();
        for message in &rest {
            assert!(at.any(|expected| expected == message), "{rest:?}");
        }
        if finished {
            assert_eq!(rest, ["a", "b", "last"]);
        }
        finished
    });
}

/// Over a pipe of 8 bytes, so that a message takes several polls.
#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_login_send_sends_all_or_nothing() {
    for_every_poll!(|times| {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let ours = Mutex::new(Some(ours));
        let transport = from_fn(move |_| {
            let ours = ours.lock().unwrap().take().expect("one link is enough");
            async move {
                Ok(Framed::new(
                    codec::Framed::new(ours, LinesCodec::new()),
                    ControlMessages::<_, String>::new(),
                ))
            }
        });
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let _connection = ResilientConnection::builder(transport)
            .on_connect(move |mut handshake| {
                let told = told.clone();
                async move {
                    let long = "a message of more than eight bytes".to_owned();
                    told.send(polled(handshake.send(long), times).await.is_some()).await?;
                    handshake.send("and again".into()).await?;
                    Ok(handshake)
                }
            })
            .build()
            .unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"and again\n") {
            tokio::time::sleep(millis(10)).await;
            theirs.read_buf(&mut said).await.unwrap();
        }
        // The link has it from the first poll on.
        let expected = match times {
            0 => "and again\n",
            _ => "a message of more than eight bytes\nand again\n",
        };
        assert_eq!(std::str::from_utf8(&said), Ok(expected));
        tell.recv().await.unwrap()
    });
}
