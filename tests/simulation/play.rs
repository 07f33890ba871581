//! A keeper under test, and the model that it is held against after every
//! step. The schedules are random (`invariants`) or found by a fuzzer (fuzz/).

use std::collections::HashSet;
use std::time::Duration;

use longlink::keeper::{
    Activity, Beat, Config, Event, Failure, Finish, Keeper, LinkId, Moment, Output, Probing, Purpose, State,
    Timer, Token,
};

use crate::schedules::{Advance, Answer, Input, Schedule, Step, Which, opened};

pub const STATES: [&str; 7] =
    ["connecting", "connected", "waiting", "closing", "closed", "gave up", "paused"];

/// No keeper lives for two centuries; after five [`Moment`] stands still.
pub const END_OF_TIME: Duration = Duration::from_secs(200 * 366 * 24 * 3600);

/// How often each input came in each state.
pub type Coverage = [[u64; Input::KINDS.len()]; STATES.len()];

/// Where a link stands, by what was asked for and reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Opening,
    /// Reported open; to be promoted, or abandoned, at once.
    Opened,
    Main,
    Retiring,
    /// A side link that is being opened, that is open, that is said goodbye to.
    ScoutOpening,
    Scout,
    ScoutRetiring,
    Gone,
}

impl Role {
    fn is_scout(self) -> bool {
        matches!(self, Role::ScoutOpening | Role::Scout)
    }
}

/// The keeper under test, and the model that it is held against.
pub struct Play<'a> {
    schedule: &'a Schedule,
    keeper: Keeper,
    now: Moment,
    /// A link that the keeper has not asked for, and will not soon.
    stranger: LinkId,
    /// Every link that ever was, in order.
    known: Vec<LinkId>,
    /// Those that are not gone.
    live: Vec<(LinkId, Role)>,
    /// The beats of the link in use, and the last of them.
    tokens: HashSet<Token>,
    recent: Vec<Token>,
    beat: Beat,
    /// The peer of the link in use can be asked to speak.
    answers_after: bool,
    stalled: bool,
    /// The last beats of scouts.
    scout_tokens: Vec<(LinkId, Token)>,
    overlap: bool,
    foreground: bool,
    off: bool,
    silence_limit: bool,
    /// What an attempt may take that begins now.
    attempt_deadline: Duration,
    /// The least of all settings so far.
    scale: f64,
    /// When the attempt under way is over.
    attempt_ends: Moment,
    epoch: u64,
    consecutive: u32,
    misses: u64,
    closing: bool,
    paused: bool,
    /// A row of beats may begin anew, though nothing was heard.
    counts_anew: bool,
    last_event_was_closed: bool,
    finished: Option<Finish>,
    /// Timers handled in the present second of virtual time, beyond those that
    /// inputs led to.
    second: (u64, u32),
    /// All that went in and came out, if it is to be kept.
    log: Vec<String>,
    keeps_log: bool,
}

