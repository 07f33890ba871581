//! The cost of a message and of an idle connection, beside raw tokio-tungstenite.
//!
//! ```sh
//! cargo bench --bench cost            # instructions (needs valgrind) and memory
//! cargo bench --bench cost -- quick   # the same with fewer messages and links
//! cargo bench --bench cost -- serve   # the server alone, for a profiler beside it
//! ```
//!
//! Instructions are counted by callgrind in a client process of its own, as
//! the difference of two runs of different length, so that start-up and
//! connecting fall out. They repeat for the same binary, whatever else the
//! machine does. The server runs outside of the count. Memory is the growth of
//! the client process's resident set over many idle connections.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use longlink::transport::{Attempt, Frame, Link, Transport};
use longlink::{Message, ResilientConnection, WebSocket, WebSocketLink};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite;

/// Bytes of a message.
const SIZE: usize = 128;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match words[..] {
        ["receive", "raw", port, count] => runtime.block_on(receive_raw(port, count)),
        ["receive", "longlink", port, count] => runtime.block_on(receive_longlink(port, count)),
        ["receive", "link", port, count] => runtime.block_on(receive_link(port, count)),
        ["send", "link", port, count] => runtime.block_on(send_link(port, count)),
        ["send", "raw", port, count] => runtime.block_on(send_raw(port, count)),
        ["send", "longlink", port, count] => runtime.block_on(send_longlink(port, count)),
        ["idle", who, port, count] => runtime.block_on(idle(who, port, count)),
        ["serve"] => runtime.block_on(async {
            println!("{}", serve().await.port());
            std::future::pending::<()>().await;
        }),
        ["quick"] => runtime.block_on(compare(2_000, 300)),
        [] => runtime.block_on(compare(50_000, 5_000)),
        _ => panic!("unknown words: {args:?}"),
    }
}

// The comparison.

async fn compare(messages: u64, links: u64) {
    let address = serve().await;
    let port = address.port().to_string();
    println!("messages of {SIZE} bytes, instructions each, {messages} counted:");
    for direction in ["receive", "send"] {
        let raw = instructions(direction, "raw", &port, messages).await;
        let ours = instructions(direction, "longlink", &port, messages).await;
        let link = instructions(direction, "link", &port, messages).await;
        match (raw, ours, link) {
            (Some(raw), Some(ours), Some(link)) => println!(
                "  {direction:8} raw tokio-tungstenite {raw:6.0}   longlink {ours:6.0}   ratio {:.2}   \
                 its link alone {link:6.0}   ratio {:.2}",
                ours / raw,
                link / raw
            ),
            _ => println!("  {direction:8} skipped: valgrind is not to be had here"),
        }
    }
    println!("idle connections, resident KiB each, {links} open:");
    for who in ["raw", "longlink", "longlink-burst"] {
        match client(&["idle", who, &port, &links.to_string()], false).await {
            Some(said) => println!("  {who:16} {}", said.trim()),
            None => println!("  {who:16} failed"),
        }
    }
}

async fn instructions(direction: &str, who: &str, port: &str, messages: u64) -> Option<f64> {
    let short = counted(direction, who, port, messages / 5).await?;
    let long = counted(direction, who, port, messages + messages / 5).await?;
    Some((long - short) as f64 / messages as f64)
}

async fn counted(direction: &str, who: &str, port: &str, messages: u64) -> Option<u64> {
    let said = client(&[direction, who, port, &messages.to_string()], true).await?;
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Runs this program as a client, under callgrind if asked; what it said.
async fn client(words: &[&str], count: bool) -> Option<String> {
    let me = std::env::current_exe().expect("a path of its own");
    let me = me.to_str().expect("a path in UTF-8").to_owned();
    let mut command = Command::new("sh");
    let tool = "valgrind --tool=callgrind --callgrind-out-file=/dev/null";
    let script = format!("ulimit -n $(ulimit -Hn); exec {} \"$0\" \"$@\"", if count { tool } else { "" });
    command.arg("-c").arg(script).arg(me).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.output()).await.ok()?.ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

// The server: its first message says what it is to do.

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_one(stream));
        }
    });
    address
}

async fn serve_one(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let order = loop {
        match socket.next().await?.ok()? {
            tungstenite::Message::Text(order) => break order,
            _ => continue,
        }
    };
    let (what, count) = order.as_str().split_once(' ')?;
    let count: u64 = count.parse().ok()?;
    if what == "push" {
        for _ in 0..count {
            socket.feed(tungstenite::Message::binary(vec![7_u8; SIZE])).await.ok()?;
        }
        socket.flush().await.ok()?;
    } else if what == "burst" {
        socket.send(tungstenite::Message::binary(vec![7_u8; 1_000_000])).await.ok()?;
    } else {
        let mut got = 0;
        while got < count {
            if socket.next().await?.ok()?.is_binary() {
                got += 1;
            }
        }
        socket.send(tungstenite::Message::text("done")).await.ok()?;
    }
    while let Some(Ok(_)) = socket.next().await {}
    Some(())
}

