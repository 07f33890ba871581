//! Redis as a process of the test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::had;
use crate::process::{Process, find, free_port, scratch, until_listening};

/// The password of the store; no output of longlink's may hold it.
pub const PASSWORD: &str = "Kx2-never-printed";

/// A server on a port and a socket file of its own, which keeps nothing.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    port: u16,
    directory: PathBuf,
    /// For how many seconds a client may be idle, 0 for ever.
    timeout: u64,
    process: Option<Process>,
}

impl Redis {
    /// Starts one, or `None` where there is no Redis.
    pub fn start(timeout: u64) -> Option<Redis> {
        let program = had(find(&["redis-server"], &["--version"])
            .ok_or_else(|| "no redis-server (Debian: redis-server)".to_owned()))?;
        let port = free_port();
        let mut redis = Redis { program, port, directory: scratch(port), timeout, process: None };
        redis.restart();
        Some(redis)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its socket file.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("redis.sock")
    }

    /// Starts it again, at the same place, empty.
    pub fn restart(&mut self) {
        let mut log = File::options();
        let log =
            log.create(true).append(true).open(self.directory.join("log")).expect("a log can be written");
        let mut command = Command::new(&self.program);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.arg("--dir").arg(&self.directory).arg("--unixsocket").arg(self.socket());
        command.args(["--requirepass", PASSWORD, "--save", "", "--appendonly", "no"]);
        // It looks at idle clients this often a second.
        command.args(["--timeout", &self.timeout.to_string(), "--hz", "100"]);
        self.process = Some(Process::start(command.stdout(log)));
        until_listening(self.port, || fs::read_to_string(self.directory.join("log")).unwrap_or_default());
    }

    /// Asks it to stop.
    pub fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end();
        }
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Freezes it.
    pub fn freeze(&self) {
        self.process.as_ref().expect("Redis runs").signal("STOP");
    }

    pub fn thaw(&self) {
        self.process.as_ref().expect("Redis runs").signal("CONT");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
