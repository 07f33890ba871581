//! `JsonFile`: what is remembered on disk is whole, private, and never in the
//! way.

mod processes;
mod unusable;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Log, in_time, millis, secs};
use longlink::keeper::Learned;
use longlink::store::{IntervalStore, PathKey};
use longlink::testing::{FaultyNet, IdleExpiry};
use longlink::{Event, JsonFile, NetworkHandle, NetworkStatus, ResilientConnection, StoreFault};

/// A directory of the test's own, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("longlink-memory-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let place = std::env::temp_dir().join(name);
        fs::create_dir(&place).unwrap();
        Place(place)
    }

    fn file(&self) -> PathBuf {
        self.0.join("memory.json")
    }

    fn broken(&self) -> PathBuf {
        self.0.join("memory.json.broken")
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().flatten().map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn memory(path: &Path) -> JsonFile {
    JsonFile::new(path).unwrap()
}

fn at(endpoint: &str) -> PathKey {
    PathKey::new(Some("home-wifi"), endpoint)
}

fn known() -> Learned {
    Learned::new(secs(96)).failed(secs(115))
}

fn proven(file: &Path, endpoint: &str) -> Result<Option<Duration>, StoreFault> {
    let recalled = memory(file).recall(&at(endpoint)).map_err(|error| error.fault())?;
    Ok(recalled.map(|recalled| recalled.learned.proven))
}

fn remember(file: &Path, endpoint: &str, learned: &Learned) -> Result<(), StoreFault> {
    memory(file).remember(&at(endpoint), learned).map_err(|error| error.fault())
}

const ASIDE: StoreFault = StoreFault::Broken { set_aside: true };
const LEFT_ALONE: StoreFault = StoreFault::Broken { set_aside: false };

#[tokio::test(start_paused = true)]
async fn the_next_process_holds_what_this_one_learned() {
    let place = Place::new();
    let net = FaultyNet::<String>::echo(7);
    net.idle_timeout(secs(100), IdleExpiry::Silent);
    let network = NetworkHandle::new();
    network.set_on(NetworkStatus::Online, "home-wifi");
    let connect = async |log: &Log| {
        let building = ResilientConnection::builder(net.transport()).seed(1).network(network.clone());
        building.interval_store(memory(&place.file())).on_event(log.keep()).connect().await.unwrap()
    };
    let log = Log::default();
    let first = connect(&log).await;
    in_time(async {
        while log.count(|event| matches!(event, Event::IdleTimeoutLearned { .. })) == 0 {
            tokio::time::sleep(secs(1)).await;
        }
    })
    .await;
    // The proven gap grows by a millisecond now and then; so little is not told.
    let held = first.stats().keeper.interval;
    drop(first);

    let log = Log::default();
    let second = connect(&log).await;
    tokio::time::sleep(secs(3600)).await;
    assert!(held - second.stats().keeper.interval <= millis(5));
    assert_eq!(log.count(|event| matches!(event, Event::Disconnected { .. })), 0, "{:?}", log.events());
    assert_eq!(log.count(|event| matches!(event, Event::IdleTimeoutRecalled { .. })), 1);
    assert_eq!(place.names(), ["memory.json"]);
}

#[test]
fn no_name_of_a_network_or_endpoint_is_in_the_file() {
    let place = Place::new();
    remember(&place.file(), "wss://example.com:443", &known()).unwrap();
    let text = fs::read_to_string(place.file()).unwrap();
    assert!(text.contains("96000"), "{text}");
    // The digits of the port alone may stand in a hash by chance.
    for name in ["home", "wifi", "example", "wss", ":443"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    assert_eq!(proven(&place.file(), "wss://example.com:443"), Ok(Some(secs(96))));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mode = || fs::metadata(place.file()).unwrap().permissions().mode() & 0o777;
    remember(&place.file(), "a", &known()).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o666)).unwrap();
    remember(&place.file(), "a", &known()).unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn it_keeps_64_networks_and_the_oldest_goes() {
    let place = Place::new();
    let memory = memory(&place.file());
    let path = |network: u32| PathKey::new(Some(&network.to_string()), "a");
    for network in 0..=64 {
        memory.remember(&path(network), &known()).unwrap();
    }
    let missing: Vec<_> =
        (0..=64).filter(|&network| memory.recall(&path(network)).unwrap().is_none()).collect();
    assert_eq!(missing, [0]);
}

#[test]
fn a_path_that_names_no_file_is_refused() {
    for path in ["", "/", "/tmp/.."] {
        let refused = JsonFile::new(path).map_err(|invalid| invalid.field);
        assert_eq!(refused.err(), Some("json_file.path"), "{path}");
    }
}

#[test]
fn what_cannot_be_true_is_refused() {
    let place = Place::new();
    let nonsense = Learned::new(secs(100)).failed(secs(50));
    assert_eq!(remember(&place.file(), "a", &nonsense), Err(StoreFault::Refused));
    assert_eq!(place.names(), [""; 0]);
}
