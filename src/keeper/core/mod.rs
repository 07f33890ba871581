//! The keeper itself.

mod commands;
mod in_use;
mod input;
mod memory;
mod news;
mod opening;
mod roles;
mod scouting;

use std::collections::VecDeque;
use std::time::Duration;

use self::memory::Memory;
use self::news::Offline;
use self::roles::Role;
use self::scouting::Scouting;
use super::heartbeat::Prober;
use super::reconnect::Backoff;
use super::verdict::Inquest;
use super::{Activity, Because, Config, Dice, Event, Figures, Finish, LinkId, Moment, Output, State, Timer};

/// Sleep shorter than this is not told from a busy machine.
const SLEEP_NOTICED: Duration = Duration::from_secs(2);
/// A stalled reader is told of after this.
const STALL_TOLD: Duration = Duration::from_secs(1);

/// Keeps one connection: decides when to open a link, when to beat, when a
/// link is dead, when to come back and when to give up.
///
/// Three methods drive it: [`handle`] takes what happened and what is wanted,
/// [`poll_output`] says what to do, [`poll_timeout`] when to tell
/// [`Input::Timeout`](super::Input::Timeout). All others are getters.
///
/// After each input drain [`poll_output`] and do what it says, then ask
/// [`poll_timeout`]. `now` never goes back. Words about a link that was
/// abandoned, or never opened, change nothing.
///
/// It tells one [`LinkId`] from another and gives each a role: opening, main,
/// draining. At most one link is main, at most one is opening to become it.
///
/// [`handle`]: Keeper::handle
/// [`poll_output`]: Keeper::poll_output
/// [`poll_timeout`]: Keeper::poll_timeout
#[derive(Debug)]
pub struct Keeper {
    config: Config,
    dice: Dice,
    prober: Prober,
    memory: Memory,
    backoff: Backoff,
    /// Every link that still matters, by what it is for.
    links: Vec<(LinkId, Role)>,
    last_link: u64,
    epoch: u64,
    course: Course,
    /// The link that died last, until the next dial shows why.
    inquest: Option<Inquest>,
    /// The peer was asked to speak after a silence, and once did.
    peer_keeps_its_word: bool,
    /// The network is reported gone.
    offline: Option<Offline>,
    /// What the application says of itself.
    activity: Option<Activity>,
    /// When a server last seemed stuck.
    stuck: Option<Moment>,
    /// When the last attempt began that good news had advanced.
    advanced: Option<Moment>,
    /// When good news lets the next be made.
    granted: Option<Moment>,
    /// Good news that came during an attempt: if it fails, the next comes
    /// soon; if it works, its way is looked at.
    held_news: Option<(Moment, Because)>,
    /// When the last attempt began.
    tried: Option<Moment>,
    /// When the machine last woke.
    woke: Option<Moment>,
    told_interval: Duration,
    outputs: VecDeque<Output>,
    scouting: Scouting,
    tally: Tally,
    started: Moment,
    latest: Moment,
}

/// What the keeper is about, beside its links.
#[derive(Debug)]
enum Course {
    /// Not started.
    Idle,
    /// A link is in use or being opened.
    Underway,
    /// Waiting for the next attempt.
    Waiting {
        until: Moment,
        /// Not before this, whatever the news: the server named it, or an
        /// answer becomes final if it comes too often.
        firm: Option<Moment>,
    },
    /// Paused by the application.
    Paused {
        /// Not before this, as for a wait.
        not_before: Option<Moment>,
    },
    /// Saying goodbye.
    Closing,
    /// Over.
    Finished(Finish),
}

/// What was counted over links that are gone.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    beats_sent: u64,
    beats_saved: u64,
    misses: u64,
    uptime: Duration,
}

impl Keeper {
    /// A keeper that has not started. All chance comes from `seed`.
    ///
    /// `config` is taken as it is; check it first ([`Config::check`]).
    pub fn new(config: Config, seed: u64, now: Moment) -> Keeper {
        let prober = Prober::new(config.heartbeat.clone());
        let told_interval = prober.interval(now).unwrap_or_default();
        Keeper {
            dice: Dice::new(seed),
            backoff: Backoff::new(config.reconnect.clone()),
            prober,
            memory: Memory::default(),
            links: Vec::new(),
            last_link: 0,
            epoch: 0,
            course: Course::Idle,
            inquest: None,
            peer_keeps_its_word: false,
            offline: None,
            activity: None,
            stuck: None,
            advanced: None,
            granted: None,
            held_news: None,
            tried: None,
            woke: None,
            told_interval,
            outputs: VecDeque::new(),
            scouting: Scouting::default(),
            tally: Tally::default(),
            started: now,
            latest: now,
            config,
        }
    }

