//! The real keeper as a client of the world.

use std::time::Duration;

use longlink::keeper::{Config, Dialled, Input, Moment, Opened, Output};
use longlink::testing::VirtualKeeper;
use longlink::{Beat, Event, Failure, KeeperStats, LinkEnd, LinkId, Token};

use super::client::{Act, Client, End, Link};

/// Translates, and decides nothing.
pub struct Longlink {
    keeper: VirtualKeeper,
    /// Who beats on its links.
    beat: Beat,
}

impl Longlink {
    pub fn new(config: Config, beat: Beat, seed: u64) -> Longlink {
        Longlink { keeper: VirtualKeeper::new(config, seed), beat }
    }

    /// Something happens to a link, if it is not gone.
    fn happens(&mut self, now: Duration, link: Link, what: impl FnOnce(&mut VirtualKeeper, LinkId)) {
        self.keeper.freeze_until(moment(now));
        if let Some(found) = self.keeper.links().iter().find(|found| found.link.get() == link) {
            let link = found.link;
            what(&mut self.keeper, link);
        }
    }
}

impl Client for Longlink {
    fn start(&mut self, now: Duration) {
        self.keeper.freeze_until(moment(now));
        self.keeper.tell(Input::Start);
    }

    fn opened(&mut self, link: Link, dial: Duration, took: Duration, now: Duration) {
        let opened = Opened::new(self.beat, Dialled::new(dial, None), took);
        self.happens(now, link, |keeper, link| keeper.tell(Input::Opened { link, opened }));
    }

    fn open_failed(&mut self, link: Link, now: Duration) {
        // A dial that is refused does not show that the path is there.
        self.happens(now, link, |keeper, link| {
            keeper.tell(Input::OpenFailed { link, failure: Failure::Refused, dialled: None });
        });
    }

    fn answered(&mut self, link: Link, token: u64, now: Duration) {
        self.happens(now, link, |keeper, link| keeper.answer(link, Some(Token(token))));
    }

    fn heard(&mut self, link: Link, now: Duration) {
        self.happens(now, link, |keeper, link| keeper.message(link));
    }

    fn ended(&mut self, link: Link, end: End, now: Duration) {
        let end = match end {
            End::Fin => LinkEnd::Eof,
            End::Rst => LinkEnd::Reset,
        };
        self.happens(now, link, |keeper, link| keeper.tell(Input::Ended { link, end }));
    }

    fn timeout(&mut self, now: Duration) {
        self.keeper.freeze_until(moment(now));
        self.keeper.tell(Input::Timeout);
    }

    fn poll_act(&mut self) -> Option<Act> {
        loop {
            return Some(match self.keeper.poll_output()? {
                Output::Open { link, .. } => Act::Open(link.get()),
                Output::Promote { link, .. } => Act::Use(link.get()),
                Output::Beat { link, token } => Act::Beat(link.get(), token.0),
                Output::Retire { link } => Act::Retire(link.get()),
                Output::Abandon { link } => Act::Abandon(link.get()),
                Output::Emit(Event::Disconnected { detection, .. }) => Act::Lost(detection.name()),
                Output::Emit(Event::IdleTimeoutShrank { .. }) => Act::Shrank,
                Output::Emit(_)
                | Output::Migrate { .. }
                | Output::AskRoute { .. }
                | Output::Recall { .. }
                | Output::Remember { .. } => continue,
                Output::Finish(_) => Act::Finish,
                other => panic!("an output that the world does not know: {other:?}"),
            });
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.keeper.deadline().map(|at| at.elapsed())
    }

    fn interval(&self, now: Duration) -> Duration {
        self.stats(now).interval
    }

    fn stats(&self, now: Duration) -> KeeperStats {
        self.keeper.keeper().stats(moment(now))
    }
}

fn moment(now: Duration) -> Moment {
    Moment::new(now, Duration::ZERO)
}
