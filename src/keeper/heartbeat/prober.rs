//! Learns how seldom a link may beat.
//!
//! The prober knows no links and sends nothing. It is fed [`Evidence`] about
//! the path's idle timeout T and is asked for the next pace. Its stages:
//!
//! 1. *Learn*: the gap grows from rung to rung until one fails, then the
//!    bracket between the last that survived and the first that failed is
//!    narrowed where it is wide. At most three drops in seven days.
//! 2. *Hold*: an interval safely below what is proven; now and then one look
//!    just above what failed, which finds a T that grew and undoes a wrong
//!    conclusion.
//! 3. *Doubt*: a proven gap failed. Beat at half until it is answered, climb
//!    back by doubling; only a gap that fails again is believed.
//! 4. *Regrow*: T shrank; grow by a fifth at a time, with one drop to spend.
//!
//! Where scouts test gaps instead of the link in use, the stages are the same
//! and `survey` says which gaps they test; nothing regrows, since learning
//! costs nobody a link.

#[cfg(test)]
mod properties;
mod recall;

pub(crate) use recall::Gist;

use std::time::Duration;

use self::recall::Hints;
use super::config::{Heartbeat, LOOK_AFTER, LOOK_AFTER_SCOUTS, Probing};
use super::evidence::{Evidence, Lesson};
use crate::keeper::{Dice, Moment};

/// Looks that fail become rarer up to this many times the first; with
/// scouts up to [`LOOKS_RAREST_SCOUTS`] times.
const LOOKS_RAREST: u32 = 8;
const LOOKS_RAREST_SCOUTS: u32 = 28;
/// On the link in use, a failure that rests on one ambiguous observation is
/// looked at after this part of the first look.
const LOOK_AMBIGUOUS: u32 = 7;
/// Drops that learning may cost within the time to the first look, 7 days.
const DROPS: usize = 3;
/// Doubts count together within this.
const DOUBTS_WITHIN: Duration = Duration::from_secs(2 * 24 * 3600);
/// The held interval: this part of what is proven …
const HELD: f64 = 0.93;
/// … and at least this much less.
const HELD_MARGIN: Duration = Duration::from_secs(2);
/// Held intervals are drawn up to this much shorter, so that the clients of
/// one access point do not beat in step.
const JITTER: f64 = 0.10;
/// A look goes this far above what failed.
const LOOK: f64 = 1.02;
/// While a scout finds out whether an end at some gap was the timeout, the
/// link in use beats at this part of it.
const COVER: f64 = 0.5;
/// Two ends this close together speak of the same timeout.
const SAME: f64 = 0.02;

/// When the next beat is due after the last byte came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The silence to beat after.
    pub(crate) after: Duration,
    /// Whether it is a gap that the prober tries, not one that it holds.
    pub(crate) chosen: bool,
}

#[derive(Debug)]
pub(crate) struct Prober {
    pub(super) heartbeat: Heartbeat,
    /// The longest gap known to survive; zero at first.
    pub(super) proven: Duration,
    pub(super) failed: Option<Failed>,
    pub(super) stage: Stage,
    /// Scouts are refused: what they would have found stays unknown.
    pub(super) alone: bool,
    /// Nothing is to be tried now: the application is in the foreground.
    pub(super) calm: bool,
    /// When learning cost a link, within the time to the first look.
    drops: Vec<Moment>,
    /// Proven gaps that failed, within the last two days, and that have not
    /// survived since.
    doubts: Vec<Doubt>,
    /// The longest gap that survived since the first of them.
    sound: Duration,
    /// The gap of the last end that said nothing by itself, until a longer
    /// one survives.
    last_end: Option<Duration>,
    /// The bracket that was told of last.
    told: Option<(Duration, Duration)>,
    look_after: Duration,
    /// What was known before the start.
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
pub(super) enum Stage {
    Learn,
    Hold { look_at: Moment },
    Doubt { pace: Duration },
    Regrow,
}

impl Prober {
    pub(crate) fn new(heartbeat: Heartbeat) -> Prober {
        let look_after = first_look(&heartbeat);
        Prober {
            heartbeat,
            proven: Duration::ZERO,
            failed: None,
            stage: Stage::Learn,
            alone: false,
            calm: false,
            drops: Vec::new(),
            doubts: Vec::new(),
            sound: Duration::ZERO,
            last_end: None,
            told: None,
            look_after,
            hints: Hints::default(),
        }
    }

