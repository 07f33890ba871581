//! News of the network and of the machine's sleep. News is a hint, never a
//! verdict: a link is probed, a wait is cut short.

use std::time::Duration;

use super::Keeper;
use super::loss::Loss;
use crate::keeper::event::{Detection, Event, Evidence, RetryReason};
use crate::keeper::facts::RouteFacts;
use crate::keeper::input::NetworkStatus;
use crate::keeper::link::{RouteAction, RouteCheck};
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::Output;
use crate::keeper::schedule::{BURST, OFFLINE_RHYTHM, Phase};

/// After a wake, waiting bytes are read for this long before the probe.
const WAKE_READING: Duration = Duration::from_secs(1);
/// A link that slept for longer is not worth a probe.
const SLEPT_TOO_LONG: Duration = Duration::from_secs(600);
/// The time that a change of address or route takes to settle before the link's way is checked.
const CHANGE_SETTLES: Duration = Duration::from_millis(250);

impl Keeper {
    pub(super) fn network(&mut self, status: NetworkStatus, now: Moment) {
        if matches!(self.schedule.phase, Phase::Idle | Phase::Closing | Phase::Finished(_)) {
            return;
        }
        let named = self.path.was_named(now);
        match status {
            NetworkStatus::Offline => self.network_went(now),
            NetworkStatus::Online => {
                self.emit(Event::NetworkOnline);
                self.network_came(now);
                self.probe_for_news(now);
            }
            NetworkStatus::Changed => {
                self.emit(Event::NetworkChanged);
                self.network_came(now);
                // A network that stayed has its old name, where it has one.
                let then = if named { RouteAction::ProbeIfMoved } else { RouteAction::Probe };
                self.check_route(then, now);
            }
            NetworkStatus::Woke => {
                if self.schedule.news.is_woken_anew(&self.config.heartbeat, now) {
                    self.wake(Duration::ZERO, now);
                }
            }
        }
    }

    /// The network is reported gone.
    fn network_went(&mut self, now: Moment) {
        self.emit(Event::NetworkOffline);
        self.network_moved();
        let is_new = self.schedule.news.went(now);
        let in_a_minute = now + self.config.heartbeat.unit(OFFLINE_RHYTHM);
        if let Some((_, main)) = self.links.main_mut() {
            if self.schedule.is_cut_off() {
                // Silence says nothing while the network is gone: the next online asks again.
                main.watch.call_off_probe();
                main.route_check = None;
            }
            if is_new {
                main.watch.rest(Some(in_a_minute));
            }
        }
        self.check_route(RouteAction::Keep, now);
        if let Some(event) = self.schedule.slow_down(&mut self.dice, now) {
            self.emit(event);
        }
    }

    /// The network is there, this one or another.
    fn network_came(&mut self, now: Moment) {
        self.network_moved();
        self.schedule.news.came();
        if let Some((link, main)) = self.links.main_mut() {
            main.watch.rest(None);
            // The path may be another now.
            self.outputs.push_back(Output::Migrate { link });
        }
        self.schedule.backoff.forget_the_way(now);
        self.advance(RetryReason::Network, now);
    }

    /// No gap up to now is evidence about idleness: the network may be
    /// another.
    fn network_moved(&mut self) {
        self.path.spoil_diagnosis(Evidence::NetworkEvent);
        if let Some((_, main)) = self.links.main_mut() {
            main.watch.spoil();
            main.disturbed = Some(Evidence::NetworkEvent);
        }
        self.disturb_scouts();
    }

    pub(super) fn network_named(&mut self, network: &str, now: Moment) {
        if !self.path.name_network(network, now) {
            return;
        }
        match self.schedule.phase {
            Phase::Idle => return self.path.come(network),
            Phase::Closing | Phase::Finished(_) => return,
            Phase::Underway | Phase::Waiting(_) | Phase::Paused { .. } => {}
        }
        // A link that lives on goes over the new network.
        self.network_moved();
        // A network that gets its first name may be the same network.
        let then = if self.path.network().is_some() { RouteAction::Probe } else { RouteAction::ProbeIfMoved };
        self.check_route(then, now);
        let remember = self.path.leave(network, now);
        self.remember(remember);
        match self.path.known_here(now) {
            Some(known) => self.take_back(&known, now),
            None => self.recall(),
        }
    }

