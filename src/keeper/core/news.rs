//! News from around: the network comes and goes, the machine wakes. Hints,
//! never verdicts: a link is probed, a wait is cut short.

use std::time::Duration;

use super::in_use::Loss;
use super::opening::OFFLINE_RHYTHM;
use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::{Activity, Because, Event, Ground, Moment, NetworkStatus, Seen};

/// After a wake what waits is read for this long before the probe.
const WAKE_READING: Duration = Duration::from_secs(1);
/// Asleep for longer, a link is not worth a probe.
const SLEPT_TOO_LONG: Duration = Duration::from_secs(600);
/// An address or route change is let to settle before the link is looked at.
const CHANGE_SETTLES: Duration = Duration::from_millis(250);
/// What is left of a delay when good news comes: a draw from this, since
/// routes follow an "online" by up to a second, and since the news is
/// everybody's behind one access point.
const ADVANCED: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// The same when somebody looks at the application again: nobody else does in
/// the same moment.
const SOMEBODY_LOOKS: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(50));
/// What comes in this long after the network was reported gone was not on its
/// way before: the network is there.
const STRAGGLES: Duration = Duration::from_secs(10);
/// News within this of the last that was acted on is the same burst: what it
/// asks for is done when the burst is over.
const BURST: Duration = Duration::from_secs(2);
/// An attempt without a path, older than this when good news comes, was begun
/// where there was none.
const ATTEMPT_STALE: Duration = Duration::from_secs(1);
/// One that has a path, or is younger, has this long left after good news: its
/// path may be the old one.
const ATTEMPT_DOUBTED: Duration = Duration::from_secs(3);

/// The network is reported gone. Some hosts say so while it works, and never
/// take it back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offline {
    since: Moment,
    /// Something has come in all the same.
    pub(super) disproved: bool,
}

/// When to look at the way to the peer, and what for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) at: Moment,
    then: Then,
}

/// What to do with a link whose address is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Then {
    /// Nothing.
    Keep,
    /// Probe it, unless its way is known to be the same.
    ProbeIfMoved,
    /// Probe it.
    Probe,
}

impl Look {
    /// The system would still send to the peer from the same address. Before
    /// the look is due that says nothing.
    pub(super) fn same_way(&mut self, now: Moment) {
        if self.then == Then::ProbeIfMoved && self.at <= now {
            self.then = Then::Keep;
        }
    }
}

impl Keeper {
    /// The host says something of the network.
    pub fn handle_network(&mut self, status: NetworkStatus, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        let named = self.was_named(now);
        match status {
            NetworkStatus::Offline => {
                self.emit(Event::NetworkOffline);
                self.network_moved(now);
                let again = self.offline.is_some();
                self.offline.get_or_insert(Offline { since: now, disproved: false });
                let in_a_minute = now + self.config.heartbeat.unit(OFFLINE_RHYTHM);
                let cut_off = self.is_cut_off();
                if let Some((_, main)) = self.main_mut_any() {
                    if cut_off {
                        // Silence says nothing now: the next online asks again.
                        main.watch.call_off_probe();
                        main.look = None;
                    }
                    if !again {
                        main.watch.rest(Some(in_a_minute));
                    }
                }
                self.renew_pace(now);
                self.look_at_route(Then::Keep, now);
                self.slow_down(now);
            }
            NetworkStatus::Online => {
                self.emit(Event::NetworkOnline);
                self.network_moved(now);
                self.network_came(now);
                self.probe_for_news(now);
            }
            NetworkStatus::Changed => {
                self.emit(Event::NetworkChanged);
                self.network_moved(now);
                self.network_came(now);
                // A network that stayed has its old name, where it has one.
                let then = if named { Then::ProbeIfMoved } else { Then::Probe };
                self.look_at_route(then, now);
            }
            NetworkStatus::Woke => {
                let burst = self.config.heartbeat.unit(BURST);
                if self.woke.is_none_or(|woke| now.since(woke) >= burst) {
                    self.wake(Duration::ZERO, now);
                }
            }
        }
        self.plan_scouts(now);
    }

