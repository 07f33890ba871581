//! How long to wait before the next attempt.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use super::classify;
use crate::contain::contain;
use crate::keeper::config::{Reconnect, Retry, Setback};
use crate::keeper::dice::Dice;
use crate::keeper::end::{Failure, LinkEnd};
use crate::keeper::event::{Detection, GiveUp, RetryReason};
use crate::keeper::moment::Moment;

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
pub(in crate::keeper) struct Backoff {
    policy: Reconnect,
    /// The number of the last attempt made; 0 before the first.
    made: u32,
    /// Waits since the first attempt of all, or since a link proved itself.
    waits: u32,
    /// How often in a row the same answer came.
    repeated: Option<(EndKind, u32)>,
    /// Consecutive TLS failures.
    tls: u32,
    /// The last attempts in a row that found no way to the server.
    no_way: u32,
    /// When such attempts were last forgiven, since one last found a way.
    forgave: Option<Moment>,
    /// The application is in the background.
    background: bool,
    /// Panics of the application's own policies.
    panics: u64,
}

/// What came of a link or an attempt, as far as it can be the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndKind {
    Status(u16),
    Protocol,
    TooBig,
    Close(u16),
    Ended(Discriminant<LinkEnd>),
    Failed(Discriminant<Failure>),
    Nothing,
}

/// A wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct Wait {
    pub(in crate::keeper) delay: Duration,
    pub(in crate::keeper) reason: RetryReason,
    /// Whether the time was named by the server, or stands between an answer
    /// and its becoming final: good news of the network does not advance it.
    pub(in crate::keeper) firm: bool,
}

/// How the link in use ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Ending<'a> {
    pub(in crate::keeper) detection: &'a Detection,
    /// It was in use for long enough and something was received.
    pub(in crate::keeper) proved: bool,
    /// Opening it had shown who the peer was.
    pub(in crate::keeper) vouched: bool,
    /// It ended for this client alone.
    pub(in crate::keeper) ours_alone: bool,
}

impl Backoff {
    pub(in crate::keeper) fn new(policy: Reconnect) -> Backoff {
        Backoff {
            policy,
            made: 0,
            waits: 0,
            repeated: None,
            tls: 0,
            no_way: 0,
            forgave: None,
            background: false,
            panics: 0,
        }
    }

    /// Another policy from here on. What was counted stays.
    pub(in crate::keeper) fn set_policy(&mut self, policy: Reconnect) {
        self.policy = policy;
    }

    pub(super) fn policy(&self) -> &Reconnect {
        &self.policy
    }

    /// Whether the application is in the background, from the next wait on.
    pub(in crate::keeper) fn set_background(&mut self, background: bool) {
        self.background = background;
    }

    /// Panics of the application's own policies so far.
    pub(in crate::keeper) fn panics(&self) -> u64 {
        self.panics
    }

    /// The number of the next attempt, from 1.
    pub(in crate::keeper) fn next_attempt(&self) -> u32 {
        self.made.saturating_add(1)
    }

    /// An attempt begins: its number.
    pub(in crate::keeper) fn begin(&mut self) -> u32 {
        self.made = self.next_attempt();
        self.made
    }

    /// The network is there, this one or another: attempts that found no way
    /// do not count, and who meddled with TLS there is not here. Not again so
    /// soon, unless an attempt finds a way: news that comes again and again is
    /// no reason to hurry for ever.
    pub(in crate::keeper) fn forget_the_way(&mut self, now: Moment) {
        let forgives = self.forgave.is_none_or(|last| now.since(last) >= self.policy.stable);
        if self.no_way > 0 && forgives {
            self.made -= self.no_way.min(self.made);
            self.forgave = Some(now);
        }
        self.no_way = 0;
        self.tls = 0;
    }

    /// The attempt under way, or the link that came of the last one, was cut
    /// short by ourselves: it does not count.
    pub(in crate::keeper) fn take_back(&mut self) {
        self.made = self.made.saturating_sub(1);
    }

    /// A link was opened: handshake and login worked.
    pub(in crate::keeper) fn opened(&mut self) {
        self.tls = 0;
        self.no_way = 0;
        self.forgave = None;
        if matches!(self.repeated, Some((EndKind::Status(_) | EndKind::Failed(_), _))) {
            self.repeated = None;
        }
    }

