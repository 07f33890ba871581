//! News that decides when to dial: the network comes and
//! goes, the machine wakes, somebody looks. News is a hint, never a verdict.

use std::time::Duration;

use crate::keeper::config::{Heartbeat, Reconnect};
use crate::keeper::dice::Dice;
use crate::keeper::event::RetryReason;
use crate::keeper::good_news::GoodNews;
use crate::keeper::moment::Moment;

/// While the network is reported gone: one beat, one try a minute.
pub(in crate::keeper) const OFFLINE_RHYTHM: Duration = Duration::from_secs(60);
/// News within this of the last that was acted on is the same burst: the action
/// follows when the burst is over.
pub(in crate::keeper) const BURST: Duration = Duration::from_secs(2);
/// The delay that is left when good news comes: a draw from this, since
/// routes follow an "online" by up to a second, and since all clients behind one
/// access point get the news.
const ADVANCED: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// The same when somebody looks at the application again: no other client gets
/// that news at the same moment.
const SOMEBODY_LOOKS: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(50));
/// Bytes that come in this long after the network was reported gone were not on
/// their way before: the network is there.
const STRAGGLES: Duration = Duration::from_secs(10);

/// The effects of earlier news.
#[derive(Debug, Default)]
pub(in crate::keeper) struct News {
    /// The network is reported gone.
    offline: Option<Offline>,
    /// When the last attempt began that good news had advanced.
    advanced: Option<Moment>,
    /// When the machine last woke.
    woke: Option<Moment>,
}

/// The network is reported gone. Some hosts say so while it works, and never
/// take it back.
#[derive(Clone, Copy, Debug)]
struct Offline {
    since: Moment,
    /// Bytes have come in all the same.
    disproved: bool,
}

/// The belief about the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum NetworkBelief {
    /// No report speaks against it.
    There,
    /// The network is reported gone, and nothing has shown otherwise.
    Gone,
    /// The network is reported gone, but bytes have come in.
    Doubted,
}

impl News {
    pub(in crate::keeper) fn network(&self) -> NetworkBelief {
        match self.offline {
            None => NetworkBelief::There,
            Some(Offline { disproved: false, .. }) => NetworkBelief::Gone,
            Some(Offline { disproved: true, .. }) => NetworkBelief::Doubted,
        }
    }

    /// The network is reported gone. Returns whether that is new.
    pub(in crate::keeper) fn went(&mut self, now: Moment) -> bool {
        let is_new = self.offline.is_none();
        self.offline.get_or_insert(Offline { since: now, disproved: false });
        is_new
    }

    /// The network is there, this one or another.
    pub(in crate::keeper) fn came(&mut self) {
        self.offline = None;
    }

    /// Bytes came in over the network, in answer to a beat of that moment,
    /// where it is known: whatever the host says, the network may be there.
    pub(in crate::keeper) fn heard(&mut self, asked: Option<Moment>, heartbeat: &Heartbeat, now: Moment) {
        if let Some(offline) = &mut self.offline {
            let after = asked.is_some_and(|asked| asked > offline.since);
            offline.disproved |= after || now.since(offline.since) > heartbeat.unit(STRAGGLES);
        }
    }

    /// The host says that the machine woke. Returns whether that is new: within a
    /// burst it is not.
    pub(in crate::keeper) fn is_woken_anew(&self, heartbeat: &Heartbeat, now: Moment) -> bool {
        self.woke.is_none_or(|woke| now.since(woke) >= heartbeat.unit(BURST))
    }

    pub(in crate::keeper) fn woke(&mut self, now: Moment) {
        self.woke = Some(now);
    }

    /// An attempt begins for good news.
    pub(super) fn advances(&mut self, now: Moment) {
        self.advanced = Some(now);
    }

    /// Whether good news has advanced the attempt that began then, within the
    /// same burst. More news of the burst does not cut it short: a slow login
    /// would never end on a network that flaps.
    pub(super) fn has_just_advanced(&self, began: Moment, reconnect: &Reconnect, now: Moment) -> bool {
        self.advanced == Some(began) && now.since(began) < reconnect.unit(BURST)
    }

    /// When the next attempt may be made for good news that comes now. A grant
    /// of the same burst that was not used, since the network went again,
    /// still stands.
    pub(super) fn grant(
        &self,
        granted: Option<Moment>,
        reason: RetryReason,
        reconnect: &Reconnect,
        dice: &mut Dice,
        now: Moment,
    ) -> Moment {
        let (low, high) = if reason == RetryReason::Foreground { SOMEBODY_LOOKS } else { ADVANCED };
        let (low, high) = (reconnect.unit(low), reconnect.unit(high));
        let burst = reconnect.unit(BURST);
        match granted {
            Some(at) if at > now => at,
            Some(at) if now.since(at) < burst => now + dice.between(Duration::ZERO, low),
            Some(_) | None => {
                let soon = now + dice.between(low, high);
                self.advanced.map_or(soon, |last| soon.max(last + burst))
            }
        }
    }
}

/// The news that an attempt which begins now does not serve: only the latest,
/// whose route may not be there yet.
pub(super) fn unserved(news: GoodNews, reconnect: &Reconnect, now: Moment) -> Option<GoodNews> {
    (now.since(news.came) < reconnect.unit(ADVANCED.0)).then_some(news)
}
