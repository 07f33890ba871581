//! How long to wait before the next attempt.

use std::time::Duration;

use super::classify::{self, Verdict};
use super::config::{Reconnect, Refusal};
use crate::keeper::{Because, Dice, Failure, GiveUp, LinkEnd, Seen};

/// The first retry after an end that was this client's alone: within 50 ms.
const ALONE: Duration = Duration::from_millis(50);
/// The first retry after an end that may be everybody's: within 1 s.
const QUICK: Duration = Duration::from_secs(1);
/// TLS failures: not sooner, and at most every 5 minutes.
const TLS_FLOOR: Duration = Duration::from_secs(30);
const TLS_CAP: Duration = Duration::from_secs(300);
/// A `Retry-After` is spread by up to this part of it.
const SPREAD: f64 = 0.2;
/// Least wait of a policy of the application's own beyond the first attempt.
const OWN_FLOOR: Duration = Duration::from_millis(1);

/// Counts consecutive attempts and draws the delays between them.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: Reconnect,
    /// The number of the last attempt made; 0 before the first.
    made: u32,
    /// Waits since the first attempt of all, or since a link proved itself.
    waits: u32,
    /// How often in a row the same answer came that is final if it stays.
    repeated: Option<(Final, u32)>,
    /// Consecutive TLS failures.
    tls: u32,
    /// The last attempts in a row that found no way to the server.
    no_way: u32,
}

/// An answer that is final when it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Final {
    Status(u16),
    Protocol,
    TooBig,
}

/// A wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) delay: Duration,
    pub(crate) because: Because,
    /// Whether the time was named by the server: good news of the network
    /// does not advance it.
    pub(crate) firm: bool,
}

/// How the link in use ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) seen: &'a Seen,
    /// It was in use for long enough and something was received.
    pub(crate) proved: bool,
    /// It ended for this client alone.
    pub(crate) alone: bool,
}

impl Backoff {
    pub(crate) fn new(policy: Reconnect) -> Backoff {
        Backoff { policy, made: 0, waits: 0, repeated: None, tls: 0, no_way: 0 }
    }

    /// Another policy from here on. What was counted stays.
    pub(crate) fn set_policy(&mut self, policy: Reconnect) {
        self.policy = policy;
    }

