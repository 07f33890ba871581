//! A keeper on a bench: time stands still unless a test moves it, and every
//! output is written down with the instant at which it came.

#![allow(dead_code, reason = "each test file uses its part of it")]

use std::time::Duration;

use longlink::keeper::{
    Beat, Because, Cause, Config, Dialled, Event, Failure, Finish, Ground, Heartbeat, Keeper, LinkEnd,
    LinkId, Moment, NetworkStatus, Opened, Output, PathFacts, Purpose, Reconnect, RouteFacts, Seen, State,
    Timer, Token,
};

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// No instants. An empty array literal would leave open what it is that durations
/// are compared with, where other crates have durations of their own.
pub const NEVER: [Duration; 0] = [];

/// The round trip of a bench link, unless a test says otherwise.
pub const RTT: Duration = millis(50);

/// How long a bench link took to open, login included: too long to say
/// anything of its round trip.
pub const LOGIN: Duration = secs(3);

/// The defaults but for the heartbeat.
pub fn with_heartbeat(heartbeat: Heartbeat) -> Config {
    let mut config = Config::default();
    config.heartbeat = heartbeat;
    config
}

/// The defaults but for the reconnect policy.
pub fn with_reconnect(reconnect: Reconnect) -> Config {
    let mut config = Config::default();
    config.reconnect = reconnect;
    config
}

#[derive(Clone, Copy, Debug)]
pub struct Scout {
    pub link: LinkId,
    pub gap: Duration,
    pub token: Option<Token>,
}

pub struct Rig {
    pub keeper: Keeper,
    pub now: Moment,
    /// The link being opened, the one in use, and the beat sent last.
    pub opening: Option<LinkId>,
    pub main: Option<LinkId>,
    pub token: Option<Token>,
    /// The scouts that are out, with the gap that each tests and its last beat.
    pub scouts: Vec<Scout>,
    pub finished: Option<Finish>,
    /// What the server does by itself while time passes.
    pub answers_at_once: bool,
    pub refuses: bool,
    /// All outputs since the last [`Rig::forget`], with their instants.
    pub log: Vec<(Duration, Output)>,
}

impl Rig {
    /// Started: the first attempt is under way, at the origin.
    pub fn new(config: Config, seed: u64) -> Rig {
        let keeper = Keeper::new(config, seed, Moment::ORIGIN);
        let mut rig = Rig {
            keeper,
            now: Moment::ORIGIN,
            opening: None,
            main: None,
            token: None,
            scouts: Vec::new(),
            finished: None,
            answers_at_once: false,
            refuses: false,
            log: Vec::new(),
        };
        rig.keeper.start(rig.now);
        rig.drain();
        rig
    }

    /// With a link in use since the origin.
    pub fn connected(config: Config, seed: u64) -> Rig {
        let mut rig = Rig::new(config, seed);
        rig.open(Beat::Ping);
        rig
    }

    /// With a link in use, by the defaults but for the heartbeat.
    pub fn beating(heartbeat: Heartbeat) -> Rig {
        Rig::connected(with_heartbeat(heartbeat), 1)
    }

    /// With a link in use and a fixed interval, so that only liveness is at work.
    pub fn fixed(seconds: u64) -> Rig {
        Rig::beating(Heartbeat::fixed(secs(seconds)))
    }

    /// Started, by the defaults but for the reconnect policy.
    pub fn dialling(reconnect: Reconnect, seed: u64) -> Rig {
        Rig::new(with_reconnect(reconnect), seed)
    }

    /// Waiting for a late attempt: at least 20 s are left.
    pub fn waiting(seed: u64) -> Rig {
        Rig::waiting_after(Failure::Unreachable, seed)
    }

    /// The same, after attempts that all failed in this way.
    pub fn waiting_after(failure: Failure, seed: u64) -> Rig {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        loop {
            rig.fail(failure.clone());
            if rig.delay() >= secs(20) {
                rig.forget();
                return rig;
            }
            rig.until_opening();
        }
    }

    /// With a link in use that has just been heard.
    pub fn linked() -> Rig {
        let mut rig = Rig::beating(Heartbeat::fixed(secs(300)));
        rig.beat_answered(RTT);
        rig.pass(secs(10));
        rig.forget();
        rig
    }

    // --- what happens ---

    /// The attempt under way succeeds, at this instant.
    pub fn open(&mut self, beat: Beat) -> LinkId {
        let link = self.opening.take().expect("an attempt is under way");
        let dialled = Dialled::new(RTT, None);
        self.keeper.handle_opened(link, Opened::new(beat, dialled, LOGIN), self.now);
        self.drain();
        link
    }

    /// The same, with more said of the link.
    pub fn open_as(&mut self, say: impl FnOnce(&mut Opened)) -> LinkId {
        let link = self.opening.take().expect("an attempt is under way");
        let dialled = Dialled::new(RTT, None);
        let mut opened = Opened::new(Beat::Ping, dialled, LOGIN);
        say(&mut opened);
        self.keeper.handle_opened(link, opened, self.now);
        self.drain();
        link
    }

    /// The path of an attempt is there, at this instant.
    pub fn dialled(&mut self, link: LinkId, took: Duration) {
        self.keeper.handle_dialled(link, Dialled::new(took, None), self.now);
        self.drain();
    }

    /// A scout that is being opened is open, at this instant.
    pub fn open_scout(&mut self, link: LinkId) {
        self.open_scout_as(link, Beat::Ping);
    }

    pub fn open_scout_as(&mut self, link: LinkId, beat: Beat) {
        let dialled = Dialled::new(RTT, None);
        self.keeper.handle_opened(link, Opened::new(beat, dialled, LOGIN), self.now);
        self.drain();
    }

