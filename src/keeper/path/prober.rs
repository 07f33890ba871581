//! Learns how seldom a link may beat.
//!
//! The prober knows no links and sends nothing. It is fed [`Observation`]s about
//! the path's idle timeout T and is asked for the next pace. Its states:
//!
//! 1. *Learn*: the gap grows from rung to rung until one fails. Then the
//!    bracket between the last gap that survived and the first that failed is
//!    narrowed where it is wide. Learning costs at most three drops in seven days.
//! 2. *Hold*: an interval safely below the proven gap. Now and then one recheck
//!    just above the failed gap finds a T that grew, and undoes a wrong
//!    conclusion.
//! 3. *Doubt*: a proven gap failed. The link beats at half until a beat is answered,
//!    and climbs back by doubling; only a gap that fails again is believed.
//! 4. *Regrow*: T shrank; the interval grows by a fifth at a time, with one drop
//!    to spend.
//!
//! Where scouts test gaps instead of the link in use, the states are the same
//! and `scout_plan` says which gaps they test. The interval does not regrow there,
//! since learning costs no link in use.

mod ends;
mod judge;
#[cfg(test)]
mod properties;
mod recall;
mod scout_plan;
#[cfg(test)]
mod tests;

pub(in crate::keeper) use recall::Summary;
pub(in crate::keeper) use scout_plan::SCOUTS;

use std::time::Duration;

use self::ends::LateEnds;
use self::recall::Hints;
use crate::keeper::config::{Heartbeat, Mode, Probing, RECHECK_AFTER, RECHECK_AFTER_SCOUTS};
use crate::keeper::dice::Dice;
use crate::keeper::link::Pace;
use crate::keeper::moment::Moment;

/// Rechecks that fail become rarer up to this many times the first; with
/// scouts up to [`RECHECKS_RAREST_SCOUTS`] times.
const RECHECKS_RAREST: u32 = 8;
const RECHECKS_RAREST_SCOUTS: u32 = 28;
/// On the link in use, a failure that rests on one ambiguous observation is
/// rechecked after this part of the time to the first recheck.
const RECHECK_AMBIGUOUS: u32 = 7;
/// Drops that learning may cost within the time to the first recheck, 7 days.
const DROPS: usize = 3;
/// Doubts count together within this.
const DOUBTS_WITHIN: Duration = Duration::from_secs(2 * 24 * 3600);
/// The held interval: this part of the proven gap …
const HELD: f64 = 0.93;
/// … and at least this much less.
const HELD_MARGIN: Duration = Duration::from_secs(2);
/// Held intervals are drawn up to this much shorter, so that the clients of
/// one access point do not beat in step.
const JITTER: f64 = 0.10;
/// A recheck goes this far above the failed gap.
const RECHECK: f64 = 1.02;
/// While a scout finds out whether an end at some gap was the timeout, the
/// link in use beats at this part of that gap.
const COVER: f64 = 0.5;
/// Two ends this close together speak of the same timeout.
const SAME: f64 = 0.02;

#[derive(Debug)]
pub(in crate::keeper) struct Prober {
    pub(super) heartbeat: Heartbeat,
    /// The longest gap known to survive; zero at first.
    pub(super) proven: Duration,
    pub(super) failed: Option<Failed>,
    pub(super) stage: ProberState,
    /// Scouts are refused: the gaps that they would have tested stay unknown.
    pub(super) alone: bool,
    /// No gap may be tried now: the application is in the foreground.
    pub(super) calm: bool,
    /// When learning cost a link, within the time to the first recheck.
    drops: Vec<Moment>,
    /// Proven gaps that failed, within the last two days, and that have not
    /// survived since.
    doubts: Vec<Doubt>,
    /// The longest gap that survived since the first of these doubts.
    sound: Duration,
    /// The gap of the last end that said nothing by itself, until a longer
    /// gap survives.
    last_end: Option<Duration>,
    /// Late ends, which may come too often for restarts.
    ends: LateEnds,
    /// The bracket that was told last.
    told: Option<(Duration, Duration)>,
    recheck_after: Duration,
    /// Knowledge from before the start.
    hints: Hints,
}

/// The shortest gap at which an idle link died.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) gap: Duration,
    pub(super) ambiguous: bool,
}

/// A proven gap that failed once.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    gap: Duration,
    at: Moment,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ProberState {
    Learn,
    Hold { recheck_at: Moment },
    Doubt { pace: Duration },
    Regrow,
}

impl Prober {
    pub(in crate::keeper) fn new(heartbeat: Heartbeat) -> Prober {
        let recheck_after = first_recheck(&heartbeat);
        Prober {
            heartbeat,
            proven: Duration::ZERO,
            failed: None,
            stage: ProberState::Learn,
            alone: false,
            calm: false,
            drops: Vec::new(),
            doubts: Vec::new(),
            sound: Duration::ZERO,
            last_end: None,
            ends: LateEnds::default(),
            told: None,
            recheck_after,
            hints: Hints::default(),
        }
    }

