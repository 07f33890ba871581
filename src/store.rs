//! What outlives a connection: the idle timeouts that it learned.
//!
//! A connection that is given an [`IntervalStore`] begins where the last one
//! on the same path ended, and tells it what it learns. [`InMemory`](crate::InMemory) is
//! shared by the connections of one process; `JsonFile` (feature `json-store`)
//! survives it; a memory of your own implements the trait.

pub(crate) mod in_memory;
#[cfg(feature = "json-store")]
pub(crate) mod json_file;

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::StoreFault;
use crate::keeper::{Learned, Recalled};

/// Keeps what connections learn of idle timeouts, by network and endpoint.
///
/// A connection asks once when it starts and once when the host names another
/// network, and tells when it has learned something: some ten times on a new
/// path, then once a day. It goes on meanwhile: what comes late is merged
/// with what was observed by then.
///
/// Calls come from tokio's blocking pool, one at a time for each connection,
/// in order; where several words wait for the same path, the last one counts.
/// A connection that is dropped leaves the words that wait to the pool, so a
/// call should end soon: a runtime that shuts down waits for the one that
/// runs, and drops those that have not begun. A panic is caught, counted and
/// told as [`StoreFault::Panicked`].
pub trait IntervalStore: Send + Sync + 'static {
    /// What is known of `path`, and how old that is.
    ///
    /// # Errors
    ///
    /// A [`StoreError`], which is told as an event and else ignored.
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError>;

    /// Keeps `learned` for `path`, in place of what was known. It was
    /// confirmed just now.
    ///
    /// # Errors
    ///
    /// As for [`recall`](IntervalStore::recall).
    fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError>;

    /// Whether calls may take longer than some microseconds. If not, they
    /// come from the connection's own task. Default: true.
    fn blocks(&self) -> bool {
        true
    }
}

impl<M: IntervalStore + ?Sized> IntervalStore for Arc<M> {
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError> {
        (**self).recall(path)
    }

    fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError> {
        (**self).remember(path, learned)
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }
}

impl<M: IntervalStore + ?Sized> IntervalStore for Box<M> {
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError> {
        (**self).recall(path)
    }

    fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError> {
        (**self).remember(path, learned)
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }
}

/// Names a path whose idle timeout can be learned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct PathKey {
    /// What the host calls the network; `None` where it names none, and all
    /// networks are one.
    pub network: Option<String>,
    /// Where the transport connects to, without credentials.
    pub endpoint: String,
}

impl PathKey {
    /// The path to `endpoint` from `network`.
    pub fn new(network: Option<&str>, endpoint: impl Into<String>) -> PathKey {
        PathKey { network: network.map(str::to_owned), endpoint: endpoint.into() }
    }
}

/// A memory could not do what it was asked.
///
/// Events tell the [`fault`](StoreError::fault) alone; the source goes to
/// the log, so it should hold no secret.
#[derive(Debug)]
pub struct StoreError {
    fault: StoreFault,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// This went wrong.
    pub fn new(fault: StoreFault) -> StoreError {
        StoreError { fault, source: None }
    }

    /// It went wrong because of `source`.
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { source: Some(source.into()), ..self }
    }

    /// It could not be read.
    pub fn not_read(error: io::Error) -> StoreError {
        StoreError::new(StoreFault::NotRead(error.kind())).with_source(error)
    }

    /// It could not be written.
    pub fn not_written(error: io::Error) -> StoreError {
        StoreError::new(StoreFault::NotWritten(error.kind())).with_source(error)
    }

    /// What went wrong.
    pub fn fault(&self) -> StoreFault {
        self.fault
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory {}", self.fault)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