    /// What follows the end of the link in use.
    pub(in crate::keeper) fn after_end(
        &mut self,
        ending: Ending<'_>,
        dice: &mut Dice,
    ) -> Result<Wait, GiveUp> {
        if ending.proved {
            self.made = 0;
            self.waits = 0;
            self.repeated = None;
        }
        let reason = because_of(&ending);
        let refusal = match ending.detection {
            Detection::Ended(end) => Setback::Ended(end),
            // Not a failure: it takes no policy to come back, and no attempt. The
            // one that opened the link has not failed either.
            Detection::Asked | Detection::Replaced | Detection::Paused | Detection::Closed => {
                self.take_back();
                return Ok(Wait { delay: Duration::ZERO, reason, firm: false });
            }
            Detection::Unanswered { .. }
            | Detection::ProbeUnanswered
            | Detection::Silent
            | Detection::NoMessage
            | Detection::Unacknowledged
            | Detection::AddressGone
            | Detection::Slept => Setback::Unanswered,
        };
        let retry = self.classify(refusal, ending.vouched)?;
        let own = self.own(refusal)?;
        self.check_attempts()?;
        if let Retry::After(named) = retry {
            return Ok(self.named(named, own, true, dice));
        }
        let first = ending.proved;
        let wait = |delay| Wait { delay, reason, firm: false };
        Ok(match own {
            Some(own) => Wait { delay: own, reason: RetryReason::Policy, firm: false },
            None if first && self.policy.eager => wait(Duration::ZERO),
            None if first && retry == Retry::Soon => {
                let most = self.policy.unit(if ending.ours_alone { ALONE } else { QUICK });
                wait(dice.between(Duration::ZERO, most))
            }
            None => Wait { firm: is_firm(retry), ..wait(self.draw(retry, dice)) },
        })
    }

    /// What follows a failed attempt.
    pub(in crate::keeper) fn after_failure(
        &mut self,
        failure: &Failure,
        dice: &mut Dice,
    ) -> Result<Wait, GiveUp> {
        let refusal = Setback::Failed(failure);
        if matches!(failure, Failure::Tls) {
            self.tls = self.tls.saturating_add(1);
        }
        let no_way = matches!(failure, Failure::Unreachable | Failure::Dns);
        self.no_way = if no_way { self.no_way.saturating_add(1) } else { 0 };
        self.forgave = self.forgave.filter(|_| no_way);
        let vouched = classify::is_vouched_for(failure);
        let retry = self.classify(refusal, vouched)?;
        let own = self.own(refusal)?;
        self.check_attempts()?;
        if let Retry::After(named) = retry {
            return Ok(self.named(named, own, vouched, dice));
        }
        Ok(match own {
            Some(delay) => Wait { delay, reason: RetryReason::Policy, firm: false },
            None => {
                let delay = self.draw(retry, dice);
                Wait { delay, reason: RetryReason::AttemptFailed, firm: is_firm(retry) }
            }
        })
    }

    /// What follows by the table and the application's word on it; an error
    /// if nothing does.
    fn classify(&mut self, refusal: Setback<'_>, vouched: bool) -> Result<Retry, GiveUp> {
        let usual = classify::of(refusal, vouched);
        let retry = match &self.policy.classify {
            Some(own) => contain(|| own(refusal, usual)).unwrap_or_else(|_| {
                self.panics += 1;
                usual
            }),
            None => usual,
        };
        // A time below the floor, such as a date that is past, is no time: a
        // loop would run hot.
        let mut retry = retry.within_reason();
        if matches!(retry, Retry::After(wait) if wait < self.policy.floor) {
            retry = Retry::Backoff;
        }
        let answer = answer_of(refusal);
        let times = match self.repeated {
            Some((before, times)) if before == answer => times.saturating_add(1),
            Some(_) | None => 1,
        };
        self.repeated = Some((answer, times));
        match retry {
            Retry::Never => Err(classify::reason(refusal)),
            Retry::NeverAfter { answers, .. } if times >= answers => Err(classify::reason(refusal)),
            Retry::NeverAfter { .. }
            | Retry::Soon
            | Retry::Backoff
            | Retry::Between { .. }
            | Retry::Halfway
            | Retry::Longest
            | Retry::After(_)
            | Retry::Tls => Ok(retry),
        }
    }

