//! mosquitto as a process of the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::process::had;
use crate::process::{Process, free_port, scratch, until_listening};

/// Who may log in where not everybody may.
pub const USER: &str = "sensor";
/// The password; no word of longlink's may hold it.
pub const PASSWORD: &str = "Yq7-never-printed";

/// Where the programs are.
#[derive(Clone, Debug)]
struct Programs {
    broker: PathBuf,
    passwords: PathBuf,
}

/// A broker on a port of its own.
#[derive(Debug)]
pub struct Mosquitto {
    programs: Programs,
    port: u16,
    directory: PathBuf,
    process: Option<Process>,
}

impl Mosquitto {
    /// Starts one with these lines in its configuration, which may name files
    /// in the directory; `None` where there is no mosquitto.
    pub fn start(lines: impl FnOnce(&Path) -> String) -> Option<Mosquitto> {
        static PROGRAMS: LazyLock<Result<Programs, String>> = LazyLock::new(programs);
        let programs = had(PROGRAMS.clone())?;
        let port = free_port();
        let directory = scratch(port);
        let lines = lines(&directory);
        let config = format!("listener {port} 127.0.0.1\n{lines}\nuser root\nlog_type all\n");
        fs::write(directory.join("mosquitto.conf"), config).expect("the temporary directory can be written");
        let mut broker = Mosquitto { programs, port, directory, process: None };
        broker.restart();
        Some(broker)
    }

    /// One that lets everybody in.
    pub fn open(more: &str) -> Option<Mosquitto> {
        Mosquitto::start(|_| format!("allow_anonymous true\n{more}"))
    }

    /// One that wants [`USER`] and [`PASSWORD`].
    pub fn guarded() -> Option<Mosquitto> {
        Mosquitto::start(|directory| {
            let file = directory.join("passwords");
            // Where it is missing, so is mosquitto itself.
            if let Ok(programs) = programs() {
                let mut command = Command::new(programs.passwords);
                command.args(["-b", "-c"]).arg(&file).args([USER, PASSWORD]);
                assert!(command.status().expect("it was found").success(), "no password could be set");
            }
            format!("allow_anonymous false\npassword_file {}", file.display())
        })
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it again, on the same port. It has kept nothing.
    pub fn restart(&mut self) {
        let mut log = File::options();
        let log =
            log.create(true).append(true).open(self.directory.join("log")).expect("a log can be written");
        let mut command = Command::new(&self.programs.broker);
        command.arg("-c").arg(self.directory.join("mosquitto.conf")).stderr(log);
        self.process = Some(Process::start(&mut command));
        until_listening(self.port, || self.log());
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

    /// Freezes it, so that the system accepts links and nobody answers.
    pub fn freeze(&self) {
        self.running().signal("STOP");
    }

    pub fn thaw(&self) {
        self.running().signal("CONT");
    }

    /// How often its log says this, since the beginning.
    pub fn count(&self, words: &str) -> usize {
        self.log().lines().filter(|line| line.contains(words)).count()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn running(&self) -> &Process {
        self.process.as_ref().expect("mosquitto runs")
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
        // A directory that stays behind in /tmp harms nobody.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn programs() -> Result<Programs, String> {
    // Neither has an option that does nothing and ends well.
    let runs = |program: &&&str| Command::new(program).arg("-h").output().is_ok();
    let found = |programs: &[&str]| programs.iter().find(runs).map(PathBuf::from);
    let missing = || "no mosquitto (Debian: mosquitto)".to_owned();
    Ok(Programs {
        broker: found(&["mosquitto", "/usr/sbin/mosquitto"]).ok_or_else(missing)?,
        passwords: found(&["mosquitto_passwd"]).ok_or_else(missing)?,
    })
}
