//! The keeper itself.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::heartbeat::{Evidence, Lesson, Prober};
use super::reconnect::{Backoff, Ending, Wait};
use super::verdict::{self, Inquest};
use super::watch::{Asked, Step, Watch};
use super::{
    Because, Cause, Config, Dialled, Dice, Event, Failure, Figures, Finish, GiveUp, Ground, LinkEnd, LinkId,
    Moment, NetworkStatus, Opened, Output, Purpose, Seen, State, Timer, Token,
};

/// After a wake what waits is read for this long before the probe.
const WAKE_READING: Duration = Duration::from_secs(1);
/// Asleep for longer, a link is not worth a probe.
const SLEPT_TOO_LONG: Duration = Duration::from_secs(600);
/// Sleep shorter than this is not told from a busy machine.
const SLEEP_NOTICED: Duration = Duration::from_secs(2);
/// An address or route change is let to settle before the probe.
const CHANGE_SETTLES: Duration = Duration::from_millis(250);
/// While the network is reported gone: one beat, one try a minute.
const OFFLINE_RHYTHM: Duration = Duration::from_secs(60);
/// What is left of a delay when good news comes: a draw from this.
const ADVANCED: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// Good news within this of the last is the same burst.
const BURST: Duration = Duration::from_secs(2);
/// An attempt older than this when good news comes was begun on a dead path.
const ATTEMPT_STALE: Duration = Duration::from_secs(1);
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
    backoff: Backoff,
    /// Every link that still matters, by what it is for.
    links: Vec<(LinkId, Role)>,
    last_link: u64,
    epoch: u64,
    course: Course,
    /// The link that died last, until the next dial shows why.
    inquest: Option<Inquest>,
    /// The network is reported gone.
    offline: bool,
    /// The last time good news cut something short.
    advanced: Option<Moment>,
    told_interval: Duration,
    outputs: VecDeque<Output>,
    tally: Tally,
    started: Moment,
    latest: Moment,
}

/// What a link is for, with what is known of it.
#[derive(Debug)]
enum Role {
    /// Being opened, to become the main link.
    Opening { attempt: u32, since: Moment, deadline: Moment },
    /// The link in use.
    Main(Main),
    /// Said goodbye to; read until then.
    Draining { until: Moment },
}

#[derive(Debug)]
struct Main {
    epoch: u64,
    since: Moment,
    local: Option<IpAddr>,
    watch: Watch,
    /// Something came in since it was taken into use.
    heard: bool,
    stall: Option<Stall>,
}

#[derive(Clone, Copy, Debug)]
struct Stall {
    since: Moment,
    told: bool,
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
            links: Vec::new(),
            last_link: 0,
            epoch: 0,
            course: Course::Idle,
            inquest: None,
            offline: false,
            advanced: None,
            told_interval,
            outputs: VecDeque::new(),
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
            Course::Underway if self.main().is_some() => self.lose(Seen::Asked, None, now),
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

