//! The real keeper as a client of the fleet.

use std::io;
use std::time::Duration;

use longlink::keeper::{Config, Dialled, Input, Moment, Opened, Output, RouteFacts};
use longlink::testing::{VirtualKeeper, VirtualLink};
use longlink::{Beat, Failure, LinkEnd, NetworkStatus};

use crate::chance::Chance;
use crate::client::{Act, Client, End, What, Why, Wish};
use crate::service::{NEVER, Nanos, ROUND_TRIP, nanos};

/// Translates, and decides nothing.
pub struct Longlink(VirtualKeeper);

impl Longlink {
    pub fn new(config: Config, seed: u64) -> Longlink {
        Longlink(VirtualKeeper::new(config, seed))
    }

    /// The link in use or being opened: without scouts there is one at most.
    fn link(&self) -> Option<VirtualLink> {
        self.0.links().first().copied()
    }

    /// Does what the keeper says, as far as it is an act.
    fn drain(&mut self) -> Act {
        let mut act = Act::Nothing;
        while let Some(output) = self.0.poll_output() {
            match output {
                Output::Open { .. } => act = Act::Dial,
                Output::Beat { .. } => act = Act::Beat,
                Output::Abandon { .. } => act = Act::Drop,
                _ => {}
            }
        }
        act
    }
}

impl Client for Longlink {
    const LIVES: bool = true;

    /// The keeper has a deadline of its own.
    fn patience(&self) -> Nanos {
        NEVER
    }

    fn handle(&mut self, what: What, _: &mut Chance, now: Nanos) -> Wish {
        self.0.freeze_until(Moment::new(Duration::from_nanos(now), Duration::ZERO));
        let link = self.link();
        let keeper = &mut self.0;
        match (what, link) {
            (What::Started, _) => keeper.tell(Input::Start),
            (What::Due, _) => keeper.tell(Input::Timeout),
            (What::Offline, _) => keeper.tell(Input::Network(NetworkStatus::Offline)),
            (What::Online, _) => keeper.tell(Input::Network(NetworkStatus::Online)),
            (What::Opened, Some(VirtualLink { link, asked, .. })) => {
                let dialled = Dialled::new(Duration::from_nanos(ROUND_TRIP), None);
                let took = keeper.now().since(asked);
                keeper.tell(Input::Opened { link, opened: Opened::new(Beat::Ping, dialled, took) });
                // A server that greets, as all do that are logged in to.
                keeper.message(link);
            }
            (What::Failed(why), Some(VirtualLink { link, .. })) => {
                keeper.tell(Input::OpenFailed { link, failure: failure(why), dialled: None });
            }
            (What::Answered, Some(VirtualLink { link, token, .. })) => keeper.answer(link, token),
            (What::Lost(End::AddressGone), Some(VirtualLink { link, .. })) => {
                keeper.tell(Input::Route { link, facts: Some(RouteFacts::new(false, None)) });
            }
            (What::Lost(end), Some(VirtualLink { link, .. })) => {
                keeper.tell(Input::Ended { link, end: link_end(end) });
            }
            // Late words about a link that was dropped.
            (What::Opened | What::Failed(_) | What::Answered | What::Lost(_), None) => {}
        }
        let act = self.drain();
        let due = self.0.deadline().map_or(NEVER, |due| nanos(due.elapsed()));
        Wish { act, due }
    }
}

fn failure(why: Why) -> Failure {
    match why {
        Why::Refused => Failure::Refused,
        Why::Reset => Failure::Ended(LinkEnd::Reset),
        Why::Unreachable => Failure::Unreachable,
        Why::TimedOut => Failure::TimedOut,
    }
}

fn link_end(end: End) -> LinkEnd {
    match end {
        End::Fin => LinkEnd::Eof,
        End::Rst => LinkEnd::Reset,
        End::Close(code) => LinkEnd::closed(Some(code), ""),
        End::AddressGone | End::Error => LinkEnd::from_io(&io::ErrorKind::NetworkUnreachable.into()),
    }
}
