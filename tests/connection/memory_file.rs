//! `JsonFile`: what is remembered on disk is whole, private, and never in the
//! way.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::{Log, in_time, millis, secs};
use longlink::keeper::{Learned, MemoryFault};
use longlink::store::PathKey;
use longlink::testing::{Expiry, FaultyNet};
use longlink::{Event, IntervalMemory, JsonFile, NetworkHandle, NetworkStatus, ResilientConnection, State};

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

fn proven(file: &Path, endpoint: &str) -> Result<Option<Duration>, MemoryFault> {
    let recalled = memory(file).recall(&at(endpoint)).map_err(|error| error.fault())?;
    Ok(recalled.map(|recalled| recalled.learned.proven))
}

fn remember(file: &Path, endpoint: &str, learned: &Learned) -> Result<(), MemoryFault> {
    memory(file).remember(&at(endpoint), learned).map_err(|error| error.fault())
}

const ASIDE: MemoryFault = MemoryFault::Broken { set_aside: true };
const LEFT_ALONE: MemoryFault = MemoryFault::Broken { set_aside: false };

// What it is for.

#[tokio::test(start_paused = true)]
async fn the_next_process_holds_what_this_one_learned() {
    let place = Place::new();
    let net = FaultyNet::<String>::echo(7);
    net.idle_timeout(secs(100), Expiry::Silent);
    let network = NetworkHandle::new();
    network.set_on(NetworkStatus::Online, "home-wifi");
    let connect = async |log: &Log| {
        let building = ResilientConnection::builder(net.transport()).seed(1).network(network.clone());
        building.memory(memory(&place.file())).on_event(log.keep()).connect().await.unwrap()
    };
    let log = Log::default();
    let first = connect(&log).await;
    in_time(async {
        while log.count(|event| matches!(event, Event::IdleTimeoutLearned { .. })) == 0 {
            tokio::time::sleep(secs(1)).await;
        }
    })
    .await;
    // What is proven grows by a millisecond now and then; so much is not told.
    let held = first.stats().interval;
    drop(first);

    let log = Log::default();
    let second = connect(&log).await;
    tokio::time::sleep(secs(3600)).await;
    assert!(held - second.stats().interval <= millis(5));
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
    for name in ["home", "wifi", "example", "wss", "443"] {
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
    assert_eq!(remember(&place.file(), "a", &nonsense), Err(MemoryFault::Refused));
    assert_eq!(place.names(), [""; 0]);
}

// Files that cannot be used.

/// Text that is no memory.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let place = Place::new();
    remember(&place.file(), "a", &known()).unwrap();
    let whole = fs::read(place.file()).unwrap();
    let mut doubled = whole.clone();
    doubled.extend(&whole);
    vec![
        ("empty", Vec::new()),
        ("zeros", vec![0; 4096]),
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("doubled", doubled),
        ("not UTF-8", vec![0xff; 100]),
        ("deep", vec![b'['; 100_000]),
        (
            "a number beyond all",
            String::from_utf8(whole.clone()).unwrap().replace("96000", "1e999").into_bytes(),
        ),
        (
            "a number below zero",
            String::from_utf8(whole.clone()).unwrap().replace("96000", "-1").into_bytes(),
        ),
        ("NaN", String::from_utf8(whole).unwrap().replace("96000", "NaN").into_bytes()),
        ("other JSON", br#"{"format":"something else","version":1}"#.to_vec()),
        ("too big", vec![b' '; JsonFile::LONGEST + 1]),
    ]
}

#[test]
fn a_broken_file_is_set_aside_when_it_is_read() {
    for (what, bytes) in nonsense() {
        let place = Place::new();
        fs::write(place.file(), &bytes).unwrap();
        assert_eq!(proven(&place.file(), "a"), Err(ASIDE), "{what}");
        assert_eq!(fs::read(place.broken()).unwrap(), bytes, "{what}");
        assert_eq!(proven(&place.file(), "a"), Ok(None), "{what}");
        remember(&place.file(), "a", &known()).unwrap();
        assert_eq!(proven(&place.file(), "a"), Ok(Some(secs(96))), "{what}");
        assert_eq!(place.names(), ["memory.json", "memory.json.broken"], "{what}");
    }
}

#[test]
fn a_broken_file_is_set_aside_and_begun_anew_when_it_is_written() {
    for (what, bytes) in nonsense() {
        let place = Place::new();
        fs::write(place.broken(), "an earlier one").unwrap();
        fs::write(place.file(), &bytes).unwrap();
        assert_eq!(remember(&place.file(), "a", &known()), Err(ASIDE), "{what}");
        assert_eq!(fs::read(place.broken()).unwrap(), bytes, "{what}");
        assert_eq!(proven(&place.file(), "a"), Ok(Some(secs(96))), "{what}");
    }
}

#[test]
fn a_file_that_cannot_be_set_aside_is_left_alone() {
    let place = Place::new();
    fs::write(place.file(), "nonsense").unwrap();
    fs::create_dir(place.broken()).unwrap();
    assert_eq!(proven(&place.file(), "a"), Err(LEFT_ALONE));
    assert_eq!(remember(&place.file(), "a", &known()), Err(LEFT_ALONE));
    assert_eq!(fs::read(place.file()).unwrap(), b"nonsense");
    assert_eq!(place.names(), ["memory.json", "memory.json.broken"]);
}

#[test]
fn a_newer_versions_file_is_left_alone() {
    let place = Place::new();
    let newer = r#"{"format":"longlink intervals","version":2,"networks":{}}"#;
    fs::write(place.file(), newer).unwrap();
    assert_eq!(proven(&place.file(), "a"), Err(LEFT_ALONE));
    assert_eq!(remember(&place.file(), "a", &known()), Err(LEFT_ALONE));
    assert_eq!(fs::read_to_string(place.file()).unwrap(), newer);
    assert_eq!(place.names(), ["memory.json"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_left_alone() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let place = Place::new();
    let other = place.0.join("other.json");
    remember(&other, "a", &known()).unwrap();
    let before = fs::read(&other).unwrap();
    type Put<'a> = &'a dyn Fn(&Path);
    let put: [(&str, Put<'_>); 4] = [
        ("a link", &|path| symlink(&other, path).unwrap()),
        ("a link to nothing", &|path| symlink(place.0.join("nothing"), path).unwrap()),
        ("a directory", &|path| fs::create_dir(path).unwrap()),
        ("a socket", &|path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (what, put) in put {
        put(&place.file());
        let kind = fs::symlink_metadata(place.file()).unwrap().file_type();
        assert_eq!(proven(&place.file(), "a"), Err(LEFT_ALONE), "{what}");
        assert_eq!(remember(&place.file(), "b", &known()), Err(LEFT_ALONE), "{what}");
        assert_eq!(fs::symlink_metadata(place.file()).unwrap().file_type(), kind, "{what}");
        assert_eq!(place.names(), ["memory.json", "other.json"], "{what}");
        if kind.is_dir() { fs::remove_dir(place.file()) } else { fs::remove_file(place.file()) }.unwrap();
    }
    assert_eq!(fs::read(&other).unwrap(), before);
}

#[test]
fn without_a_directory_nothing_is_remembered() {
    let place = Place::new();
    let file = place.0.join("missing").join("memory.json");
    assert_eq!(proven(&file, "a"), Ok(None));
    let not_found = MemoryFault::NotWritten(std::io::ErrorKind::NotFound);
    assert_eq!(remember(&file, "a", &known()), Err(not_found));
}

#[tokio::test(start_paused = true)]
async fn a_connection_tells_of_a_broken_file_and_goes_on() {
    let place = Place::new();
    fs::write(place.file(), "nonsense").unwrap();
    let net = FaultyNet::<String>::echo(7);
    let log = Log::default();
    let building = ResilientConnection::builder(net.transport()).seed(1);
    let connection = building.memory(memory(&place.file())).on_event(log.keep()).connect().await.unwrap();
    tokio::time::sleep(secs(60)).await;
    let told = |event: &Event| matches!(event, Event::MemoryFailed { fault } if *fault == ASIDE);
    assert_eq!(log.count(told), 1, "{:?}", log.events());
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    let recalled = memory(&place.file()).recall(&PathKey::new(None, "faulty:")).unwrap();
    assert!(recalled.is_some_and(|recalled| recalled.learned.proven >= secs(27)));
}

// Several at once, and kills. Each of the following plays a part in another
// process, which this one starts.

/// Which part, and with which file.
const PART: &str = "LONGLINK_MEMORY_PART";
const FILE: &str = "LONGLINK_MEMORY_FILE";

fn part(program: &Path, part: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "memory_file::plays_a_part", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(PART, part).env(FILE, file);
    command
}

/// Not a test of its own.
#[test]
#[ignore = "played by other tests in a process of its own"]
fn plays_a_part() {
    let (Ok(part), Ok(file)) = (std::env::var(PART), std::env::var(FILE)) else { return };
    let file = Path::new(&file);
    match part.split_once(' ').unwrap() {
        ("write", from) => write_for_ever(file, from.parse().unwrap()),
        ("denied", _) => {
            assert_eq!(proven(file, "a"), Err(ASIDE));
            remember(file, "a", &known()).unwrap();
            assert_eq!(proven(file, "a"), Ok(Some(secs(96))));
        }
        ("unwritable", _) => {
            let denied = MemoryFault::NotWritten(std::io::ErrorKind::PermissionDenied);
            assert_eq!(remember(file, "a", &known()), Err(denied));
            assert_eq!(proven(file, "a"), Ok(Some(secs(68))));
            assert_eq!(remember(&file.with_extension("broken.json"), "a", &known()), Err(LEFT_ALONE));
        }
        (other, _) => panic!("no such part: {other}"),
    }
}

/// Remembers one figure after the other, and prints each once it is kept.
fn write_for_ever(file: &Path, from: u64) {
    let memory = memory(file);
    for count in from.. {
        memory.remember(&at("a"), &Learned::new(millis(count))).unwrap();
        println!("kept {count}");
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_file_with_the_last_word() {
    let place = Place::new();
    let program = std::env::current_exe().unwrap();
    // Chance is pinned; when the kill comes is not, and need not be.
    let mut chance = 88_172_645_463_325_252_u64;
    let mut last = 0;
    let mut unfinished = 0;
    for _ in 0..60 {
        let from = last + 1;
        let mut writer =
            part(&program, &format!("write {from}"), &place.file()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut kept =
            || said.by_ref().find_map(|line| line.ok()?.split_once("kept ")?.1.parse::<u64>().ok());
        last = kept().expect("it writes");
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        thread::sleep(Duration::from_micros(chance % 4_000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        while let Some(count) = kept() {
            last = count;
        }
        let found = proven(&place.file(), "a").expect("the file is whole").expect("and knows the path");
        // The word that was being written may be there already.
        assert!(found == millis(last) || found == millis(last + 1), "{found:?} after {last}");
        last += 1;
        let left = place.names().len() - 1;
        unfinished = unfinished.max(left);
    }
    println!("{unfinished} of 60 kills came while a file was being written");

    // What kills left beside is swept by a later run.
    let minutes_ago = SystemTime::now() - secs(120);
    for name in place.names() {
        let file = fs::File::options().write(true).open(place.0.join(name)).unwrap();
        file.set_modified(minutes_ago).unwrap();
    }
    remember(&place.file(), "a", &known()).unwrap();
    assert_eq!(place.names(), ["memory.json"]);
}

#[test]
fn only_what_a_kill_left_is_swept() {
    let place = Place::new();
    let names = [".memory.json.1-0.tmp", ".memory.json.2-0.tmp", ".other.json.1-0.tmp", "memory.json.bak"];
    for name in names {
        fs::write(place.0.join(name), "").unwrap();
        if name != names[1] {
            let file = fs::File::options().write(true).open(place.0.join(name)).unwrap();
            file.set_modified(SystemTime::now() - secs(120)).unwrap();
        }
    }
    remember(&place.file(), "a", &known()).unwrap();
    assert_eq!(place.names(), [names[1], names[2], "memory.json", names[3]]);
}

#[test]
fn processes_that_share_a_file_never_see_half_of_it() {
    let place = Place::new();
    let program = std::env::current_exe().unwrap();
    let mut writers: Vec<_> = (0..2)
        .map(|_| part(&program, "write 1", &place.file()).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    let mut seen = Ok(());
    let mut reads = 0;
    while reads < 500 && seen.is_ok() {
        match memory(&place.file()).recall(&at("a")) {
            Ok(Some(_)) => reads += 1,
            // Nobody has written yet.
            Ok(None) if reads == 0 => thread::sleep(millis(1)),
            Ok(None) => seen = Err("gone".to_owned()),
            Err(error) => seen = Err(format!("{error:?}")),
        }
    }
    for writer in &mut writers {
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    assert_eq!(seen, Ok(()));
    assert!(!place.broken().exists());
}

#[test]
fn connections_of_one_process_lose_no_word_of_each_other() {
    let place = Place::new();
    thread::scope(|scope| {
        for endpoint in ["a", "b", "c", "d"] {
            let file = place.file();
            scope.spawn(move || {
                let memory = memory(&file);
                for count in 1..=25 {
                    memory.remember(&at(endpoint), &Learned::new(secs(count))).unwrap();
                }
            });
        }
    });
    for endpoint in ["a", "b", "c", "d"] {
        assert_eq!(proven(&place.file(), endpoint), Ok(Some(secs(25))));
    }
}

/// Lets a user play a part whom permissions concern: root is none.
#[cfg(unix)]
fn as_somebody(place: &Place, what: &str, file: &Path) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let own = fs::metadata(&place.0).unwrap().uid();
    let mut program = std::env::current_exe().unwrap();
    let stage = Place::new();
    if own == 0 {
        // Where the program lies, others may not be let in.
        let copy = stage.0.join("program");
        fs::copy(&program, &copy).unwrap();
        for path in [&stage.0, &copy] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        program = copy;
        for path in
            fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path()).chain([place.0.clone()])
        {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut command = part(&program, what, file);
    if own == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && words.contains("1 passed"), "{words}{output:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_set_aside() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    remember(&place.file(), "a", &Learned::new(secs(68))).unwrap();
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o000)).unwrap();
    as_somebody(&place, "denied -", &place.file());
    assert_eq!(place.names(), ["memory.json", "memory.json.broken"]);
}

#[cfg(unix)]
#[test]
fn in_a_directory_that_may_not_be_written_all_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    remember(&place.file(), "a", &Learned::new(secs(68))).unwrap();
    fs::write(place.file().with_extension("broken.json"), "nonsense").unwrap();
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o555)).unwrap();
    as_somebody(&place, "unwritable -", &place.file());
    assert_eq!(place.names(), ["memory.broken.json", "memory.json"]);
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).unwrap();
}
