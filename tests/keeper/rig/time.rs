//! How time passes: each timer is handled at its own instant.

use std::time::Duration;

use longlink::keeper::{Output, PathFacts};
use longlink::{Event, Failure};

use super::{RTT, Rig};

impl Rig {
    /// Lets this much time pass, each timer handled at its own instant.
    pub fn pass(&mut self, time: Duration) {
        let end = self.keeper.now() + time;
        self.play_server();
        while self.keeper.to_deadline_by(end) {
            self.drain();
            self.play_server();
        }
    }

    /// Answers beats and refuses attempts in the instant that they come,
    /// where the test wants that.
    pub(super) fn play_server(&mut self) {
        if self.answers_at_once && self.keeper.main().is_some() && self.token.is_some() {
            self.answer();
            self.token = None;
        }
        if self.refuses && self.keeper.opening().is_some() {
            self.fail(Failure::Refused);
        }
    }

    /// Lets this much time pass without handling a timer: the process is
    /// frozen.
    pub fn freeze(&mut self, time: Duration) {
        self.keeper.freeze(time);
    }

    /// The machine is suspended for this long.
    pub fn suspend(&mut self, time: Duration) {
        self.keeper.suspend(time);
    }

    /// Goes from timer to timer until an output comes for which `wanted`
    /// holds, and says at which instant.
    pub fn until(&mut self, wanted: impl Fn(&Output) -> bool) -> Duration {
        for _ in 0..10_000 {
            let seen = self.log.len();
            if !self.keeper.to_deadline() {
                break;
            }
            self.drain();
            if self.log[seen..].iter().any(|(_, output)| wanted(output)) {
                return self.elapsed();
            }
        }
        panic!("it never came; the log ends {:?}", self.log.last());
    }

    pub fn until_beat(&mut self) -> Duration {
        self.until(|output| matches!(output, Output::Beat { .. }))
    }

    pub fn until_opening(&mut self) -> Duration {
        self.until(|output| matches!(output, Output::Open { .. }))
    }

    pub fn until_death(&mut self) -> Duration {
        self.until(|output| matches!(output, Output::Emit(Event::Disconnected { .. })))
    }

    /// Lets this much time pass, or as much as the link in use lasts; the
    /// system tells of the path what `facts` says, whenever it is asked.
    pub fn pass_with(&mut self, time: Duration, facts: impl Fn(Duration) -> PathFacts) {
        let end = self.keeper.now() + time;
        loop {
            let at = self.keeper.deadline().unwrap_or(end).clamp(self.keeper.now(), end);
            self.keeper.set_path_facts(Some(facts(at.elapsed())));
            if !self.keeper.to_deadline_by(end) {
                break;
            }
            self.drain();
            if self.keeper.main().is_none() {
                break;
            }
        }
        self.keeper.set_path_facts(None);
    }

    /// The next beat goes out and is answered a round trip later.
    pub fn beat_answered(&mut self, rtt: Duration) -> Duration {
        let at = self.until_beat();
        self.pass(rtt);
        self.answer();
        at
    }

    /// Answers beats until the interval stands at or above this.
    pub fn learn(&mut self, proven: Duration) {
        for _ in 0..100 {
            if self.keeper.stats().proven >= proven {
                return;
            }
            self.beat_answered(RTT);
        }
        panic!("it never learned {proven:?}");
    }
}