    /// Takes other settings from here on. The lessons stay, unless the scale
    /// of all durations changes.
    pub(in crate::keeper) fn set_heartbeat(&mut self, heartbeat: Heartbeat, now: Moment) {
        if heartbeat.scale != self.heartbeat.scale {
            *self = Prober { alone: self.alone, calm: self.calm, ..Prober::new(heartbeat) };
            return;
        }
        if first_recheck(&heartbeat) != first_recheck(&self.heartbeat) {
            self.recheck_after = first_recheck(&heartbeat);
        }
        self.heartbeat = heartbeat;
        self.respect_the_limits();
        self.reconsider(now);
    }

    /// Whether gaps may be tried at all: not while the application is in the
    /// foreground.
    pub(in crate::keeper) fn set_calm(&mut self, calm: bool) {
        self.calm = calm;
    }

    /// Whether scouts are refused.
    pub(in crate::keeper) fn set_alone(&mut self, alone: bool, now: Moment) {
        if self.alone != alone {
            self.alone = alone;
            self.reconsider(now);
        }
    }

    /// Goes on learning if a gap is worth a try by now. A recheck that is
    /// planned comes no later for that.
    fn reconsider(&mut self, now: Moment) {
        let waited_for = match self.stage {
            ProberState::Doubt { .. } => return,
            ProberState::Hold { recheck_at } => Some(recheck_at),
            ProberState::Learn | ProberState::Regrow => None,
        };
        let _ = self.settle(now);
        if let (ProberState::Hold { recheck_at }, Some(waited_for)) = (&mut self.stage, waited_for) {
            *recheck_at = waited_for.min(*recheck_at);
        }
    }

    /// Whether scouts test gaps in place of the link in use.
    pub(in crate::keeper) fn has_scouts(&self) -> bool {
        self.heartbeat.mode == Mode::Learns(Probing::Scout) && !self.alone
    }

    /// The longest gap known to survive; zero if none is.
    pub(in crate::keeper) fn proven(&self) -> Duration {
        self.proven
    }

    /// The shortest gap that failed, if one did.
    pub(in crate::keeper) fn failed(&self) -> Option<Duration> {
        self.failed.map(|failed| failed.gap)
    }

    /// Whether an end at `gap` is this client's alone, as far as the prober
    /// can tell: it is near the known timeout.
    pub(in crate::keeper) fn near_failed(&self, gap: Duration) -> bool {
        self.failed.is_some_and(|failed| within(gap, failed.gap, 0.05))
    }

    /// Whether a silence after `gap` can be a matter of idleness at all.
    pub(in crate::keeper) fn is_idleness(&self, gap: Duration, now: Moment) -> bool {
        let usual = self.held().min(self.interval(now).unwrap_or(gap));
        gap >= self.least() && gap >= usual.mul_f64(0.45)
    }

    /// The present interval, before jitter; `None` without beats.
    pub(in crate::keeper) fn interval(&self, now: Moment) -> Option<Duration> {
        match self.heartbeat.mode {
            Mode::Off => None,
            Mode::Fixed => Some(self.heartbeat.start),
            Mode::Learns(_) => Some(match self.stage {
                ProberState::Doubt { pace } => pace,
                ProberState::Hold { .. } => self.held(),
                ProberState::Learn => self.on_main(self.next_try(now)),
                ProberState::Regrow => self.on_main(self.next_regrown()),
            }),
        }
    }

    /// The interval on the link in use: the next gap to try, if gaps are tried on
    /// that link, or else the held interval.
    fn on_main(&self, next: Option<Duration>) -> Duration {
        let tries = self.heartbeat.mode == Mode::Learns(Probing::Main) && !self.calm;
        next.filter(|_| tries).unwrap_or_else(|| self.held())
    }

    /// The time to the next beat.
    pub(in crate::keeper) fn pace(&self, dice: &mut Dice, now: Moment) -> Option<Pace> {
        let interval = self.interval(now)?;
        // A doubted gap is held to the full, so that the next answer
        // settles the doubt.
        let least = self.doubted_last().unwrap_or_default().min(interval);
        let held = |dice: &mut Dice| Pace { after: dice.shorter(interval, JITTER).max(least), is_try: false };
        let is_try = |after: Duration| Pace { after, is_try: true };
        Some(match self.heartbeat.mode {
            Mode::Off => return None,
            Mode::Fixed => Pace { after: interval, is_try: false },
            Mode::Learns(Probing::Passive) => held(dice),
            Mode::Learns(Probing::Scout) => self.covered(held(dice)),
            Mode::Learns(Probing::Main) if self.calm => held(dice),
            Mode::Learns(Probing::Main) => match self.stage {
                ProberState::Learn | ProberState::Regrow => is_try(interval),
                ProberState::Doubt { .. } => Pace { after: interval, is_try: false },
                ProberState::Hold { recheck_at } => match self.recheck_gap() {
                    Some(gap) if now >= recheck_at => is_try(gap),
                    Some(_) | None => held(dice),
                },
            },
        })
    }

