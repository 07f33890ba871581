//! Files that cannot be used.

use std::fs;
use std::path::Path;

use super::{ASIDE, LEFT_ALONE, Place, known, memory, proven, remember};
use crate::support::{Log, secs};
use longlink::store::{IntervalStore, PathKey};
use longlink::testing::FaultyNet;
use longlink::{Event, JsonFile, ResilientConnection, State, StoreFault};

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
    let not_found = StoreFault::NotWritten(std::io::ErrorKind::NotFound);
    assert_eq!(remember(&file, "a", &known()), Err(not_found));
}

#[tokio::test(start_paused = true)]
async fn a_connection_tells_of_a_broken_file_and_goes_on() {
    let place = Place::new();
    fs::write(place.file(), "nonsense").unwrap();
    let net = FaultyNet::<String>::echo(7);
    let log = Log::default();
    let building = ResilientConnection::builder(net.transport()).seed(1);
    let connection =
        building.interval_store(memory(&place.file())).on_event(log.keep()).connect().await.unwrap();
    tokio::time::sleep(secs(60)).await;
    let told = |event: &Event| matches!(event, Event::StoreFailed { fault } if *fault == ASIDE);
    assert_eq!(log.count(told), 1, "{:?}", log.events());
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    let recalled = memory(&place.file()).recall(&PathKey::new(None, "faulty:")).unwrap();
    assert!(recalled.is_some_and(|recalled| recalled.learned.proven >= secs(27)));
}
