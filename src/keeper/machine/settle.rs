//! Everything that follows from the state, derived in one place after each input.
//!
//! An input (a byte came in, the network went, a gap was learned) changes just the
//! state that it speaks of. Everything that depends on that state is brought up to
//! date here: so no input can forget a part, and none has to know the order.

use std::time::Duration;

use super::Keeper;
use crate::keeper::activity::Activity;
use crate::keeper::event::Event;
use crate::keeper::link::Pace;
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::Output;
use crate::keeper::schedule::{NetworkBelief, OFFLINE_RHYTHM, Phase};
use crate::keeper::state::Finish;

/// The values that were derived last, and their basis.
#[derive(Debug)]
pub(super) struct Settled {
    basis: Option<Basis>,
    /// The count of lessons when the interval was last derived.
    lessons: u32,
    /// The interval that was told last.
    interval: Duration,
    /// Something else than idleness has happened: live scouts would
    /// meet with it.
    pub(super) scouts_disturbed: bool,
}

/// Everything that a pace depends on. As long as the basis stays the same, so does
/// the pace: a lesson in between counts from the next silence on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Basis {
    books: u32,
    network: NetworkBelief,
    calm: bool,
    link: Option<LinkBasis>,
}

/// The part of the basis that belongs to the link in use: each row of beats that
/// ends, and each silence that stops or starts to be evidence.
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
    /// Derives everything that follows from the state.
    pub(super) fn settle(&mut self, now: Moment) {
        if matches!(self.schedule.phase, Phase::Finished(_)) {
            // The keeper is done.
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
        // No gap is tried while somebody looks, nor on a network that the host
        // says is gone.
        let calm = network == NetworkBelief::Doubted || self.activity == Some(Activity::Foreground);
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
        // The end of a spoiled silence teaches nothing: a try that costs the
        // link there would be made again on the next one, for ever.
        let pace = match main.watch.is_spoiled() {
            true => books.pace_without_tries(&mut self.dice, now)?,
            false => books.pace(&mut self.dice, now)?,
        };
        let minute = self.config.heartbeat.unit(OFFLINE_RHYTHM);
        Some(match self.schedule.news.network() {
            NetworkBelief::There => pace,
            NetworkBelief::Gone => Pace { after: minute, is_try: false },
            // The path works, and may have the same timeout as before.
            NetworkBelief::Doubted => Pace { after: pace.after.min(minute), is_try: false },
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

    /// Asks the peer to speak first at the end of a gap that is tried, where it
    /// can be asked. The first request comes after the shortest gap of all, which
    /// shows whether the peer does what it is asked.
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