    /// The same for a silence whose end would say nothing: no gap is tried.
    pub(in crate::keeper) fn pace_without_tries(&self, dice: &mut Dice, now: Moment) -> Option<Pace> {
        let pace = self.pace(dice, now)?;
        if !pace.is_try {
            return Some(pace);
        }
        let held = dice.shorter(self.held(), JITTER);
        Some(Pace { after: held.min(pace.after), is_try: false })
    }

    /// With scouts the link in use need not find out whether an end that said
    /// nothing was the timeout. It beats at half of that gap until a scout knows,
    /// but no more often than the shortest interval allows.
    fn covered(&self, pace: Pace) -> Pace {
        match self.last_end {
            Some(gap) if self.has_scouts() => {
                let cover = gap.mul_f64(COVER).max(self.heartbeat.min);
                Pace { after: pace.after.min(cover), ..pace }
            }
            Some(_) | None => pace,
        }
    }

    /// Whether the link in use has met with an end at this gap or a longer one
    /// that may have been the timeout.
    pub(in crate::keeper) fn is_suspected(&self, gap: Duration) -> bool {
        self.last_end.is_some_and(|last| gap <= last.mul_f64(1.0 + SAME))
    }

    /// The gap of an end that may have been the timeout.
    pub(super) fn suspected(&self) -> Option<Duration> {
        self.last_end
    }

    /// The gap of a recheck: just above the failed gap, within the
    /// limits.
    pub(super) fn recheck_gap(&self) -> Option<Duration> {
        let Heartbeat { min, max, .. } = self.heartbeat;
        self.failed.map(|failed| failed.gap.mul_f64(RECHECK).clamp(min, max))
    }

    /// The next gap worth a try while learning.
    fn next_try(&self, now: Moment) -> Option<Duration> {
        let within = first_recheck(&self.heartbeat);
        let spent = self.drops.iter().filter(|&&drop| now.since(drop) <= within).count();
        if spent + self.hints.spent(now) >= DROPS {
            return None;
        }
        if let Some(goal) = self.hints.next_try(self.proven, self.failed()) {
            return Some(goal);
        }
        match self.failed {
            None => self.heartbeat.next_rung(self.proven),
            // The bracket is not tried where an end that came by itself has told
            // the timeout exactly.
            Some(failed) => self.heartbeat.inside(self.proven, failed.gap),
        }
    }

    fn next_regrown(&self) -> Option<Duration> {
        let failed = self.failed.map_or(self.heartbeat.max, |failed| failed.gap);
        let base = self.proven.max(self.heartbeat.min);
        let next = base.mul_f64(1.2);
        (next < failed.mul_f64(0.98)).then_some(next)
    }

    /// The interval that the proven gap allows.
    pub(super) fn held(&self) -> Duration {
        let heartbeat = &self.heartbeat;
        if self.proven < heartbeat.min {
            // No gap is proven. An application that uses scouts does not want to
            // risk even the first interval.
            let safe = self.failed.is_some() || self.has_scouts();
            return if safe { heartbeat.min } else { heartbeat.start };
        }
        let part = self.proven.min(heartbeat.max).mul_f64(HELD);
        let below = part.min(self.proven.saturating_sub(heartbeat.unit(HELD_MARGIN)));
        // Near the shortest interval the margin gives way, and the part does not.
        below.max(heartbeat.min).min(part)
    }

    fn forget_old(&mut self, now: Moment) {
        let (drops, doubts) = (first_recheck(&self.heartbeat), self.heartbeat.unit(DOUBTS_WITHIN));
        self.drops.retain(|&drop| now.since(drop) <= drops);
        self.doubts.retain(|doubt| now.since(doubt.at) <= doubts);
    }
}

/// The time to the first recheck.
fn first_recheck(heartbeat: &Heartbeat) -> Duration {
    heartbeat.recheck_after.unwrap_or_else(|| {
        heartbeat.unit(match heartbeat.mode {
            Mode::Learns(Probing::Scout) => RECHECK_AFTER_SCOUTS,
            Mode::Learns(Probing::Main | Probing::Passive) | Mode::Fixed | Mode::Off => RECHECK_AFTER,
        })
    })
}

/// Whether two gaps differ by at most `fraction` of the second.
pub(super) fn within(a: Duration, b: Duration, fraction: f64) -> bool {
    a.abs_diff(b) <= b.mul_f64(fraction)
}
