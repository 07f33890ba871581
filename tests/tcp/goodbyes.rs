//! A peer that says goodbye in the protocol's own words.

use std::time::Duration;

use longlink::transport::ControlMessages;
use longlink::{
    Error, Failure, GiveUp, Handshake, LinkEnd, Outcome, Protocol, Reconnect, ResilientConnection, Retry,
    Setback, State, StreamLink, Tcp,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::codec::LinesCodec;

const BANNED: u16 = 465;

/// Lines, of which `ERROR <code>` is the peer's last.
fn lines() -> Protocol<LinesCodec, String> {
    let control = ControlMessages::<String, String>::new().closes(|line| {
        let code = line.strip_prefix("ERROR ")?.parse().ok()?;
        Some(LinkEnd::closed(Some(code), "in so many words"))
    });
    Protocol::new(LinesCodec::new, control)
}

/// Who is banned stays away.
fn reconnect() -> Reconnect {
    Reconnect::default().classify(|refusal, usual| match refusal {
        Setback::Ended(LinkEnd::Closed { code: Some(BANNED), .. })
        | Setback::Failed(Failure::Ended(LinkEnd::Closed { code: Some(BANNED), .. })) => Retry::Never,
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
async fn a_goodbye_of_the_protocols_own_ends_the_link_by_its_code() {
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
async fn a_goodbye_in_place_of_a_welcome_is_judged_by_its_code() {
    let address = saying("ERROR 465\n").await;
    let transport = Tcp::new(address, lines()).unwrap();
    let end = ResilientConnection::builder(transport)
        .reconnect(reconnect())
        .on_connect(|mut handshake: Handshake<StreamLink<LinesCodec, String>>| async move {
            handshake.recv().await?;
            Ok(handshake)
        })
        .connect()
        .await
        .unwrap_err();
    let Error::GaveUp { reason: GiveUp::Failure(Failure::Ended(end)), .. } = end else { panic!("{end:?}") };
    assert_eq!(end, LinkEnd::closed(Some(BANNED), "in so many words"));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_before_the_login_was_sent_is_the_hooks_error_all_the_same() {
    let transport = Tcp::new("memory:1", lines()).unwrap().dial_with(|_| async {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        theirs.write_all(b"NOTICE looking you up\nERROR 465\n").await.unwrap();
        Ok(ours)
    });
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = std::sync::Arc::clone(&heard);
    let connecting = ResilientConnection::builder(transport)
        .reconnect(reconnect())
        .on_connect(move |mut handshake: Handshake<StreamLink<LinesCodec, String>>| {
            let heard = std::sync::Arc::clone(&keep);
            async move {
                let refused = handshake.send("NICK me".to_owned()).await;
                while let Ok(line) = handshake.recv().await {
                    heard.lock().unwrap().push(line);
                }
                refused?;
                Ok(handshake)
            }
        })
        .connect();
    let gave_up = tokio::time::timeout(Duration::from_secs(60), connecting).await;
    let end = gave_up.expect("who is banned is not tried again").unwrap_err();
    let Error::GaveUp { reason: GiveUp::Failure(Failure::Ended(end)), .. } = end else { panic!("{end:?}") };
    assert_eq!(end, LinkEnd::closed(Some(BANNED), "in so many words"));
    assert_eq!(*heard.lock().unwrap(), ["NOTICE looking you up"]);
}

#[tokio::test(start_paused = true)]
async fn pitfall_43_a_portal_that_answers_over_plain_tcp_stops_nobody_for_good() {
    for with_login in [true, false] {
        stopped_by_nothing(with_login).await;
    }
}

async fn stopped_by_nothing(with_login: bool) {
    let control = ControlMessages::<String, String>::new();
    let protocol = Protocol::new(|| LinesCodec::new_with_max_length(8), control);
    let transport = Tcp::new("memory:1", protocol).unwrap().dial_with(|_| async {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        tokio::spawn(async move {
            theirs.write_all(b"HTTP/1.1 302 Found\r\n").await.unwrap();
            std::future::pending::<()>().await;
        });
        Ok(ours)
    });
    let connection = ResilientConnection::builder(transport)
        .on_connect(move |mut handshake: Handshake<StreamLink<LinesCodec, String>>| async move {
            if with_login {
                handshake.recv().await?;
            }
            Ok(handshake)
        })
        .build()
        .unwrap();
    let mut watch = connection.watch();
    let tried = watch.wait_for(|state| matches!(state, State::Waiting { attempt: 6, .. } | State::GaveUp));
    let state = tokio::time::timeout(Duration::from_secs(3600), tried).await.unwrap().unwrap();
    assert!(matches!(state, State::Waiting { .. }), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn pitfall_18_a_peers_goodbye_that_crosses_ours_delivers_nothing() {
    for (words, expected) in [(None, Outcome::MaybeSent("m".to_owned())), (Some("QUIT"), Outcome::Delivered)]
    {
        let mut control = ControlMessages::<String, String>::new()
            .ping(|_| "PING".to_owned())
            .pong(|line| line == "PONG")
            .closes(|line| line.strip_prefix("ERROR ").map(|why| LinkEnd::closed(None, why)));
        if let Some(words) = words {
            control = control.goodbye(|| words.to_owned());
        }
        let protocol = Protocol::new(LinesCodec::new, control);
        let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
        let transport = Tcp::new("memory:1", protocol).unwrap().dial_with(move |_| {
            let (ours, theirs) = tokio::io::duplex(1024);
            far_ends.send(theirs).unwrap();
            async move { Ok(ours) }
        });
        let connection = ResilientConnection::builder(transport).connect().await.unwrap();
        let mut theirs = far.recv().await.unwrap();
        let confirmation = connection.sender().send_confirmed("m".to_owned()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        connection.pause();
        tokio::time::sleep(Duration::from_millis(100)).await;
        theirs.write_all(b"ERROR you have said nothing for too long\n").await.unwrap();
        let outcome = tokio::time::timeout(Duration::from_secs(60), confirmation).await.unwrap();
        assert_eq!(outcome, expected, "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answered_goodbye_ends_the_close_of_an_open_stream() {
    let control = ControlMessages::<String, String>::new()
        .goodbye(|| "QUIT".to_owned())
        .closes(|line| (line == "BYE").then(|| LinkEnd::closed(None, "")));
    let protocol = Protocol::new(LinesCodec::new, control);
    let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
    let transport = Tcp::new("memory:1", protocol).unwrap().dial_with(move |_| {
        let (ours, theirs) = tokio::io::duplex(1024);
        far_ends.send(theirs).unwrap();
        async move { Ok(ours) }
    });
    let mut connection = ResilientConnection::builder(transport).connect().await.unwrap();
    let mut theirs = far.recv().await.unwrap();
    connection.sender().send("m".to_owned()).await.unwrap();
    let began = tokio::time::Instant::now();
    let server = async {
        let mut said = [0; 7];
        theirs.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"m\nQUIT\n");
        theirs.write_all(b"late\nBYE\n").await.unwrap();
    };
    let (closed, ()) = tokio::join!(connection.close(), server);
    assert_eq!((began.elapsed(), closed.maybe_sent), (Duration::ZERO, 0));
    assert_eq!(connection.recv().await.unwrap().unwrap(), "late");
}
