use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::*;
use Direction::{Both, ToClient, ToServer};

/// Nothing on loopback takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes")
}

async fn fixture() -> (Proxy, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (Proxy::to(listener.local_addr().unwrap()).unwrap(), listener)
}

/// A connection through the proxy: its client's end, then its server's.
async fn open(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(proxy.addr()).await.unwrap();
    (client, soon(listener.accept()).await.unwrap().0)
}

async fn pair() -> (Proxy, TcpListener, TcpStream, TcpStream) {
    let (proxy, listener) = fixture().await;
    let (client, server) = open(&proxy, &listener).await;
    (proxy, listener, client, server)
}

async fn say(stream: &mut TcpStream, words: &str) {
    soon(stream.write_all(words.as_bytes())).await.unwrap();
}

async fn hears(stream: &mut TcpStream, words: &str) {
    let mut heard = vec![0; words.len()];
    soon(stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), words);
}

/// Reads the end of the stream: 0 for a FIN.
async fn end(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    soon(stream.read(&mut [0; 64])).await.map_err(|error| error.kind())
}

/// Whether nothing comes for a while. True also if a word is merely late.
async fn is_silent(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    tokio::time::timeout(Duration::from_millis(30), stream.read(&mut byte)).await.is_err()
}

async fn until(mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(wait).await;
}

#[tokio::test]
async fn bytes_go_both_ways_and_are_counted() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    say(&mut client, "request").await;
    hears(&mut server, "request").await;
    say(&mut server, "answer!!").await;
    hears(&mut client, "answer!!").await;
    assert_eq!((proxy.passed(ToServer), proxy.passed(ToClient), proxy.passed(Both)), (7, 8, 15));
    assert_eq!((proxy.accepted(), proxy.open()), (1, 1));
    drop(client);
    assert_eq!(end(&mut server).await, Ok(0));
    drop(server);
    until(|| proxy.open() == 0).await;
}

#[tokio::test]
async fn a_sender_feels_that_nobody_reads_and_nothing_is_lost() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    let chunk = vec![7; 256 * 1024];
    let mut sent = 0;
    while let Ok(written) = tokio::time::timeout(Duration::from_millis(200), client.write(&chunk)).await {
        sent += written.unwrap();
        assert!(sent < 1 << 30, "the way never fills");
    }
    client.shutdown().await.unwrap();
    let mut all = Vec::new();
    soon(server.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all.len(), sent);
    assert_eq!(proxy.passed(ToServer), sent as u64);
}

#[tokio::test]
async fn a_stall_holds_what_is_sent_and_an_end_too() {
    for way in [ToServer, ToClient] {
        let (proxy, _listener, client, server) = pair().await;
        let (mut from, mut to) = if way == ToServer { (client, server) } else { (server, client) };
        proxy.stall(way);
        say(&mut from, "late").await;
        say(&mut to, "at once").await;
        hears(&mut from, "at once").await;
        from.shutdown().await.unwrap();
        assert!(is_silent(&mut to).await);
        proxy.restore(way);
        hears(&mut to, "late").await;
        assert_eq!(end(&mut to).await, Ok(0));
    }
}

#[tokio::test]
async fn a_stream_stays_silent_behind_the_gap_of_a_black_hole() {
    for way in [ToServer, ToClient] {
        let (proxy, listener, client, server) = pair().await;
        let (mut from, mut to) = if way == ToServer { (client, server) } else { (server, client) };
        proxy.black_hole(way);
        say(&mut from, "lost").await;
        say(&mut to, "heard").await;
        hears(&mut from, "heard").await;
        assert!(is_silent(&mut to).await);
        proxy.restore(way);
        say(&mut from, "behind the gap").await;
        assert!(is_silent(&mut to).await);
        // A later connection is whole.
        let (mut client, mut server) = open(&proxy, &listener).await;
        say(&mut client, "new").await;
        hears(&mut server, "new").await;
        drop(from);
        assert_eq!(end(&mut to).await, Err(ErrorKind::ConnectionReset));
    }
}

#[tokio::test]
async fn a_black_hole_swallows_ends_and_harms_no_connection_that_was_silent() {
    let (proxy, listener, mut client, mut server) = pair().await;
    let (other_client, mut other_server) = open(&proxy, &listener).await;
    proxy.black_hole(ToServer);
    drop(other_client);
    assert!(is_silent(&mut other_server).await);
    proxy.restore(Both);
    assert_eq!(end(&mut other_server).await, Err(ErrorKind::ConnectionReset));
    say(&mut client, "whole").await;
    hears(&mut server, "whole").await;
}

#[tokio::test]
async fn a_half_close_ends_one_way_and_the_other_goes_on() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    say(&mut server, "last").await;
    until(|| proxy.passed(ToClient) == 4).await;
    proxy.half_close(ToClient);
    hears(&mut client, "last").await;
    assert_eq!(end(&mut client).await, Ok(0));
    say(&mut server, "thrown away").await;
    say(&mut client, "still here").await;
    hears(&mut server, "still here").await;
}

#[tokio::test]
async fn a_reset_reaches_whom_it_is_for() {
    for way in [ToClient, ToServer, Both] {
        let (proxy, _listener, mut client, mut server) = pair().await;
        until(|| proxy.open() == 1).await;
        proxy.reset(way);
        let (to_client, to_server) = parts(way);
        for (end_of, told) in [(&mut client, to_client), (&mut server, to_server)] {
            match told {
                true => assert_eq!(end(end_of).await, Err(ErrorKind::ConnectionReset)),
                false => assert!(is_silent(end_of).await),
            }
        }
    }
}