    /// A wait that somebody named, spread a little, since others were told the
    /// same.
    fn named(&self, named: Duration, own: Option<Duration>, firm: bool, dice: &mut Dice) -> Wait {
        let delay = dice.between(named, named.mul_f64(1.0 + SPREAD)).max(own.unwrap_or_default());
        Wait { delay, reason: RetryReason::RetryAfter, firm }
    }

    /// The delay before another attempt.
    fn draw(&self, retry: Retry, dice: &mut Dice) -> Duration {
        match retry {
            Retry::Soon | Retry::Backoff | Retry::After(_) | Retry::Never => self.exponential(dice),
            Retry::NeverAfter { apart, .. } => {
                let apart = self.policy.unit(apart);
                dice.between(apart / 2, apart).max(self.exponential(dice))
            }
            Retry::Between { low, high } => {
                let asked = dice.between(self.policy.unit(low), self.policy.unit(high));
                // The first time what the peer asks for; a peer that keeps
                // asking is backed off from as any other.
                if self.made <= 1 { asked } else { asked.max(self.exponential(dice)) }
            }
            Retry::Halfway => {
                let step = self.step().max(self.cap() / 2);
                dice.between(self.policy.floor.min(step), step)
            }
            Retry::Longest => dice.between(self.cap() / 2, self.cap()),
            Retry::Tls => {
                let low = self.policy.unit(TLS_FLOOR);
                let high = low * (1 << self.tls.min(6));
                dice.between(low, high.min(self.policy.unit(TLS_CAP)))
            }
        }
    }

    fn cap(&self) -> Duration {
        let cap = self.policy.cap;
        if self.background { cap.max(self.policy.background_cap) } else { cap }
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
        self.policy.base.saturating_mul(1 << doublings).min(self.cap())
    }

    /// The delay of the application's own policy, if it has one.
    fn own(&mut self, refusal: Setback<'_>) -> Result<Option<Duration>, GiveUp> {
        let Some(policy) = &self.policy.delays else { return Ok(None) };
        self.waits = self.waits.saturating_add(1);
        let Ok(delay) = contain(|| policy.delay(self.waits, refusal)) else {
            self.panics += 1;
            return Ok(None);
        };
        let delay = delay.ok_or(GiveUp::Policy)?;
        Ok(Some(if self.waits > 1 { delay.max(OWN_FLOOR) } else { delay }))
    }

    fn check_attempts(&self) -> Result<(), GiveUp> {
        match self.policy.attempts {
            Some(most) if self.made >= most => Err(GiveUp::Attempts(self.made)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether only time makes another answer likely: news of the network would
/// use up the tries.
fn is_firm(retry: Retry) -> bool {
    matches!(retry, Retry::NeverAfter { apart, .. } if !apart.is_zero())
}

fn answer_of(refusal: Setback<'_>) -> EndKind {
    match refusal {
        Setback::Ended(end) | Setback::Failed(Failure::Ended(end)) => match end {
            LinkEnd::Protocol(_) | LinkEnd::Closed { code: Some(1002), .. } => EndKind::Protocol,
            LinkEnd::TooBig { .. } | LinkEnd::Closed { code: Some(1009), .. } => EndKind::TooBig,
            LinkEnd::Closed { code: Some(code), .. } => EndKind::Close(*code),
            LinkEnd::Closed { code: None, .. }
            | LinkEnd::Eof
            | LinkEnd::Reset
            | LinkEnd::Io { .. }
            | LinkEnd::Panicked => EndKind::Ended(discriminant(end)),
        },
        Setback::Failed(Failure::Http { status, .. }) => EndKind::Status(*status),
        Setback::Failed(failure) => EndKind::Failed(discriminant(failure)),
        Setback::Unanswered => EndKind::Nothing,
    }
}

fn because_of(ending: &Ending<'_>) -> RetryReason {
    match ending.detection {
        Detection::Ended(LinkEnd::Closed { code: Some(code), .. }) => RetryReason::CloseCode(*code),
        Detection::Asked | Detection::Replaced | Detection::Closed | Detection::Paused => RetryReason::Asked,
        Detection::Slept => RetryReason::Woke,
        Detection::Ended(_)
        | Detection::Unanswered { .. }
        | Detection::ProbeUnanswered
        | Detection::Silent
        | Detection::NoMessage
        | Detection::Unacknowledged
        | Detection::AddressGone => {
            if ending.ours_alone {
                RetryReason::EndedAlone
            } else {
                RetryReason::LinkEnded
            }
        }
    }
}
