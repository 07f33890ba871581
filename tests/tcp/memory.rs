//! The memory of an idle link, also after a burst.

use bytes::Bytes;
use futures::poll;
use longlink::testing::ByHand;
use longlink::transport::{Attempt, ControlMessages, Transport};
use longlink::{LinkEnd, Protocol, Tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::codec::LengthDelimitedCodec;

use super::heap::held;
use super::{LineLink, in_memory, lines, message, soon};

/// One turn of an idle link: it is flushed, and nothing is there to read.
async fn rest(link: &mut LineLink) {
    link.flush().await.unwrap();
    assert!(poll!(std::pin::pin!(link.next())).is_pending());
}

#[tokio::test]
async fn pitfall_48_an_idle_link_gives_back_what_a_burst_took() {
    // A real socket, since a stream in memory holds some itself.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = Tcp::new(listener.local_addr().unwrap().to_string(), lines()).unwrap();
    let mut link = soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    rest(&mut link).await;
    let idle = held();
    let long = "x".repeat(900_000);
    let burst = async {
        far.write_all(long.as_bytes()).await.unwrap();
        far.write_all(b"\n").await.unwrap();
    };
    let (got, ()) = soon(async { tokio::join!(message(&mut link), burst) }).await;
    assert_eq!(got.len(), long.len());
    drop(got);
    let drain = async {
        let mut left = long.len() + 1;
        let mut piece = vec![0; 32 * 1024];
        while left > 0 {
            left -= far.read(&mut piece).await.unwrap();
        }
    };
    let (sent, ()) = soon(async { tokio::join!(link.send(long.clone()), drain) }).await;
    sent.unwrap();
    drop(long);
    rest(&mut link).await;
    let kept = held() - idle;
    assert!(kept.abs() <= 4 * 1024, "{kept} bytes more than before the burst");
}

#[tokio::test]
async fn a_hostile_length_holds_no_memory_beyond_the_limit() {
    const LIMIT: usize = 64 * 1024;
    const ANNOUNCED: usize = 512 * 1024 * 1024;
    let codec = || LengthDelimitedCodec::builder().max_frame_length(usize::MAX >> 1).new_codec();
    let protocol = Protocol::new(codec, ControlMessages::<_, Bytes>::new()).max_message(LIMIT).unwrap();
    let (transport, mut far) = in_memory(protocol, 64 * 1024);
    let mut link = soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap();
    assert!(poll!(std::pin::pin!(link.next())).is_pending());
    let idle = held();
    far.write_all(&(ANNOUNCED as u32).to_be_bytes()).await.unwrap();
    far.write_all(&[7; 1000]).await.unwrap();
    assert!(poll!(std::pin::pin!(link.next())).is_pending());
    let kept = held() - idle;
    assert!(kept <= 2 * LIMIT as i64, "{kept} bytes for what was only announced");
    far.write_all(&[7; LIMIT]).await.unwrap();
    let ended = soon(link.next()).await.expect_err("it is too long");
    assert!(matches!(ended, LinkEnd::TooBig { limit: LIMIT, .. }), "{ended:?}");
}
