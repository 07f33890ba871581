//! Why an attempt failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::Failure;

/// Why an attempt to open a link failed: the [`Failure`] decides what happens
/// next, the source has the details. Neither may hold credentials.
#[derive(Debug)]
pub struct ConnectError {
    failure: Failure,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ConnectError {
    /// An error whose `failure` says it all.
    pub fn new(failure: Failure) -> ConnectError {
        ConnectError { failure, source: None }
    }

    /// An error with its underlying cause.
    pub fn with_source(failure: Failure, source: impl Into<Box<dyn StdError + Send + Sync>>) -> ConnectError {
        ConnectError { failure, source: Some(source.into()) }
    }

    /// The failure.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> ConnectError {
        ConnectError::with_source(Failure::from_io(&error), error)
    }
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> ConnectError {
        ConnectError::new(failure)
    }
}