    // Getters.

    /// Where the connection stands. Before [`Keeper::start`] it waits for its
    /// first attempt.
    pub fn state(&self) -> State {
        match &self.course {
            Course::Idle | Course::Waiting { .. } => State::Waiting { attempt: self.backoff.next_attempt() },
            Course::Underway => match self.main() {
                Some((_, main)) => State::Connected { epoch: main.epoch },
                None => State::Connecting { attempt: self.opening().map_or(1, |(_, attempt, ..)| attempt) },
            },
            Course::Paused { .. } => State::Paused,
            Course::Closing => State::Closing,
            Course::Finished(Finish::Closed) => State::Closed,
            Course::Finished(Finish::GaveUp(_)) => State::GaveUp,
        }
    }

    /// What was counted and learned, up to `now`.
    pub fn figures(&self, now: Moment) -> Figures {
        let main = self.main().map(|(_, main)| main);
        let uptime = self.tally.uptime + main.map_or(Duration::ZERO, |main| now.since(main.since));
        Figures {
            beats_sent: self.tally.beats_sent,
            beats_saved: self.tally.beats_saved + main.map_or(0, |main| main.watch.saved()),
            beats_missed: self.tally.misses,
            scouts_sent: self.scouting.sent,
            scout_beats: self.scouting.beats,
            reconnects: self.epoch.saturating_sub(1),
            rtt: main.and_then(|main| main.watch.rtt()),
            interval: self.prober.interval(now).unwrap_or_default(),
            proven: self.prober.proven(),
            uptime,
            downtime: now.since(self.started).saturating_sub(uptime),
            policy_panics: self.backoff.panics(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    // What to do.

    /// The next thing to do. Drain this after every command and `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to tell [`Input::Timeout`]; `None`: only after the next input.
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.next_timer().map(|(at, _)| at)
    }

    /// Whether the next deadline is that of an answer, which as a rule comes
    /// before it: a driver may arm its timer so that it is cheap to move away.
    pub fn expects_answer(&self) -> bool {
        matches!(self.next_timer(), Some((_, Timer::Answer)))
    }

    /// The next deadline, and what it is for. For tests and curiosity: whoever
    /// drives the keeper needs only [`poll_timeout`](Keeper::poll_timeout).
    pub fn next_timer(&self) -> Option<(Moment, Timer)> {
        let of_course = match self.course {
            Course::Waiting { until, .. } => Some((until, Timer::Retry)),
            Course::Idle
            | Course::Underway
            | Course::Paused { .. }
            | Course::Closing
            | Course::Finished(_) => None,
        };
        self.links
            .iter()
            .filter_map(|(_, role)| match role {
                Role::Opening { deadline, .. } => Some((*deadline, Timer::Attempt)),
                Role::Main(main) => {
                    main.next(self.config.heartbeat.unit(STALL_TOLD), self.config.silence_limit)
                }
                Role::Draining { until, .. } => Some((*until, Timer::Goodbye)),
                Role::Scout(scout) => scout.next(),
            })
            .chain(of_course)
            .chain(self.main().and_then(|_| self.scouting.next()))
            .min_by_key(|(at, _)| *at)
    }

    // Time.

    /// Takes note of the time, and of a suspend since the last input.
    fn settle_time(&mut self, now: Moment) {
        let slept = now.slept_since(self.latest);
        self.latest = self.latest.max(now);
        if slept >= self.config.heartbeat.unit(SLEEP_NOTICED) {
            self.wake(slept, now);
        }
    }

    // Ending.

    fn is_over(&self) -> bool {
        matches!(self.course, Course::Closing | Course::Finished(_))
    }

    fn finish_if_alone(&mut self) {
        if matches!(self.course, Course::Closing) && self.links.is_empty() {
            self.emit(Event::Closed);
            self.finish(Finish::Closed);
        }
    }

    fn finish(&mut self, finish: Finish) {
        self.abandon_draining(|_, _| true);
        self.course = Course::Finished(finish.clone());
        self.outputs.push_back(Output::Finish(finish));
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Emit(event));
    }
}
