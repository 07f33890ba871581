//! The watch over one link: silence, gaps, round trips, misses.
//!
//! A pure machine of one link that knows of no other. It says when a beat is
//! due and when the link is dead; what a death means is not its business.

mod hearing;
mod promise;
mod timers;
mod unanswered;

use std::time::Duration;

pub(super) use self::hearing::Sound;
use self::promise::Promise;
pub(super) use self::promise::Word;
use self::unanswered::Unanswered;
use super::event::Seen;
use super::heartbeat::{Beat, Heartbeat, Pace, Rtt};
use super::links::Token;
use super::moment::Moment;
use super::path::PathFacts;

/// Shortest deadline of a beat.
const DEADLINE_MIN: Duration = Duration::from_secs(1);
/// Longest deadline of a beat.
const DEADLINE_MAX: Duration = Duration::from_secs(5);
/// Longest deadline of a beat before the first round trip was measured. Where
/// the whole attempt took less, login included, so does an answer.
const DEADLINE_FIRST: Duration = Duration::from_secs(3);
/// Deadline of a probe after a network event, a wake, or on demand; on a path
/// whose round trip is long its beats' deadline, or twice its shortest one.
const DEADLINE_PROBE: Duration = Duration::from_secs(3);
/// Shortest deadline while the application is in the background: the radio
/// may sleep.
const DEADLINE_MIN_BACKGROUND: Duration = Duration::from_millis(2500);
/// A timer later than this means that the process slept or froze.
const LATE: Duration = Duration::from_secs(2);

/// The durations of one heartbeat, at its scale.
#[derive(Clone, Copy, Debug)]
struct Limits {
    deadline_min: Duration,
    deadline_max: Duration,
    deadline_first: Duration,
    deadline_probe: Duration,
    late: Duration,
    misses: u32,
}

#[derive(Debug)]
pub(super) struct Watch {
    limits: Limits,
    /// How long it took to open the link.
    took: Duration,
    beat: Beat,
    /// The last byte in.
    heard: Moment,
    /// The last byte out.
    sent: Moment,
    /// The longest time without a byte, either way, that one of ours has ended
    /// since the last byte in.
    ended: Duration,
    /// The last beat.
    beaten: Moment,
    /// When a client that is blind to traffic would beat next.
    rhythm: Moment,
    saved: u64,
    pace: Option<Pace>,
    rtt: Rtt,
    unanswered: Unanswered,
    /// The answers to beats sent before then may have waited to be read.
    measured_from: Moment,
    last_token: u64,
    phase: Phase,
    /// By the pace nothing is due before, if nothing comes in meanwhile.
    rests_until: Option<Moment>,
    /// A beat or probe that something asked for, ahead of the pace.
    ahead: Option<Ahead>,
    /// The beat whose answer somebody waits for.
    confirming: Option<Confirming>,
    /// Since when the link is not read.
    stalled: Option<Moment>,
    /// Something since the last byte in spoils this gap as evidence.
    spoiled: bool,
    /// Whether the system tells what it knows of the path.
    tells_path: bool,
    /// When to ask it, though no answer is waited for.
    look: Option<Moment>,
    /// Whether it has told that the last beat, and all before it, arrived.
    acknowledged: Option<bool>,
    /// The peer is to speak, in place of a beat of ours.
    promise: Option<Promise>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing is asked.
    Quiet,
    /// A beat waits for its answer.
    Asking {
        asked: Asked,
        /// Beats missed so far.
        missed: u32,
        deadline: Moment,
    },
    /// A probe waits for any byte.
    Probing { deadline: Moment },
}

/// What the first of a row of beats was sent after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The longest time without a byte, either way, since the last one in.
    pub(super) gap: Duration,
    /// Whether the gap was one that the prober tries.
    pub(super) chosen: bool,
    /// Whether something spoils it as evidence.
    pub(super) spoiled: bool,
    /// Whether the peer was to speak at its end, and did not.
    pub(super) promised: bool,
    /// Whether a beat of the row is known not to have arrived by its
    /// deadline: then the path was dead both ways, and had not forgotten one.
    pub(super) lost: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ahead {
    at: Moment,
    probe: bool,
}

