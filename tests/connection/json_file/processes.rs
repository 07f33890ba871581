//! Several processes at once, and kills: each of them is this program again,
//! which plays a part.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use super::{ASIDE, LEFT_ALONE, Place, at, known, memory, proven, remember};
use crate::support::{millis, secs};
use longlink::StoreFault;
use longlink::keeper::Learned;
use longlink::store::IntervalStore;

/// Which part, and with which file.
const PART: &str = "LONGLINK_MEMORY_PART";
const FILE: &str = "LONGLINK_MEMORY_FILE";

fn part(program: &Path, part: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args([
        "--exact",
        "json_file::processes::plays_a_part",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
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
            let denied = StoreFault::NotWritten(std::io::ErrorKind::PermissionDenied);
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

    // A later run sweeps the files that kills left beside.
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