    /// Other settings from here on. What was learned stays, unless the unit
    /// of all durations is another.
    pub(crate) fn set_heartbeat(&mut self, heartbeat: Heartbeat, now: Moment) {
        if heartbeat.scale != self.heartbeat.scale {
            *self = Prober { alone: self.alone, calm: self.calm, ..Prober::new(heartbeat) };
            return;
        }
        if first_look(&heartbeat) != first_look(&self.heartbeat) {
            self.look_after = first_look(&heartbeat);
        }
        self.heartbeat = heartbeat;
        self.respect_the_limits();
        self.reconsider(now);
    }

    /// Whether gaps may be tried at all: not while the application is in the
    /// foreground.
    pub(crate) fn set_calm(&mut self, calm: bool) {
        self.calm = calm;
    }

    /// Whether scouts are refused.
    pub(crate) fn set_alone(&mut self, alone: bool, now: Moment) {
        if self.alone != alone {
            self.alone = alone;
            self.reconsider(now);
        }
    }

    /// Learns on if there is something worth a try by now. A look that is
    /// waited for comes no later for that.
    fn reconsider(&mut self, now: Moment) {
        let waited_for = match self.stage {
            Stage::Doubt { .. } => return,
            Stage::Hold { look_at } => Some(look_at),
            Stage::Learn | Stage::Regrow => None,
        };
        let _ = self.settle(now);
        if let (Stage::Hold { look_at }, Some(waited_for)) = (&mut self.stage, waited_for) {
            *look_at = waited_for.min(*look_at);
        }
    }

    /// Whether scouts test gaps in place of the link in use.
    pub(crate) fn has_scouts(&self) -> bool {
        self.heartbeat.probing == Probing::Scout && !self.alone
    }

    /// The longest gap known to survive; zero if none is.
    pub(crate) fn proven(&self) -> Duration {
        self.proven
    }

    /// The shortest gap that failed, if one did.
    pub(crate) fn failed(&self) -> Option<Duration> {
        self.failed.map(|failed| failed.gap)
    }

    /// Whether an end at `gap` is this client's alone, as far as the prober
    /// can tell: it is near the known timeout.
    pub(crate) fn near_failed(&self, gap: Duration) -> bool {
        self.failed.is_some_and(|failed| within(gap, failed.gap, 0.05))
    }

    /// Whether a silence after `gap` can be a matter of idleness at all.
    pub(crate) fn is_idleness(&self, gap: Duration, now: Moment) -> bool {
        let usual = self.held().min(self.interval(now).unwrap_or(gap));
        gap >= self.least() && gap >= usual.mul_f64(0.45)
    }

    /// The present interval, before jitter; `None` without beats.
    pub(crate) fn interval(&self, now: Moment) -> Option<Duration> {
        match self.heartbeat.probing {
            Probing::Off => None,
            Probing::Fixed => Some(self.heartbeat.start),
            Probing::Main | Probing::Scout | Probing::Passive => Some(match self.stage {
                Stage::Doubt { pace } => pace,
                Stage::Hold { .. } => self.held(),
                Stage::Learn => self.on_main(self.next_try(now)),
                Stage::Regrow => self.on_main(self.next_regrown()),
            }),
        }
    }

    /// A gap to try on the link in use, if that is how it is done; otherwise
    /// what is held.
    fn on_main(&self, next: Option<Duration>) -> Duration {
        let tries = self.heartbeat.probing == Probing::Main && !self.calm;
        next.filter(|_| tries).unwrap_or_else(|| self.held())
    }

