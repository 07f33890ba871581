//! The machine: the only file that sees links, path and schedule.
//!
//! One input changes only the state that it speaks of (the files below, by kind of
//! input). Then [`settle`](Keeper::settle) derives everything that depends on that
//! state: the pace of the link in use, the interval that is told, the scouts
//! that may be out, the end.

mod attempts;
mod commands;
mod in_use;
mod learning;
mod loss;
mod network;
mod scouts;
mod settle;
mod timers;

use std::collections::VecDeque;
use std::time::Duration;

use self::settle::Settled;
use super::activity::Activity;
use super::config::Config;
use super::dice::Dice;
use super::event::Event;
use super::input::Input;
use super::link::Links;
use super::moment::Moment;
use super::names::Tokens;
use super::output::Output;
use super::path::Path;
use super::schedule::{Phase, Schedule};
use super::state::{Finish, State};
use super::stats::KeeperStats;
use super::timer::Timer;

/// Keeps one connection: decides when to open a link, when to beat, when a
/// link is dead, when to come back and when to give up.
///
/// Three methods drive a keeper: [`handle`] takes events and commands,
/// [`poll_output`] says what to do, and [`poll_timeout`] says when to call with
/// [`Input::Timeout`]. All other methods are getters.
///
/// After each input drain [`poll_output`] and carry the outputs out, then ask
/// [`poll_timeout`]. `now` never goes back. Inputs about a link that was
/// abandoned, or never opened, change nothing; after [`Output::Finish`]
/// no input changes anything.
///
/// The keeper tells one [`LinkId`](crate::LinkId) from another and gives each a
/// role: next, main, draining, scout. At most one link is main, and at most one is
/// opened to become main.
///
/// [`handle`]: Keeper::handle
/// [`poll_output`]: Keeper::poll_output
/// [`poll_timeout`]: Keeper::poll_timeout
#[derive(Debug)]
pub struct Keeper {
    config: Config,
    dice: Dice,
    tokens: Tokens,
    links: Links,
    path: Path,
    schedule: Schedule,
    /// Whether somebody looks at the application, if it has said so.
    activity: Option<Activity>,
    /// The values that were derived last, and their basis.
    settled: Settled,
    outputs: VecDeque<Output>,
    tally: Counts,
    started: Moment,
    latest: Moment,
}

/// Counts over the whole life of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    epoch: u64,
    beats_sent: u64,
    beats_saved: u64,
    misses: u64,
    scouts_sent: u64,
    scout_beats: u64,
    uptime: Duration,
}

impl Keeper {
    /// A keeper that has not started. All chance comes from `seed`.
    ///
    /// `config` is taken as it is; check it first ([`Config::check`]).
    pub fn new(config: Config, seed: u64, now: Moment) -> Keeper {
        let path = Path::new(config.heartbeat.clone());
        Keeper {
            dice: Dice::new(seed),
            tokens: Tokens::default(),
            links: Links::default(),
            settled: Settled::new(path.books().interval(now)),
            path,
            schedule: Schedule::new(config.reconnect.clone()),
            activity: None,
            outputs: VecDeque::new(),
            tally: Counts::default(),
            started: now,
            latest: now,
            config,
        }
    }

    // Driving the keeper.

    /// Takes one input: the only way to tell a keeper anything.
    pub fn handle(&mut self, input: Input<'_>, now: Moment) {
        if matches!(self.schedule.phase, Phase::Finished(_)) {
            return;
        }
        self.note_time(now);
        match input {
            Input::Start => self.start(now),
            Input::Probe => self.probe(now),
            Input::Reconnect => self.reconnect(now),
            Input::Replace => self.replace(now),
            Input::Confirm => self.with_watch(now, |watch, tokens| watch.confirm(tokens, now)),
            Input::Activity(activity) => self.set_activity(activity, now),
            Input::Pause => self.pause(now),
            Input::Resume => self.resume(now),
            Input::Update(config) => self.update(*config, now),
            Input::Close => self.close(now),
            Input::Dialled { link, dialled } => self.dialled(link, dialled, now),
            Input::Opened { link, opened } => self.opened(link, opened, now),
            Input::OpenFailed { link, failure, dialled } => self.open_failed(link, failure, dialled, now),
            Input::Read { link, messages, answers } => self.read(link, messages, answers, now),
            Input::Sent { link } => self.sent(link, now),
            Input::Stalled { link } => self.stalled(link, now),
            Input::ReadAgain { link } => self.read_again(link, now),
            Input::Ended { link, end } => self.ended(link, end, now),
            Input::Path { link, facts } => self.told_path(link, facts, now),
            Input::Route { link, facts } => self.told_route(link, facts, now),
            Input::NetworkNamed { network } => self.network_named(network, now),
            Input::Network(status) => self.network(status, now),
            Input::Recalled { network, recalled } => self.recalled(network, recalled, now),
            Input::Timeout => self.timeout(now),
        }
        self.settle(now);
    }

    /// The next output. Drain this after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call with [`Input::Timeout`]; `None`: only after the next input.
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.next_timer().map(|(at, _)| at)
    }

    // Getters.

    /// Whether the next deadline is that of an answer, which usually comes
    /// before it: a driver may arm its timer so that it is cheap to move away.
    pub fn expects_answer(&self) -> bool {
        matches!(self.next_timer(), Some((_, Timer::Answer)))
    }

    /// The state of the connection. Before [`Input::Start`] the keeper waits for its
    /// first attempt.
    pub fn state(&self) -> State {
        match &self.schedule.phase {
            Phase::Idle | Phase::Waiting(_) => {
                State::Waiting { attempt: self.schedule.backoff.next_attempt() }
            }
            Phase::Underway => match self.links.main() {
                Some((_, main)) => State::Connected { epoch: main.epoch },
                None => State::Connecting { attempt: self.links.next().map_or(1, |(_, next)| next.attempt) },
            },
            Phase::Paused { .. } => State::Paused,
            Phase::Closing => State::Closing,
            Phase::Finished(Finish::Closed) => State::Closed,
            Phase::Finished(Finish::GaveUp(_)) => State::GaveUp,
        }
    }

    /// The statistics, up to `now`.
    pub fn stats(&self, now: Moment) -> KeeperStats {
        let main = self.links.main().map(|(_, main)| main);
        let uptime = self.tally.uptime + main.map_or(Duration::ZERO, |main| now.since(main.since));
        let books = self.path.books();
        KeeperStats {
            beats_sent: self.tally.beats_sent,
            beats_saved: self.tally.beats_saved + main.map_or(0, |main| main.watch.saved()),
            beats_missed: self.tally.misses,
            scouts_sent: self.tally.scouts_sent,
            scout_beats: self.tally.scout_beats,
            reconnects: self.tally.epoch.saturating_sub(1),
            rtt: main.and_then(|main| main.watch.rtt()),
            interval: books.interval(now).unwrap_or_default(),
            proven: books.proven(),
            uptime,
            downtime: now.since(self.started).saturating_sub(uptime),
            policy_panics: self.schedule.backoff.panics(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    // For the files below.

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Emit(event));
    }

    fn in_background(&self) -> bool {
        self.activity == Some(Activity::Background)
    }
}
