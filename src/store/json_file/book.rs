//! What is in the file: a pure table, and its text.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::keeper::{Expiry, Learned, Recalled};
use crate::store::PathKey;
use crate::store::in_memory::{ENDPOINTS, NETWORKS};

/// How the file is recognised.
const FORMAT: &str = "longlink intervals";
const VERSION: u32 = 1;

/// All that is remembered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Book {
    format: String,
    version: u32,
    /// Chosen at random for each file, so that the hashes of two files cannot
    /// be compared, nor looked up in a table.
    salt: String,
    paths: Vec<Entry>,
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// What is known of one path. Durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Hash of the network's name; none where it has none.
    network: Option<String>,
    /// Hash of the endpoint.
    endpoint: String,
    /// When it was told, in seconds since 1970.
    seen: u64,
    proven: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    ambiguous: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry: Option<Expires>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drops: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recheck_in: Option<u64>,
    #[serde(default)]
    rechecks_failed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expires {
    Silent,
    Ended,
}

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Unusable {
    /// A newer version of the format.
    Newer,
    Nonsense(Box<dyn std::error::Error + Send + Sync>),
}

impl Book {
    /// An empty one, with a salt of its own.
    pub(super) fn new() -> Book {
        Book { format: FORMAT.to_owned(), version: VERSION, salt: random_salt(), paths: Vec::new() }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Book, Unusable> {
        let nonsense = |error: serde_json::Error| Unusable::Nonsense(error.into());
        let header: Header = serde_json::from_slice(bytes).map_err(nonsense)?;
        if header.format != FORMAT || header.version == 0 {
            return Err(Unusable::Nonsense("another format".into()));
        }
        if header.version > VERSION {
            return Err(Unusable::Newer);
        }
        serde_json::from_slice(bytes).map_err(nonsense)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("text, numbers and lists can be written");
        bytes.push(b'\n');
        bytes
    }

    /// What is known of `path`, if that can be true.
    pub(super) fn recall(&self, path: &PathKey, now: u64) -> Option<Recalled> {
        let (network, endpoint) = self.hashes(path);
        let entry = self.paths.iter().find(|entry| entry.network == network && entry.endpoint == endpoint)?;
        let learned = entry.learned();
        learned.check().ok()?;
        // A time in the future counts as now.
        Some(Recalled::new(learned, Duration::from_secs(now.saturating_sub(entry.seen))))
    }

    /// Keeps `learned` for `path`, told at `now`, and lets the oldest go
    /// where there is too much.
    pub(super) fn remember(&mut self, path: &PathKey, learned: &Learned, now: u64) {
        let (network, endpoint) = self.hashes(path);
        let entry = Entry::new(network, endpoint, learned, now);
        // What makes no sense goes, too.
        self.paths.retain(|kept| !kept.is_for(&entry) && kept.learned().check().is_ok());
        let own = self.paths.iter().filter(|kept| kept.network == entry.network);
        if own.count() >= ENDPOINTS {
            self.forget_oldest(now, |kept| kept.network == entry.network);
        }
        self.paths.push(entry);
        self.forget_old_networks(now);
    }

    fn forget_oldest(&mut self, now: u64, among: impl Fn(&Entry) -> bool) {
        let candidates = self.paths.iter().enumerate().filter(|(_, kept)| among(kept));
        // Of several that were told in the same second, the first.
        let oldest = candidates.min_by_key(|(_, kept)| kept.seen.min(now)).map(|(at, _)| at);
        if let Some(oldest) = oldest {
            self.paths.remove(oldest);
        }
    }

    fn forget_old_networks(&mut self, now: u64) {
        loop {
            let mut latest: BTreeMap<Option<&str>, (u64, usize)> = BTreeMap::new();
            for (at, kept) in self.paths.iter().enumerate() {
                let of_network = latest.entry(kept.network.as_deref()).or_default();
                *of_network = (*of_network).max((kept.seen.min(now), at));
            }
            if latest.len() <= NETWORKS {
                return;
            }
            let oldest = latest.into_iter().min_by_key(|(_, latest)| *latest);
            let Some(oldest) = oldest.map(|(network, _)| network.map(str::to_owned)) else { return };
            self.paths.retain(|kept| kept.network != oldest);
        }
    }

    fn hashes(&self, path: &PathKey) -> (Option<String>, String) {
        let network = path.network.as_deref().map(|name| self.hash(b'n', name));
        (network, self.hash(b'e', &path.endpoint))
    }

    /// A name's salted hash: half of SHA-256, whose result is the same in
    /// every version of every program, as that of the standard library's
    /// hasher is not, and which cannot be turned round by whoever knows the
    /// salt.
    fn hash(&self, kind: u8, name: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.as_bytes());
        hasher.update([kind]);
        hasher.update(name.as_bytes());
        hex(&hasher.finalize()[..16])
    }
}

impl Entry {
    fn new(network: Option<String>, endpoint: String, learned: &Learned, now: u64) -> Entry {
        Entry {
            network,
            endpoint,
            seen: now,
            proven: millis(learned.proven),
            failed: learned.failed.map(millis),
            ambiguous: learned.ambiguous,
            expiry: learned.expiry.map(|expiry| match expiry {
                Expiry::Silent => Expires::Silent,
                Expiry::Ended => Expires::Ended,
            }),
            drops: learned.drops.iter().copied().map(millis).collect(),
            recheck_in: learned.recheck_in.map(millis),
            rechecks_failed: learned.rechecks_failed,
        }
    }

    fn is_for(&self, other: &Entry) -> bool {
        self.network == other.network && self.endpoint == other.endpoint
    }

    fn learned(&self) -> Learned {
        let mut learned = Learned::new(Duration::from_millis(self.proven));
        learned.failed = self.failed.map(Duration::from_millis);
        learned.ambiguous = self.ambiguous;
        learned.expiry = self.expiry.map(|expires| match expires {
            Expires::Silent => Expiry::Silent,
            Expires::Ended => Expiry::Ended,
        });
        learned.drops = self.drops.iter().copied().map(Duration::from_millis).collect();
        learned.recheck_in = self.recheck_in.map(Duration::from_millis);
        learned.rechecks_failed = self.rechecks_failed;
        learned
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A salt need not be secret, only another for each file: the standard
/// library's hasher keys, which the system chose at random, are enough.
fn random_salt() -> String {
    let random = || RandomState::new().hash_one(0u8).to_le_bytes();
    hex(&[random(), random()].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
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

    /// All there is to know, as long as it can be.
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
        // What was told in a wrong future gives way like all else.
        book.remember(&path(0, 0), &known(), u64::MAX);
        assert_eq!(age(&book, NOW), Some(Duration::ZERO));
        for endpoint in 1..=8 {
            book.remember(&path(0, endpoint), &known(), NOW);
        }
        assert_eq!(age(&book, NOW), None);
    }

    #[test]
    fn what_cannot_be_true_is_not_recalled_and_not_kept() {
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
        let text =
            |format: &str, version: u32| format!(r#"{{"format":"{format}","version":{version},"x":[]}}"#);
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
        let rest = (
            proptest::collection::vec(millis(year), 0..20),
            proptest::option::of(millis(year)),
            any::<u32>(),
        );
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
        fn what_is_kept_comes_back_the_same(
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
}