    /// The number of the next attempt, from 1.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.made.saturating_add(1)
    }

    /// An attempt begins: its number.
    pub(crate) fn begin(&mut self) -> u32 {
        self.made = self.next_attempt();
        self.made
    }

    /// The network is there, this one or another: attempts that found no way
    /// do not count, and who meddled with TLS there is not here.
    pub(crate) fn forget_the_way(&mut self) {
        self.made -= self.no_way.min(self.made);
        self.no_way = 0;
        self.tls = 0;
    }

    /// A link was opened: handshake and login worked.
    pub(crate) fn opened(&mut self) {
        self.tls = 0;
        self.no_way = 0;
        if matches!(self.repeated, Some((Final::Status(_), _))) {
            self.repeated = None;
        }
    }

    /// What follows the end of the link in use.
    pub(crate) fn after_end(&mut self, ending: Ending<'_>, dice: &mut Dice) -> Result<Wait, GiveUp> {
        if ending.proved {
            self.made = 0;
            self.waits = 0;
            self.repeated = None;
        }
        let (verdict, refusal) = match ending.seen {
            Seen::Ended(end) => (classify::of_end(end), Refusal::Ended(end)),
            Seen::Unanswered { .. }
            | Seen::ProbeUnanswered
            | Seen::Silent
            | Seen::NoMessage
            | Seen::Unacknowledged
            | Seen::AddressGone
            | Seen::Slept
            | Seen::Asked
            | Seen::Closed => (Verdict::Backoff { quick: true }, Refusal::Unanswered),
        };
        let because = because_of(&ending);
        if matches!(ending.seen, Seen::Asked) {
            // Not a failure: it takes no policy to come back, and no attempt.
            return Ok(Wait { delay: Duration::ZERO, because, firm: false });
        }
        if let Seen::Ended(end) = ending.seen
            && self.is_final(&verdict, final_of_end(end))
        {
            return Err(classify::reason_of_end(end));
        }
        let first = ending.proved;
        let wait = |delay| Wait { delay, because, firm: false };
        if let Some(own) = self.own(refusal)? {
            return Ok(Wait { delay: own, because: Because::Policy, firm: false });
        }
        self.check_attempts()?;
        if first && self.policy.eager {
            return Ok(wait(Duration::ZERO));
        }
        if first && let Verdict::Backoff { quick: true } = verdict {
            let most = self.policy.unit(if ending.alone { ALONE } else { QUICK });
            return Ok(wait(dice.between(Duration::ZERO, most)));
        }
        Ok(wait(self.draw(&verdict, dice)))
    }

    /// What follows a failed attempt.
    pub(crate) fn after_failure(&mut self, failure: &Failure, dice: &mut Dice) -> Result<Wait, GiveUp> {
        let verdict = classify::of_failure(failure);
        if matches!(failure, Failure::Tls) {
            self.tls = self.tls.saturating_add(1);
        }
        let no_way = matches!(failure, Failure::Unreachable | Failure::Dns);
        self.no_way = if no_way { self.no_way.saturating_add(1) } else { 0 };
        if self.is_final(&verdict, final_of_failure(failure)) {
            return Err(GiveUp::Failure(failure.clone()));
        }
        let own = self.own(Refusal::Failed(failure))?;
        self.check_attempts()?;
        if let Verdict::NotBefore(named) = verdict {
            let delay = dice.between(named, named.mul_f64(1.0 + SPREAD)).max(own.unwrap_or_default());
            let firm = classify::is_vouched_for(failure);
            return Ok(Wait { delay, because: Because::RetryAfter, firm });
        }
        Ok(match own {
            Some(delay) => Wait { delay, because: Because::Policy, firm: false },
            None => Wait { delay: self.draw(&verdict, dice), because: Because::AttemptFailed, firm: false },
        })
    }

    /// The delay of a verdict that allows another attempt.
    fn draw(&mut self, verdict: &Verdict, dice: &mut Dice) -> Duration {
        match verdict {
            Verdict::Backoff { .. } | Verdict::FinalAfter(_) | Verdict::NotBefore(_) | Verdict::Stop => {
                self.exponential(dice)
            }
            Verdict::Between { low, high } => {
                let asked = dice.between(self.policy.unit(*low), self.policy.unit(*high));
                // The first time what the peer asks for; a peer that keeps
                // asking is backed off from as any other.
                if self.made <= 1 { asked } else { asked.max(self.exponential(dice)) }
            }
            Verdict::Halfway => {
                let step = self.step().max(self.policy.cap / 2);
                dice.between(self.policy.floor.min(step), step)
            }
            Verdict::Longest => {
                let cap = self.policy.cap;
                dice.between(cap / 2, cap)
            }
            Verdict::Tls => {
                let low = self.policy.unit(TLS_FLOOR);
                let high = low * (1 << self.tls.min(6));
                dice.between(low, high.min(self.policy.unit(TLS_CAP)))
            }
        }
    }

    /// Drawn evenly from the floor up to the step: a draw that is raised to
    /// the floor would put half of all clients on it.
    fn exponential(&self, dice: &mut Dice) -> Duration {
        let step = self.step().max(self.policy.floor);
        dice.between(self.policy.floor, step)
    }

    /// base·2ⁿ⁻¹ after the n-th attempt, at most the cap.
    fn step(&self) -> Duration {
        let doublings = self.made.saturating_sub(1).min(30);
        self.policy.base.saturating_mul(1 << doublings).min(self.policy.cap)
    }

    /// The delay of the application's own policy, if it has one.
    fn own(&mut self, refusal: Refusal<'_>) -> Result<Option<Duration>, GiveUp> {
        let Some(policy) = &self.policy.delays else { return Ok(None) };
        self.waits = self.waits.saturating_add(1);
        let delay = policy.delay(self.waits, refusal).ok_or(GiveUp::Policy)?;
        Ok(Some(if self.waits > 1 { delay.max(OWN_FLOOR) } else { delay }))
    }

    fn check_attempts(&self) -> Result<(), GiveUp> {
        match self.policy.attempts {
            Some(most) if self.made >= most => Err(GiveUp::Attempts(self.made)),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the verdict is final, now or for having come too often.
    fn is_final(&mut self, verdict: &Verdict, answer: Option<Final>) -> bool {
        let times = match (self.repeated, answer) {
            (Some((before, times)), Some(now)) if before == now => times + 1,
            (Some(_) | None, Some(_)) => 1,
            (Some(_) | None, None) => 0,
        };
        self.repeated = answer.map(|answer| (answer, times));
        match verdict {
            Verdict::Stop => true,
            Verdict::FinalAfter(most) => times >= *most,
            Verdict::Backoff { .. }
            | Verdict::Between { .. }
            | Verdict::Halfway
            | Verdict::Longest
            | Verdict::NotBefore(_)
            | Verdict::Tls => false,
        }
    }
}

fn final_of_end(end: &LinkEnd) -> Option<Final> {
    match end {
        LinkEnd::Protocol(_) | LinkEnd::Closed { code: Some(1002), .. } => Some(Final::Protocol),
        LinkEnd::TooBig { .. } | LinkEnd::Closed { code: Some(1009), .. } => Some(Final::TooBig),
        LinkEnd::Closed { .. } | LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Io { .. } | LinkEnd::Panicked => {
            None
        }
    }
}

fn final_of_failure(failure: &Failure) -> Option<Final> {
    match failure {
        Failure::Http { status, .. } => Some(Final::Status(*status)),
        Failure::Ended(end) => final_of_end(end),
        Failure::Dns
        | Failure::Refused
        | Failure::Unreachable
        | Failure::TimedOut
        | Failure::Tls
        | Failure::Protocol(_)
        | Failure::Hook { .. }
        | Failure::RetryAfter(_)
        | Failure::Stop
        | Failure::Io { .. }
        | Failure::Panicked => None,
    }
}

fn because_of(ending: &Ending<'_>) -> Because {
    match ending.seen {
        Seen::Ended(LinkEnd::Closed { code: Some(code), .. }) => Because::CloseCode(*code),
        Seen::Asked | Seen::Closed => Because::Asked,
        Seen::Slept => Because::Woke,
        Seen::Ended(_)
        | Seen::Unanswered { .. }
        | Seen::ProbeUnanswered
        | Seen::Silent
        | Seen::NoMessage
        | Seen::Unacknowledged
        | Seen::AddressGone => {
            if ending.alone {
                Because::EndedAlone
            } else {
                Because::LinkEnded
            }
        }
    }
}
