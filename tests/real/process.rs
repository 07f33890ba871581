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

/// The tools that the tests need from the system.
#[derive(Clone, Debug)]
pub struct Tools {
    python: PathBuf,
    nginx: PathBuf,
}

impl Tools {
    /// Finds them, or says what is missing.
    pub fn find() -> Result<Tools, String> {
        let python = find(&["python3", "/usr/bin/python3"], &["-c", "import websockets"])
            .ok_or("no python3 with the package websockets (Debian: python3-websockets)")?;
        let nginx = find(&["nginx", "/usr/sbin/nginx"], &["-v"]).ok_or("no nginx (Debian: nginx-light)")?;
        Ok(Tools { python, nginx })
    }

    /// Runs a script of `tests/real` with `port` as its only argument, until
    /// it says "ready".
    pub fn python(&self, script: &str, port: u16) -> Process {
        let mut command = self.python_on(script);
        command.arg(port.to_string());
        until_ready(command)
    }

    /// Python with a script of `tests/real`.
    pub fn python_on(&self, script: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(beside_tests(script));
        command
    }

    /// Runs nginx with a server on `port` of loopback. `server` makes what
    /// stands in its block of the configuration, but for `listen`, and may put
    /// files into the directory that it is given.
    pub fn nginx(&self, port: u16, tls: bool, server: impl FnOnce(&Path) -> String) -> Nginx {
        self.nginx_as(port, tls, "master_process off;", server)
    }

    /// The same with a master and a worker, so that it can be told to
    /// [`reload`](Nginx::reload): an old worker then keeps its connections for
    /// `grace`.
    pub fn nginx_with_worker(
        &self,
        port: u16,
        grace: Duration,
        server: impl FnOnce(&Path) -> String,
    ) -> Nginx {
        let main = format!("worker_processes 1;\nworker_shutdown_timeout {}ms;", grace.as_millis());
        self.nginx_as(port, false, &main, server)
    }

    fn nginx_as(&self, port: u16, tls: bool, main: &str, server: impl FnOnce(&Path) -> String) -> Nginx {
        let directory = scratch(port);
        let main = format!("daemon off;\n{main}");
        let mut nginx = Nginx { program: self.nginx.clone(), port, tls, main, directory, process: None };
        nginx.configure(server);
        nginx.start();
        nginx
    }
}

/// The first of these programs that runs with these arguments.
pub fn find(programs: &[&str], arguments: &[&str]) -> Option<PathBuf> {
    let runs = |program: &&&str| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    programs.iter().find(runs).map(PathBuf::from)
}

/// Where a script of `tests/real` lies.
pub fn beside_tests(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(script)
}

/// Runs a script until it says "ready".
pub fn until_ready(mut command: Command) -> Process {
    let mut process = Process::start(command.stdout(Stdio::piped()));
    let out = process.0.stdout.take().expect("stdout is piped");
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).expect("the script's first line can be read");
    assert_eq!(line.trim(), "ready", "it did not start: {command:?}");
    process
}

/// A directory for whoever listens on a port: nobody else has it.
pub fn scratch(port: u16) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("longlink-real-{}-{port}", std::process::id()));
    fs::create_dir_all(&directory).expect("the temporary directory can be written");
    directory
}

/// Waits until somebody listens on a port of loopback.
pub fn until_listening(port: u16, errors: impl Fn() -> String) {
    let deadline = Instant::now() + READY;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens: {}", errors());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program that was found before.
    pub fn start(command: &mut Command) -> Process {
        Process(command.stdin(Stdio::null()).spawn().expect("the program was found before"))
    }

    /// The system's number for it.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal to this process alone. The shell's own `kill` is there
    /// on every system.
    pub fn signal(&self, name: &str) {
        assert!(self.try_signal(name), "kill -{name} {}", self.id());
    }

    fn try_signal(&self, name: &str) -> bool {
        let command = format!("kill -{name} {}", self.id());
        Command::new("sh").args(["-c", &command]).status().is_ok_and(|status| status.success())
    }

    /// Asks it to end, and waits for that.
    pub fn end(mut self) {
        self.try_signal("TERM");
        let deadline = Instant::now() + READY;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
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
    program: PathBuf,
    port: u16,
    tls: bool,
    /// The text at the top of the configuration.
    main: String,
    directory: PathBuf,
    process: Option<Process>,
}

impl Nginx {
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, each by its status and path, as it logged them.
    pub fn requests(&self) -> Vec<String> {
        self.log("access.log")
    }

    /// The lines of a log in its directory.
    pub fn log(&self, name: &str) -> Vec<String> {
        let log = fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Takes another configuration into use without a moment of absence: a
    /// new worker listens, the old one keeps the connections that it has.
    pub fn reload(&mut self, server: impl FnOnce(&Path) -> String) {
        self.configure(server);
        self.running().signal("HUP");
    }

    /// Ends it, with all connections.
    pub fn stop(&mut self) {
        // The master takes its workers along.
        if let Some(process) = self.process.take() {
            process.end();
        }
    }

    /// Starts it, on the same port, until it listens.
    pub fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("-p").arg(&self.directory);
        command.arg("-c").arg(self.directory.join("nginx.conf"));
        command.arg("-e").arg(self.directory.join("error.log"));
        self.process = Some(Process::start(&mut command));
        until_listening(self.port, || self.log("error.log").join("\n"));
    }

    fn configure(&self, server: impl FnOnce(&Path) -> String) {
        let listen = format!("listen 127.0.0.1:{}{};", self.port, if self.tls { " ssl" } else { "" });
        let server = format!("{listen}\n{}", server(&self.directory));
        let config = configuration(&self.directory, &self.main, &server);
        fs::write(self.directory.join("nginx.conf"), config).expect("the temporary directory can be written");
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("nginx runs")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The lines of a location that pass WebSockets on to a server on loopback.
pub fn pass_to(server: u16) -> String {
    format!(
        "proxy_pass http://127.0.0.1:{server};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;"
    )
}

fn configuration(directory: &Path, main: &str, server: &str) -> String {
    let directory = directory.display();
    format!(
        "{main}
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format short '$status $uri';
    log_format tls '$status $ssl_protocol $ssl_session_reused';
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