    /// The machine slept for `slept`, up to now.
    pub(super) fn wake(&mut self, slept: Duration, now: Moment) {
        if matches!(self.schedule.phase, Phase::Idle | Phase::Closing | Phase::Finished(_)) {
            return;
        }
        self.schedule.news.woke(now);
        self.emit(Event::Slept { lasted: slept });
        self.path.spoil_diagnosis(Evidence::Suspended);
        self.disturb_scouts();
        let probe_at = now + self.config.heartbeat.unit(WAKE_READING);
        let too_long = slept >= self.config.heartbeat.unit(SLEPT_TOO_LONG);
        if let Some((_, next)) = self.links.next_mut() {
            // Nothing could come in during the sleep: the attempt has that time beside
            // its own.
            next.deadline = next.deadline + slept;
        }
        match self.links.main_mut() {
            Some(_) if too_long => {
                self.lose(Loss::of(Detection::Slept), now);
                // The attempt to replace the link began before the sleep.
                if self.links.next().is_some() {
                    self.advance(RetryReason::Woke, now);
                }
            }
            Some((_, main)) => {
                main.watch.wake(probe_at, now);
                if self.schedule.is_cut_off() {
                    main.watch.call_off_probe();
                }
                main.message = now;
                main.disturbed = Some(Evidence::Suspended);
                main.route_check = Some(RouteCheck::new(probe_at, RouteAction::Keep));
            }
            None => self.advance(RetryReason::Woke, now),
        }
    }

    // The way to the peer of the link in use.

    /// Checks the way to the peer once the news has settled.
    pub(super) fn check_route(&mut self, then: RouteAction, now: Moment) {
        let at = now + self.config.heartbeat.unit(CHANGE_SETTLES);
        if let Some((_, main)) = self.links.main_mut() {
            main.check_route(at, then);
        }
    }

    /// Probes at once, if the link's address is still there.
    pub(super) fn probe_for_news(&mut self, now: Moment) {
        if let Some((_, main)) = self.links.main_mut() {
            main.route_check = Some(RouteCheck::new(now, RouteAction::Probe));
        }
    }

    /// The news has settled: asks the system for the way. The system is asked
    /// once for each check.
    pub(super) fn route_check_due(&mut self, now: Moment) {
        let Some((link, main)) = self.links.main_mut() else { return };
        match &mut main.route_check {
            Some(check) if !check.asked => {
                check.asked = true;
                self.outputs.push_back(Output::AskRoute { link });
            }
            Some(_) => self.route_checked(now),
            None => {}
        }
    }

    pub(super) fn told_route(&mut self, link: LinkId, facts: Option<RouteFacts>, now: Moment) {
        let Some(main) = self.links.main_as_mut(link) else { return };
        if facts.is_some_and(|facts| !facts.address_stays) {
            return self.lose(Loss::of(Detection::AddressGone), now);
        }
        let Some(check) = &mut main.route_check else { return };
        if facts.is_some_and(|facts| facts.source_stays == Some(true)) {
            check.same_way(now);
        }
        if check.asked {
            self.route_checked(now);
        }
    }

    /// The link's address is still there, as far as is known. Probes that
    /// news asks for are a burst apart. While the network is reported gone,
    /// and nothing has shown otherwise, there are none: the next online asks.
    fn route_checked(&mut self, now: Moment) {
        let burst = self.config.heartbeat.unit(BURST);
        let cut_off = self.schedule.is_cut_off();
        let Some((_, main)) = self.links.main_mut() else { return };
        let Some(check) = main.route_check.take() else { return };
        match check.then {
            RouteAction::Keep => {}
            RouteAction::Probe | RouteAction::ProbeIfMoved if cut_off => {}
            RouteAction::Probe | RouteAction::ProbeIfMoved => {
                match main.probed.map(|probed| probed + burst) {
                    Some(over) if over > now => main.route_check = Some(RouteCheck::new(over, check.then)),
                    Some(_) | None => {
                        main.probed = Some(now);
                        self.with_watch(now, |watch, tokens| watch.probe(tokens, now));
                    }
                }
            }
        }
    }
}