    /// How long to wait before the next beat.
    pub(crate) fn pace(&self, dice: &mut Dice, now: Moment) -> Option<Pace> {
        let interval = self.interval(now)?;
        // A gap that is doubted is held to the full, so that the next answer
        // settles it.
        let least = self.doubted_last().unwrap_or_default().min(interval);
        let held = |dice: &mut Dice| Pace { after: dice.shorter(interval, JITTER).max(least), chosen: false };
        let chosen = |after: Duration| Pace { after, chosen: true };
        Some(match self.heartbeat.probing {
            Probing::Off => return None,
            Probing::Fixed => Pace { after: interval, chosen: false },
            Probing::Passive => held(dice),
            Probing::Scout => self.covered(held(dice)),
            Probing::Main if self.calm => held(dice),
            Probing::Main => match self.stage {
                Stage::Learn | Stage::Regrow => chosen(interval),
                Stage::Doubt { .. } => Pace { after: interval, chosen: false },
                Stage::Hold { look_at } => match self.look() {
                    Some(gap) if now >= look_at => chosen(gap),
                    Some(_) | None => held(dice),
                },
            },
        })
    }

    /// With scouts the link in use need not find out whether an end that said
    /// nothing was the timeout: it beats at half of it until a scout knows,
    /// but no more often than is allowed.
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
    pub(crate) fn is_suspected(&self, gap: Duration) -> bool {
        self.last_end.is_some_and(|last| gap <= last.mul_f64(1.0 + SAME))
    }

    /// The gap of an end that may have been the timeout.
    pub(super) fn suspected(&self) -> Option<Duration> {
        self.last_end
    }

    /// The gap of a look upward: just above the one that failed, within the
    /// limits.
    pub(super) fn look(&self) -> Option<Duration> {
        let Heartbeat { min, max, .. } = self.heartbeat;
        self.failed.map(|failed| failed.gap.mul_f64(LOOK).clamp(min, max))
    }

    /// Takes in one observation.
    pub(crate) fn learn(&mut self, evidence: Evidence, now: Moment) -> Option<Lesson> {
        match self.heartbeat.probing {
            Probing::Main | Probing::Scout | Probing::Passive => {}
            Probing::Fixed | Probing::Off => return None,
        }
        self.forget_old(now);
        match evidence {
            Evidence::Survived { gap, .. } => self.survived(gap, now),
            Evidence::Expired { gap } if gap >= self.least() => self.expired(gap, 1, now),
            Evidence::Forgotten { gap } if gap >= self.least() => self.expired(gap, 0, now),
            Evidence::EndedIdle { gap } if gap >= self.least() => self.ended_idle(gap, now),
            // Shorter than any interval: not a matter of idleness.
            Evidence::Expired { .. } | Evidence::Forgotten { .. } | Evidence::EndedIdle { .. } => None,
        }
    }

    /// A gap below this says nothing about idleness.
    fn least(&self) -> Duration {
        self.heartbeat.min.mul_f64(0.9)
    }

    fn survived(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        self.proven = self.proven.max(gap);
        self.sound = self.sound.max(gap);
        self.doubts.retain(|doubt| doubt.gap > gap);
        // No gap beyond the longest is ever tried: there, to survive is enough.
        let longest = self.heartbeat.max.mul_f64(0.999);
        self.last_end = self.last_end.filter(|last| gap < last.mul_f64(1.0 + SAME).min(longest));
        let disproved = self.failed.is_some_and(|failed| gap >= failed.gap.mul_f64(1.01).min(longest));
        if disproved {
            if self.failed.take().is_some_and(|failed| failed.ambiguous) {
                // It was a restart after all, which learning has not cost.
                self.drops.pop();
            }
            self.look_after = first_look(&self.heartbeat);
        }
        match self.stage {
            Stage::Learn => self.settle(now),
            Stage::Hold { .. } if disproved => {
                self.stage = Stage::Learn;
                self.settle(now)
            }
            Stage::Hold { .. } => None,
            Stage::Doubt { pace } if gap < pace.mul_f64(0.9) => None,
            // A scout tests the gap that failed; until then half is held.
            Stage::Doubt { .. }
                if self.has_scouts()
                    && self.doubted_last().is_some_and(|doubted| gap < doubted.mul_f64(0.98)) =>
            {
                None
            }
            Stage::Doubt { pace } => {
                let doubled = pace * 2;
                // A scout may have tested the whole of it.
                if doubled < self.held() && gap < self.held().mul_f64(0.98) {
                    self.stage = Stage::Doubt { pace: doubled };
                    return None;
                }
                self.settle(now)
            }
            Stage::Regrow => match self.next_regrown() {
                Some(_) => None,
                None => self.hold(now),
            },
        }
    }

