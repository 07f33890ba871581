//! WebSocket servers and proxies of other people's making, and what a client
//! goes through with them; see README.md one level up.

#[path = "../../support/authority.rs"]
mod authority;
mod backend;
mod balancer;
mod ends;
mod flow;
mod frames;
mod frozen;
mod haproxy;
mod limits;
#[path = "../process.rs"]
mod process;
mod proxy;
mod tls;

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::process::{Tools, find};

/// Where Debian keeps Node's packages; its own Node looks there by itself.
const NODE_PATH: &str = "/usr/share/nodejs";

/// The tools that these tests need from the system.
#[derive(Clone, Debug)]
pub struct Software {
    pub tools: Tools,
    node: PathBuf,
    haproxy: PathBuf,
}

impl Software {
    fn find() -> Result<Software, String> {
        let tools = Tools::find()?;
        let package = format!("module.paths.push('{NODE_PATH}'); require('ws')");
        let node = find(&["node", "nodejs", "/usr/bin/node"], &["-e", &package])
            .ok_or("no node with the package ws (Debian: nodejs, node-ws)")?;
        let haproxy =
            find(&["haproxy", "/usr/sbin/haproxy"], &["-v"]).ok_or("no haproxy (Debian: haproxy)")?;
        Ok(Software { tools, node, haproxy })
    }

    /// Node with a script of `tests/real`.
    pub fn node(&self, script: &str) -> Command {
        let mut command = Command::new(&self.node);
        command.env("NODE_PATH", NODE_PATH).arg(process::beside_tests(script));
        command
    }

    /// HAProxy.
    pub fn haproxy(&self) -> Command {
        Command::new(&self.haproxy)
    }
}

/// The tools that the test needs from the system; `None` if they are not there and the
/// test is to be skipped.
pub fn software() -> Option<Software> {
    // Node and Python take their time to start.
    static FOUND: LazyLock<Result<Software, String>> = LazyLock::new(Software::find);
    match FOUND.clone() {
        Ok(found) => Some(found),
        Err(missing) if std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1") => {
            panic!("{missing}")
        }
        Err(missing) => {
            // Past the test harness, which keeps back what a passing test
            // prints, and in one piece, since others tell at the same time.
            let _ = std::io::stderr().write_all(format!("skipped: {missing}\n").as_bytes());
            None
        }
    }
}

/// Asks a server on loopback for a path, with these headers, and gives the
/// beginning of its answer.
pub async fn ask(port: u16, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = vec![0; 16 * 1024];
    let read = timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
    answer.truncate(read.expect("an answer in time").unwrap_or_default());
    String::from_utf8_lossy(&answer).into_owned()
}
