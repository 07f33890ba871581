//! A store that ends with the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{IntervalStore, PathKey, StoreError};
use crate::clock::Clock;
use crate::keeper::{Learned, Moment, Recalled};

/// Networks that are kept; beyond that the one that was stored longest ago goes.
pub(super) const NETWORKS: usize = 64;
/// Endpoints that are kept for one network.
pub(super) const ENDPOINTS: usize = 8;

/// Remembers for as long as the process lives. Clones are the same store:
/// give one to each connection that shall share it.
///
/// The store keeps 64 networks and 8 endpoints on each; beyond that the ones that
/// were stored longest ago go. Time asleep counts as time.
///
/// ```
/// use longlink::InMemory;
///
/// let store = InMemory::new();
/// // … ResilientConnection::builder(transport).interval_store(store.clone()) …
/// ```
#[derive(Clone)]
pub struct InMemory {
    shared: Arc<StoredIntervals>,
}

struct StoredIntervals {
    clock: Clock,
    networks: Mutex<BTreeMap<Option<String>, BTreeMap<String, StoredInterval>>>,
}

struct StoredInterval {
    learned: Learned,
    at: Moment,
}

impl InMemory {
    /// A store that knows nothing.
    pub fn new() -> InMemory {
        InMemory { shared: Arc::new(StoredIntervals { clock: Clock::new(), networks: Mutex::default() }) }
    }
}

impl Default for InMemory {
    fn default() -> InMemory {
        InMemory::new()
    }
}

impl StoredIntervals {
    fn networks(&self) -> MutexGuard<'_, BTreeMap<Option<String>, BTreeMap<String, StoredInterval>>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IntervalStore for InMemory {
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError> {
        let now = self.shared.clock.now();
        let networks = self.shared.networks();
        let kept = networks.get(&path.network).and_then(|endpoints| endpoints.get(&path.endpoint));
        Ok(kept.map(|kept| Recalled::new(kept.learned.clone(), now.since(kept.at))))
    }

    fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError> {
        let kept = StoredInterval { learned: learned.clone(), at: self.shared.clock.now() };
        let mut networks = self.shared.networks();
        let endpoints = networks.entry(path.network.clone()).or_default();
        endpoints.insert(path.endpoint.clone(), kept);
        let latest =
            |endpoints: &BTreeMap<String, StoredInterval>| endpoints.values().map(|kept| kept.at).max();
        if endpoints.len() > ENDPOINTS {
            remove_oldest(endpoints, |kept| Some(kept.at));
        }
        if networks.len() > NETWORKS {
            remove_oldest(&mut networks, latest);
        }
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }
}

fn remove_oldest<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, at: impl Fn(&V) -> Option<Moment>) {
    let oldest = map.iter().min_by_key(|(_, value)| at(value)).map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        map.remove(&oldest);
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").field("networks", &self.shared.networks().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn proven(memory: &InMemory, network: &str, endpoint: &str) -> Option<Duration> {
        let recalled = memory.recall(&PathKey::new(Some(network), endpoint)).unwrap();
        recalled.map(|recalled| recalled.learned.proven)
    }

    #[tokio::test(start_paused = true)]
    async fn clones_share_what_they_know_and_how_old_it_is() {
        let memory = InMemory::new();
        let path = PathKey::new(None, "a");
        memory.clone().remember(&path, &Learned::new(secs(58))).unwrap();
        tokio::time::advance(secs(60)).await;
        let known = Recalled::new(Learned::new(secs(58)), secs(60));
        assert_eq!(memory.recall(&path).unwrap(), Some(known));
        assert_eq!(memory.recall(&PathKey::new(Some("home"), "a")).unwrap(), None);
        assert_eq!(memory.recall(&PathKey::new(None, "b")).unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_more_than_64_networks_goes() {
        let memory = InMemory::new();
        for network in 0..64 {
            let path = PathKey::new(Some(&network.to_string()), "a");
            memory.remember(&path, &Learned::new(secs(58))).unwrap();
            tokio::time::advance(secs(1)).await;
        }
        memory.remember(&PathKey::new(Some("0"), "a"), &Learned::new(secs(68))).unwrap();
        tokio::time::advance(secs(1)).await;
        memory.remember(&PathKey::new(Some("64"), "a"), &Learned::new(secs(58))).unwrap();
        let known = (0..=64).filter(|network| proven(&memory, &network.to_string(), "a").is_some());
        assert_eq!(known.collect::<Vec<_>>(), (0..=64).filter(|&network| network != 1).collect::<Vec<_>>());
        assert_eq!(proven(&memory, "0", "a"), Some(secs(68)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_more_than_8_endpoints_goes() {
        let memory = InMemory::new();
        for endpoint in 0..=8 {
            let path = PathKey::new(Some("home"), endpoint.to_string());
            memory.remember(&path, &Learned::new(secs(58))).unwrap();
            tokio::time::advance(secs(1)).await;
        }
        let known = (0..=8).filter(|endpoint| proven(&memory, "home", &endpoint.to_string()).is_some());
        assert_eq!(known.collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    }
}
