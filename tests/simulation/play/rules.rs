//! Rules that must hold for all inputs.

use longlink::keeper::{Finish, Output, Purpose, Timer};
use longlink::{Beat, Detection, Event, LinkId, State};

use super::{Play, Role};

impl Play<'_> {
    /// Drains the outputs and checks them, then what must hold in between.
    pub(super) fn after(&mut self, most_misses: u32) -> Result<(), String> {
        let mut missed = 0;
        let mut drained = 0;
        // The link whose place another takes in this step.
        let mut replaced = None;
        while let Some(output) = self.keeper.poll_output() {
            self.note(|| format!("    {output:?}"));
            drained += 1;
            if drained > 64 {
                return Err("more than 64 outputs after one input".to_owned());
            }
            if let Output::Emit(Event::BeatMissed { .. }) = output {
                missed += 1;
            }
            if let Output::Emit(Event::Disconnected { link, detection: Detection::Replaced, .. }) = output {
                replaced = Some(link);
            }
            self.output(output, replaced)?;
        }
        if missed > most_misses {
            return Err(format!("{missed} misses counted in one step"));
        }
        let stats = self.keeper.stats();
        if stats.beats_missed != self.misses + u64::from(missed) {
            return Err(format!("{} misses counted, {} told", stats.beats_missed - self.misses, missed));
        }
        self.misses = stats.beats_missed;
        self.state_agrees()?;
        self.scouts_agree()?;
        self.goes_on()
    }

    fn output(&mut self, output: Output, replaced: Option<LinkId>) -> Result<(), String> {
        if self.finished.is_some() {
            return Err(format!("after the finish: {output:?}"));
        }
        let was_closed = std::mem::take(&mut self.last_event_was_closed);
        match output {
            Output::Open { link, purpose: Purpose::Scout, .. } => {
                if self.with(Role::Main).is_none() || !self.overlap || self.foreground || self.closing {
                    return Err(format!("{link} is sent as a scout beside {:?}", self.live));
                }
                if self.known.last().is_some_and(|&last| last >= link) {
                    return Err(format!("{link} is not a new name"));
                }
                self.known.push(link);
                self.set(link, Role::ScoutOpening);
                if self.live.iter().filter(|(_, role)| role.is_scout()).count() > 3 {
                    return Err("more than three scouts".to_owned());
                }
            }
            Output::Open { link, attempt, .. } => {
                let goes = |role: Role| match role {
                    Role::ScoutRetiring | Role::Retiring => true,
                    Role::Main | Role::ScoutOpening | Role::Scout => self.may_replace,
                    Role::Opening | Role::Opened | Role::Gone => false,
                };
                if let Some(other) = self.live.iter().find(|(_, role)| !goes(*role)) {
                    return Err(format!("{link} is opened beside {other:?}"));
                }
                if self.known.last().is_some_and(|&last| last >= link) {
                    return Err(format!("{link} is not a new name"));
                }
                if attempt == 0 {
                    return Err("attempts count from 1".to_owned());
                }
                if self.closing || self.paused {
                    return Err("an attempt after close, or while paused".to_owned());
                }
                self.known.push(link);
                self.attempt_ends = self.keeper.now() + self.attempt_deadline;
                self.set(link, Role::Opening);
            }
            Output::Promote { link, epoch } => {
                self.expect(link, &[Role::Opened], "promoted")?;
                let retiring = self.live.iter().filter(|(_, role)| *role == Role::Retiring);
                if self.with(Role::Main).is_some()
                    || retiring.clone().any(|(link, _)| Some(*link) != replaced)
                {
                    return Err(format!("{link} is taken into use beside {:?}", self.live));
                }
                if epoch != self.epoch + 1 {
                    return Err(format!("epoch {epoch} after {}", self.epoch));
                }
                self.epoch = epoch;
                self.recent.clear();
                self.set(link, Role::Main);
            }
            Output::Beat { link, token } if self.role(link) == Role::Scout => {
                if !self.tokens.insert(token) {
                    return Err(format!("{token:?} is not new"));
                }
                self.scout_tokens.push((link, token));
            }
            Output::Beat { link, token } => {
                self.expect(link, &[Role::Main], "asked to beat")?;
                if matches!(self.beat, Beat::Listen { .. }) {
                    return Err("a beat on a link that is only listened to".to_owned());
                }
                if !self.tokens.insert(token) {
                    return Err(format!("{token:?} is not new"));
                }
                if self.recent.len() == 12 {
                    self.recent.remove(0);
                }
                self.recent.push(token);
            }
            Output::AskAfter { link, silence } => {
                self.expect(link, &[Role::Main], "asked to let its peer speak")?;
                if !self.answers_after || self.beat != Beat::Ping || silence.is_zero() {
                    return Err(format!("{link} cannot let its peer speak after {silence:?}"));
                }
            }
            Output::Migrate { link } => self.expect(link, &[Role::Main], "moved")?,
            Output::Retire { link } if self.role(link) == Role::Scout => self.set(link, Role::ScoutRetiring),
            Output::Retire { link } => {
                self.expect(link, &[Role::Main], "retired")?;
                self.set(link, Role::Retiring);
            }
            Output::Abandon { link } => {
                self.expect_live(link, "abandoned")?;
                self.set(link, Role::Gone);
            }
            Output::Emit(event) => self.event(&event)?,
            Output::Finish(finish) => {
                if let Some(other) = self.live.first() {
                    return Err(format!("finished beside {other:?}"));
                }
                if finish == Finish::Closed && !was_closed {
                    return Err("closed without a last event".to_owned());
                }
                if finish == Finish::Closed && !self.closing {
                    return Err("closed, though nobody asked".to_owned());
                }
                self.finished = Some(finish);
            }
            Output::AskPath { link } | Output::AskRoute { link } => {
                self.expect(link, &[Role::Main], "asked about")?
            }
            Output::Recall { .. } | Output::Remember { .. } => {}
            other => return Err(format!("an output that the test does not know: {other:?}")),
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::BeatMissed { link, consecutive } => {
                self.expect(*link, &[Role::Main], "said to miss a beat")?;
                let anew = std::mem::take(&mut self.counts_anew) && *consecutive == 1;
                if *consecutive != self.consecutive + 1 && !anew {
                    return Err(format!("miss {consecutive} after {}", self.consecutive));
                }
                self.consecutive = *consecutive;
            }
            Event::BeatSent { link, .. } | Event::BeatAnswered { link, .. } => {
                self.expect(*link, &[Role::Main], "said to beat")?;
            }
            // A probe that took a row's place may have been called off.
            Event::NetworkOffline => self.counts_anew = true,
            // Deadlines in the sleep are void.
            Event::Slept { .. } => self.consecutive = 0,
            Event::Closed => self.last_event_was_closed = true,
            _ => {}
        }
        Ok(())
    }

    fn expect(&self, link: LinkId, roles: &[Role], done: &str) -> Result<(), String> {
        let role = self.role(link);
        if roles.contains(&role) { Ok(()) } else { Err(format!("{link} is {done} but it is {role:?}")) }
    }

    fn expect_live(&self, link: LinkId, done: &str) -> Result<(), String> {
        if self.role(link) == Role::Gone { Err(format!("{link} is {done} but it is gone")) } else { Ok(()) }
    }

    /// Scouts are out only beside a link in use, and where they may be.
    fn scouts_agree(&self) -> Result<(), String> {
        let out = self.live.iter().any(|(_, role)| role.is_scout());
        if out && (self.with(Role::Main).is_none() || !self.overlap || self.foreground) {
            return Err(format!("scouts are out: {:?}", self.live));
        }
        Ok(())
    }

    fn state_agrees(&self) -> Result<(), String> {
        let [opening, opened, main, retiring] =
            [Role::Opening, Role::Opened, Role::Main, Role::Retiring].map(|role| self.with(role));
        let agrees = opened.is_none()
            && match self.keeper.state() {
                State::Connecting { .. } => opening.is_some() && main.is_none(),
                // With or without a second link that is being opened.
                State::Connected { epoch } => main.is_some() && epoch == self.epoch,
                State::Waiting { .. } => opening.is_none() && main.is_none(),
                State::Paused => self.paused && opening.is_none() && main.is_none(),
                State::Closing => self.closing && retiring.is_some(),
                State::Closed => self.finished == Some(Finish::Closed),
                State::GaveUp => matches!(self.finished, Some(Finish::GaveUp(_))),
                other => return Err(format!("a state that the test does not know: {other:?}")),
            };
        if agrees {
            Ok(())
        } else {
            Err(format!("{:?}, but the links are {:?}", self.keeper.state(), self.live))
        }
    }

    /// Something is always under way.
    fn goes_on(&self) -> Result<(), String> {
        let timer = self.keeper.keeper().next_timer();
        let wanted = match self.keeper.state() {
            State::Connecting { .. } => {
                // The time that the machine slept is no part of the deadline.
                let ends = self.attempt_ends + self.keeper.now().slept_since(self.attempt_ends);
                timer.is_some_and(|(at, _)| at <= ends)
            }
            // A scout that goodbye was said to may come first.
            State::Waiting { .. } => matches!(timer, Some((_, Timer::Retry | Timer::Goodbye))),
            State::Closing => timer.is_some(),
            State::Paused => !matches!(timer, Some((_, timer)) if timer != Timer::Goodbye),
            State::Connected { .. } => timer.is_some() || self.may_wait_for_ever(),
            _ => timer.is_none(),
        };
        if wanted { Ok(()) } else { Err(format!("{:?} with the timer {timer:?}", self.keeper.state())) }
    }

    /// A link that is not to be asked, or cannot be read, has no timer of its
    /// own.
    fn may_wait_for_ever(&self) -> bool {
        (self.off && (self.stalled || !self.silence_limit))
            || (self.stalled && matches!(self.beat, Beat::Listen { .. }))
    }
}
