//! What the keeper was seen to do.

use std::time::Duration;

use longlink::keeper::{Because, Cause, Event, Ground, Input, LinkId, Output, Purpose, Seen, State, Timer};

use super::{Rig, Scout};

impl Rig {
    pub fn elapsed(&self) -> Duration {
        self.now.elapsed()
    }

    pub fn main(&self) -> LinkId {
        self.main.expect("a link is in use")
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.keeper.state(), State::Connected { .. })
    }

    pub fn timer(&self) -> Option<(Duration, Timer)> {
        self.keeper.next_timer().map(|(at, timer)| (at.elapsed(), timer))
    }

    pub fn interval(&self) -> Duration {
        self.keeper.figures(self.now).interval
    }

    pub fn forget(&mut self) {
        self.log.clear();
    }

    pub fn outputs(&self) -> Vec<&Output> {
        self.log.iter().map(|(_, output)| output).collect()
    }

    /// The instants of the outputs for which `wanted` holds.
    pub fn instants(&self, wanted: impl Fn(&Output) -> bool) -> Vec<Duration> {
        self.log.iter().filter(|(_, output)| wanted(output)).map(|&(at, _)| at).collect()
    }

    pub fn beats(&self) -> Vec<Duration> {
        self.instants(|output| matches!(output, Output::Beat { .. }))
    }

    pub fn misses(&self) -> Vec<Duration> {
        self.instants(|output| matches!(output, Output::Emit(Event::BeatMissed { .. })))
    }

    /// Why the links in use were lost, and by what that is known.
    pub fn diagnoses(&self) -> Vec<(Cause, Ground)> {
        let diagnosed = self.log.iter().filter_map(|(_, output)| match output {
            Output::Emit(Event::Diagnosed { cause, evidence, .. }) => Some((*cause, *evidence)),
            _ => None,
        });
        diagnosed.collect()
    }

    /// How the last link in use was seen to end.
    pub fn seen(&self) -> Option<Seen> {
        self.log.iter().rev().find_map(|(_, output)| match output {
            Output::Emit(Event::Disconnected { seen, .. }) => Some(seen.clone()),
            _ => None,
        })
    }

    /// The last delay that was scheduled, for which attempt, and why.
    pub fn scheduled(&self) -> Option<(u32, Duration, Because)> {
        self.log.iter().rev().find_map(|(_, output)| match output {
            Output::Emit(Event::ReconnectScheduled { attempt, delay, because }) => {
                Some((*attempt, *delay, *because))
            }
            _ => None,
        })
    }

    /// The delay of the last schedule.
    pub fn delay(&self) -> Duration {
        self.scheduled().expect("an attempt was scheduled").1
    }

    /// When the next attempt is due.
    pub fn due(&self) -> Duration {
        match self.timer() {
            Some((at, Timer::Retry)) => at,
            other => panic!("no attempt is due next, but {other:?}"),
        }
    }

    /// What the last advance left of a wait.
    pub fn delay_advanced(&self) -> Duration {
        self.advanced().last().expect("an attempt was advanced").0
    }

    pub fn advanced(&self) -> Vec<(Duration, Because)> {
        let advanced = self.log.iter().filter_map(|(_, output)| match output {
            Output::Emit(Event::ReconnectAdvanced { delay, because }) => Some((*delay, *because)),
            _ => None,
        });
        advanced.collect()
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.keeper.poll_output() {
            match &output {
                Output::Open { purpose: Purpose::Scout, link, .. } => {
                    self.scouts.push(Scout { link: *link, gap: Duration::ZERO, token: None });
                }
                Output::Emit(Event::ScoutSent { link, gap }) => {
                    if let Some(scout) = self.scouts.iter_mut().find(|scout| scout.link == *link) {
                        scout.gap = *gap;
                    }
                }
                Output::Open { link, .. } => self.opening = Some(*link),
                Output::Promote { link, .. } => self.main = Some(*link),
                Output::Beat { link, token } => {
                    match self.scouts.iter_mut().find(|scout| scout.link == *link) {
                        Some(scout) => scout.token = Some(*token),
                        None => self.token = Some(*token),
                    }
                }
                Output::Abandon { link } | Output::Retire { link } => {
                    self.scouts.retain(|scout| scout.link != *link);
                    self.opening.take_if(|opening| opening == link);
                    self.main.take_if(|main| main == link);
                }
                Output::AskRoute { link } => {
                    self.keeper.handle(Input::Route { link: *link, facts: self.way }, self.now);
                }
                Output::Finish(finish) => self.finished = Some(finish.clone()),
                _ => {}
            }
            self.log.push((self.now.elapsed(), output));
        }
    }
}
