//! Lessons about the path, and the store that keeps them.

use std::time::Duration;

use super::Keeper;
use crate::keeper::event::Event;
use crate::keeper::moment::Moment;
use crate::keeper::output::Output;
use crate::keeper::path::{Lesson, Observation, Recalled, Remember};
use crate::keeper::schedule::NetworkBelief;

impl Keeper {
    /// Learns from an observation, unless the network is gone. True if the
    /// observation was taken for idle expiry.
    pub(super) fn learn(&mut self, observation: Observation, now: Moment) -> bool {
        if self.schedule.is_cut_off() {
            return false;
        }
        let learning = self.path.learn(observation, now);
        match learning.lesson {
            Some(Lesson::Learned { proven, failed }) => {
                self.emit(Event::IdleTimeoutLearned { proven, failed });
            }
            Some(Lesson::Shrank { failed }) => self.emit(Event::IdleTimeoutShrank { failed }),
            None => {}
        }
        self.remember(learning.remember);
        learning.is_expiry
    }

    /// The link in use has survived a gap, on a network that no report speaks
    /// against.
    pub(super) fn main_survived(&mut self, gap: Duration) {
        if self.schedule.news.network() == NetworkBelief::There {
            self.path.scouting.main_survived(gap);
        }
    }

    /// Asks the store to keep lessons.
    pub(super) fn remember(&mut self, remember: Option<Remember>) {
        if let Some(Remember { network, learned }) = remember {
            self.outputs.push_back(Output::Remember { network, route: 0, learned });
        }
    }

    /// Asks the store for lessons about the present network.
    pub(super) fn recall(&mut self) {
        if self.path.wants_memory() {
            let network = self.path.network().cloned();
            self.outputs.push_back(Output::Recall { network, route: 0 });
        }
    }

    pub(super) fn recalled(&mut self, network: Option<&str>, recalled: Option<Recalled>, now: Moment) {
        let here = self.path.network().map(|network| &**network) == network;
        if let Some(recalled) = recalled.filter(|_| here && !self.schedule.is_over()) {
            self.take_back(&recalled, now);
        }
    }

    pub(super) fn take_back(&mut self, recalled: &Recalled, now: Moment) {
        if let Some(known) = self.path.take_back(recalled, now) {
            let (proven, failed, age) = (known.proven, known.failed, known.age);
            self.emit(Event::IdleTimeoutRecalled { proven, failed, age });
        }
    }
}