impl<'a> Play<'a> {
    pub fn new(schedule: &'a Schedule, keeps_log: bool) -> Play<'a> {
        let settings = &schedule.settings;
        Play {
            schedule,
            keeper: Keeper::new(settings.config.clone(), schedule.seed, Moment::ORIGIN),
            now: Moment::ORIGIN,
            stranger: stranger(),
            known: Vec::new(),
            live: Vec::new(),
            tokens: HashSet::new(),
            recent: Vec::new(),
            beat: Beat::Ping,
            answers_after: false,
            stalled: false,
            scout_tokens: Vec::new(),
            overlap: settings.config.overlap,
            foreground: false,
            off: is_off(&settings.config),
            silence_limit: settings.config.silence_limit.is_some(),
            attempt_deadline: settings.attempt_deadline,
            scale: settings.scale,
            attempt_ends: Moment::ORIGIN,
            epoch: 0,
            consecutive: 0,
            misses: 0,
            closing: false,
            paused: false,
            counts_anew: false,
            last_event_was_closed: false,
            finished: None,
            second: (0, 0),
            log: Vec::new(),
            keeps_log,
        }
    }

    /// All of it, up to the first rule that does not hold.
    pub fn all(&mut self, coverage: &mut Coverage) -> Result<(), String> {
        self.keeper.start(self.now);
        self.note(|| "start".to_owned());
        self.after(0)?;
        // A few steps after the end are enough: nothing may happen.
        let mut left_after_the_end = 10;
        for step in &self.schedule.steps {
            if self.now.elapsed() > END_OF_TIME {
                break;
            }
            self.step(step, coverage)?;
            if self.finished.is_some() {
                left_after_the_end -= 1;
                if left_after_the_end == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// All that went in and came out.
    pub fn into_log(self) -> Vec<String> {
        self.log
    }

    fn note(&mut self, words: impl FnOnce() -> String) {
        if self.keeps_log {
            let line = format!("{:?} {}", self.now.elapsed(), words());
            self.log.push(line);
        }
    }

    fn step(&mut self, step: &Step, coverage: &mut Coverage) -> Result<(), String> {
        self.advance(step.advance)?;
        coverage[place(self.keeper.state())][step.input.kind()] += 1;
        // An input may lead to a timer or two of its own.
        self.second.1 = self.second.1.saturating_sub(2);
        self.input(&step.input)
    }

    fn advance(&mut self, advance: Advance) -> Result<(), String> {
        // A long run with quick timers is cut short, not skipped.
        const MOST_TIMERS: usize = 20;
        match advance {
            Advance::Stay => Ok(()),
            Advance::Run(by) => {
                let until = self.now + by;
                for _ in 0..MOST_TIMERS {
                    let Some((at, _)) = self.keeper.poll_timeout().filter(|&(at, _)| at <= until) else {
                        self.now = until.max(self.now);
                        return Ok(());
                    };
                    self.timer_at(at)?;
                }
                Ok(())
            }
            Advance::ToTimer => match self.keeper.poll_timeout() {
                Some((at, _)) => self.timer_at(at),
                None => Ok(()),
            },
            Advance::Freeze(by) => {
                self.now = self.now + by;
                self.note(|| format!("frozen for {by:?}"));
                Ok(())
            }
            Advance::LateTimer(by) => match self.keeper.poll_timeout() {
                Some((at, _)) => self.timer_at(at + by),
                None => Ok(()),
            },
            Advance::Suspend(by) => {
                // The sum of both clocks is what `+` and `since` go by.
                self.suspend(by);
                self.note(|| format!("suspended for {by:?}"));
                self.timeout()
            }
        }
    }

    fn suspend(&mut self, by: Duration) {
        let asleep = self.now.slept_since(Moment::ORIGIN);
        let awake = self.now.elapsed() - asleep;
        self.now = Moment::new(awake, asleep + by);
    }

    fn timer_at(&mut self, at: Moment) -> Result<(), String> {
        if at.elapsed() > END_OF_TIME {
            return Ok(());
        }
        let wait = at.since(self.now);
        self.now = self.now + wait;
        let second = self.now.elapsed().as_secs();
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        let most = 40.0 * (1.0 / self.scale).max(1.0);
        if f64::from(self.second.1) > most {
            return Err(format!("{} timers in one second", self.second.1));
        }
        self.timeout()
    }

    fn timeout(&mut self) -> Result<(), String> {
        self.note(|| "timeout".to_owned());
        self.keeper.handle_timeout(self.now);
        self.after(1)?;
        // After a freeze each kind of timer may be due once; then time must go
        // on.
        for _ in 0..8 {
            match self.keeper.poll_timeout() {
                Some((at, _)) if at <= self.now => {
                    self.note(|| "timeout again".to_owned());
                    self.keeper.handle_timeout(self.now);
                    self.after(1)?;
                }
                _ => return Ok(()),
            }
        }
        Err(format!("a timeout does not move on: {:?}", self.keeper.poll_timeout()))
    }

    fn input(&mut self, input: &Input) -> Result<(), String> {
        self.note(|| format!("{input:?}"));
        let link = match input.which() {
            Some(which) => match self.find(which) {
                Some(link) => link,
                None => return Ok(()),
            },
            None => self.stranger,
        };
        let mut token = None;
        match input {
            Input::Close => self.closing = true,
            Input::Opened(_, beat, took) => match self.role(link) {
                Role::Opening => {
                    self.set(link, Role::Opened);
                    self.beat = *beat;
                    self.answers_after = opened(*beat, *took).answers_after;
                    self.stalled = false;
                    self.consecutive = 0;
                }
                Role::ScoutOpening => self.set(link, Role::Scout),
                _ => {}
            },
            Input::OpenFailed(..) => {
                if matches!(self.role(link), Role::Opening | Role::ScoutOpening) {
                    self.set(link, Role::Gone);
                }
            }
            Input::Heard(_) | Input::Message(_) => self.life(link),
            Input::Answered(_, answer) => {
                self.life(link);
                token = self.token(link, *answer);
            }
            Input::Ended(..) => {
                // An attempt that fails is reported as such, not as an end.
                if matches!(self.role(link), Role::Opening | Role::ScoutOpening) {
                    return Ok(());
                }
                self.set(link, Role::Gone);
            }
            Input::Stalled(_) => self.stalled |= self.role(link) == Role::Main,
            Input::Resumed(_) => {
                if self.role(link) == Role::Main && self.stalled {
                    // Nothing could be heard: the count starts anew.
                    self.stalled = false;
                    self.consecutive = 0;
                }
            }
            Input::Activity(activity) => self.foreground = *activity == Activity::Foreground,
            Input::Update(settings) => {
                self.overlap = settings.config.overlap;
                self.off = is_off(&settings.config);
                self.silence_limit = settings.config.silence_limit.is_some();
                self.attempt_deadline = settings.attempt_deadline;
                self.scale = self.scale.min(settings.scale);
            }
            Input::Pause => self.paused |= !self.closing,
            Input::Resume => self.paused = false,
            Input::ProbeNow
            | Input::ReconnectNow
            | Input::Confirm
            | Input::Dialled(..)
            | Input::Sent(_)
            | Input::Path(..)
            | Input::Route(..)
            | Input::Network(_)
            | Input::Named(_)
            | Input::Recalled(..)
            | Input::Timeout => {}
        }
        input.tell(&mut self.keeper, link, token, self.now);
        self.after(1)
    }

    /// The beat that an answer names.
    fn token(&self, link: LinkId, answer: Answer) -> Option<Token> {
        let of_scout = self.scout_tokens.iter().rev().find(|(scout, _)| *scout == link);
        match answer {
            Answer::Last if of_scout.is_some() => of_scout.map(|(_, token)| *token),
            Answer::Last => self.recent.last().copied(),
            Answer::Older(at) if self.recent.is_empty() => Some(Token(at)),
            Answer::Older(at) => Some(self.recent[at as usize % self.recent.len()]),
            Answer::Unknown => Some(Token(u64::MAX - 7)),
            Answer::Unnamed => None,
        }
    }

    fn find(&self, which: Which) -> Option<LinkId> {
        match which {
            Which::Main => self.with(Role::Main),
            Which::Opening => self.with(Role::Opening),
            Which::Retiring => self.with(Role::Retiring),
            Which::ScoutOpening => self.with(Role::ScoutOpening),
            Which::Scout => self.with(Role::Scout),
            Which::Unissued => Some(self.stranger),
            Which::Any(at) => self.known.get(at as usize % self.known.len().max(1)).copied(),
        }
        // No such link now: any other, since a late word may come any time.
        .or_else(|| self.known.last().copied())
    }

    fn with(&self, role: Role) -> Option<LinkId> {
        self.live.iter().find(|&&(_, has)| has == role).map(|&(link, _)| link)
    }

    fn role(&self, link: LinkId) -> Role {
        self.live.iter().find(|&&(live, _)| live == link).map_or(Role::Gone, |&(_, role)| role)
    }

    fn set(&mut self, link: LinkId, role: Role) {
        self.live.retain(|&(live, _)| live != link);
        if role != Role::Gone {
            self.live.push((link, role));
        }
    }

    fn life(&mut self, link: LinkId) {
        if self.role(link) == Role::Main {
            self.consecutive = 0;
        }
    }

    /// Drains the outputs and checks them, then what must hold in between.
    fn after(&mut self, most_misses: u32) -> Result<(), String> {
        let mut missed = 0;
        let mut drained = 0;
        while let Some(output) = self.keeper.poll_output() {
            self.note(|| format!("    {output:?}"));
            drained += 1;
            if drained > 64 {
                return Err("more than 64 outputs after one input".to_owned());
            }
            if let Output::Emit(Event::BeatMissed { .. }) = output {
                missed += 1;
            }
            self.output(output)?;
        }
        if missed > most_misses {
            return Err(format!("{missed} misses counted in one step"));
        }
        let figures = self.keeper.figures(self.now);
        if figures.misses != self.misses + u64::from(missed) {
            return Err(format!("{} misses counted, {} told", figures.misses - self.misses, missed));
        }
        self.misses = figures.misses;
        self.state_agrees()?;
        self.scouts_agree()?;
        self.goes_on()
    }

    fn output(&mut self, output: Output) -> Result<(), String> {
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
                let goes = |role: Role| matches!(role, Role::ScoutRetiring | Role::Retiring);
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
                self.attempt_ends = self.now + self.attempt_deadline;
                self.set(link, Role::Opening);
            }
            Output::Promote { link, epoch } => {
                self.expect(link, &[Role::Opened], "promoted")?;
                if self.with(Role::Main).is_some() || self.with(Role::Retiring).is_some() {
                    return Err(format!("{link} is taken into use beside {:?}", self.live));
                }
                if epoch != self.epoch + 1 {
                    return Err(format!("epoch {epoch} after {}", self.epoch));
                }
                self.epoch = epoch;
                self.tokens.clear();
                self.recent.clear();
                self.set(link, Role::Main);
            }
            Output::Beat { link, token } if self.role(link) == Role::Scout => {
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
            // What was due in the sleep is void.
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
                State::Connected { epoch } => main.is_some() && opening.is_none() && epoch == self.epoch,
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
        let timer = self.keeper.poll_timeout();
        let wanted = match self.keeper.state() {
            State::Connecting { .. } => timer.is_some_and(|(at, _)| at <= self.attempt_ends),
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

/// Whether the heartbeat is switched off.
fn is_off(config: &Config) -> bool {
    config.heartbeat == config.heartbeat.clone().probing(Probing::Off)
}

fn place(state: State) -> usize {
    match state {
        State::Connecting { .. } => 0,
        State::Connected { .. } => 1,
        State::Waiting { .. } => 2,
        State::Closing => 3,
        State::Closed => 4,
        State::GaveUp => 5,
        State::Paused => 6,
        other => panic!("a state that the test does not know: {other:?}"),
    }
}

/// The last name that another keeper gave.
pub fn stranger() -> LinkId {
    const LINKS: u64 = 40;
    let mut other = Keeper::new(Config::default(), 0, Moment::ORIGIN);
    let mut now = Moment::ORIGIN;
    other.start(now);
    loop {
        while let Some(output) = other.poll_output() {
            let Output::Open { link, .. } = output else { continue };
            if link.get() == LINKS {
                return link;
            }
            other.handle_open_failed(link, Failure::Refused, None, now);
        }
        now = other.poll_timeout().map_or(now, |(at, _)| at);
        other.handle_timeout(now);
    }
}
