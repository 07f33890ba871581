//! The watch over one link: silence, gaps, round trips, misses.
//!
//! A watch is a pure machine that knows no other link. It says when a beat is
//! due and when the link is dead; another part judges why.

mod acknowledged;
mod action;
mod asking;
mod hearing;
mod request;
mod rtt;
mod standstill;
mod timers;
mod unanswered;

use std::time::Duration;

pub(in crate::keeper) use self::action::{BeatRow, Silence, WatchAction};
pub(in crate::keeper) use self::hearing::{InboundKind, Proof};
pub(in crate::keeper) use self::request::Reply;
use self::request::Request;
use self::rtt::Rtt;
use self::unanswered::Unanswered;
use super::beat::Beat;
use super::pace::Pace;
use crate::keeper::config::Heartbeat;
use crate::keeper::moment::Moment;
use crate::keeper::names::Token;

/// Shortest deadline of a beat.
const DEADLINE_MIN: Duration = Duration::from_secs(1);
/// Longest deadline of a beat.
const DEADLINE_MAX: Duration = Duration::from_secs(5);
/// Longest deadline of a beat before the first round trip was measured. An attempt
/// that took less, login included, makes the deadline shorter.
const DEADLINE_FIRST: Duration = Duration::from_secs(3);
/// Deadline of a probe after a network event, a wake, or on demand. On a path with
/// a long round trip: the deadline of its beats, or twice its shortest round trip.
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
pub(in crate::keeper) struct Watch {
    limits: Limits,
    /// How long it took to open the link.
    took: Duration,
    beat: Beat,
    /// The last byte in.
    heard: Moment,
    /// The last byte out.
    sent: Moment,
    /// The longest time without a byte, either way, that a byte of ours has ended
    /// since the last byte in.
    ended: Duration,
    /// The last beat.
    beaten: Moment,
    /// When a client that beats whatever flows would beat next.
    rhythm: Moment,
    saved: u64,
    pace: Option<Pace>,
    rtt: Rtt,
    unanswered: Unanswered,
    /// Answers to beats sent before this may have waited to be read.
    measured_from: Moment,
    /// Counts answers that ended a row of beats or came late to one: each time
    /// a new pace is wanted.
    answers: u32,
    phase: WatchState,
    /// Before this the pace makes no beat due, if nothing comes in meanwhile.
    rests_until: Option<Moment>,
    /// A beat or probe ahead of the pace.
    ahead: Option<EarlyBeat>,
    /// The beat whose answer a sender waits for.
    confirming: Option<Confirming>,
    /// Since when the link is not read.
    stalled: Option<Moment>,
    /// An event since the last byte spoils this gap as evidence.
    spoiled: bool,
    /// Whether the system tells facts about the path.
    tells_path: bool,
    /// When to ask the system for the path's facts while no answer is waited for.
    ask_path_at: Option<Moment>,
    /// Whether the system has told that the last beat, and all before it, arrived.
    acknowledged: Option<bool>,
    /// The system was asked, and has not answered yet.
    asked_path: bool,
    /// The peer was asked to speak, in place of a beat of ours.
    request: Option<Request>,
}

#[derive(Clone, Copy, Debug)]
enum WatchState {
    /// No beat is unanswered.
    Quiet,
    /// A beat waits for its answer.
    Asking {
        asked: BeatRow,
        /// Beats missed so far.
        missed: u32,
        deadline: Moment,
    },
    /// A probe waits for any byte.
    Probing { deadline: Moment },
}

#[derive(Clone, Copy, Debug)]
struct EarlyBeat {
    at: Moment,
    kind: EarlyKind,
}

/// The kind of a beat ahead of the pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum EarlyKind {
    Beat,
    Probe,
}

impl EarlyBeat {
    fn is_probe(self) -> bool {
        self.kind == EarlyKind::Probe
    }
}