    fn expired(&mut self, gap: Duration, drops: usize, now: Moment) -> Option<Lesson> {
        // A path that falls silent does not end links: what ended one before
        // that was not the timeout.
        self.last_end = self.last_end.filter(|&last| gap < last);
        if gap > self.proven {
            return match self.stage {
                // A look that failed confirms what was known.
                Stage::Hold { .. } => match self.failed {
                    Some(failed) if gap >= failed.gap => self.look_failed(failed.gap, now),
                    Some(_) | None => {
                        self.failed = Some(Failed { gap, ambiguous: false });
                        self.hold(now)
                    }
                },
                // Scouts test several gaps at once: the shortest counts.
                Stage::Learn if self.failed.is_some_and(|failed| failed.gap <= gap) => None,
                Stage::Learn => {
                    self.failed = Some(Failed { gap, ambiguous: false });
                    self.spend(drops, now);
                    self.settle(now)
                }
                Stage::Regrow => {
                    self.failed = Some(Failed { gap, ambiguous: false });
                    self.spend(drops, now);
                    self.hold(now)
                }
                Stage::Doubt { .. } => None,
            };
        }
        if !self.is_idleness(gap, now) {
            // The link was busy: not a matter of idleness.
            return None;
        }
        self.doubt(gap, now)
    }

    fn doubt(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        if self.doubts.is_empty() {
            self.sound = Duration::ZERO;
        }
        self.doubts.push(Doubt { gap, at: now });
        if self.doubts.iter().filter(|doubt| within(doubt.gap, gap, 0.12)).count() < 2 {
            let pace = match self.stage {
                Stage::Doubt { pace } => pace,
                Stage::Learn | Stage::Hold { .. } | Stage::Regrow => self.held(),
            };
            self.stage = Stage::Doubt { pace: (pace / 2).max(self.heartbeat.min).min(pace) };
            return None;
        }
        self.failed = Some(Failed { gap, ambiguous: false });
        // Only what survived since the doubt began counts as proven.
        self.proven = self.sound.min(gap);
        self.doubts.clear();
        self.look_after = first_look(&self.heartbeat);
        if self.has_scouts() {
            let _ = self.settle(now);
        } else {
            self.stage = Stage::Regrow;
            if self.next_regrown().is_none() {
                let _ = self.hold(now);
            }
        }
        Some(Lesson::Shrank { failed: gap })
    }

    /// The proven gap that failed last.
    pub(super) fn doubted_last(&self) -> Option<Duration> {
        self.doubts.last().map(|doubt| doubt.gap)
    }

    fn ended_idle(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        if let Some(failed) = self.failed
            && within(gap, failed.gap, SAME)
        {
            // Seen again at the same gap: no longer ambiguous.
            self.last_end = None;
            self.proven = self.proven.max(gap.min(failed.gap));
            return match self.stage {
                Stage::Hold { .. } => self.look_failed(failed.gap, now),
                Stage::Learn | Stage::Doubt { .. } | Stage::Regrow => {
                    self.failed = Some(Failed { gap: failed.gap, ambiguous: false });
                    self.spend(1, now);
                    self.hold(now)
                }
            };
        }
        if gap > self.proven {
            self.proven = gap;
            self.failed = Some(Failed { gap, ambiguous: true });
            self.spend(1, now);
            self.last_end = None;
            return self.hold(now);
        }
        if self.last_end.is_some_and(|last| within(gap, last, SAME)) {
            self.proven = gap;
            self.failed = Some(Failed { gap, ambiguous: false });
            self.last_end = None;
            let _ = self.hold(now);
            return Some(Lesson::Shrank { failed: gap });
        }
        // A restart, as far as anybody can tell.
        self.last_end = Some(gap);
        None
    }

