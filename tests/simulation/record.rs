//! The result of a run, measured from outside: by the bytes that really
//! flowed, not by the keeper's view.

use std::time::Duration;

use longlink::KeeperStats;

/// An interval counts as settled once it has been held this long: no change,
/// no drop, no longer gap. No stage of learning pauses so long, and no recheck
/// comes so soon.
const HELD: Duration = Duration::from_secs(12 * 3600);
/// A drop sooner than this after settling is learning, whatever its gap:
/// rechecks come a day or more later.
const EARLIEST_LOOK: Duration = Duration::from_secs(20 * 3600);

pub const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Debug)]
pub struct Record {
    pub length: Duration,
    pub drops: Vec<Drop>,
    pub settled: Option<Settled>,
    pub beats: u64,
    pub beats_since_settled: u64,
    pub shrank: u64,
    pub stats: KeeperStats,
    /// Longest time from a drop to the next link.
    pub longest_break: Duration,
    /// Links that were opened beside the user's.
    pub scouts: u64,
    /// Beats on them.
    pub scout_beats: u64,
    /// Messages that came in.
    pub messages: u64,
    /// The bytes on the wire of all beats and their answers.
    pub bytes: u64,
    /// How often the client had to run: for its timer, or for what came in.
    pub wake_ups: u64,
    /// The intervals of the user's link and since when, if they were traced.
    pub intervals: Vec<(Duration, Duration)>,
}

#[derive(Clone, Copy, Debug)]
pub struct Drop {
    pub at: Duration,
    /// The idle time that killed the link, or within which it ended.
    pub gap: Duration,
    pub when: When,
    pub seen: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the interval had settled.
    Learning,
    /// At a gap longer than the settled interval, after settling.
    Recheck,
    /// Anything else.
    Otherwise,
}

#[derive(Clone, Copy, Debug)]
pub struct Settled {
    pub at: Duration,
    pub interval: Duration,
}

impl Record {
    pub fn count(&self, when: When) -> usize {
        self.drops.iter().filter(|drop| drop.when == when).count()
    }

    pub fn interval(&self) -> Duration {
        self.settled.map_or(self.stats.interval, |settled| settled.interval)
    }

    pub fn beats_a_day(&self) -> f64 {
        match self.settled {
            Some(settled) => {
                self.beats_since_settled as f64 * DAY.as_secs_f64() / (self.length - settled.at).as_secs_f64()
            }
            None => self.beats as f64 * DAY.as_secs_f64() / self.length.as_secs_f64(),
        }
    }
}

#[derive(Default)]
pub struct Recorder {
    drops: Vec<Drop>,
    settled: Option<Settled>,
    beats: u64,
    beats_at_settling: u64,
    shrank: u64,
    /// When a byte last came in or went out.
    byte: Duration,
    /// The gap before the first beat that is unanswered.
    asked: Option<Duration>,
    /// The interval held and since when.
    holding: Option<Settled>,
    beats_when_holding_began: u64,
    down_since: Option<Duration>,
    longest_break: Duration,
    scouts: u64,
    scout_beats: u64,
    messages: u64,
    bytes: u64,
    wake_ups: u64,
    intervals: Option<Vec<(Duration, Duration)>>,
}

/// Records about the user's link are about the link in use at the time.
impl Recorder {
    /// Notes each interval from now on.
    pub fn trace(&mut self) {
        self.intervals = Some(Vec::new());
    }

    /// How often the user's link was lost.
    pub fn drops(&self) -> usize {
        self.drops.len()
    }

    /// Another link is the user's.
    pub fn promoted(&mut self, now: Duration) {
        self.byte(now);
        if let Some(since) = self.down_since.take() {
            self.longest_break = self.longest_break.max(now - since);
        }
    }

    /// Something came in on the user's link.
    pub fn byte(&mut self, now: Duration) {
        self.byte = now;
        self.asked = None;
    }

    /// A beat goes out on the user's link.
    pub fn beat(&mut self, interval: Duration, now: Duration) {
        let gap = now - self.byte;
        self.byte = now;
        self.beats += 1;
        if let Some(intervals) = &mut self.intervals
            && intervals.last().is_none_or(|(_, last)| *last != interval)
        {
            intervals.push((now, interval));
        }
        if self.asked.is_some() {
            return;
        }
        self.asked = Some(gap);
        let same = self.holding.is_some_and(|holding| holding.interval == interval);
        let longer = gap > interval + Duration::from_millis(1);
        if !same || longer {
            // A gap within the interval was begun by holding it.
            let at = if longer { now } else { now - gap };
            self.holding = Some(Settled { at, interval });
            self.beats_when_holding_began = self.beats;
        }
        self.look_for_settling(now);
    }

    pub fn shrank(&mut self) {
        self.shrank += 1;
    }

    pub fn scout_opened(&mut self) {
        self.scouts += 1;
    }

    pub fn scout_beat(&mut self) {
        self.scout_beats += 1;
    }

    pub fn message(&mut self) {
        self.messages += 1;
    }

    pub fn bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    pub fn woken(&mut self) {
        self.wake_ups += 1;
    }

    /// The user's link is gone.
    pub fn lost(&mut self, seen: &'static str, now: Duration) {
        self.look_for_settling(now);
        let gap = self.asked.unwrap_or(now - self.byte);
        let when = match self.settled {
            None => When::Learning,
            Some(settled) if now - settled.at < EARLIEST_LOOK => When::Learning,
            Some(settled) if gap > settled.interval + Duration::from_millis(1) => When::Recheck,
            Some(_) => When::Otherwise,
        };
        self.drops.push(Drop { at: now, gap, when, seen });
        self.down_since = Some(now);
        self.asked = None;
        self.holding = None;
    }

    /// All of it up to `now`.
    pub fn record(&self, now: Duration, stats: KeeperStats) -> Record {
        Record {
            length: now,
            beats_since_settled: self.beats - self.beats_at_settling,
            drops: self.drops.clone(),
            settled: self.settled,
            beats: self.beats,
            shrank: self.shrank,
            stats,
            longest_break: self.longest_break,
            scouts: self.scouts,
            scout_beats: self.scout_beats,
            messages: self.messages,
            bytes: self.bytes,
            wake_ups: self.wake_ups,
            intervals: self.intervals.clone().unwrap_or_default(),
        }
    }

    fn look_for_settling(&mut self, now: Duration) {
        if self.settled.is_none()
            && let Some(holding) = self.holding
            && now - holding.at >= HELD
        {
            self.settled = Some(holding);
            self.beats_at_settling = self.beats_when_holding_began;
        }
    }
}
