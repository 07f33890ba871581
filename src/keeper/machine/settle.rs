//! What follows from what is known, derived in one place after each input.
//!
//! Whoever changes something (a byte came in, the network went, a gap was
//! learned) changes just that. Here all that depends on it is brought up to
//! date: so no input can forget a part of it, and none has to know the order.

use std::time::Duration;

use super::Keeper;
use crate::keeper::activity::Activity;
use crate::keeper::event::Event;
use crate::keeper::link::Pace;
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::Output;
use crate::keeper::schedule::{Network, OFFLINE_RHYTHM, Phase};
use crate::keeper::state::Finish;

/// What was derived last, and from what.
#[derive(Debug)]
pub(super) struct Settled {
    basis: Option<Basis>,
    /// What had been learned when the interval was last looked at.
    lessons: u32,
    /// The interval that was told last.
    interval: Duration,
    /// Something has happened that is not idleness: scouts that are out would
    /// meet with it.
    pub(super) scouts_disturbed: bool,
}

/// All that asks for a new pace. As long as this stays the same, so does the
/// pace: what was learned meanwhile counts from the next silence on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Basis {
    books: u32,
    network: Network,
    calm: bool,
    link: Option<LinkBasis>,
}

/// What of that is the link's in use: each row of beats that ends, and each
/// silence that becomes worthless as evidence, or is followed by one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LinkBasis {
    link: LinkId,
    answers: u32,
    spoiled: bool,
}

impl Settled {
    pub(super) fn new(interval: Option<Duration>) -> Settled {
        Settled { basis: None, lessons: 0, interval: interval.unwrap_or_default(), scouts_disturbed: false }
    }
}

impl Keeper {
    /// Derives all that follows from what is known.
    pub(super) fn settle(&mut self, now: Moment) {
        if matches!(self.schedule.phase, Phase::Finished(_)) {
            // The last word was said.
            return;
        }
        self.void_disturbed_scouts(now);
        let basis = self.basis();
        if self.settled.basis != Some(basis) {
            self.path.set_calm(basis.calm);
            self.renew_pace(now);
            self.ask_peer_to_speak(now);
        }
        let lessons = self.path.lessons();
        if self.settled.basis != Some(basis) || self.settled.lessons != lessons {
            self.tell_interval(now);
        }
        self.settled.basis = Some(basis);
        self.settled.lessons = lessons;
        self.plan_scouts(now);
        if matches!(self.schedule.phase, Phase::Closing) && self.links.is_empty() {
            self.emit(Event::Closed);
            self.finish(Finish::Closed);
        }
    }

    fn basis(&self) -> Basis {
        let network = self.schedule.news.network();
        let link = self.links.main().map(|(link, main)| LinkBasis {
            link,
            answers: main.watch.answers(),
            spoiled: main.watch.is_spoiled(),
        });
        // Nothing is tried where somebody looks, nor on a network that the host
        // says is gone.
        let calm = network == Network::Doubted || self.activity == Some(Activity::Foreground);
        Basis { books: self.path.renewals(), network, calm, link }
    }

    fn renew_pace(&mut self, now: Moment) {
        let pace = self.next_pace(now);
        if let Some((_, main)) = self.links.main_mut() {
            main.watch.set_pace(pace, now);
        }
    }

    fn next_pace(&mut self, now: Moment) -> Option<Pace> {
        let (_, main) = self.links.main()?;
        let books = self.path.books();
        // What ends a silence that is spoiled teaches nothing: a try that costs
        // the link there is made again on the next, and so for ever.
        let pace = match main.watch.is_spoiled() {
            true => books.pace_without_tries(&mut self.dice, now)?,
            false => books.pace(&mut self.dice, now)?,
        };
        let minute = self.config.heartbeat.unit(OFFLINE_RHYTHM);
        Some(match self.schedule.news.network() {
            Network::There => pace,
            Network::Gone => Pace { after: minute, is_try: false },
            // The path works, and may have the timeout that it had.
            Network::Doubted => Pace { after: pace.after.min(minute), is_try: false },
        })
    }

    fn tell_interval(&mut self, now: Moment) {
        let books = self.path.books();
        let (interval, proven) = (books.interval(now).unwrap_or_default(), books.proven());
        if interval != self.settled.interval {
            self.settled.interval = interval;
            self.emit(Event::IntervalChanged { interval, proven });
        }
    }

    /// Has the peer speak first at the end of a gap that is tried, where it
    /// can be asked to. At first after the shortest gap of all, which shows
    /// whether it does what it is asked.
    fn ask_peer_to_speak(&mut self, now: Moment) {
        let Some((link, main)) = self.links.main_mut() else { return };
        if !main.replies.are_possible() {
            return;
        }
        let Some(gap) = main.watch.may_request() else { return };
        let least = self.config.heartbeat.min;
        let silence = if self.path.peer_replies { gap } else { gap.min(least) };
        main.watch.request(silence, now);
        self.tally.beats_sent += 1;
        self.outputs.push_back(Output::AskAfter { link, silence });
    }
}