    /// Learning has cost the user's link, where it is learned on that.
    fn spend(&mut self, drops: usize, now: Moment) {
        if !self.has_scouts() {
            self.drops.extend(std::iter::repeat_n(now, drops));
        }
    }

    /// Goes on learning, or holds if there is nothing worth a try.
    fn settle(&mut self, now: Moment) -> Option<Lesson> {
        let more = if self.has_scouts() { self.survey_goes_on() } else { self.next_try(now).is_some() };
        if more {
            self.stage = Stage::Learn;
            None
        } else {
            self.hold(now)
        }
    }

    fn hold(&mut self, now: Moment) -> Option<Lesson> {
        let ambiguous = self.failed.is_some_and(|failed| failed.ambiguous) && !self.has_scouts();
        let wait = if ambiguous { self.look_after / LOOK_AMBIGUOUS } else { self.look_after };
        self.stage = Stage::Hold { look_at: now + wait };
        let found = self.failed.map(|failed| (self.proven, failed.gap));
        let news = found.filter(|_| found != self.told);
        self.told = found.or(self.told);
        news.map(|(proven, failed)| Lesson::Learned { proven, failed })
    }

    fn look_failed(&mut self, failed: Duration, now: Moment) -> Option<Lesson> {
        let was_ambiguous = self.failed.is_some_and(|failed| failed.ambiguous);
        self.failed = Some(Failed { gap: failed, ambiguous: false });
        if !was_ambiguous {
            let rarest = if self.has_scouts() { LOOKS_RAREST_SCOUTS } else { LOOKS_RAREST };
            self.look_after = (self.look_after * 2).min(first_look(&self.heartbeat) * rarest);
        }
        self.stage = Stage::Hold { look_at: now + self.look_after };
        None
    }

    /// The next gap worth a try while learning.
    fn next_try(&self, now: Moment) -> Option<Duration> {
        let within = first_look(&self.heartbeat);
        let spent = self.drops.iter().filter(|&&drop| now.since(drop) <= within).count();
        if spent + self.hints.spent(now) >= DROPS {
            return None;
        }
        if let Some(goal) = self.hints.next_try(self.proven, self.failed()) {
            return Some(goal);
        }
        match self.failed {
            None => self.heartbeat.next_rung(self.proven),
            // An end that came by itself told the timeout exactly.
            Some(failed) if failed.gap <= self.proven => None,
            Some(failed) => self.heartbeat.inside(self.proven, failed.gap),
        }
    }

    fn next_regrown(&self) -> Option<Duration> {
        let failed = self.failed.map_or(self.heartbeat.max, |failed| failed.gap);
        let base = self.proven.max(self.heartbeat.min);
        let next = base.mul_f64(1.2);
        (next < failed.mul_f64(0.98)).then_some(next)
    }

    /// The interval that what is proven allows.
    pub(super) fn held(&self) -> Duration {
        let heartbeat = &self.heartbeat;
        if self.proven < heartbeat.min {
            // Nothing is proven. Who sends scouts does not want to risk even
            // the first interval.
            let safe = self.failed.is_some() || self.has_scouts();
            return if safe { heartbeat.min } else { heartbeat.start };
        }
        let part = self.proven.min(heartbeat.max).mul_f64(HELD);
        let below = part.min(self.proven.saturating_sub(heartbeat.unit(HELD_MARGIN)));
        // Near the shortest interval the margin gives way, the part does not.
        below.max(heartbeat.min).min(part)
    }