    /// The network is there, this one or another.
    fn network_came(&mut self, now: Moment) {
        self.offline = None;
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.rest(None);
        }
        self.settle_calm();
        self.tell_interval(now);
        self.renew_pace(now);
        self.migrate();
        self.backoff.forget_the_way(now);
        self.advance(Because::Network, now);
    }

    /// The network is reported gone, and nothing has shown otherwise.
    pub(super) fn is_cut_off(&self) -> bool {
        self.offline.is_some_and(|offline| !offline.disproved)
    }

    /// Something comes in over the network, in answer to what went out then,
    /// where that is known. Whether it is the first to show that the network
    /// is not gone, whatever the host says.
    pub(super) fn disprove_offline(&mut self, asked: Option<Moment>, now: Moment) -> bool {
        let straggle = self.config.heartbeat.unit(STRAGGLES);
        let disproves = |offline: &&mut Offline| {
            let after = asked.is_some_and(|asked| asked > offline.since);
            !offline.disproved && (after || now.since(offline.since) > straggle)
        };
        let Some(offline) = self.offline.as_mut().filter(disproves) else { return false };
        offline.disproved = true;
        self.settle_calm();
        self.tell_interval(now);
        true
    }

    /// Nothing is tried where somebody looks, nor on a network that the host
    /// says is gone.
    pub(super) fn settle_calm(&mut self) {
        let doubtful = self.offline.is_some_and(|offline| offline.disproved);
        self.prober.set_calm(doubtful || self.activity == Some(Activity::Foreground));
    }

    /// Nothing up to now says anything about idleness: the network may be
    /// another.
    pub(super) fn network_moved(&mut self, now: Moment) {
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::NetworkEvent);
        }
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.spoil();
            main.shaken = Some(Ground::NetworkEvent);
        }
        self.void_scouts(now);
    }

    pub(super) fn wake(&mut self, slept: Duration, now: Moment) {
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        self.woke = Some(now);
        self.emit(Event::Slept { lasted: slept });
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::Suspended);
        }
        self.void_scouts(now);
        let probe_at = now + self.config.heartbeat.unit(WAKE_READING);
        let too_long = slept >= self.config.heartbeat.unit(SLEPT_TOO_LONG);
        let cut_off = self.is_cut_off();
        match self.main_mut_any() {
            Some(_) if too_long => self.lose(Loss::of(Seen::Slept), now),
            Some((_, main)) => {
                main.watch.wake(probe_at, now);
                if cut_off {
                    main.watch.call_off_probe();
                }
                main.message = now;
                main.shaken = Some(Ground::Suspended);
                main.look = Some(Look { at: probe_at, then: Then::Keep });
            }
            None => {
                self.lengthen_attempt(slept);
                self.advance(Because::Woke, now);
            }
        }
        self.plan_scouts(now);
    }

    // The link in use.

    /// Looks at the way to the peer once the news has settled.
    pub(super) fn look_at_route(&mut self, then: Then, now: Moment) {
        let at = now + self.config.heartbeat.unit(CHANGE_SETTLES);
        if let Some((_, main)) = self.main_mut_any() {
            let look = main.look.get_or_insert(Look { at, then });
            look.then = look.then.max(then);
        }
    }

    /// Probes at once, if the link's address is still there.
    pub(super) fn probe_for_news(&mut self, now: Moment) {
        if let Some((_, main)) = self.main_mut_any() {
            main.look = Some(Look { at: now, then: Then::Probe });
        }
    }

    /// The link's address is still there, as far as is known. Probes that
    /// news asks for are a burst apart. While the network is reported gone,
    /// and nothing has shown otherwise, there are none: the next online asks.
    pub(super) fn look_settled(&mut self, now: Moment) {
        let burst = self.config.heartbeat.unit(BURST);
        let cut_off = self.is_cut_off();
        let Some((_, main)) = self.main_mut_any() else { return };
        let Some(look) = main.look.take() else { return };
        match look.then {
            Then::Keep => {}
            Then::Probe | Then::ProbeIfMoved if cut_off => {}
            Then::Probe | Then::ProbeIfMoved => match main.probed.map(|probed| probed + burst) {
                Some(over) if over > now => main.look = Some(Look { at: over, then: look.then }),
                Some(_) | None => {
                    main.probed = Some(now);
                    self.with_watch(now, |watch| watch.probe(now));
                }
            },
        }
    }

    // Without one.

    /// Good news: an attempt soon. Never two within a burst.
    pub(super) fn advance(&mut self, because: Because, now: Moment) {
        match self.course {
            Course::Waiting { until, firm } => {
                let soon = self.grant(because, now).max(firm.unwrap_or(now));
                if soon < until {
                    self.wait_again(soon, firm, because, now);
                } else {
                    self.held_news = Some((now, because));
                }
            }
            Course::Underway => self.doubt_attempt(because, now),
            Course::Idle | Course::Paused { .. } | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Nothing could come in for so long: an attempt has that time beside its
    /// own.
    fn lengthen_attempt(&mut self, slept: Duration) {
        let Some((link, ..)) = self.opening() else { return };
        if let Some(Role::Opening { deadline, .. }) = self.role_mut(link) {
            *deadline = *deadline + slept;
        }
    }

    /// The attempt under way, if one is, began before the good news. That
    /// somebody looks says nothing of its way. One that such news has advanced
    /// is not cut short within the same burst: a login that takes its time
    /// would never end on a network that flaps.
    fn doubt_attempt(&mut self, because: Because, now: Moment) {
        let stale = self.config.reconnect.unit(ATTEMPT_STALE);
        let doubted = now + self.config.reconnect.unit(ATTEMPT_DOUBTED);
        let Some((link, _, began)) = self.opening() else { return };
        self.held_news = Some((now, because));
        let burst = self.config.reconnect.unit(BURST);
        let same_burst = self.advanced == Some(began) && now.since(began) < burst;
        if because == Because::Foreground || same_burst {
            return;
        }
        let Some(Role::Opening { dialled, deadline, .. }) = self.role_mut(link) else { return };
        if *dialled || now.since(began) < stale {
            *deadline = doubted.min(*deadline);
        } else {
            self.held_news = None;
            self.abandon_opening();
            self.backoff.take_back();
            let soon = self.grant(because, now);
            self.wait_again(soon, None, because, now);
        }
    }

    /// An attempt begins: it serves the news before, but for the latest, which
    /// its way may not have followed yet.
    pub(super) fn drop_served_news(&mut self, now: Moment) {
        let early = self.config.reconnect.unit(ADVANCED.0);
        self.held_news = self.held_news.filter(|(came, _)| now.since(*came) < early);
    }

    /// When the next attempt may be made for good news that comes now. What
    /// was granted within a burst and not used, since the network went again,
    /// still stands.
    fn grant(&mut self, because: Because, now: Moment) -> Moment {
        let reconnect = &self.config.reconnect;
        let (low, high) = if because == Because::Foreground { SOMEBODY_LOOKS } else { ADVANCED };
        let (low, high) = (reconnect.unit(low), reconnect.unit(high));
        let burst = reconnect.unit(BURST);
        let at = match self.granted {
            Some(at) if at > now => at,
            Some(at) if now.since(at) < burst => now + self.dice.between(Duration::ZERO, low),
            Some(_) | None => {
                let soon = now + self.dice.between(low, high);
                self.advanced.map_or(soon, |last| soon.max(last + burst))
            }
        };
        self.granted = Some(at);
        at
    }

    /// An attempt begins, which uses what was granted.
    pub(super) fn use_grant(&mut self, now: Moment) {
        if self.granted.take().is_some() {
            self.advanced = Some(now);
        }
    }

    fn wait_again(&mut self, until: Moment, firm: Option<Moment>, because: Because, now: Moment) {
        self.course = Course::Waiting { until, firm };
        self.emit(Event::ReconnectAdvanced { delay: until.since(now), because });
    }

    /// The network is reported gone: one try a minute all the same, however
    /// often that is said. Where something has shown otherwise it is said in
    /// vain.
    fn slow_down(&mut self, now: Moment) {
        if self.is_cut_off()
            && let Course::Waiting { until, firm } = self.course
            && let Some(later) = self.once_a_minute().filter(|later| *later > until.max(now))
        {
            self.course = Course::Waiting { until: later, firm };
            let attempt = self.backoff.next_attempt();
            let delay = later.since(now);
            self.emit(Event::ReconnectScheduled { attempt, delay, because: Because::Offline });
        }
    }

    /// A minute after the last attempt began, or a little less.
    pub(super) fn once_a_minute(&mut self) -> Option<Moment> {
        let rhythm = self.dice.shorter(self.config.reconnect.unit(OFFLINE_RHYTHM), 0.1);
        self.tried.map(|tried| tried + rhythm)
    }
}