// The clients.

type Raw = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn connect_raw(port: &str) -> Raw {
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let url = format!("ws://127.0.0.1:{port}/");
    tokio_tungstenite::client_async(url, stream).await.expect("an upgrade").0
}

async fn connect_longlink(port: &str) -> ResilientConnection<Message> {
    let transport = WebSocket::new(format!("ws://127.0.0.1:{port}/")).expect("a URL");
    ResilientConnection::builder(transport).connect().await.expect("a connection")
}

async fn receive_raw(port: &str, count: &str) {
    let mut socket = connect_raw(port).await;
    socket.send(tungstenite::Message::text(format!("push {count}"))).await.expect("sent");
    for _ in 0..count.parse::<u64>().expect("a count") {
        let message = socket.next().await.expect("more").expect("a message");
        assert_eq!(message.len(), SIZE);
    }
}

async fn receive_longlink(port: &str, count: &str) {
    let mut connection = connect_longlink(port).await;
    connection.send(format!("push {count}").into()).await.expect("sent");
    for _ in 0..count.parse::<u64>().expect("a count") {
        let message = connection.next().await.expect("more").expect("a message");
        assert_eq!(message.len(), SIZE);
    }
}

async fn send_raw(port: &str, count: &str) {
    let mut socket = connect_raw(port).await;
    socket.send(tungstenite::Message::text(format!("pull {count}"))).await.expect("sent");
    let payload = bytes::Bytes::from(vec![7_u8; SIZE]);
    for _ in 0..count.parse::<u64>().expect("a count") {
        socket.send(tungstenite::Message::Binary(payload.clone())).await.expect("sent");
    }
    socket.next().await.expect("an answer").expect("an answer");
}

async fn send_longlink(port: &str, count: &str) {
    let mut connection = connect_longlink(port).await;
    let sender = connection.sender();
    sender.send(format!("pull {count}").into()).await.expect("sent");
    let payload = bytes::Bytes::from(vec![7_u8; SIZE]);
    for _ in 0..count.parse::<u64>().expect("a count") {
        sender.send(Message::from(payload.clone())).await.expect("sent");
    }
    connection.next().await.expect("an answer").expect("an answer");
}

/// One link without the connection around it.
async fn connect_link(port: &str) -> WebSocketLink {
    let transport = WebSocket::new(format!("ws://127.0.0.1:{port}/")).expect("a URL");
    transport.connect(&Attempt::standalone(1, None)).await.expect("a link")
}

async fn send_over(link: &mut WebSocketLink, message: Message) {
    poll_fn(|cx| link.poll_ready(cx)).await.expect("room");
    link.start_send(message).expect("taken");
    poll_fn(|cx| link.poll_flush(cx)).await.expect("sent");
}

async fn receive_link(port: &str, count: &str) {
    let mut link = connect_link(port).await;
    send_over(&mut link, format!("push {count}").into()).await;
    for _ in 0..count.parse::<u64>().expect("a count") {
        let frame = poll_fn(|cx| link.poll_next(cx)).await.expect("a frame");
        assert!(matches!(frame, Frame::Message(message) if message.len() == SIZE));
    }
}

async fn send_link(port: &str, count: &str) {
    let mut link = connect_link(port).await;
    send_over(&mut link, format!("pull {count}").into()).await;
    let payload = bytes::Bytes::from(vec![7_u8; SIZE]);
    for _ in 0..count.parse::<u64>().expect("a count") {
        send_over(&mut link, Message::from(payload.clone())).await;
    }
    poll_fn(|cx| link.poll_next(cx)).await.expect("an answer");
}

async fn idle(who: &str, port: &str, count: &str) {
    let count: usize = count.parse().expect("a count");
    let before = resident_kib();
    let (mut raw, mut ours) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for _ in 0..count {
        match who {
            "raw" => raw.push(connect_raw(port).await),
            _ => ours.push(connect_longlink(port).await),
        }
    }
    if who == "longlink-burst" {
        for connection in &mut ours {
            connection.send("burst 1".into()).await.expect("sent");
            let burst = connection.next().await.expect("more").expect("a burst");
            assert_eq!(burst.len(), 1_000_000);
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let grown = resident_kib().saturating_sub(before);
    println!("{:.1}", grown as f64 / count as f64);
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
