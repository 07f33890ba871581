//! HAProxy with a configuration of its own.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Software;
use crate::process::{Process, free_port, scratch, until_listening};

/// HAProxy on loopback.
#[derive(Debug)]
pub struct Haproxy {
    software: Software,
    port: u16,
    directory: PathBuf,
    process: Process,
}

impl Haproxy {
    /// Starts on a free port. `bind` is added to the line with its address,
    /// and may name files in the directory; `backend` makes the servers.
    pub fn start(software: &Software, settings: &Settings, bind: impl FnOnce(&Path) -> String) -> Haproxy {
        let port = free_port();
        let directory = scratch(port);
        settings.write(&directory, port, &bind(&directory));
        let process = Process::start(software.haproxy().arg("-db").arg("-f").arg(configuration(&directory)));
        until_listening(port, String::new);
        Haproxy { software: software.clone(), port, directory, process }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Says something to its runtime API.
    pub fn say(&self, command: &str) {
        let mut socket =
            UnixStream::connect(self.directory.join("admin")).expect("HAProxy's socket is there");
        socket.write_all(format!("{command}\n").as_bytes()).expect("it listens");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it answers");
        assert_eq!(answer.trim(), "", "{command}");
    }

    /// Takes another configuration into use: a new process listens, the old
    /// one keeps its connections for a while and is handed back.
    pub fn reload(&mut self, settings: &Settings) -> Process {
        settings.write(&self.directory, self.port, "");
        let mut command = self.software.haproxy();
        command.arg("-db").arg("-f").arg(configuration(&self.directory));
        command.arg("-sf").arg(self.process.id().to_string());
        std::mem::replace(&mut self.process, Process::start(&mut command))
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The balancer's actions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An idle tunnel is cut after this long.
    pub tunnel: Duration,
    /// A process that was replaced ends after this long.
    pub grace: Duration,
    /// The ports of the servers, and whether each gets connections.
    pub servers: Vec<(u16, bool)>,
}

impl Settings {
    pub fn new(servers: &[(u16, bool)]) -> Settings {
        let (tunnel, grace) = (Duration::from_secs(3600), Duration::from_secs(3600));
        Settings { tunnel, grace, servers: servers.to_vec() }
    }

    fn write(&self, directory: &Path, port: u16, bind: &str) {
        let server = |(at, (port, ready)): (usize, &(u16, bool))| {
            let state = if *ready { "" } else { "disabled" };
            format!("    server s{at} 127.0.0.1:{port} on-marked-down shutdown-sessions {state}\n")
        };
        let servers: String = self.servers.iter().enumerate().map(server).collect();
        let (tunnel, grace) = (self.tunnel.as_millis(), self.grace.as_millis());
        let text = format!(
            "global
    stats socket {directory}/admin level admin
    hard-stop-after {grace}ms
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel {tunnel}ms
frontend front
    bind 127.0.0.1:{port} {bind}
    default_backend back
backend back
    retries 0
{servers}",
            directory = directory.display(),
        );
        fs::write(configuration(directory), text).expect("the temporary directory can be written");
    }
}

fn configuration(directory: &Path) -> PathBuf {
    directory.join("haproxy.cfg")
}