    fn forget_old(&mut self, now: Moment) {
        let (drops, doubts) = (first_look(&self.heartbeat), self.heartbeat.unit(DOUBTS_WITHIN));
        self.drops.retain(|&drop| now.since(drop) <= drops);
        self.doubts.retain(|doubt| now.since(doubt.at) <= doubts);
    }
}

/// When the first look upward comes.
fn first_look(heartbeat: &Heartbeat) -> Duration {
    heartbeat.look_after.unwrap_or_else(|| {
        heartbeat.unit(match heartbeat.probing {
            Probing::Scout => LOOK_AFTER_SCOUTS,
            Probing::Main | Probing::Passive | Probing::Fixed | Probing::Off => LOOK_AFTER,
        })
    })
}

/// Whether two gaps differ by at most `fraction` of the second.
pub(super) fn within(a: Duration, b: Duration, fraction: f64) -> bool {
    a.abs_diff(b) <= b.mul_f64(fraction)
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Proof;
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn survive(prober: &mut Prober, gap: Duration, now: Moment) -> Option<Lesson> {
        prober.learn(Evidence::Survived { gap, proof: Proof::BeatAnswered }, now)
    }

    #[test]
    fn a_wrong_failure_at_the_longest_gap_is_undone_by_a_look() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let mut dice = Dice::new(1);
        let begin = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(149), begin);
        // An outage that looked like an expiry.
        prober.learn(Evidence::Expired { gap: secs(285) }, begin);
        survive(&mut prober, secs(231), begin);
        assert_eq!(prober.interval(begin), Some(secs(231).mul_f64(HELD)));