#[tokio::test]
async fn a_peer_s_own_reset_is_passed_on() {
    let (proxy, _listener, mut client, server) = pair().await;
    server.set_zero_linger().unwrap();
    drop(server);
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
    until(|| proxy.open() == 0).await;
}

#[tokio::test]
async fn a_cut_comes_behind_the_byte_that_was_named() {
    for cut in [Cut::Fin, Cut::Reset] {
        let (proxy, _listener, mut client, mut server) = pair().await;
        say(&mut server, "ab").await;
        hears(&mut client, "ab").await;
        proxy.cut_after(ToClient, 3, cut);
        say(&mut server, "cdefgh").await;
        hears(&mut client, "cde").await;
        let expected = match cut {
            Cut::Fin => Ok(0),
            Cut::Reset => Err(ErrorKind::ConnectionReset),
        };
        assert_eq!(end(&mut client).await, expected);
        assert_eq!(end(&mut server).await, expected);
        assert_eq!(proxy.passed(ToClient), 5);
        drop((client, server));
        until(|| proxy.open() == 0).await;
    }
}

#[tokio::test]
async fn a_cut_after_nothing_comes_before_the_next_byte() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    proxy.cut_after(ToServer, 0, Cut::Fin);
    assert!(is_silent(&mut server).await);
    say(&mut client, "x").await;
    assert_eq!(end(&mut server).await, Ok(0));
    assert_eq!(proxy.passed(ToServer), 0);
}

#[tokio::test]
async fn one_bit_of_the_named_byte_is_flipped() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    proxy.flip_bit_after(ToServer, 4);
    say(&mut client, "aaa").await;
    hears(&mut server, "aaa").await;
    say(&mut client, "aaa").await;
    hears(&mut server, "a`a").await;
    say(&mut client, "aaaaaa").await;
    hears(&mut server, "aaaaaa").await;
}

#[tokio::test]
async fn newcomers_are_refused_left_alone_closed_or_served() {
    let (proxy, listener, mut client, mut server) = pair().await;
    proxy.newcomers(Newcomers::Refused).unwrap();
    let refused = TcpStream::connect(proxy.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    say(&mut client, "old").await;
    hears(&mut server, "old").await;

    proxy.newcomers(Newcomers::Unanswered).unwrap();
    let mut unanswered = TcpStream::connect(proxy.addr()).await.unwrap();
    say(&mut unanswered, "hello?").await;
    assert!(is_silent(&mut unanswered).await);

    proxy.newcomers(Newcomers::Closed).unwrap();
    let mut closed = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(end(&mut closed).await, Ok(0));

    proxy.newcomers(Newcomers::Connected).unwrap();
    let (mut client, mut server) = open(&proxy, &listener).await;
    say(&mut client, "new").await;
    hears(&mut server, "new").await;
    assert!(is_silent(&mut unanswered).await);
    assert_eq!((proxy.accepted(), proxy.open()), (4, 3));
    drop(unanswered);
    until(|| proxy.open() == 2).await;
}

#[tokio::test]
async fn another_server_can_take_the_place_of_the_first() {
    let (proxy, listener, mut client, mut server) = pair().await;
    let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.lead_to(second.local_addr().unwrap());
    let (mut new_client, mut new_server) = open(&proxy, &second).await;
    say(&mut new_client, "to the second").await;
    hears(&mut new_server, "to the second").await;
    say(&mut client, "to the first").await;
    hears(&mut server, "to the first").await;

    // A server that is gone: its clients are reset.
    drop(listener);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.lead_to(gone.local_addr().unwrap());
    drop(gone);
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn latency_holds_each_way_for_itself() {
    let (proxy, _listener, mut client, mut server) = pair().await;
    let latency = Duration::from_millis(60);
    proxy.latency(ToServer, latency);
    let began = Instant::now();
    say(&mut client, "slow").await;
    hears(&mut server, "slow").await;
    assert!(began.elapsed() >= latency);
    // Bytes in flight keep their order.
    proxy.latency(ToServer, Duration::ZERO);
    say(&mut client, "fast").await;
    client.shutdown().await.unwrap();
    hears(&mut server, "fast").await;
    assert_eq!(end(&mut server).await, Ok(0));
}

#[tokio::test]
async fn dropping_it_ends_everything() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (proxy, _listener, mut client, mut server) = pair().await;
    let addr = proxy.addr();
    until(|| proxy.open() == 1).await;
    drop(proxy);
    let refused = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(end(&mut client).await, Ok(0));
    assert_eq!(end(&mut server).await, Ok(0));
    until(|| tasks() == before).await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_go_through_it_as_well() {
    use tokio::net::{UnixListener, UnixStream};

    let place = |what: &str| std::env::temp_dir().join(format!("longlink-{}-{what}", std::process::id()));
    let (behind, front) = (place("proxied"), place("proxy"));
    let listener = UnixListener::bind(&behind).unwrap();
    let proxy = Proxy::to_unix(&behind, &front).unwrap();
    let mut client = UnixStream::connect(&front).await.unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    proxy.cut_after(ToServer, 3, Cut::Fin);
    client.write_all(b"abcdef").await.unwrap();
    let mut all = Vec::new();
    soon(server.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"abc");

    proxy.newcomers(Newcomers::Refused).unwrap();
    assert!(UnixStream::connect(&front).await.is_err());
    proxy.newcomers(Newcomers::Connected).unwrap();
    UnixStream::connect(&front).await.unwrap();
    drop(proxy);
    assert!(!front.exists());
    std::fs::remove_file(behind).unwrap();
}
