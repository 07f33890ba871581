//! How time passes: each timer is handled at its own instant.

use std::time::Duration;

use longlink::keeper::{Event, Failure, Input, LinkId, Moment, Output, PathFacts};

use super::{RTT, Rig};

impl Rig {
    /// Lets this much time pass, each timer handled at its own instant.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut timers = 0;
        self.play_server();
        while let Some(at) = self.keeper.poll_timeout().filter(|&at| at <= end) {
            timers += 1;
            assert!(timers < 10_000, "the keeper runs hot at {:?}", self.now.elapsed());
            self.now = self.now + at.since(self.now);
            self.timeout();
            self.play_server();
        }
        self.now = self.now + end.since(self.now);
    }

    /// Answers beats and refuses attempts in the instant that they come,
    /// where the test wants that.
    pub(super) fn play_server(&mut self) {
        if self.answers_at_once && self.main.is_some() && self.token.is_some() {
            self.answer();
            self.token = None;
        }
        if self.refuses && self.opening.is_some() {
            self.fail(Failure::Refused);
        }
    }

    /// Lets this much time pass without handling a timer: the process is
    /// frozen.
    pub fn freeze(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// The machine is suspended for this long.
    pub fn suspend(&mut self, time: Duration) {
        let asleep = self.now.slept_since(Moment::ORIGIN);
        self.now = Moment::new(self.now.elapsed() - asleep, asleep + time);
    }

    /// Goes from timer to timer until an output comes for which `wanted`
    /// holds, and says at which instant.
    pub fn until(&mut self, wanted: impl Fn(&Output) -> bool) -> Duration {
        for _ in 0..10_000 {
            let seen = self.log.len();
            let Some(at) = self.keeper.poll_timeout() else { break };
            self.now = self.now + at.since(self.now);
            self.timeout();
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
        let end = self.now + time;
        let mut timers = 0;
        while let Some(at) = self.keeper.poll_timeout().filter(|&at| at <= end) {
            timers += 1;
            assert!(timers < 10_000, "the keeper runs hot at {:?}", self.now.elapsed());
            self.now = self.now + at.since(self.now);
            let seen = self.log.len();
            self.timeout();
            if let Some(link) = self.asked_for_path(seen) {
                let facts = Some(facts(self.elapsed()));
                self.tell(Input::Path { link, facts });
            }
            if self.main.is_none() {
                return;
            }
        }
        self.now = self.now + end.since(self.now);
    }

    /// Whether the path was asked about in what was logged from `from` on.
    fn asked_for_path(&self, from: usize) -> Option<LinkId> {
        self.log[from..].iter().find_map(|(_, output)| match output {
            Output::AskPath { link } => Some(*link),
            _ => None,
        })
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
            if self.keeper.figures(self.now).proven >= proven {
                return;
            }
            self.beat_answered(RTT);
        }
        panic!("it never learned {proven:?}");
    }
}