    pub fn fail_scout(&mut self, link: LinkId, failure: Failure) {
        self.keeper.handle_open_failed(link, failure, None, self.now);
        self.scouts.retain(|scout| scout.link != link);
        self.drain();
    }

    /// A scout's last beat is answered.
    pub fn answer_scout(&mut self, link: LinkId) {
        let token = self.scouts.iter().find(|scout| scout.link == link).and_then(|scout| scout.token);
        assert!(token.is_some(), "the scout has not beaten");
        self.keeper.handle_answered(link, token, self.now);
        self.drain();
    }

    pub fn end_scout(&mut self, link: LinkId, end: LinkEnd) {
        self.keeper.handle_ended(link, end, self.now);
        self.scouts.retain(|scout| scout.link != link);
        self.drain();
    }

    /// The attempt under way fails, at this instant and without a dial.
    pub fn fail(&mut self, failure: Failure) {
        let link = self.opening.take().expect("an attempt is under way");
        self.keeper.handle_open_failed(link, failure, None, self.now);
        self.drain();
    }

    /// The link in use ends by itself, at this instant.
    pub fn end(&mut self, end: LinkEnd) {
        let link = self.main.take().expect("a link is in use");
        self.keeper.handle_ended(link, end, self.now);
        self.drain();
    }

    pub fn heard(&mut self) {
        let link = self.main();
        self.keeper.handle_heard(link, self.now);
        self.drain();
    }

    pub fn message(&mut self) {
        let link = self.main();
        self.keeper.handle_message(link, self.now);
        self.drain();
    }

    pub fn sent(&mut self) {
        let link = self.main();
        self.keeper.handle_sent(link, self.now);
        self.drain();
    }

    /// The beat sent last is answered, at this instant. As the driver does it:
    /// what came in is reported first, and then what it was.
    pub fn answer(&mut self) {
        self.answer_all(&[self.token]);
    }

    /// The answers to beats that were sent earlier come in, all in one turn.
    pub fn answer_all(&mut self, tokens: &[Option<Token>]) {
        let link = self.main();
        self.keeper.handle_heard(link, self.now);
        self.drain();
        for &token in tokens {
            assert!(token.is_some(), "no beat was sent");
            self.keeper.handle_answered(link, token, self.now);
            self.drain();
        }
    }

    pub fn network(&mut self, status: NetworkStatus) {
        self.keeper.handle_network(status, self.now);
        self.drain();
    }

    pub fn stalled(&mut self) {
        let link = self.main();
        self.keeper.handle_stalled(link, self.now);
        self.drain();
    }

    pub fn resumed(&mut self) {
        let link = self.main();
        self.keeper.handle_resumed(link, self.now);
        self.drain();
    }

    /// What the system says of the way to the peer of the link in use.
    pub fn route(&mut self, facts: RouteFacts) {
        let link = self.main();
        self.keeper.handle_route(link, facts, self.now);
        self.drain();
    }

    /// The news of the network has settled, and the system says this.
    pub fn look(&mut self, facts: RouteFacts) {
        for _ in 0..100 {
            let (at, timer) = self.keeper.poll_timeout().expect("a look is due");
            self.now = self.now + at.since(self.now);
            if timer == Timer::Network {
                self.route(facts);
                return self.timeout();
            }
            self.timeout();
        }
        panic!("no look is due");
    }

    /// The host names its network.
    pub fn named(&mut self, network: &str) {
        self.keeper.handle_network_named(network, self.now);
        self.drain();
    }

    pub fn address_gone(&mut self) {
        self.route(RouteFacts::new(false, None));
    }

    /// The system says that this many bytes are not acknowledged, the oldest
    /// for this long.
    pub fn unacknowledged(&mut self, bytes: u64, waiting: Duration) {
        let link = self.main();
        self.keeper.handle_path(link, PathFacts::new(bytes, waiting), self.now);
        self.drain();
    }

    pub fn probe(&mut self) {
        self.keeper.probe_now(self.now);
        self.drain();
    }

    pub fn confirm(&mut self) {
        self.keeper.confirm(self.now);
        self.drain();
    }

    pub fn reconnect(&mut self) {
        self.keeper.reconnect_now(self.now);
        self.drain();
    }

    pub fn close(&mut self) {
        self.keeper.close(self.now);
        self.drain();
    }

    pub fn timeout(&mut self) {
        self.keeper.handle_timeout(self.now);
        self.drain();
    }

    // --- time ---

    /// Lets this much time pass, each timer handled at its own instant.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut timers = 0;
        self.play_server();
        while let Some((at, _)) = self.keeper.poll_timeout().filter(|&(at, _)| at <= end) {
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
    fn play_server(&mut self) {
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
            let Some((at, _)) = self.keeper.poll_timeout() else { break };
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
        while let Some((at, timer)) = self.keeper.poll_timeout().filter(|&(at, _)| at <= end) {
            timers += 1;
            assert!(timers < 10_000, "the keeper runs hot at {:?}", self.now.elapsed());
            self.now = self.now + at.since(self.now);
            let Some(main) = self.main else { return };
            if matches!(timer, Timer::Answer | Timer::Path) {
                let facts = facts(self.elapsed());
                self.keeper.handle_path(main, facts, self.now);
                self.drain();
            }
            self.timeout();
            if self.main.is_none() {
                return;
            }
        }
        self.now = self.now + end.since(self.now);
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

    // --- what was seen ---

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
        self.keeper.poll_timeout().map(|(at, timer)| (at.elapsed(), timer))
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
                Output::Finish(finish) => self.finished = Some(finish.clone()),
                _ => {}
            }
            self.log.push((self.now.elapsed(), output));
        }
    }
}
