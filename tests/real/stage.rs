//! The server and the proxy as processes of their own.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take until it is ready, on a slow machine.
const READY: Duration = Duration::from_secs(20);

/// What the stage needs from the system.
#[derive(Debug)]
pub struct Tools {
    python: PathBuf,
    nginx: PathBuf,
}

impl Tools {
    /// Finds them, or says what is missing.
    pub fn find() -> Result<Tools, String> {
        let runs = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let python = ["python3", "/usr/bin/python3"]
            .into_iter()
            .find(|python| runs(python, &["-c", "import websockets"]))
            .ok_or("no python3 with the package websockets (Debian: python3-websockets)")?;
        let nginx = ["nginx", "/usr/sbin/nginx"]
            .into_iter()
            .find(|nginx| runs(nginx, &["-v"]))
            .ok_or("no nginx (Debian: nginx-light)")?;
        Ok(Tools { python: python.into(), nginx: nginx.into() })
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Sends a signal to this process alone. The shell's own `kill` is there
    /// on every system.
    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.0.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh runs");
        assert!(status.success(), "{command}");
    }

    /// Waits for its end.
    fn wait(&mut self) {
        self.0.wait().expect("a child can be waited for");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The echo server of the package `websockets`.
#[derive(Debug)]
pub struct Server {
    python: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Server {
    /// Starts on a free port.
    pub fn start(tools: &Tools) -> Server {
        let mut server = Server { python: tools.python.clone(), port: free_port(), process: None };
        server.restart();
        server
    }

    /// Starts again, on the same port.
    pub fn restart(&mut self) {
        let mut child = Command::new(&self.python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/echo.py"))
            .arg(self.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python was found before");
        let out = child.stdout.take().expect("stdout is piped");
        self.process = Some(Process(child));
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("the server's first line can be read");
        assert_eq!(line.trim(), "ready", "the server did not start");
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
pub struct Proxy {
    port: u16,
    directory: PathBuf,
    _process: Process,
}

impl Proxy {
    /// Starts on a free port; an idle WebSocket is cut after `read_timeout`.
    pub fn start(tools: &Tools, server: &Server, read_timeout: Duration) -> Proxy {
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("longlink-real-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).expect("the temporary directory can be written");
        let config = directory.join("nginx.conf");
        fs::write(&config, configuration(&directory, port, server.port, read_timeout))
            .expect("the temporary directory can be written");
        let child = Command::new(&tools.nginx)
            .arg("-p")
            .arg(&directory)
            .arg("-c")
            .arg(&config)
            .arg("-e")
            .arg(directory.join("error.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx was found before");
        let proxy = Proxy { port, directory, _process: Process(child) };
        proxy.wait_until_ready();
        proxy
    }

    /// Where a client connects.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + READY;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < deadline, "nginx did not start: {}", self.errors());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.directory.join("error.log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn configuration(directory: &Path, port: u16, server: u16, read_timeout: Duration) -> String {
    let directory = directory.display();
    let timeout = read_timeout.as_millis();
    format!(
        "daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{server};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout {timeout}ms;
        }}
    }}
}}
"
    )
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    let listener: io::Result<TcpListener> = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).expect("loopback has a free port").port()
}
