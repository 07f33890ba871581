//! The lessons that outlive a connection: the idle timeouts of paths.
//!
//! A connection that has an [`IntervalStore`] begins where the last one
//! on the same path ended, and stores its lessons. [`InMemory`](crate::InMemory) is
//! shared by the connections of one process; `JsonFile` (feature `json-store`)
//! survives the process; a store of your own implements the trait.

pub(crate) mod in_memory;
#[cfg(feature = "json-store")]
pub(crate) mod json_file;

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::StoreFault;
use crate::keeper::{Learned, Recalled};

/// Keeps the lessons of connections about idle timeouts, by network and endpoint.
///
/// A connection asks once when it starts and once when the host names another
/// network. It stores each lesson: some ten times on a new path, then once a day.
/// The connection goes on meanwhile: a late answer is merged with the observations
/// made by then.
///
/// Calls come from tokio's blocking pool, one at a time for each connection,
/// in order; where several lessons wait for the same path, the last one counts.
/// A connection that is dropped leaves waiting lessons to the pool, so a
/// call should end soon: a runtime that shuts down waits for the call that
/// runs, and drops calls that have not begun. A panic is caught, counted and
/// told as [`StoreFault::Panicked`].
pub trait IntervalStore: Send + Sync + 'static {
    /// The lessons about `path`, and their age.
    ///
    /// # Errors
    ///
    /// A [`StoreError`], which is told as an event and otherwise ignored.
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError>;

    /// Stores `learned` for `path`, in place of earlier lessons. The lessons were
    /// confirmed just now: their age counts from this call.
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
    /// The host's name for the network; `None` where it gives none, and all
    /// networks count as one.
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

/// A store could not do its work.
///
/// Events tell the [`fault`](StoreError::fault) alone; the source goes to
/// the log, so it should hold no secret.
#[derive(Debug)]
pub struct StoreError {
    fault: StoreFault,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error with this fault.
    pub fn new(fault: StoreFault) -> StoreError {
        StoreError { fault, source: None }
    }

    /// The same, caused by `source`.
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { source: Some(source.into()), ..self }
    }

    /// The store could not be read.
    pub fn not_read(error: io::Error) -> StoreError {
        StoreError::new(StoreFault::NotRead(error.kind())).with_source(error)
    }

    /// The store could not be written.
    pub fn not_written(error: io::Error) -> StoreError {
        StoreError::new(StoreFault::NotWritten(error.kind())).with_source(error)
    }

    /// The fault.
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
