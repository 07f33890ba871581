//! A keeper under test, and the model that it is held against after every
//! step. The schedules are random (`invariants`) or found by a fuzzer (fuzz/).

mod rules;

use std::collections::HashSet;
use std::time::Duration;

use longlink::keeper::{Config, Finish, Input, Moment};
use longlink::testing::VirtualKeeper;
use longlink::{Activity, Beat, Failure, Growth, Heartbeat, LinkId, State, Token};

use crate::schedules::{Advance, Answer, Said, Schedule, Step, Which, opened};

pub const STATES: [&str; 7] =
    ["connecting", "connected", "waiting", "closing", "closed", "gave up", "paused"];

/// No keeper lives for two centuries; after five [`Moment`] stands still.
pub const END_OF_TIME: Duration = Duration::from_secs(200 * 366 * 24 * 3600);

/// How often each input came in each state.
pub type Coverage = [[u64; Said::KINDS.len()]; STATES.len()];

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
    keeper: VirtualKeeper,
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
    /// The longest time of an attempt that begins now.
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
    /// A second link may be opened beside the one in use, in this step.
    may_replace: bool,
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
        let mut keeper = VirtualKeeper::new(settings.config.clone(), schedule.seed);
        // The schedule answers them, if it does.
        keeper.leave_questions_open();
        Play {
            schedule,
            keeper,
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
            may_replace: false,
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
        self.keeper.tell(Input::Start);
        self.note(|| "start".to_owned());
        self.after(0)?;
        // A few steps after the end are enough: nothing may happen.
        let mut left_after_the_end = 10;
        for step in &self.schedule.steps {
            if self.keeper.now().elapsed() > END_OF_TIME {
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
            let line = format!("{:?} {}", self.keeper.now().elapsed(), words());
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
                let until = self.keeper.now() + by;
                for _ in 0..MOST_TIMERS {
                    let Some(at) = self.keeper.deadline().filter(|&at| at <= until) else {
                        self.keeper.freeze_until(until);
                        return Ok(());
                    };
                    self.timer_at(at)?;
                }
                Ok(())
            }
            Advance::ToTimer => match self.keeper.deadline() {
                Some(at) => self.timer_at(at),
                None => Ok(()),
            },
            Advance::Freeze(by) => {
                self.keeper.freeze(by);
                self.note(|| format!("frozen for {by:?}"));
                Ok(())
            }
            Advance::LateTimer(by) => match self.keeper.deadline() {
                Some(at) => self.timer_at(at + by),
                None => Ok(()),
            },
            Advance::Suspend(by) => {
                // The sum of both clocks is what `+` and `since` go by.
                self.keeper.suspend(by);
                self.note(|| format!("suspended for {by:?}"));
                self.timeout()
            }
        }
    }

    fn timer_at(&mut self, at: Moment) -> Result<(), String> {
        if at.elapsed() > END_OF_TIME {
            return Ok(());
        }
        self.keeper.freeze_until(at);
        let second = self.keeper.now().elapsed().as_secs();
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        let most = 40.0 * (1.0 / self.scale).max(1.0);
        if f64::from(self.second.1) > most {
            return Err(format!("{} timers in one second", self.second.1));
        }
        self.timeout()
    }

    fn timeout(&mut self) -> Result<(), String> {
        self.note(|| "timeout".to_owned());
        self.keeper.tell(Input::Timeout);
        self.after(1)?;
        // After a freeze each kind of timer may be due once, twice where it asks
        // a question that nobody answers; then time must go
        // on.
        for _ in 0..16 {
            match self.keeper.deadline() {
                Some(at) if at <= self.keeper.now() => {
                    self.note(|| "timeout again".to_owned());
                    self.keeper.tell(Input::Timeout);
                    self.after(1)?;
                }
                _ => return Ok(()),
            }
        }
        Err(format!("a timeout does not move on: {:?}", self.keeper.deadline()))
    }

    fn input(&mut self, input: &Said) -> Result<(), String> {
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
            Said::Close => self.closing = true,
            Said::Opened(_, beat, took) => match self.role(link) {
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
            Said::OpenFailed(..) => {
                if matches!(self.role(link), Role::Opening | Role::ScoutOpening) {
                    self.set(link, Role::Gone);
                }
            }
            Said::Heard(_) | Said::Message(_) => self.life(link),
            Said::Answered(_, answer) => {
                self.life(link);
                token = self.token(link, *answer);
            }
            Said::Ended(..) => {
                // An attempt that fails is reported as such, not as an end.
                if matches!(self.role(link), Role::Opening | Role::ScoutOpening) {
                    return Ok(());
                }
                self.set(link, Role::Gone);
            }
            Said::Stalled(_) => self.stalled |= self.role(link) == Role::Main,
            Said::Resumed(_) => {
                if self.role(link) == Role::Main && self.stalled {
                    // Nothing could be heard: the count starts anew.
                    self.stalled = false;
                    self.consecutive = 0;
                }
            }
            Said::Activity(activity) => self.foreground = *activity == Activity::Foreground,
            Said::Update(settings) => {
                self.overlap = settings.config.overlap;
                self.off = is_off(&settings.config);
                self.silence_limit = settings.config.silence_limit.is_some();
                self.attempt_deadline = settings.attempt_deadline;
                self.scale = self.scale.min(settings.scale);
            }
            Said::Pause => self.paused |= !self.closing,
            Said::Resume => self.paused = false,
            Said::Replace => self.may_replace = self.overlap,
            Said::ProbeNow
            | Said::ReconnectNow
            | Said::Confirm
            | Said::Dialled(..)
            | Said::Sent(_)
            | Said::Path(..)
            | Said::Route(..)
            | Said::Network(_)
            | Said::Named(_)
            | Said::Recalled(..)
            | Said::Timeout => {}
        }
        input.tell(&mut self.keeper, link, token);
        let checked = self.after(1);
        self.may_replace = false;
        checked
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
}

/// Whether the heartbeat is switched off, whatever its other settings are.
fn is_off(config: &Config) -> bool {
    let second = Duration::from_secs(1);
    let alike = |heartbeat: Heartbeat| {
        let heartbeat = heartbeat.start(second).min(second).max(second).recheck_after(second);
        heartbeat.misses(1).growth(Growth::Ladder)
    };
    alike(config.heartbeat.clone()) == alike(Heartbeat::off())
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
    let mut other = VirtualKeeper::new(Config::default(), 0);
    other.tell(Input::Start);
    loop {
        while other.poll_output().is_some() {}
        match other.opening() {
            Some(opening) if opening.link.get() == LINKS => return opening.link,
            Some(_) => _ = other.fail(Failure::Refused),
            None => assert!(other.to_deadline(), "it tries for ever"),
        }
    }
}
