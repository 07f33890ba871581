//! Network namespaces, and threads that live in them.

use std::fs::{self, File};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A network namespace of our own, removed when it is dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one whose name no other process and no other call uses.
    pub fn make(role: &str) -> Result<Namespace, String> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("longlink-{}-{number}-{role}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]), "")?;
        let namespace = Namespace { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` on it.
    pub fn ip(&self, arguments: &str) -> Result<(), String> {
        run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()), "")
    }

    /// Runs many commands of `ip` on it, a line each, in one process.
    pub fn ip_batch(&self, commands: &str) -> Result<(), String> {
        run(Command::new("ip").args(["-n", &self.name, "-batch", "-"]), commands)
    }

    /// Runs an nftables script in it.
    pub fn nft(&self, script: &str) -> Result<(), String> {
        self.visit(|| run(Command::new("nft").args(["-f", "-"]), script))
    }

    /// Sets one of its own sysctls, named below `net`.
    pub fn sysctl(&self, name: &str, value: &str) -> Result<(), String> {
        let path = Path::new("/proc/sys/net").join(name);
        self.visit(|| fs::write(&path, value).map_err(|error| format!("{}: {error}", path.display())))
    }

    /// How many messages of the kernel's route sockets were dropped for want
    /// of room, as far as those sockets are open.
    pub fn overruns(&self) -> u64 {
        let read = || {
            let path = "/proc/thread-self/net/netlink";
            fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
        };
        let table = self.visit(read).expect("the kernel lists its sockets");
        let column = table.split_whitespace().position(|name| name == "Drops").expect("it counts drops");
        let drops = |line: &str| line.split_whitespace().nth(column)?.parse::<u64>().ok();
        table.lines().skip(1).filter_map(drops).sum()
    }

    /// Does something on a thread that lives in it. Processes that it starts
    /// and the part of `/proc` that it sees belong to the namespace too.
    fn visit<R: Send>(&self, act: impl FnOnce() -> Result<R, String> + Send) -> Result<R, String> {
        let place = self.open()?;
        thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                enter(&place)?;
                act()
            });
            visitor.join().expect("no visitor panics")
        })
    }

    /// Starts a runtime whose only thread, and so each of its sockets, lives
    /// in it.
    pub fn settle(&self) -> Settlement {
        let place = self.open().expect("the namespace is there");
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            enter(&place).expect("we may enter what we made");
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            tell.send(runtime.handle().clone()).expect("the settler waits");
            // An error, too, means that the settlement is given up.
            let _ = runtime.block_on(ended);
        });
        let handle = told.recv().expect("the thread says where it runs");
        Settlement { handle, end: Some(end), thread: Some(thread) }
    }

    fn open(&self) -> Result<File, String> {
        let path = PathBuf::from("/run/netns").join(&self.name);
        File::open(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A failure here must not hide the one that ended the test.
        let _ = run(Command::new("ip").args(["netns", "del", &self.name]), "");
    }
}

/// A runtime in a namespace; ends, with all its tasks, when it is dropped.
#[derive(Debug)]
pub struct Settlement {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Settlement {
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a task there and waits for its result.
    pub fn wait_for<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (tell, told) = std::sync::mpsc::channel();
        self.handle.spawn(async move {
            // Whoever asked waits, or panics.
            let _ = tell.send(future.await);
        });
        told.recv().expect("the task does not panic")
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was told on stderr already.
            let _ = thread.join();
        }
    }
}

fn enter(place: &File) -> Result<(), String> {
    use std::os::fd::AsFd;
    move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("setns: {error}"))
}

/// Runs a command with `input` and gives what it complained of.
fn run(command: &mut Command, input: &str) -> Result<(), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A command that does not read complains by its status.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", complaint.trim()))
}
