//! The real keeper as a client of the fleet.

use std::io;
use std::time::Duration;

use longlink::keeper::{
    Beat, Config, Dialled, Failure, Input, Keeper, LinkEnd, LinkId, Messages, Moment, NetworkStatus, Opened,
    Output, RouteFacts, Token,
};

use crate::chance::Chance;
use crate::client::{Act, Client, End, What, Why, Wish};
use crate::service::{NEVER, Nanos, ROUND_TRIP, nanos};

/// Translates, and decides nothing.
pub struct Longlink {
    keeper: Keeper,
    /// The link in use or being opened: without scouts there is one at most.
    link: Option<LinkId>,
    /// The beat that was sent last.
    token: Option<Token>,
    /// When the attempt under way began.
    dialled: Nanos,
}

impl Longlink {
    pub fn new(config: Config, seed: u64) -> Longlink {
        let keeper = Keeper::new(config, seed, Moment::ORIGIN);
        Longlink { keeper, link: None, token: None, dialled: 0 }
    }

    /// Does what the keeper says, as far as it is an act.
    fn drain(&mut self, now: Nanos) -> Act {
        let mut act = Act::Nothing;
        while let Some(output) = self.keeper.poll_output() {
            match output {
                Output::Open { link, .. } => {
                    (self.link, self.dialled) = (Some(link), now);
                    act = Act::Dial;
                }
                Output::Beat { token, .. } => {
                    self.token = Some(token);
                    act = Act::Beat;
                }
                Output::Abandon { link } if self.link == Some(link) => {
                    self.link = None;
                    act = Act::Drop;
                }
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
        let at = moment(now);
        let keeper = &mut self.keeper;
        match (what, self.link) {
            (What::Started, _) => keeper.handle(Input::Start, at),
            (What::Due, _) => keeper.handle(Input::Timeout, at),
            (What::Offline, _) => keeper.handle(Input::Network(NetworkStatus::Offline), at),
            (What::Online, _) => keeper.handle(Input::Network(NetworkStatus::Online), at),
            (What::Opened, Some(link)) => {
                let dialled = Dialled::new(Duration::from_nanos(ROUND_TRIP), None);
                let took = Duration::from_nanos(now - self.dialled);
                keeper.handle(Input::Opened { link, opened: Opened::new(Beat::Ping, dialled, took) }, at);
                // A server that greets, as all do that are logged in to.
                keeper.handle(Input::Read { link, messages: Messages::BeforeAnswers, answers: &[] }, at);
            }
            (What::Failed(why), Some(link)) => {
                self.link = None;
                keeper.handle(Input::OpenFailed { link, failure: failure(why), dialled: None }, at);
            }
            (What::Answered, Some(link)) => {
                keeper.handle(Input::Read { link, messages: Messages::None, answers: &[self.token] }, at)
            }
            (What::Lost(End::AddressGone), Some(link)) => {
                keeper.handle(Input::Route { link, facts: Some(RouteFacts::new(false, None)) }, at);
            }
            (What::Lost(end), Some(link)) => {
                self.link = None;
                keeper.handle(Input::Ended { link, end: link_end(end) }, at);
            }
            // Late words about a link that was dropped.
            (What::Opened | What::Failed(_) | What::Answered | What::Lost(_), None) => {}
        }
        let act = self.drain(now);
        let due = self.keeper.poll_timeout().map_or(NEVER, |due| nanos(due.elapsed()));
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

fn moment(now: Nanos) -> Moment {
    Moment::new(Duration::from_nanos(now), Duration::ZERO)
}
