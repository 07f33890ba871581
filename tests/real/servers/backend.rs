//! The independent servers: `server.py` and `server.js`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use longlink::WebSocket;
use tokio::time::sleep;

use crate::Software;
use crate::process::{Process, free_port, scratch, until_ready};

/// Nothing that is to come into a journal takes this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest message that the servers take.
pub const LONGEST: usize = 2 * 1024 * 1024;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Python's `websockets`.
    Python,
    /// Node's `ws`.
    Node,
}

/// Both.
pub const KINDS: [Kind; 2] = [Kind::Python, Kind::Node];

/// A server, on a port of its own for as long as it lives, and beyond.
#[derive(Debug)]
pub struct Backend {
    software: Software,
    kind: Kind,
    port: u16,
    directory: PathBuf,
    process: Option<Process>,
}

impl Backend {
    /// Starts one.
    pub fn start(software: &Software, kind: Kind) -> Backend {
        let port = free_port();
        let software = software.clone();
        let mut backend = Backend { software, kind, port, directory: scratch(port), process: None };
        backend.restart();
        backend
    }

    /// Starts it again, on the same port and with the same journal.
    pub fn restart(&mut self) {
        let mut command = match self.kind {
            Kind::Python => self.software.tools.python_on("servers/server.py"),
            Kind::Node => self.software.node("servers/server.js"),
        };
        command.arg(self.port.to_string()).arg(self.directory.join("journal")).arg(LONGEST.to_string());
        self.process = Some(until_ready(command));
    }

    /// Asks it to stop: it says goodbye to its clients.
    pub fn stop(&mut self) {
        self.process.take().expect("the server runs").end();
    }

    /// Kills it: no goodbye.
    pub fn kill(&mut self) {
        drop(self.process.take().expect("the server runs"));
    }

    /// Freezes it: it accepts bytes and answers none.
    pub fn freeze(&self) {
        self.process.as_ref().expect("the server runs").signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.as_ref().expect("the server runs").signal("CONT");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A transport to one of its ways.
    pub fn transport(&self, path: &str) -> WebSocket {
        WebSocket::new(format!("ws://127.0.0.1:{}{path}", self.port)).expect("a sound URL")
    }

    /// The notes so far.
    pub fn journal(&self) -> Vec<String> {
        let journal = fs::read_to_string(self.directory.join("journal")).unwrap_or_default();
        journal.lines().map(str::to_owned).collect()
    }

    /// The numbered messages that it has received so far.
    pub fn received(&self) -> Vec<u64> {
        let number = |line: String| line.strip_prefix("message ").and_then(|number| number.parse().ok());
        self.journal().into_iter().filter_map(number).collect()
    }

    /// Waits until it has noted so many lines that begin so, and gives all of
    /// them.
    pub async fn until_noted(&self, begin: &str, lines: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let noted: Vec<String> =
                self.journal().into_iter().filter(|line| line.starts_with(begin)).collect();
            if noted.len() >= lines {
                return noted;
            }
            assert!(Instant::now() < deadline, "{:?}: {begin} not in {:?}", self.kind, self.journal());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
