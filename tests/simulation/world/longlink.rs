//! The real keeper as a client of the world.

use std::time::Duration;

use longlink::keeper::{
    Beat, Config, Dialled, Event, Failure, Figures, Input, Keeper, LinkEnd, LinkId, Messages, Moment, Opened,
    Output, Token,
};

use super::client::{Act, Client, End, Link};

/// Translates, and decides nothing.
pub struct Longlink {
    keeper: Keeper,
    /// What its links say of their beats.
    beat: Beat,
    /// The links that are not gone yet.
    links: Vec<LinkId>,
    /// The user's.
    main: Option<LinkId>,
}

impl Longlink {
    pub fn new(config: Config, beat: Beat, seed: u64) -> Longlink {
        Longlink { keeper: Keeper::new(config, seed, Moment::ORIGIN), beat, links: Vec::new(), main: None }
    }

    fn id(&self, link: Link) -> Option<LinkId> {
        self.links.iter().copied().find(|id| id.get() == link)
    }

    fn remove(&mut self, link: Link) -> Option<LinkId> {
        let at = self.links.iter().position(|id| id.get() == link)?;
        Some(self.links.swap_remove(at))
    }
}

impl Client for Longlink {
    fn start(&mut self, now: Duration) {
        self.keeper.handle(Input::Start, moment(now));
    }

    fn opened(&mut self, link: Link, dial: Duration, took: Duration, now: Duration) {
        if let Some(id) = self.id(link) {
            let dialled = Dialled::new(dial, None);
            self.keeper.handle(
                Input::Opened { link: id, opened: Opened::new(self.beat, dialled, took) },
                moment(now),
            );
        }
    }

    fn open_failed(&mut self, link: Link, now: Duration) {
        if let Some(id) = self.remove(link) {
            // A dial that is refused does not show that the path is there.
            self.keeper.handle(
                Input::OpenFailed { link: id, failure: Failure::Refused, dialled: None },
                moment(now),
            );
        }
    }

    fn answered(&mut self, link: Link, token: u64, now: Duration) {
        if let Some(id) = self.id(link) {
            // As the driver does it: of the link in use it is first reported
            // that something came in, and then what it was.
            if self.main == Some(id) {
                self.keeper
                    .handle(Input::Read { link: id, messages: Messages::None, answers: &[] }, moment(now));
            }
            self.keeper.handle(
                Input::Read { link: id, messages: Messages::None, answers: &[Some(Token(token))] },
                moment(now),
            );
        }
    }

    fn heard(&mut self, link: Link, now: Duration) {
        if let Some(id) = self.id(link) {
            match self.main == Some(id) {
                true => self.keeper.handle(
                    Input::Read { link: id, messages: Messages::BeforeAnswers, answers: &[] },
                    moment(now),
                ),
                false => self
                    .keeper
                    .handle(Input::Read { link: id, messages: Messages::None, answers: &[] }, moment(now)),
            }
        }
    }

    fn ended(&mut self, link: Link, end: End, now: Duration) {
        if let Some(id) = self.remove(link) {
            let end = match end {
                End::Fin => LinkEnd::Eof,
                End::Rst => LinkEnd::Reset,
            };
            self.keeper.handle(Input::Ended { link: id, end }, moment(now));
        }
    }

    fn timeout(&mut self, now: Duration) {
        self.keeper.handle(Input::Timeout, moment(now));
    }

    fn poll_act(&mut self) -> Option<Act> {
        loop {
            return Some(match self.keeper.poll_output()? {
                Output::Open { link, .. } => {
                    self.links.push(link);
                    Act::Open(link.get())
                }
                Output::Promote { link, .. } => {
                    self.main = Some(link);
                    Act::Use(link.get())
                }
                Output::Beat { link, token } => Act::Beat(link.get(), token.0),
                Output::Retire { link } => Act::Retire(link.get()),
                Output::Abandon { link } => {
                    self.remove(link.get());
                    Act::Abandon(link.get())
                }
                Output::Emit(Event::Disconnected { seen, .. }) => Act::Lost(seen.name()),
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
        self.keeper.poll_timeout().map(|at| at.elapsed())
    }

    fn interval(&self, now: Duration) -> Duration {
        self.figures(now).interval
    }

    fn figures(&self, now: Duration) -> Figures {
        self.keeper.figures(moment(now))
    }
}

fn moment(now: Duration) -> Moment {
    Moment::new(now, Duration::ZERO)
}
