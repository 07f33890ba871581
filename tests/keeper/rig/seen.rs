//! The outputs of the keeper so far.

use std::time::Duration;

use longlink::keeper::{Finish, Output, Timer};
use longlink::testing::VirtualLink;
use longlink::{Cause, Detection, Event, Evidence, LinkId, RetryReason, State};

use super::Rig;

impl Rig {
    pub fn elapsed(&self) -> Duration {
        self.keeper.now().elapsed()
    }

    pub fn main(&self) -> LinkId {
        self.keeper.main().expect("a link is in use").link
    }

    pub fn opening(&self) -> Option<LinkId> {
        self.keeper.opening().map(|opening| opening.link)
    }

    pub fn scouts(&self) -> Vec<VirtualLink> {
        self.keeper.scouts().collect()
    }

    pub fn finished(&self) -> Option<Finish> {
        self.keeper.finished().cloned()
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.keeper.state(), State::Connected { .. })
    }

    pub fn timer(&self) -> Option<(Duration, Timer)> {
        self.keeper.keeper().next_timer().map(|(at, timer)| (at.elapsed(), timer))
    }

    pub fn interval(&self) -> Duration {
        self.keeper.stats().interval
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
    pub fn diagnoses(&self) -> Vec<(Cause, Evidence)> {
        let diagnosed = self.log.iter().filter_map(|(_, output)| match output {
            Output::Emit(Event::Diagnosed { cause, evidence, .. }) => Some((*cause, *evidence)),
            _ => None,
        });
        diagnosed.collect()
    }

    /// How the last link in use was seen to end.
    pub fn detection(&self) -> Option<Detection> {
        self.log.iter().rev().find_map(|(_, output)| match output {
            Output::Emit(Event::Disconnected { detection, .. }) => Some(detection.clone()),
            _ => None,
        })
    }

    /// The last delay that was scheduled, for which attempt, and why.
    pub fn scheduled(&self) -> Option<(u32, Duration, RetryReason)> {
        self.log.iter().rev().find_map(|(_, output)| match output {
            Output::Emit(Event::ReconnectScheduled { attempt, delay, reason }) => {
                Some((*attempt, *delay, *reason))
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

    /// The rest of a wait after the last advance.
    pub fn delay_advanced(&self) -> Duration {
        self.advanced().last().expect("an attempt was advanced").0
    }

    pub fn advanced(&self) -> Vec<(Duration, RetryReason)> {
        let advanced = self.log.iter().filter_map(|(_, output)| match output {
            Output::Emit(Event::ReconnectAdvanced { delay, reason }) => Some((*delay, *reason)),
            _ => None,
        });
        advanced.collect()
    }

    /// Takes note of all that the keeper wants done at this instant.
    pub fn drain(&mut self) {
        while let Some(output) = self.keeper.poll_output() {
            if let Output::Beat { link, token } = output
                && self.keeper.scouts().all(|scout| scout.link != link)
            {
                self.token = Some(token);
            }
            self.log.push((self.elapsed(), output));
        }
    }
}
