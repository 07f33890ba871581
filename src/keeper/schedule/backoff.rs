//! The wait before the next attempt.

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
/// The first retry after an end that all clients may have met: within 1 s.
const QUICK: Duration = Duration::from_secs(1);
/// TLS failures: not sooner, and at most every 5 minutes.
const TLS_FLOOR: Duration = Duration::from_secs(30);
const TLS_CAP: Duration = Duration::from_secs(300);
/// A `Retry-After` is spread by up to this part of it.
const SPREAD: f64 = 0.2;
/// The least wait of the application's own policy beyond the first attempt.
const OWN_FLOOR: Duration = Duration::from_millis(1);

/// Counts consecutive attempts and draws the delays between them.
#[derive(Debug)]
pub(in crate::keeper) struct Backoff {
    policy: Reconnect,
    /// The number of the last attempt made; 0 before the first.
    made: u32,
    /// Waits since the first attempt of all, or since a link proved itself.
    waits: u32,
    /// The last answer, and how often it came in a row.
    repeated: Option<(EndKind, u32)>,
    /// Consecutive TLS failures.
    tls: u32,
    /// How many last attempts in a row found no way to the server.
    no_way: u32,
    /// When such attempts were last forgiven, since one found a way.
    forgave: Option<Moment>,
    /// The application is in the background.
    background: bool,
    /// Panics of the application's own policies.
    panics: u64,
}

/// The kind of an end or failure: two of one kind are the same answer again.
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
    /// Whether good news of the network does not advance the attempt: the server
    /// named the time, or the answer becomes final if it comes too often.
    pub(in crate::keeper) firm: bool,
}

/// How the link in use ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Ending<'a> {
    pub(in crate::keeper) detection: &'a Detection,
    /// The link was in use for long enough, and a byte came in.
    pub(in crate::keeper) proved: bool,
    /// Opening the link had shown who the peer was.
    pub(in crate::keeper) vouched: bool,
    /// The link ended for this client alone.
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

    /// Takes another policy from here on. The counts stay.
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

    /// An attempt begins. Returns its number.
    pub(in crate::keeper) fn begin(&mut self) -> u32 {
        self.made = self.next_attempt();
        self.made
    }

    /// The network is there, this one or another: attempts that found no way
    /// do not count, and a middlebox that broke TLS may not be here. Attempts are
    /// forgiven again only after an attempt has found a way, or 30 s later (the time
    /// after which a link counts as proved): news that comes again and again is no
    /// reason to hurry for ever.
    pub(in crate::keeper) fn forget_the_way(&mut self, now: Moment) {
        let forgives = self.forgave.is_none_or(|last| now.since(last) >= self.policy.stable);
        if self.no_way > 0 && forgives {
            self.made -= self.no_way.min(self.made);
            self.forgave = Some(now);
        }
        self.no_way = 0;
        self.tls = 0;
    }

    /// We cut short the attempt under way, or the link that the last attempt opened:
    /// the attempt does not count.
    pub(in crate::keeper) fn take_back(&mut self) {
        self.made = self.made.saturating_sub(1);
    }

    /// A link was opened: TLS, upgrade and login worked.
    pub(in crate::keeper) fn opened(&mut self) {
        self.tls = 0;
        self.no_way = 0;
        self.forgave = None;
        if matches!(self.repeated, Some((EndKind::Status(_) | EndKind::Failed(_), _))) {
            self.repeated = None;
        }
    }

    /// The answer to the end of the link in use.
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
        let reason = reason_of(&ending);
        let setback = match ending.detection {
            Detection::Ended(end) => Setback::Ended(end),
            // These ends are no failures: no policy decides about them, and they use up
            // no attempt. The attempt that opened the link has not failed either.
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
        let retry = self.classify(setback, ending.vouched)?;
        let own = self.own(setback)?;
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

    /// The answer to a failed attempt.
    pub(in crate::keeper) fn after_failure(
        &mut self,
        failure: &Failure,
        dice: &mut Dice,
    ) -> Result<Wait, GiveUp> {
        let setback = Setback::Failed(failure);
        if matches!(failure, Failure::Tls) {
            self.tls = self.tls.saturating_add(1);
        }
        let no_way = matches!(failure, Failure::Unreachable | Failure::Dns);
        self.no_way = if no_way { self.no_way.saturating_add(1) } else { 0 };
        self.forgave = self.forgave.filter(|_| no_way);
        let vouched = classify::is_vouched_for(failure);
        let retry = self.classify(setback, vouched)?;
        let own = self.own(setback)?;
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

    /// The table's answer, after the application's own `classify`; an error
    /// if there is no further attempt.
    fn classify(&mut self, setback: Setback<'_>, vouched: bool) -> Result<Retry, GiveUp> {
        let usual = classify::of(setback, vouched);
        let retry = match &self.policy.classify {
            Some(own) => contain(|| own(setback, usual)).unwrap_or_else(|_| {
                self.panics += 1;
                usual
            }),
            None => usual,
        };
        // A time below the floor, such as a date in the past, does not count: a
        // loop would run hot.
        let mut retry = retry.within_reason();
        if matches!(retry, Retry::After(wait) if wait < self.policy.floor) {
            retry = Retry::Backoff;
        }
        let kind = kind_of(setback);
        let times = match self.repeated {
            Some((before, times)) if before == kind => times.saturating_add(1),
            Some(_) | None => 1,
        };
        self.repeated = Some((kind, times));
        match retry {
            Retry::Never => Err(classify::reason(setback)),
            Retry::NeverAfter { answers, .. } if times >= answers => Err(classify::reason(setback)),
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

    /// A wait that the server named, spread a little, since other clients were told
    /// the same.
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
                // The first attempt waits as the peer asks; a peer that keeps
                // asking meets the backoff, as any other.
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

    /// A draw evenly from the floor up to the step. A draw below it that is raised to
    /// the floor would put half of all clients on the floor.
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
    fn own(&mut self, setback: Setback<'_>) -> Result<Option<Duration>, GiveUp> {
        let Some(policy) = &self.policy.delays else { return Ok(None) };
        self.waits = self.waits.saturating_add(1);
        let Ok(delay) = contain(|| policy.delay(self.waits, setback)) else {
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
/// use up the attempts.
fn is_firm(retry: Retry) -> bool {
    matches!(retry, Retry::NeverAfter { apart, .. } if !apart.is_zero())
}

fn kind_of(setback: Setback<'_>) -> EndKind {
    match setback {
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

fn reason_of(ending: &Ending<'_>) -> RetryReason {
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
