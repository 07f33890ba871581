//! One attempt to open a link.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::keeper::{Dialled, Purpose};
use crate::{Failure, LinkId};

/// One attempt to open a link: its number, its route and its purpose.
///
/// Clones are the same attempt: a report of one is a report of all.
#[derive(Clone, Debug)]
pub struct Attempt {
    link: LinkId,
    number: u32,
    route: usize,
    purpose: Purpose,
    last_failure: Option<Failure>,
    started: Instant,
    dialled: Arc<OnceLock<Dialled>>,
}

impl Attempt {
    pub(crate) fn new(
        link: LinkId,
        number: u32,
        route: usize,
        purpose: Purpose,
        last_failure: Option<Failure>,
    ) -> Attempt {
        Attempt {
            link,
            number,
            route,
            purpose,
            last_failure,
            started: Instant::now(),
            dialled: Arc::new(OnceLock::new()),
        }
    }

    /// An attempt apart from any connection: to try a transport by itself, as
    /// its tests do. Its number is `number`, from 1; the attempt before it failed with
    /// `last_failure`, if that is given.
    pub fn standalone(number: u32, last_failure: Option<Failure>) -> Attempt {
        Attempt::new(LinkId(u64::from(number)), number, 0, Purpose::Main, last_failure)
    }

    /// The same attempt, for another purpose.
    pub fn with_purpose(mut self, purpose: Purpose) -> Attempt {
        self.purpose = purpose;
        self
    }

    /// The id that the link will have.
    pub fn link_id(&self) -> LinkId {
        self.link
    }

    /// Counts consecutive attempts: 1 for the first after a link that had
    /// proved itself.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Which of the transport's [`routes`](crate::transport::Transport::routes) to take,
    /// from 0.
    pub fn route(&self) -> usize {
        self.route
    }

    /// The purpose of the link.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Why the attempt before this one failed, if it did: a 401 here says
    /// that the credentials must be new.
    pub fn last_failure(&self) -> Option<&Failure> {
        self.last_failure.as_ref()
    }

    /// Reports that the network path is there: TCP is connected, before TLS
    /// and before any login. Only the first call counts. Without it the whole
    /// attempt counts as the dial, which makes an idle timeout look like an
    /// outage where logins are slow.
    pub fn dialled(&self, local: Option<SocketAddr>) {
        let _ = self.dialled.set(Dialled::new(self.started.elapsed(), local.map(|address| address.ip())));
    }

    /// The report of [`Attempt::dialled`].
    pub fn dial_report(&self) -> Option<Dialled> {
        self.dialled.get().copied()
    }

    /// How long the attempt has run.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
