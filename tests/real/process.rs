//! Processes of other people's making: how they are found, started and ended.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

/// How long a process may take until it is ready, on a slow machine.
const READY: Duration = Duration::from_secs(20);

/// What the tests need from the system.
#[derive(Clone, Debug)]
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

    /// Runs a script of `tests/real` with `port` as its only argument, until
    /// it says "ready".
    pub fn python(&self, script: &str, port: u16) -> Process {
        let mut child = Command::new(&self.python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(script))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python was found before");
        let out = child.stdout.take().expect("stdout is piped");
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("the script's first line can be read");
        assert_eq!(line.trim(), "ready", "{script} did not start");
        process
    }

    /// Runs nginx with a server on `port` of loopback. `server` makes what
    /// stands in its block of the configuration, but for `listen`, and may put
    /// files into the directory that it is given.
    pub fn nginx(&self, port: u16, tls: bool, server: impl FnOnce(&Path) -> String) -> Nginx {
        let directory = std::env::temp_dir().join(format!("longlink-real-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).expect("the temporary directory can be written");
        let listen = format!("listen 127.0.0.1:{port}{};", if tls { " ssl" } else { "" });
        let config = configuration(&directory, &format!("{listen}\n{}", server(&directory)));
        let path = directory.join("nginx.conf");
        fs::write(&path, config).expect("the temporary directory can be written");
        let child = Command::new(&self.nginx)
            .arg("-p")
            .arg(&directory)
            .arg("-c")
            .arg(&path)
            .arg("-e")
            .arg(directory.join("error.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx was found before");
        let nginx = Nginx { port, directory, _process: Process(child) };
        nginx.wait_until_ready();
        nginx
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Sends a signal to this process alone. The shell's own `kill` is there
    /// on every system.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.0.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh runs");
        assert!(status.success(), "{command}");
    }

    /// Waits for its end.
    pub fn wait(&mut self) {
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

/// nginx with a configuration of its own.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    directory: PathBuf,
    _process: Process,
}

impl Nginx {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, each by its status and path, as it logged them.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.join("access.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
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

impl Drop for Nginx {
    fn drop(&mut self) {
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What a location says to pass WebSockets on to a server on loopback.
pub fn pass_to(server: u16) -> String {
    format!(
        "proxy_pass http://127.0.0.1:{server};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;"
    )
}

fn configuration(directory: &Path, server: &str) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format short '$status $uri';
    access_log {directory}/access.log short;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        {server}
    }}
}}
"
    )
}

/// A port of loopback for a process to listen on. On Linux nobody else gets it
/// for as long as this process lives: a socket stays bound to it, which keeps the
/// system from choosing it for another, and lets servers listen that set
/// `SO_REUSEADDR`, as all of these do. Elsewhere nobody listened on it a moment
/// ago.
pub fn free_port() -> u16 {
    static KEPT: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let keep = || -> io::Result<u16> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let port = socket.local_addr()?.port();
        if cfg!(target_os = "linux") {
            KEPT.lock().expect("nobody panics under it").push(socket);
        }
        Ok(port)
    };
    keep().expect("loopback has a free port")
}