        let look = begin + LOOK_AFTER;
        assert_eq!(prober.pace(&mut dice, look), Some(Pace { after: secs(285), chosen: true }));
        survive(&mut prober, secs(285), look);
        assert_eq!(prober.failed(), None);
        assert_eq!(prober.interval(look), Some(secs(285).mul_f64(HELD)));
        assert!(prober.pace(&mut dice, look).is_some_and(|pace| !pace.chosen));
    }

    #[test]
    fn one_loss_never_shrinks_the_interval_for_good() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(58), now);
        prober.learn(Evidence::Expired { gap: secs(68) }, now);
        let held = prober.interval(now);
        assert_eq!(prober.learn(Evidence::Expired { gap: secs(53) }, now), None);
        let halved = prober.interval(now);
        assert_eq!(halved, held.map(|held| held / 2));
        survive(&mut prober, halved.unwrap(), now);
        assert_eq!(prober.interval(now), held);
    }

    #[test]
    fn a_doubt_near_the_shortest_interval_does_not_make_it_longer() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let now = Moment::ORIGIN + secs(1000);
        prober.learn(Evidence::Expired { gap: secs(27) }, now);
        survive(&mut prober, secs(10), now);
        prober.learn(Evidence::Expired { gap: secs(11) }, now);
        let held = prober.interval(now);
        assert_eq!(held, Some(secs(10).mul_f64(HELD)));
        prober.learn(Evidence::Expired { gap: secs(10).mul_f64(HELD) }, now);
        assert_eq!(prober.interval(now), held);
    }

    #[test]
    fn a_proven_gap_that_fails_twice_has_shrunk() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(58), now);
        prober.learn(Evidence::Expired { gap: secs(68) }, now);
        prober.learn(Evidence::Expired { gap: secs(53) }, now);
        survive(&mut prober, secs(27), now);
        let lesson = prober.learn(Evidence::Expired { gap: secs(52) }, now);
        assert_eq!(lesson, Some(Lesson::Shrank { failed: secs(52) }));
        assert_eq!(prober.proven(), secs(27));
        // It grows again by a fifth.
        assert_eq!(prober.interval(now), Some(secs(27).mul_f64(1.2)));
    }

    #[test]
    fn what_is_held_stays_below_what_is_proven() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let mut dice = Dice::new(7);
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(27), now);
        prober.learn(Evidence::Expired { gap: secs(34) }, now);
        prober.learn(Evidence::Expired { gap: secs(29) }, now);
        for _ in 0..1000 {
            let pace = prober.pace(&mut dice, now).map(|pace| pace.after);
            // 0.93 of 27 s, at least 2 s less, up to a tenth shorter.
            assert!(pace.is_some_and(|pace| pace <= secs(25) && pace >= secs(25).mul_f64(0.9)), "{pace:?}");
        }
    }

    #[test]
    fn with_a_shorter_longest_gap_nothing_beyond_it_is_tried_or_held() {
        let max = secs(285);
        let now = Moment::ORIGIN + secs(1000);
        for probing in [Probing::Main, Probing::Scout] {
            let known = |failed| {
                let mut prober = Prober::new(Heartbeat::frugal().probing(probing));
                survive(&mut prober, secs(404), now);
                prober.learn(Evidence::Expired { gap: failed }, now);
                prober
            };
            let mut learning = known(secs(579));
            let mut doubting = known(secs(420));
            doubting.learn(Evidence::Expired { gap: secs(370) }, now);
            let mut old = Prober::new(Heartbeat::frugal().probing(probing));
            let week = LOOK_AFTER + secs(1);
            assert!(
                old.recall(&crate::keeper::Recalled::new(crate::keeper::Learned::new(secs(1167)), week), now)
            );
            for prober in [&mut learning, &mut doubting, &mut old] {
                prober.set_heartbeat(Heartbeat::adaptive().probing(probing), now);
                for step in 0..8 {
                    let interval = prober.interval(now).unwrap();
                    assert!(interval <= max, "{interval:?} in step {step}: {prober:?}");
                    let trial = prober.next_trial(&[], now);
                    assert!(trial.is_none_or(|gap| gap <= max), "{trial:?} in step {step}: {prober:?}");
                    survive(prober, trial.unwrap_or(interval), now);
                }
                assert_eq!(prober.interval(now), Some(max.mul_f64(HELD)));
            }
            // What failed is not forgotten for that.
            learning.set_heartbeat(Heartbeat::frugal().probing(probing), now);
            assert_eq!(learning.failed(), Some(secs(579)));
        }
    }

    #[test]
    fn changes_of_settings_do_not_put_a_look_off() {
        for probing in [Probing::Main, Probing::Scout] {
            let heartbeat = Heartbeat::adaptive().probing(probing).look_after(LOOK_AFTER);
            let mut prober = Prober::new(heartbeat.clone());
            let mut now = Moment::ORIGIN + secs(1000);
            survive(&mut prober, secs(96), now);
            prober.learn(Evidence::Expired { gap: secs(100) }, now);
            let look = now + LOOK_AFTER;
            while now < look {
                now = now + LOOK_AFTER / 7;
                prober.set_heartbeat(heartbeat.clone().misses(4), now);
                prober.set_alone(true, now);
                prober.set_alone(false, now);
            }
            let (mut dice, gap) = (Dice::new(1), secs(102));
            match probing {
                Probing::Scout => assert_eq!(prober.next_trial(&[], now), Some(gap)),
                Probing::Main | Probing::Passive | Probing::Fixed | Probing::Off => {
                    assert_eq!(prober.pace(&mut dice, now), Some(Pace { after: gap, chosen: true }))
                }
            }
        }
    }

    #[test]
    fn while_a_scout_finds_out_what_an_end_was_the_shortest_interval_is_kept() {
        let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(19), now);
        prober.learn(Evidence::EndedIdle { gap: secs(12) }, now);
        assert!(prober.is_suspected(secs(12)));
        let pace = prober.pace(&mut Dice::new(1), now).unwrap();
        assert_eq!(pace.after, secs(10));
    }

    #[test]
    fn a_scout_that_falls_silent_beyond_an_end_settles_what_that_end_was() {
        let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(100), now);
        prober.learn(Evidence::Expired { gap: secs(106) }, now);
        // A server restarts under a scout; the timeout is 101 s.
        prober.learn(Evidence::EndedIdle { gap: secs(97) }, now);
        let trial = prober.next_trial(&[], now).unwrap();
        assert!(trial > secs(101), "{trial:?}");
        prober.learn(Evidence::Expired { gap: trial }, now);
        assert_eq!(prober.next_trial(&[], now), None, "it is tested once");
        assert!(!prober.is_suspected(secs(97)));
    }

    #[test]
    fn what_is_known_can_always_be_kept() {
        let heartbeat = Heartbeat::adaptive().look_after(secs(200 * 24 * 3600));
        let mut prober = Prober::new(heartbeat);
        let now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(96), now);
        prober.learn(Evidence::Expired { gap: secs(100) }, now);
        prober.learn(Evidence::Expired { gap: secs(102) }, now);
        assert_eq!(prober.learned(now).check(), Ok(()));
    }
}