#[derive(Clone, Copy, Debug)]
struct Confirming {
    token: Token,
    again: bool,
}

/// What a deadline led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing yet.
    Wait,
    /// A beat goes out.
    Beat { token: Token, gap: Duration },
    /// A beat was missed and the next goes out.
    Missed { consecutive: u32, token: Token },
    /// The link is dead. `asked` is what it was asked after, for evidence,
    /// and `acknowledged` whether all that was asked is known to have arrived.
    Dead { seen: Seen, asked: Option<Asked>, acknowledged: Option<bool> },
}

impl Limits {
    fn new(heartbeat: &Heartbeat, background: bool, took: Duration) -> Limits {
        let shortest = if background { DEADLINE_MIN_BACKGROUND } else { DEADLINE_MIN };
        let deadline_min = heartbeat.unit(shortest);
        Limits {
            deadline_min,
            deadline_max: heartbeat.unit(DEADLINE_MAX),
            deadline_first: took.max(deadline_min).min(heartbeat.unit(DEADLINE_FIRST)),
            deadline_probe: heartbeat.unit(DEADLINE_PROBE),
            late: heartbeat.unit(LATE),
            misses: heartbeat.misses,
        }
    }
}

impl Watch {
    /// `took` is how long it took to open the link.
    pub(super) fn new(
        heartbeat: &Heartbeat,
        background: bool,
        beat: Beat,
        took: Duration,
        now: Moment,
    ) -> Watch {
        Watch {
            limits: Limits::new(heartbeat, background, took),
            took,
            beat: beat.at_least(heartbeat.unit(DEADLINE_MIN)),
            heard: now,
            sent: now,
            ended: Duration::ZERO,
            beaten: now,
            rhythm: now,
            saved: 0,
            pace: None,
            rtt: Rtt::default(),
            unanswered: Unanswered::default(),
            measured_from: now,
            last_token: 0,
            phase: Phase::Quiet,
            rests_until: None,
            ahead: None,
            confirming: None,
            stalled: None,
            spoiled: false,
            tells_path: false,
            look: None,
            acknowledged: None,
            promise: None,
        }
    }

    /// The system tells what it knows of the path.
    pub(super) fn with_path(mut self, tells_path: bool) -> Watch {
        self.tells_path = tells_path;
        self
    }

    // Getters.

    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// When something last came in.
    pub(super) fn last_heard(&self) -> Moment {
        self.heard
    }

    /// Who beats.
    pub(super) fn beat(&self) -> Beat {
        self.beat
    }

    /// Beats that traffic has made unnecessary.
    pub(super) fn saved(&self) -> u64 {
        self.saved
    }

    /// Time since any byte, either way.
    pub(super) fn gap(&self, now: Moment) -> Duration {
        now.since(self.heard.max(self.sent))
    }

    /// The longest silence that what we sent has ended, if it went out so
    /// short a time ago that an end now may be the answer to it.
    pub(super) fn just_ended(&self, now: Moment) -> Option<Duration> {
        let ago = now.since(self.sent);
        (self.sent > self.heard && ago <= self.patience() && self.ended > ago).then_some(self.ended)
    }

    /// What waits for an answer, as evidence.
    pub(super) fn asked(&self) -> Option<Asked> {
        match self.phase {
            Phase::Asking { asked, .. } => Some(asked),
            Phase::Quiet | Phase::Probing { .. } => None,
        }
    }

