//! The content of the file: a pure table, and its text.

#[cfg(test)]
mod tests;

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

/// The mark by which the file is recognised.
const FORMAT: &str = "longlink intervals";
const VERSION: u32 = 1;

/// All lessons in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Book {
    format: String,
    version: u32,
    /// Chosen at random for each file, so that the hashes of two files cannot
    /// be compared, nor looked up in a table.
    salt: String,
    paths: Vec<Entry>,
}

/// The beginning of the file in every version of the format.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// The lessons about one path. Durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Hash of the network's name; none where it has none.
    network: Option<String>,
    /// Hash of the endpoint.
    endpoint: String,
    /// When the lessons were stored, in seconds since 1970.
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

    /// The lessons about `path`, if they can be true.
    pub(super) fn recall(&self, path: &PathKey, now: u64) -> Option<Recalled> {
        let (network, endpoint) = self.hashes(path);
        let entry = self.paths.iter().find(|entry| entry.network == network && entry.endpoint == endpoint)?;
        let learned = entry.learned();
        learned.check().ok()?;
        // A time in the future counts as now.
        Some(Recalled::new(learned, Duration::from_secs(now.saturating_sub(entry.seen))))
    }

    /// Keeps `learned` for `path`, stored at `now`. Removes the oldest endpoint or
    /// network where there are too many.
    pub(super) fn remember(&mut self, path: &PathKey, learned: &Learned, now: u64) {
        let (network, endpoint) = self.hashes(path);
        let entry = Entry::new(network, endpoint, learned, now);
        // Entries that make no sense go, too.
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
        // Of several entries from the same second, the first.
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

    /// A name's salted hash: half of SHA-256. Its result is the same in
    /// every version of every program, unlike that of the standard library's
    /// hasher, and even someone who knows the salt cannot turn it round.
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