    /// An attempt succeeded, login included.
    pub fn handle_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        self.settle_time(now);
        if !matches!(self.role(link), Some(Role::Opening { .. })) {
            return;
        }
        self.forget(link);
        self.conclude(Some(opened.dialled), now);
        self.backoff.opened();
        self.epoch += 1;
        let mut watch = Watch::new(&self.config.heartbeat, opened.beat, now);
        watch.set_pace(self.next_pace(now), now);
        let main = Main {
            epoch: self.epoch,
            since: now,
            local: opened.dialled.local,
            watch,
            heard: false,
            stall: None,
        };
        self.links.push((link, Role::Main(main)));
        self.outputs.push_back(Output::Promote { link, epoch: self.epoch });
        self.emit(Event::Connected { link, epoch: self.epoch, took: opened.took });
        self.tell_interval(now);
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
        let Some(Role::Opening { attempt, .. }) = self.role(link) else { return };
        let attempt = *attempt;
        self.forget(link);
        self.fail(link, attempt, failure, dialled, now);
    }

    /// Bytes came in.
    pub fn handle_heard(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        self.hear(link, now);
    }

    /// A beat's answer came in, which counts as heard, too; `None` where it
    /// does not say which beat it answers.
    pub fn handle_answered(&mut self, link: LinkId, token: Option<Token>, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, now) {
            return;
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
                let evidence = self.evidence_of_end(main, &end, now);
                self.lose(Seen::Ended(end), evidence, now);
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
        }
    }

    /// There is room again, and what waited on the link was read.
    pub fn handle_resumed(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link)
            && main.stall.take().is_some()
        {
            main.watch.resume(now);
        }
    }

    /// The oldest byte of the link that the peer's system has not
    /// acknowledged has waited this long. Also taken while the link is
    /// stalled, when no beat can show a death.
    pub fn handle_unacknowledged(&mut self, link: LinkId, waiting: Duration, now: Moment) {
        self.settle_time(now);
        let Some(main) = self.main_mut(link) else { return };
        if main.stall.is_some() && waiting >= main.watch.span() {
            self.lose(Seen::Unacknowledged, None, now);
        } else if main.stall.is_none() && waiting >= main.watch.patience() && main.watch.asked().is_none() {
            main.watch.bring_forward(now, false);
        }
    }

    /// The link's local address is gone from the system.
    pub fn handle_address_gone(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if self.main_mut(link).is_some() {
            self.lose(Seen::AddressGone, None, now);
        }
    }

    /// The host says something of the network.
    pub fn handle_network(&mut self, status: NetworkStatus, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        self.emit(match status {
            NetworkStatus::Online => Event::NetworkOnline,
            NetworkStatus::Offline => Event::NetworkOffline,
            NetworkStatus::Changed => Event::NetworkChanged,
        });
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::NetworkEvent);
        }
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.spoil();
        }
        match status {
            NetworkStatus::Offline => {
                self.offline = true;
                self.renew_pace(now);
                self.slow_down(now);
            }
            NetworkStatus::Online => {
                self.offline = false;
                self.renew_pace(now);
                self.with_watch(now, |watch| watch.probe(now));
                self.advance(Because::Network, now);
            }
            NetworkStatus::Changed => {
                self.offline = false;
                self.renew_pace(now);
                let settled = now + self.config.heartbeat.unit(CHANGE_SETTLES);
                if let Some((_, main)) = self.main_mut_any() {
                    main.watch.bring_forward(settled, true);
                }
                self.advance(Because::Network, now);
            }
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
            Timer::Beat | Timer::Answer | Timer::Silence => self.with_watch(now, |watch| watch.timeout(now)),
            Timer::Retry => self.open(now),
            Timer::Attempt => {
                if let Some((link, attempt, ..)) = self.abandon_opening() {
                    self.fail(link, attempt, Failure::TimedOut, None, now);
                }
            }
            Timer::Stall => {
                if let Some((_, Main { stall: Some(stall), .. })) = self.main_mut_any() {
                    stall.told = true;
                    let since = now.since(stall.since);
                    self.emit(Event::ReaderStalled { since });
                }
            }
            Timer::Goodbye => {
                self.links.retain(|(link, role)| match role {
                    Role::Draining { until } if *until <= now => {
                        self.outputs.push_back(Output::Abandon { link: *link });
                        false
                    }
                    Role::Draining { .. } | Role::Opening { .. } | Role::Main(_) => true,
                });
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
                Role::Main(main) => main.next(self.config.heartbeat.unit(STALL_TOLD)),
                Role::Draining { until } => Some((*until, Timer::Goodbye)),
            })
            .chain(of_course)
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

    fn wake(&mut self, slept: Duration, now: Moment) {
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        self.emit(Event::Slept { lasted: slept });
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::Suspended);
        }
        let probe_at = now + self.config.heartbeat.unit(WAKE_READING);
        let too_long = slept >= self.config.heartbeat.unit(SLEPT_TOO_LONG);
        match self.main_mut_any() {
            Some(_) if too_long => self.lose(Seen::Slept, None, now),
            Some((_, main)) => main.watch.wake(probe_at),
            None => self.advance(Because::Woke, now),
        }
    }

    // Links.

    fn role(&self, link: LinkId) -> Option<&Role> {
        self.links.iter().find(|(id, _)| *id == link).map(|(_, role)| role)
    }

    fn forget(&mut self, link: LinkId) {
        self.links.retain(|(id, _)| *id != link);
    }

    fn main(&self) -> Option<(LinkId, &Main)> {
        self.links.iter().find_map(|(link, role)| match role {
            Role::Main(main) => Some((*link, main)),
            Role::Opening { .. } | Role::Draining { .. } => None,
        })
    }

    fn main_mut_any(&mut self) -> Option<(LinkId, &mut Main)> {
        self.links.iter_mut().find_map(|(link, role)| match role {
            Role::Main(main) => Some((*link, main)),
            Role::Opening { .. } | Role::Draining { .. } => None,
        })
    }

    fn main_mut(&mut self, link: LinkId) -> Option<&mut Main> {
        self.main_mut_any().filter(|(main, _)| *main == link).map(|(_, main)| main)
    }

    fn opening(&self) -> Option<(LinkId, u32, Moment)> {
        self.links.iter().find_map(|(link, role)| match role {
            Role::Opening { attempt, since, .. } => Some((*link, *attempt, *since)),
            Role::Main(_) | Role::Draining { .. } => None,
        })
    }

    /// Takes the main link out of use, for whatever reason.
    fn take_main(&mut self, now: Moment) -> Option<(LinkId, Main)> {
        let at = self.links.iter().position(|(_, role)| matches!(role, Role::Main(_)))?;
        let (link, Role::Main(main)) = self.links.swap_remove(at) else { return None };
        self.tally.uptime += now.since(main.since);
        self.tally.beats_saved += main.watch.saved();
        Some((link, main))
    }

    fn abandon_opening(&mut self) -> Option<(LinkId, u32, Moment)> {
        let opening = self.opening()?;
        self.forget(opening.0);
        self.outputs.push_back(Output::Abandon { link: opening.0 });
        Some(opening)
    }

    // Opening.

    fn open(&mut self, now: Moment) {
        debug_assert!(self.main().is_none() && self.opening().is_none(), "one link at a time");
        self.course = Course::Underway;
        let attempt = self.backoff.begin();
        self.last_link += 1;
        let link = LinkId(self.last_link);
        let deadline = now + self.config.reconnect.attempt_deadline;
        self.links.push((link, Role::Opening { attempt, since: now, deadline }));
        self.outputs.push_back(Output::Open { link, purpose: Purpose::Main, route: 0, attempt });
        self.emit(Event::Connecting { link, attempt });
    }

    fn fail(&mut self, link: LinkId, attempt: u32, failure: Failure, dialled: Option<Dialled>, now: Moment) {
        self.conclude(dialled, now);
        let wait = self.backoff.after_failure(&failure, &mut self.dice);
        self.emit(Event::AttemptFailed { link, attempt, failure });
        self.wait_or_give_up(wait, now);
    }

    fn wait_or_give_up(&mut self, wait: Result<Wait, GiveUp>, now: Moment) {
        match wait {
            Ok(mut wait) => {
                let rhythm = self.config.reconnect.unit(OFFLINE_RHYTHM);
                if self.offline && wait.because != Because::Asked && wait.delay < rhythm {
                    wait.delay = self.dice.shorter(rhythm, 0.1);
                    wait.because = Because::Offline;
                }
                self.course = Course::Waiting { until: now + wait.delay, firm: wait.firm };
                let attempt = self.backoff.next_attempt();
                let (delay, because) = (wait.delay, wait.because);
                self.emit(Event::ReconnectScheduled { attempt, delay, because });
            }
            Err(reason) => {
                self.emit(Event::GaveUp { reason: reason.clone() });
                self.finish(Finish::GaveUp(reason));
            }
        }
    }

    /// Good news: an attempt soon. Once a burst.
    fn advance(&mut self, because: Because, now: Moment) {
        let burst = self.config.reconnect.unit(BURST);
        if self.advanced.is_some_and(|last| now.since(last) < burst) {
            return;
        }
        let drawn = |dice: &mut Dice, config: &Config| {
            dice.between(config.reconnect.unit(ADVANCED.0), config.reconnect.unit(ADVANCED.1))
        };
        match self.course {
            Course::Waiting { until, firm: false } => {
                self.advanced = Some(now);
                let left = until.since(now);
                let delay = left.min(drawn(&mut self.dice, &self.config));
                self.course = Course::Waiting { until: now + delay, firm: false };
                self.emit(Event::ReconnectAdvanced { delay, because });
            }
            Course::Underway => {
                let stale = self.config.reconnect.unit(ATTEMPT_STALE);
                if self.opening().is_some_and(|(.., since)| now.since(since) >= stale) {
                    self.advanced = Some(now);
                    self.abandon_opening();
                    let delay = drawn(&mut self.dice, &self.config);
                    self.course = Course::Waiting { until: now + delay, firm: false };
                    self.emit(Event::ReconnectAdvanced { delay, because });
                }
            }
            Course::Waiting { firm: true, .. } | Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// The network is reported gone: one try a minute all the same.
    fn slow_down(&mut self, now: Moment) {
        if let Course::Waiting { until, firm } = self.course {
            let rhythm = self.config.reconnect.unit(OFFLINE_RHYTHM);
            if until.since(now) < rhythm {
                let delay = self.dice.shorter(rhythm, 0.1);
                self.course = Course::Waiting { until: now + delay, firm };
                let attempt = self.backoff.next_attempt();
                self.emit(Event::ReconnectScheduled { attempt, delay, because: Because::Offline });
            }
        }
    }

    // The link in use.

    /// Notes that something came in; false if `link` is not the one in use.
    fn hear(&mut self, link: LinkId, now: Moment) -> bool {
        let offline = self.offline;
        let Some(main) = self.main_mut(link) else { return false };
        main.heard = true;
        let heard = main.watch.hear(now);
        let news = heard.survived.filter(|_| !offline);
        if let Some(gap) = news
            && (heard.answered || gap > self.prober.proven())
        {
            self.learn(Evidence::Survived { gap }, now);
        }
        if heard.answered {
            self.renew_pace(now);
        }
        true
    }

    /// Lets the watch of the link in use do something and carries it out.
    fn with_watch(&mut self, now: Moment, act: impl FnOnce(&mut Watch) -> Step) {
        let Some((link, main)) = self.main_mut_any() else { return };
        match act(&mut main.watch) {
            Step::Wait => {}
            Step::Beat { token, gap } => {
                self.tally.beats_sent += 1;
                self.outputs.push_back(Output::Beat { link, token });
                self.emit(Event::BeatSent { link, gap });
            }
            Step::Missed { consecutive, token } => {
                self.tally.misses += 1;
                self.tally.beats_sent += 1;
                self.emit(Event::BeatMissed { link, consecutive });
                self.outputs.push_back(Output::Beat { link, token });
            }
            Step::Dead { seen, asked } => {
                if let Seen::Unanswered { beats } = seen {
                    self.tally.misses += 1;
                    self.emit(Event::BeatMissed { link, consecutive: beats });
                }
                let evidence = asked.and_then(|asked| self.evidence_of_silence(asked));
                self.lose(seen, evidence, now);
            }
        }
    }

    /// The link in use is gone: drop it, tell, and see how to come back. The
    /// one way in which a link is lost.
    fn lose(&mut self, seen: Seen, evidence: Option<(Evidence, bool)>, now: Moment) {
        let Some((link, main)) = self.take_main(now) else { return };
        if !matches!(seen, Seen::Ended(_)) {
            self.outputs.push_back(Output::Abandon { link });
        }
        let gap = match evidence {
            Some((
                Evidence::Expired { gap } | Evidence::EndedIdle { gap } | Evidence::Survived { gap },
                _,
            )) => gap,
            None => main.watch.gap(now),
        };
        let (evidence, chosen) =
            evidence.map_or((None, false), |(evidence, chosen)| (Some(evidence), chosen));
        let alone = chosen
            || evidence.is_some() && self.prober.near_failed(gap)
            || matches!(seen, Seen::ProbeUnanswered | Seen::AddressGone | Seen::Slept | Seen::Asked);
        let uptime = now.since(main.since);
        let proved = uptime >= self.config.reconnect.stable && main.heard;
        self.tell_loss(link, &main, seen.clone(), gap, now);
        match verdict::known_at_once(&seen) {
            Some((cause, ground)) => self.emit(Event::Diagnosed { link, cause, evidence: ground }),
            None => {
                let otherwise = match (&seen, evidence) {
                    (Seen::Ended(LinkEnd::Io { .. }), _) => Cause::PathDead,
                    (Seen::Ended(_), _) => Cause::ClosedByPeer,
                    (Seen::Silent | Seen::ProbeUnanswered | Seen::Unanswered { .. }, _) => Cause::ServerStuck,
                    (_, _) => Cause::PathDead,
                };
                self.inquest = Some(Inquest {
                    link,
                    local: main.local,
                    rtt: main.watch.rtt(),
                    evidence: evidence.filter(|_| !self.offline),
                    otherwise,
                    spoiled: self.offline.then_some(Ground::NetworkEvent),
                });
            }
        }
        let asked = seen == Seen::Asked;
        let wait = self.backoff.after_end(Ending { seen: &seen, proved, alone }, &mut self.dice);
        if asked && wait.is_ok() {
            self.open(now);
        } else {
            self.wait_or_give_up(wait, now);
        }
    }

    fn tell_loss(&mut self, link: LinkId, main: &Main, seen: Seen, gap: Duration, now: Moment) {
        let (epoch, uptime) = (main.epoch, now.since(main.since));
        self.emit(Event::Disconnected { link, epoch, seen, gap, uptime });
    }

    // Evidence.

    /// What a row of unanswered beats says, if the path still works.
    fn evidence_of_silence(&self, asked: Asked) -> Option<(Evidence, bool)> {
        (!asked.spoiled && !self.offline).then_some((Evidence::Expired { gap: asked.gap }, asked.chosen))
    }

    /// What an end says, if the path still works.
    fn evidence_of_end(&self, main: &Main, end: &LinkEnd, now: Moment) -> Option<(Evidence, bool)> {
        if !verdict::may_be_a_middlebox(end) || self.offline {
            return None;
        }
        match main.watch.asked() {
            // In answer to a beat: a reset says that the path forgot the
            // link; another end only where the gap was a try.
            Some(asked) if asked.spoiled => None,
            Some(asked) if matches!(end, LinkEnd::Reset) || asked.chosen => {
                Some((Evidence::Expired { gap: asked.gap }, asked.chosen))
            }
            Some(asked) => Some((Evidence::EndedIdle { gap: asked.gap }, false)),
            None if main.watch.is_spoiled() || main.watch.is_probing() => None,
            None => Some((Evidence::EndedIdle { gap: main.watch.gap(now) }, false)),
        }
    }

    /// The first dial after a death shows what it was.
    fn conclude(&mut self, dialled: Option<Dialled>, now: Moment) {
        let Some(inquest) = self.inquest.take() else { return };
        let mut finding = inquest.conclude(dialled, |at_one| self.config.heartbeat.unit(at_one));
        if let Some(evidence) = finding.evidence {
            let known = (self.prober.proven(), self.prober.failed());
            if self.learn(evidence, now) || (self.prober.proven(), self.prober.failed()) != known {
                finding.cause = Cause::IdleExpiry;
            }
        }
        let Inquest { link, .. } = inquest;
        self.emit(Event::Diagnosed { link, cause: finding.cause, evidence: finding.ground });
        self.tell_interval(now);
    }

    /// Feeds the prober; true if the observation was taken for idle expiry.
    fn learn(&mut self, evidence: Evidence, now: Moment) -> bool {
        let expiry = matches!(evidence, Evidence::Expired { gap } if self.prober.is_idleness(gap, now));
        let lesson = self.prober.learn(evidence, now);
        match lesson {
            Some(Lesson::Learned { proven, failed }) => {
                self.emit(Event::IdleTimeoutLearned { proven, failed });
            }
            Some(Lesson::Shrank { failed }) => self.emit(Event::IdleTimeoutShrank { failed }),
            None => {}
        }
        if lesson.is_some() || matches!(evidence, Evidence::Survived { .. }) {
            self.tell_interval(now);
        }
        expiry || lesson.is_some()
    }

    fn tell_interval(&mut self, now: Moment) {
        let interval = self.prober.interval(now).unwrap_or_default();
        if interval != self.told_interval {
            self.told_interval = interval;
            self.emit(Event::IntervalChanged { interval, proven: self.prober.proven() });
        }
    }

    fn next_pace(&mut self, now: Moment) -> Option<super::heartbeat::Pace> {
        if self.offline {
            let after = self.config.heartbeat.unit(OFFLINE_RHYTHM);
            return self.prober.interval(now).map(|_| super::heartbeat::Pace { after, chosen: false });
        }
        self.prober.pace(&mut self.dice, now)
    }

    fn renew_pace(&mut self, now: Moment) {
        let pace = self.next_pace(now);
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.set_pace(pace, now);
        }
    }

    // Ending.

    fn finish_if_alone(&mut self) {
        if matches!(self.course, Course::Closing) && self.links.is_empty() {
            self.emit(Event::Closed);
            self.finish(Finish::Closed);
        }
    }

    fn finish(&mut self, finish: Finish) {
        self.course = Course::Finished(finish.clone());
        self.outputs.push_back(Output::Finish(finish));
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Emit(event));
    }
}

impl Main {
    fn next(&self, stall_told: Duration) -> Option<(Moment, Timer)> {
        let stall =
            self.stall.filter(|stall| !stall.told).map(|stall| (stall.since + stall_told, Timer::Stall));
        [self.watch.next(), stall].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}