#[derive(Clone, Copy, Debug)]
struct Confirming {
    token: Token,
    again: bool,
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
    /// `took` is the time of the whole attempt.
    pub(in crate::keeper) fn new(
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
            answers: 0,
            phase: WatchState::Quiet,
            rests_until: None,
            ahead: None,
            confirming: None,
            stalled: None,
            spoiled: false,
            tells_path: false,
            ask_path_at: None,
            acknowledged: None,
            asked_path: false,
            request: None,
        }
    }

    /// Says whether the system tells facts about the path.
    pub(in crate::keeper) fn with_path(mut self, tells_path: bool) -> Watch {
        self.tells_path = tells_path;
        self
    }

    // Getters.

    pub(in crate::keeper) fn rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// When a byte last came in.
    pub(in crate::keeper) fn last_heard(&self) -> Moment {
        self.heard
    }

    /// A count: a change asks for a new pace.
    pub(in crate::keeper) fn answers(&self) -> u32 {
        self.answers
    }

    /// Who beats.
    pub(in crate::keeper) fn beat(&self) -> Beat {
        self.beat
    }

    /// Beats that traffic has made unnecessary.
    pub(in crate::keeper) fn saved(&self) -> u64 {
        self.saved
    }

    /// The silence by which an end that comes now is judged.
    pub(in crate::keeper) fn silence(&self, now: Moment) -> Silence {
        Silence {
            gap: self.gap(now),
            asked: self.asked(),
            just_ended: self.just_ended(now),
            spoiled: self.is_spoiled() || self.is_behind(now),
        }
    }

    /// Time since any byte, either way.
    pub(in crate::keeper) fn gap(&self, now: Moment) -> Duration {
        now.since(self.heard.max(self.sent))
    }

    /// The longest silence that a byte of ours has ended, if it went out so
    /// short a time ago that an end now may be the answer to it.
    fn just_ended(&self, now: Moment) -> Option<Duration> {
        let ago = now.since(self.sent);
        (self.sent > self.heard && ago <= self.patience() && self.ended > ago).then_some(self.ended)
    }

    /// The row of unanswered beats, as evidence.
    pub(in crate::keeper) fn asked(&self) -> Option<BeatRow> {
        match self.phase {
            WatchState::Asking { asked, .. } => Some(asked),
            WatchState::Quiet | WatchState::Probing { .. } => None,
        }
    }

    /// Whether an answer is overdue.
    pub(in crate::keeper) fn is_missing(&self) -> bool {
        matches!(self.phase, WatchState::Asking { missed: 1.., .. })
    }

    /// Whether a probe is under way.
    pub(in crate::keeper) fn is_probing(&self) -> bool {
        matches!(self.phase, WatchState::Probing { .. })
    }

    /// Whether something spoils the present gap as evidence, and the beats
    /// under way. A probe spoils them.
    pub(in crate::keeper) fn is_spoiled(&self) -> bool {
        self.spoiled || self.stalled.is_some()
    }

    /// How long one answer may take.
    pub(in crate::keeper) fn patience(&self) -> Duration {
        self.deadline(0)
    }

    /// How long the whole row of beats takes to declare a death.
    pub(in crate::keeper) fn span(&self) -> Duration {
        (0..self.limits.misses).map(|missed| self.deadline(missed)).sum()
    }

    /// Whether a deadline that was due at `due` is handled so late that the
    /// process must have slept or frozen.
    pub(in crate::keeper) fn is_late(&self, due: Moment, now: Moment) -> bool {
        now.since(due) > self.limits.late
    }

    /// Whether a deadline passed so long ago that the process must have slept
    /// or frozen: bytes and ends that are read now may have waited.
    pub(in crate::keeper) fn is_behind(&self, now: Moment) -> bool {
        self.next_due().is_some_and(|(due, _)| self.is_late(due, now))
    }

    // Inputs.

    /// Takes other limits from here on. A deadline that runs is kept.
    pub(in crate::keeper) fn set_heartbeat(&mut self, heartbeat: &Heartbeat, background: bool) {
        self.limits = Limits::new(heartbeat, background, self.took);
    }

    pub(in crate::keeper) fn set_pace(&mut self, pace: Option<Pace>, now: Moment) {
        if self.pace.is_none()
            && let Some(pace) = pace
        {
            self.rhythm = now + pace.after;
        }
        self.pace = pace;
        // A request for a gap that is not tried any more does not stand in for a
        // beat.
        self.request = self
            .request
            .filter(|request| pace.is_some_and(|pace| pace.is_try && pace.after >= request.silence));
    }

    /// The silence after which the peer may be asked to speak in place of a
    /// beat: a gap that is tried, begun now, and not spoiled.
    pub(in crate::keeper) fn may_request(&self) -> Option<Duration> {
        let begins = matches!(self.phase, WatchState::Quiet)
            && self.beat == Beat::Ping
            && self.request.is_none()
            && self.ahead.is_none()
            && !self.is_spoiled();
        self.pace.filter(|pace| begins && pace.is_try).map(|pace| pace.after)
    }

    /// The peer is asked to speak after `silence`.
    pub(in crate::keeper) fn request(&mut self, silence: Duration, now: Moment) {
        self.request = Some(Request { at: now, silence });
        self.put_out(now);
        self.ask_path_later(now);
    }

    /// Nothing up to now is evidence about idleness: neither this gap nor
    /// the beats under way.
    pub(in crate::keeper) fn spoil(&mut self) {
        self.spoiled = true;
        if let WatchState::Asking { asked, .. } = &mut self.phase {
            asked.spoiled = true;
        }
    }

    /// Messages went out.
    pub(in crate::keeper) fn send(&mut self, now: Moment) {
        // A message after a long silence: a beat soon shows whether it arrives.
        let long = self.pace.map(|pace| pace.after / 2);
        if long.is_some_and(|long| self.gap(now) >= long) && matches!(self.phase, WatchState::Quiet) {
            self.bring_forward(now, EarlyKind::Beat);
        }
        self.put_out(now);
        self.ask_path_later(now);
    }

    /// Lets no beat go out before `until`, unless it is due by the present pace;
    /// `None` lifts that. A byte that comes in ends it.
    pub(in crate::keeper) fn rest(&mut self, until: Option<Moment>) {
        let due = self.pace.map(|pace| self.heard + pace.after);
        self.rests_until = until.map(|until| due.map_or(until, |due| due.min(until)));
    }

    /// Takes the round trip of another link on the same path.
    pub(in crate::keeper) fn know_rtt(&mut self, rtt: Option<Duration>) {
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        }
    }
}
