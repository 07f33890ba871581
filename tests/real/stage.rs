//! The server and the proxy as processes of their own.

use std::time::Duration;

use crate::process::{Nginx, Process, Tools, free_port, pass_to};

/// The echo server of the package `websockets`.
#[derive(Debug)]
pub struct Server {
    tools: Tools,
    port: u16,
    process: Option<Process>,
}

impl Server {
    /// Starts on a free port.
    pub fn start(tools: &Tools) -> Server {
        let mut server = Server { tools: tools.clone(), port: free_port(), process: None };
        server.restart();
        server
    }

    /// Starts again, on the same port.
    pub fn restart(&mut self) {
        self.process = Some(self.tools.python("echo.py", self.port));
    }

    /// Asks it to stop: it says goodbye to its clients.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("the server runs");
        process.signal("TERM");
        process.wait();
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
}

/// nginx in front of the server, with a configuration of its own.
#[derive(Debug)]
pub struct Proxy(Nginx);

impl Proxy {
    /// Starts on a free port; an idle WebSocket is cut after `read_timeout`.
    pub fn start(tools: &Tools, server: &Server, read_timeout: Duration) -> Proxy {
        let (pass, timeout) = (pass_to(server.port), read_timeout.as_millis());
        let location = format!("location / {{ {pass} proxy_read_timeout {timeout}ms; }}");
        Proxy(tools.nginx(free_port(), false, |_| location))
    }

    /// Where a client connects.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.0.port())
    }
}
