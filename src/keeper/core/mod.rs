//! The keeper itself.

mod in_use;
mod memory;
mod news;
mod opening;
mod roles;
mod scouting;

use std::collections::VecDeque;
use std::time::Duration;

use self::in_use::{Loss, evidence_of_end};
use self::memory::Memory;
use self::roles::{Main, Role, Stall};
use self::scouting::Scouting;
use super::heartbeat::Prober;
use super::reconnect::Backoff;
use super::verdict::Inquest;
use super::watch::{Sound, Watch};
use super::{
    Activity, Cause, Config, Dialled, Dice, Event, Failure, Figures, Finish, Ground, LinkEnd, LinkId, Moment,
    Opened, Output, PathFacts, Seen, State, Timer, Token,
};

/// Sleep shorter than this is not told from a busy machine.
const SLEEP_NOTICED: Duration = Duration::from_secs(2);
/// A stalled reader is told of after this.
const STALL_TOLD: Duration = Duration::from_secs(1);

/// Keeps one connection: decides when to open a link, when to beat, when a
/// link is dead, when to come back and when to give up.
///
/// Its methods fall into four classes:
///
/// - getters;
/// - `handle_*`, which tell it what happened;
/// - commands ([`start`], [`probe_now`], [`reconnect_now`], [`confirm`],
///   [`close`]), which tell it what is wanted;
/// - `poll_*`, which ask it what to do ([`poll_output`]) and when to call
///   [`handle_timeout`] next ([`poll_timeout`]).
///
/// After each command or `handle_*`, drain [`poll_output`] and do what it
/// says, then ask [`poll_timeout`]. `now` never goes back. Words about a link
/// that was abandoned, or never opened, change nothing.
///
/// It tells one [`LinkId`] from another and gives each a role: opening, main,
/// draining. At most one link is main, at most one is opening to become it.
///
/// [`start`]: Keeper::start
/// [`probe_now`]: Keeper::probe_now
/// [`reconnect_now`]: Keeper::reconnect_now
/// [`confirm`]: Keeper::confirm
/// [`close`]: Keeper::close
/// [`poll_output`]: Keeper::poll_output
/// [`poll_timeout`]: Keeper::poll_timeout
/// [`handle_timeout`]: Keeper::handle_timeout
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
    offline: bool,
    /// What the application says of itself.
    activity: Option<Activity>,
    /// The last time good news cut something short.
    advanced: Option<Moment>,
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
        /// The server named the time.
        firm: bool,
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
            offline: false,
            activity: None,
            advanced: None,
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
            misses: self.tally.misses,
            scouts_sent: self.scouting.sent,
            scout_beats: self.scouting.beats,
            reconnects: self.epoch.saturating_sub(1),
            rtt: main.and_then(|main| main.watch.rtt()),
            interval: self.prober.interval(now).unwrap_or_default(),
            proven: self.prober.proven(),
            uptime,
            downtime: now.since(self.started).saturating_sub(uptime),
        }
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    // Commands.

    /// Begins: opens the first link. Once.
    pub fn start(&mut self, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle) {
            self.started = now;
            self.recall();
            self.open(now);
        }
    }

    /// Probes the link in use: one beat, one deadline of 3 s, any byte
    /// answers it; unanswered, the link is dead. While waiting to retry, the
    /// next attempt begins at once.
    pub fn probe_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Underway => self.with_watch(now, |watch| watch.probe(now)),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Abandons the link in use, or ends a wait, and opens a new link at
    /// once. While an attempt is under way: nothing.
    pub fn reconnect_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Underway if self.main().is_some() => self.lose(Loss::of(Seen::Asked), now),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Underway | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Somebody waits to know that the peer has what was written: beats at
    /// once on the link in use; while such a beat is under way, again when it
    /// is answered.
    pub fn confirm(&mut self, now: Moment) {
        self.settle_time(now);
        self.with_watch(now, |watch| watch.confirm(now));
    }

    /// Whether somebody looks at the application. Until it is said, gaps are
    /// tried whenever they can be.
    pub fn set_activity(&mut self, activity: Activity, now: Moment) {
        self.settle_time(now);
        if self.is_over() {
            return;
        }
        self.activity = Some(activity);
        self.prober.set_calm(activity == Activity::Foreground);
        if activity == Activity::Foreground {
            self.void_scouts(now);
        }
        self.apply_heartbeat(now);
    }

    /// Other settings from here on, taken as they are ([`Config::check`]).
    /// What was learned stays, unless the heartbeat's scale is another; what
    /// is under way goes on, its deadlines included.
    pub fn update(&mut self, config: Config, now: Moment) {
        self.settle_time(now);
        if self.is_over() {
            return;
        }
        self.config = config;
        self.backoff.set_policy(self.config.reconnect.clone());
        self.prober.set_heartbeat(self.config.heartbeat.clone(), now);
        self.void_scouts(now);
        self.ask_for_scouts_again(now);
        self.recall_if_unknown();
        self.apply_heartbeat(now);
    }

    /// Closes: says goodbye on the link in use, abandons all others, and
    /// finishes within [`Config::goodbye`].
    pub fn close(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Closing | Course::Finished(_) => return,
            Course::Idle | Course::Underway | Course::Waiting { .. } => {}
        }
        self.course = Course::Closing;
        self.inquest = None;
        self.void_scouts(now);
        self.abandon_draining(|_| true);
        if let Some((link, main)) = self.take_main(now) {
            let gap = main.watch.gap(now);
            self.tell_loss(link, &main, Seen::Closed, gap, now);
            self.emit(Event::Diagnosed { link, cause: Cause::Ours, evidence: Ground::Ourselves });
            self.links.push((link, Role::Draining { until: now + self.config.goodbye }));
            self.outputs.push_back(Output::Retire { link });
        }
        self.abandon_opening();
        self.finish_if_alone();
    }

    // What happened.

    /// The network path of an attempt is there, though TLS and the login are
    /// still to come: it shows why the link before was lost. May be left out,
    /// and comes with [`Opened`] or the failure then.
    pub fn handle_dialled(&mut self, link: LinkId, dialled: Dialled, now: Moment) {
        self.settle_time(now);
        if matches!(self.role(link), Some(Role::Opening { .. })) {
            self.conclude(Some(dialled), now);
        }
    }

    /// An attempt succeeded, login included.
    pub fn handle_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        self.settle_time(now);
        match self.role(link) {
            Some(Role::Opening { .. }) => {}
            Some(Role::Scout(_)) => return self.scout_opened(link, opened, now),
            Some(Role::Main(_) | Role::Draining { .. }) | None => return,
        }
        self.forget(link);
        self.conclude(Some(opened.dialled), now);
        self.backoff.opened();
        self.epoch += 1;
        let mut watch = Watch::new(&self.config.heartbeat, self.in_background(), opened.beat, now)
            .with_path(opened.tells_path);
        watch.set_pace(self.next_pace(now), now);
        let main = Main {
            epoch: self.epoch,
            since: now,
            local: opened.dialled.local,
            answers_after: opened.answers_after,
            kept_its_word: false,
            watch,
            heard: false,
            stall: None,
            message: now,
            scout_came: None,
            shaken: None,
        };
        self.links.push((link, Role::Main(Box::new(main))));
        self.outputs.push_back(Output::Promote { link, epoch: self.epoch });
        self.emit(Event::Connected { link, epoch: self.epoch, took: opened.took });
        self.ask_peer_to_speak(now);
        self.tell_interval(now);
        self.scouts_after_promotion(now);
    }

    /// An attempt failed. `dialled` as for [`Opened`], where it came so far.
    pub fn handle_open_failed(
        &mut self,
        link: LinkId,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        self.settle_time(now);
        match self.role(link) {
            Some(Role::Opening { attempt, .. }) => {
                let attempt = *attempt;
                self.forget(link);
                self.fail(link, attempt, failure, dialled, now);
            }
            Some(Role::Scout(_)) => self.scout_failed(link, &failure, now),
            Some(Role::Main(_) | Role::Draining { .. }) | None => {}
        }
    }

    /// Bytes came in.
    pub fn handle_heard(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Bytes, now) {
            self.scout_heard(link, now);
        }
    }

    /// A message came in, which counts as heard, too. Where a beat's answer
    /// came in before it, report that first: a message that comes ahead of the
    /// answer may have been held up by the path.
    pub fn handle_message(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Message, now) {
            self.scout_heard(link, now);
        }
        if let Some(main) = self.main_mut(link) {
            main.message = now;
        }
    }

    /// A beat's answer came in, which counts as heard, too; `None` where it
    /// does not say which beat it answers.
    pub fn handle_answered(&mut self, link: LinkId, token: Option<Token>, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Bytes, now) {
            return self.scout_heard(link, now);
        }
        let Some(main) = self.main_mut(link) else { return };
        let (rtt, again) = main.watch.match_answer(token, now);
        self.emit(Event::BeatAnswered { link, rtt });
        if again {
            self.with_watch(now, |watch| watch.confirm(now));
        }
    }

    /// Bytes of messages went out.
    pub fn handle_sent(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link) {
            main.watch.send(now);
        }
    }

    /// A link ended by itself. Everything that could be read from it was.
    pub fn handle_ended(&mut self, link: LinkId, end: LinkEnd, now: Moment) {
        self.settle_time(now);
        match self.role(link) {
            Some(Role::Main(main)) => {
                let evidence = evidence_of_end(&main.watch, &end, now);
                self.lose(Loss::of(Seen::Ended(end)).with_evidence(evidence), now);
            }
            Some(Role::Draining { .. }) => {
                self.forget(link);
                self.finish_if_alone();
            }
            Some(Role::Opening { attempt, .. }) => {
                let attempt = *attempt;
                self.forget(link);
                self.fail(link, attempt, Failure::Ended(end), None, now);
            }
            Some(Role::Scout(_)) => self.scout_ended(link, &end, now),
            None => {}
        }
    }

    /// The inbox is full: the link is no longer read.
    pub fn handle_stalled(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link)
            && main.stall.is_none()
        {
            main.stall = Some(Stall { since: now, told: false });
            main.watch.stall(now);
            self.void_scouts(now);
        }
    }

    /// There is room again, and what waited on the link was read.
    pub fn handle_resumed(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link)
            && main.stall.take().is_some()
        {
            main.watch.resume(now);
            main.message = now;
            self.plan_scouts(now);
        }
    }

    /// The system tells this of the path under the link. Wanted before
    /// [`Keeper::handle_timeout`] when a beat's answer is due
    /// ([`Timer::Answer`]), since it tells a dead path from a peer that is
    /// stuck, and when the keeper asks for it ([`Timer::Path`]); welcome at
    /// any time.
    pub fn handle_path(&mut self, link: LinkId, facts: PathFacts, now: Moment) {
        self.settle_time(now);
        if self.main_mut(link).is_some() {
            self.with_watch(now, |watch| watch.path(facts, now));
        }
    }

    /// The link's local address is gone from the system.
    pub fn handle_address_gone(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if self.main_mut(link).is_some() {
            self.lose(Loss::of(Seen::AddressGone), now);
        }
    }

    /// The time of [`Keeper::poll_timeout`] has come (harmless before it).
    ///
    /// Before calling it, read what waits on the links and report it: a
    /// process that slept must not call a link dead whose answer is there.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.settle_time(now);
        let Some((due, timer)) = self.poll_timeout() else { return };
        if due > now {
            return;
        }
        match timer {
            Timer::Beat | Timer::Answer | Timer::Silence | Timer::Path => {
                self.with_watch(now, |watch| watch.timeout(now))
            }
            Timer::Message => self.message_overdue(due, now),
            Timer::Scout => self.scouts_due(now),
            Timer::Retry => self.open(now),
            Timer::Attempt => {
                if let Some((link, attempt, ..)) = self.abandon_opening() {
                    self.fail(link, attempt, Failure::TimedOut, None, now);
                }
            }
            Timer::Stall => {
                if let Some(stall) = self.main_mut_any().and_then(|(_, main)| main.stall.as_mut()) {
                    stall.told = true;
                    let since = now.since(stall.since);
                    self.emit(Event::ReaderStalled { since });
                }
            }
            Timer::Goodbye => {
                self.abandon_draining(|until| until <= now);
                self.finish_if_alone();
            }
        }
    }

    // What to do.

    /// The next thing to do. Drain this after every command and `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Keeper::handle_timeout`], and what for; `None`: only
    /// after the next input.
    pub fn poll_timeout(&self) -> Option<(Moment, Timer)> {
        let of_course = match self.course {
            Course::Waiting { until, .. } => Some((until, Timer::Retry)),
            Course::Idle | Course::Underway | Course::Closing | Course::Finished(_) => None,
        };
        self.links
            .iter()
            .filter_map(|(_, role)| match role {
                Role::Opening { deadline, .. } => Some((*deadline, Timer::Attempt)),
                Role::Main(main) => {
                    main.next(self.config.heartbeat.unit(STALL_TOLD), self.config.silence_limit)
                }
                Role::Draining { until } => Some((*until, Timer::Goodbye)),
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
        self.abandon_draining(|_| true);
        self.course = Course::Finished(finish.clone());
        self.outputs.push_back(Output::Finish(finish));
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Emit(event));
    }
}