    /// Whether an answer is overdue.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.phase, Phase::Asking { missed: 1.., .. })
    }

    /// Whether a probe is under way.
    pub(super) fn is_probing(&self) -> bool {
        matches!(self.phase, Phase::Probing { .. })
    }

    /// Whether something spoils the present gap as evidence, and the beats
    /// that are under way. A probe does.
    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled || self.stalled.is_some()
    }

    /// How long one answer may take.
    pub(super) fn patience(&self) -> Duration {
        self.deadline(0)
    }

    /// How long the whole row of beats takes to declare a death.
    pub(super) fn span(&self) -> Duration {
        (0..self.limits.misses).map(|missed| self.deadline(missed)).sum()
    }

    /// Whether a deadline that was due at `due` is handled so late that the
    /// process must have slept or frozen.
    pub(super) fn is_late(&self, due: Moment, now: Moment) -> bool {
        now.since(due) > self.limits.late
    }

    /// Whether something was due so long ago that the process must have slept
    /// or frozen: what is read now may have waited, and so may an end.
    pub(super) fn is_behind(&self, now: Moment) -> bool {
        self.next().is_some_and(|(due, _)| self.is_late(due, now))
    }

    // What happened.

    /// Other limits from here on. A deadline that runs is kept.
    pub(super) fn set_heartbeat(&mut self, heartbeat: &Heartbeat, background: bool) {
        self.limits = Limits::new(heartbeat, background, self.took);
    }

    pub(super) fn set_pace(&mut self, pace: Option<Pace>, now: Moment) {
        if self.pace.is_none()
            && let Some(pace) = pace
        {
            self.rhythm = now + pace.after;
        }
        self.pace = pace;
        // What was asked for a gap that is not to be tried any more does not
        // stand in for a beat.
        self.promise = self
            .promise
            .filter(|promise| pace.is_some_and(|pace| pace.chosen && pace.after >= promise.silence));
    }

    /// The silence after which the peer may be asked to speak, in place of a
    /// beat: a gap that is tried, begun now, which nothing spoils.
    pub(super) fn may_be_promised(&self) -> Option<Duration> {
        let begins = matches!(self.phase, Phase::Quiet)
            && self.beat == Beat::Ping
            && self.promise.is_none()
            && self.ahead.is_none()
            && !self.is_spoiled();
        self.pace.filter(|pace| begins && pace.chosen).map(|pace| pace.after)
    }

    /// The peer is asked to speak after `silence`.
    pub(super) fn promise(&mut self, silence: Duration, now: Moment) {
        self.promise = Some(Promise { at: now, silence });
        self.put_out(now);
        self.look_later(now);
    }

    /// Nothing up to now is evidence about idleness: not this gap, and not
    /// the beats that are under way.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
        if let Phase::Asking { asked, .. } = &mut self.phase {
            asked.spoiled = true;
        }
    }

    /// Messages went out.
    pub(super) fn send(&mut self, now: Moment) {
        // The first words after a long silence: ask soon whether they arrive.
        let long = self.pace.map(|pace| pace.after / 2);
        if long.is_some_and(|long| self.gap(now) >= long) && matches!(self.phase, Phase::Quiet) {
            self.bring_forward(now, false);
        }
        self.put_out(now);
        self.look_later(now);
    }

    /// The system tells this of the path.
    pub(super) fn path(&mut self, facts: PathFacts, now: Moment) -> Step {
        self.look = None;
        let arrived = facts.unacknowledged == 0;
        let is_quiet = matches!(self.phase, Phase::Quiet);
        if !is_quiet {
            self.acknowledged = Some(arrived);
        }
        if let Phase::Asking { asked, .. } = &mut self.phase {
            asked.lost |= !arrived;
        }
        if arrived {
            return Step::Wait;
        }
        let most = self.longest_unacknowledged();
        let waiting = match self.stalled {
            // No beat asks before a stalled link is called dead: what waited while
            // the machine slept has its time anew.
            Some(_) => facts.waiting.min(now.since(self.measured_from)),
            None => facts.waiting,
        };
        if waiting >= most {
            if self.stalled.is_some() {
                return Step::Dead { seen: Seen::Unacknowledged, asked: None, acknowledged: Some(false) };
            }
            if is_quiet {
                self.bring_forward(now, false);
            }
        } else if self.tells_path && (is_quiet || self.stalled.is_some()) {
            let left = most - waiting;
            self.look = Some(now + left.max(most / 4));
        }
        Step::Wait
    }

    /// Brings a beat, or a probe, forward to `at`. On a link that cannot be
    /// asked it is never due.
    pub(super) fn bring_forward(&mut self, at: Moment, probe: bool) {
        self.ahead = Some(match self.ahead {
            Some(ahead) => Ahead { at: ahead.at.min(at), probe: ahead.probe || probe },
            None => Ahead { at, probe },
        });
    }

    /// Probes at once, unless a probe is under way.
    pub(super) fn probe(&mut self, now: Moment) -> Step {
        if !self.can_ask() || self.is_probing() {
            return Step::Wait;
        }
        if self.stalled.is_some() {
            self.bring_forward(now, true);
            return Step::Wait;
        }
        self.ahead = None;
        let gap = self.gap(now);
        self.phase = Phase::Probing { deadline: now + self.probe_deadline() };
        self.spoiled = true;
        Step::Beat { token: self.send_beat(now), gap }
    }

    /// A probe, under way or to come, is not to be: its silence would say
    /// nothing.
    pub(super) fn call_off_probe(&mut self) {
        if self.is_probing() {
            self.phase = Phase::Quiet;
        }
        self.ahead = self.ahead.filter(|ahead| !ahead.probe);
    }

    /// No beat before this that is not due by the present pace, whatever the
    /// next is; with `None` as ever. What comes in ends it.
    pub(super) fn rest(&mut self, until: Option<Moment>) {
        let due = self.pace.map(|pace| self.heard + pace.after);
        self.rests_until = until.map(|until| due.map_or(until, |due| due.min(until)));
    }

    /// The round trip, as another link on the same path has it.
    pub(super) fn know_rtt(&mut self, rtt: Option<Duration>) {
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        }
    }

    /// Beats at once, unless an answer is waited for anyway. For a link that
    /// can be asked.
    pub(super) fn ask_unless_asked(&mut self, now: Moment) -> Step {
        if matches!(self.phase, Phase::Quiet) { self.ask(now, false) } else { Step::Wait }
    }

    /// Beats at once so that what was written is confirmed; a beat that is
    /// under way for the same reason is followed by another.
    pub(super) fn confirm(&mut self, now: Moment) -> Step {
        if !self.can_ask() {
            return Step::Wait;
        }
        if let Some(confirming) = &mut self.confirming {
            confirming.again = true;
            return Step::Wait;
        }
        let step = self.ask(now, false);
        self.confirming = Some(Confirming { token: Token(self.last_token), again: false });
        step
    }

    /// The link is not read any more.
    pub(super) fn stall(&mut self, now: Moment) {
        if self.stalled.is_none() {
            self.stalled = Some(now);
            self.spoil();
            self.promise = None;
            self.look = None;
            self.look_later(now);
        }
    }

    /// The link is read again, and what waited was read: one full deadline.
    pub(super) fn resume(&mut self, now: Moment) {
        if self.stalled.take().is_none() {
            return;
        }
        self.spoiled = true;
        self.look = None;
        // What waited came in at some time before. Of the beats it is known
        // when the path saw them.
        self.heard = self.heard.max(self.sent);
        if self.unanswered.is_empty() {
            // The answer was among what waited.
            self.phase = Phase::Quiet;
        }
        if let Phase::Asking { missed, .. } = &mut self.phase {
            *missed = 0;
        }
        self.put_off(now);
    }

    /// The machine slept until now: what was due is void, a probe follows at
    /// `at`. A peer that cannot be probed has its whole limit once more.
    pub(super) fn wake(&mut self, at: Moment, now: Moment) {
        self.spoil();
        self.measured_from = at;
        self.phase = Phase::Quiet;
        self.promise = None;
        self.bring_forward(at, true);
        if !self.can_ask() {
            self.heard = now;
        }
    }
}
