//! A peer that says goodbye in the protocol's own words.

use longlink::keeper::{Failure, GiveUp, LinkEnd, Refusal, Retry};
use longlink::transport::{Protocol, StreamLink, Tcp};
use longlink::{Error, Reconnect, ResilientConnection, Session};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::codec::LinesCodec;

const BANNED: u16 = 465;

/// Lines, of which `ERROR <code>` is the peer's last.
fn lines() -> Protocol<LinesCodec, String> {
    Protocol::new(LinesCodec::new).closes(|line| {
        let code = line.strip_prefix("ERROR ")?.parse().ok()?;
        Some(LinkEnd::closed(Some(code), "in so many words"))
    })
}

/// Who is banned stays away.
fn reconnect() -> Reconnect {
    Reconnect::default().classify(|refusal, usual| match refusal {
        Refusal::Ended(LinkEnd::Closed { code: Some(BANNED), .. })
        | Refusal::Failed(Failure::Ended(LinkEnd::Closed { code: Some(BANNED), .. })) => Retry::Never,
        _ => usual,
    })
}

/// A server that says this to everybody, and where it is.
async fn saying(words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(words.as_bytes()).await.unwrap();
            kept.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn a_goodbye_in_the_protocols_words_ends_the_link_by_its_code_though_the_stream_stays_open() {
    let address = saying("one\nERROR 465\ntwo\n").await;
    let transport = Tcp::new(address, lines()).unwrap();
    let mut connection = ResilientConnection::builder(transport).reconnect(reconnect()).build().unwrap();
    assert_eq!(connection.recv().await.unwrap().unwrap(), "one");
    let end = connection.recv().await.unwrap().unwrap_err();
    let Error::GaveUp { reason: GiveUp::Close { code, reason }, .. } = end else { panic!("{end:?}") };
    assert_eq!((code, &*reason), (BANNED, "in so many words"));
    assert!(connection.recv().await.is_none());
}

#[tokio::test]
async fn a_goodbye_in_place_of_a_welcome_is_the_hooks_error_and_judged_by_its_code() {
    let address = saying("ERROR 465\n").await;
    let transport = Tcp::new(address, lines()).unwrap();
    let end = ResilientConnection::builder(transport)
        .reconnect(reconnect())
        .on_connect(|mut session: Session<StreamLink<LinesCodec, String>>| async move {
            session.recv().await?;
            Ok(session)
        })
        .connect()
        .await
        .unwrap_err();
    let Error::GaveUp { reason: GiveUp::Failure(Failure::Ended(end)), .. } = end else { panic!("{end:?}") };
    assert_eq!(end, LinkEnd::closed(Some(BANNED), "in so many words"));
}
