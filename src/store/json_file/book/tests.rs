//! The table and its text, whatever a file holds.

use proptest::prelude::*;

use super::*;
use crate::JsonFile;

const NOW: u64 = 1_800_000_000;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn path(network: usize, endpoint: usize) -> PathKey {
    PathKey::new(Some(&format!("network {network}")), format!("wss://host{endpoint}:443"))
}

fn known() -> Learned {
    Learned::new(secs(96)).failed(secs(115))
}

/// The longest lessons that are possible.
fn fullest() -> Learned {
    let year = secs(366 * 24 * 3600);
    let mut learned = Learned::new(year).failed(year);
    learned.ambiguous = true;
    learned.expiry = Some(Expiry::Silent);
    learned.drops = vec![year; 16];
    learned.recheck_in = Some(year);
    learned.rechecks_failed = u32::MAX;
    learned
}

#[test]
fn the_65th_network_displaces_the_one_seen_longest_ago() {
    let mut book = Book::new();
    for network in 0..64 {
        book.remember(&path(network, 0), &known(), NOW + network as u64);
    }
    book.remember(&path(0, 1), &known(), NOW + 100);
    book.remember(&path(64, 0), &known(), NOW + 101);
    let now = NOW + 101;
    let has = |network, endpoint| book.recall(&path(network, endpoint), now).is_some();
    let missing: Vec<_> = (0..=64).filter(|&network| !has(network, 0)).collect();
    assert_eq!(missing, [1]);
    assert!(has(0, 1), "seen lately by way of another endpoint");
}

#[test]
fn the_9th_endpoint_displaces_the_one_seen_longest_ago() {
    let mut book = Book::new();
    for endpoint in 0..=8 {
        book.remember(&path(0, endpoint), &known(), NOW);
    }
    let missing: Vec<_> =
        (0..=8).filter(|&endpoint| book.recall(&path(0, endpoint), NOW).is_none()).collect();
    assert_eq!(missing, [0]);
}

#[test]
fn the_fullest_book_is_short_enough_to_be_read() {
    let mut book = Book::new();
    for network in 0..70 {
        for endpoint in 0..10 {
            book.remember(&path(network, endpoint), &fullest(), u64::MAX);
        }
    }
    assert_eq!(book.paths.len(), NETWORKS * ENDPOINTS);
    let size = book.encode().len();
    assert!(size <= JsonFile::LONGEST, "{size}");
}

#[test]
fn a_clock_that_jumps_makes_nothing_older_than_it_is() {
    let mut book = Book::new();
    book.remember(&path(0, 0), &known(), NOW);
    let age = |book: &Book, now| book.recall(&path(0, 0), now).map(|recalled| recalled.age);
    assert_eq!(age(&book, NOW + 60), Some(secs(60)));
    assert_eq!(age(&book, NOW - 1_000_000), Some(Duration::ZERO));
    assert_eq!(age(&book, 0), Some(Duration::ZERO));
    // An entry from a wrong future gives way like all others.
    book.remember(&path(0, 0), &known(), u64::MAX);
    assert_eq!(age(&book, NOW), Some(Duration::ZERO));
    for endpoint in 1..=8 {
        book.remember(&path(0, endpoint), &known(), NOW);
    }
    assert_eq!(age(&book, NOW), None);
}

#[test]
fn lessons_that_cannot_be_true_are_not_recalled_and_not_kept() {
    let mut book = Book::new();
    book.remember(&path(0, 0), &known(), NOW);
    for nonsense in [
        |entry: &mut Entry| entry.proven = u64::MAX,
        |entry: &mut Entry| entry.failed = Some(1),
        |entry: &mut Entry| (entry.proven, entry.failed) = (0, None),
        |entry: &mut Entry| entry.drops = vec![1; 17],
    ] {
        let mut book = Book::decode(&book.encode()).unwrap();
        nonsense(&mut book.paths[0]);
        let mut book = Book::decode(&book.encode()).unwrap();
        assert_eq!(book.recall(&path(0, 0), NOW), None);
        book.remember(&path(1, 0), &known(), NOW);
        assert_eq!(book.paths.len(), 1);
    }
}

#[test]
fn a_newer_version_is_told_from_nonsense() {
    let text = |format: &str, version: u32| format!(r#"{{"format":"{format}","version":{version},"x":[]}}"#);
    assert!(matches!(Book::decode(text(FORMAT, 2).as_bytes()), Err(Unusable::Newer)));
    for (format, version) in [(FORMAT, 0), (FORMAT, 1), ("other", 1), ("other", 2)] {
        let read = Book::decode(text(format, version).as_bytes());
        assert!(matches!(read, Err(Unusable::Nonsense(_))), "{format} {version}");
    }
}

#[test]
fn two_files_hash_the_same_name_differently() {
    let (one, other) = (Book::new(), Book::new());
    assert_ne!(one.hash(b'n', "home"), other.hash(b'n', "home"));
    assert_ne!(one.hash(b'n', "home"), one.hash(b'e', "home"));
    // The hash of a file does not depend on who computes it.
    let pinned = Book { salt: "00".to_owned(), ..Book::new() };
    assert_eq!(pinned.hash(b'n', "home"), PINNED);
}

/// The first half of SHA-256 of `00nhome`.
const PINNED: &str = "bf1b7f07f87fcfb8926b1d98a2eed640";

fn any_learned() -> impl Strategy<Value = Learned> {
    let millis = |longest: u64| (0..=longest).prop_map(Duration::from_millis);
    let year = 366 * 24 * 3600 * 1000;
    let gaps = (millis(year), proptest::option::of(millis(year)), any::<bool>());
    let expiry = proptest::option::of(prop_oneof![Just(Expiry::Silent), Just(Expiry::Ended)]);
    let rest =
        (proptest::collection::vec(millis(year), 0..20), proptest::option::of(millis(year)), any::<u32>());
    (gaps, expiry, rest).prop_map(
        |((proven, failed, ambiguous), expiry, (drops, recheck_in, rechecks_failed))| {
            let mut learned = Learned::new(proven);
            (learned.failed, learned.ambiguous, learned.expiry) = (failed, ambiguous, expiry);
            (learned.drops, learned.recheck_in, learned.rechecks_failed) =
                (drops, recheck_in, rechecks_failed);
            learned
        },
    )
}

proptest! {
    #[test]
    fn stored_lessons_come_back_the_same(
        learned in any_learned(),
        network in proptest::option::of(".{0,40}"),
        endpoint in ".{0,40}",
        now: u64,
    ) {
        let path = PathKey::new(network.as_deref(), endpoint);
        let mut book = Book::new();
        book.remember(&path, &learned, now);
        let book = Book::decode(&book.encode()).unwrap();
        let expected = learned.check().is_ok().then(|| Recalled::new(learned, Duration::ZERO));
        prop_assert_eq!(book.recall(&path, now), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Book::decode(&bytes);
    }

    /// Bytes that are nearly right get further.
    #[test]
    fn no_damage_to_a_book_makes_it_panic(at in 0usize..2000, with: u8, cut in 0usize..2000, now: u64) {
        let mut book = Book::new();
        book.remember(&path(0, 0), &fullest(), NOW);
        book.remember(&path(1, 0), &known(), NOW);
        let mut bytes = book.encode();
        let length = bytes.len();
        bytes[at % length] = with;
        bytes.truncate(length - cut % length);
        if let Ok(mut book) = Book::decode(&bytes) {
            let _ = book.recall(&path(0, 0), now);
            book.remember(&path(2, 0), &known(), now);
            let _ = book.encode();
        }
    }
}
