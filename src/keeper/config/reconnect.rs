//! The reconnect policy's settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::retry::Retry;
use super::scaling::times;
use crate::keeper::end::{Failure, LinkEnd};
use crate::keeper::invalid::Invalid;

/// The first step of the backoff: 1 s.
pub(super) const BASE: Duration = Duration::from_secs(1);
/// The longest delay, before jitter: 60 s. Of 50,000 clients that lose their
/// server for 30 s, 99 % are back 71 s after it is, and the peak is then 2,008
/// attempts a second (the study `fleet`; a cap of 20 s: 51 s and 4,567).
pub(super) const CAP: Duration = Duration::from_secs(60);
/// The longest delay while the application is in the background: 5 minutes.
/// Nobody waits, and each attempt wakes a radio, which costs battery.
pub(super) const BACKGROUND_CAP: Duration = Duration::from_secs(300);
/// Each delay but the first is at least 0.5 s.
pub(super) const FLOOR: Duration = Duration::from_millis(500);
/// A link counts as proved after 30 s in use with at least one byte received;
/// only then the count of attempts starts again.
pub(super) const STABLE: Duration = Duration::from_secs(30);
/// One attempt's deadline over name, dial, TLS, upgrade and login: 15 s.
pub(super) const ATTEMPT: Duration = Duration::from_secs(15);

/// When to come back after a link has ended or an attempt has failed.
///
/// The n-th delay is drawn evenly from 0.5 s up to `base`·2ⁿ⁻¹, at most
/// `cap`. The first retry after a proved link is sooner: within 50 ms if the
/// end was this client's alone, within a second if all clients may have met it.
/// The count starts again after 30 s in use with at least one byte received.
///
/// | | default | why |
/// |---|---|---|
/// | `base` | 1 s | |
/// | `cap` | 60 s | peak load against time to return, simulated |
/// | `background_cap` | 300 s | nobody waits |
/// | `attempts` | without end | |
/// | `attempt_deadline` | 15 s | over name, dial, TLS, upgrade, login |
#[derive(Clone)]
pub struct Reconnect {
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) background_cap: Duration,
    pub(crate) floor: Duration,
    pub(crate) stable: Duration,
    pub(crate) attempt_deadline: Duration,
    pub(crate) attempts: Option<u32>,
    pub(crate) eager: bool,
    pub(crate) scale: f64,
    pub(crate) delays: Option<Arc<dyn Delays>>,
    pub(crate) classify: Option<Arc<Classify>>,
}

/// The application's own answer to a setback.
pub(crate) type Classify = dyn Fn(Setback<'_>, Retry) -> Retry + Send + Sync;

/// The event that the next attempt follows: the end of a link, or a failed attempt.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Setback<'a> {
    /// The link in use ended by itself.
    Ended(&'a LinkEnd),
    /// The link in use was dropped, since its peer did not answer.
    Unanswered,
    /// The attempt before failed.
    Failed(&'a Failure),
}

/// A reconnect policy of the application's own.
///
/// Such a policy replaces the whole choice of delays, but not [`Retry-After`]: a server
/// that names a time is not asked sooner. [`Reconnect::delays`] makes one of a
/// closure that returns an iterator.
///
/// [`Retry-After`]: Failure::RetryAfter
pub trait Delays: Send + Sync + 'static {
    /// The wait before the `retry`-th attempt after the first attempt of all,
    /// or after a link that had proved itself, from 1; `None` gives up.
    /// From the second retry on a zero wait is raised to 1 ms, so that no loop
    /// runs hot.
    fn delay(&self, retry: u32, setback: Setback<'_>) -> Option<Duration>;
}

/// A factory of iterators as a policy: each run of consecutive attempts gets a
/// fresh iterator.
struct FromIterators<F>(F);

impl<F, I> Delays for FromIterators<F>
where
    F: Fn() -> I + Send + Sync + 'static,
    I: IntoIterator<Item = Duration>,
{
    fn delay(&self, retry: u32, _: Setback<'_>) -> Option<Duration> {
        (self.0)().into_iter().nth(retry.saturating_sub(1) as usize)
    }
}

impl Default for Reconnect {
    fn default() -> Reconnect {
        Reconnect {
            base: BASE,
            cap: CAP,
            background_cap: BACKGROUND_CAP,
            floor: FLOOR,
            stable: STABLE,
            attempt_deadline: ATTEMPT,
            attempts: None,
            eager: false,
            scale: 1.0,
            delays: None,
            classify: None,
        }
    }
}

impl Reconnect {
    /// The first retry after a proved link is immediate, however the link ended,
    /// but not before a `Retry-After`. For clients of one's own server.
    pub fn eager() -> Reconnect {
        Reconnect { eager: true, ..Reconnect::default() }
    }

    /// Multiplies every delay by `factor`: the backoff with the `base`, `cap`
    /// and `background_cap` that were set before this call, its floor of 0.5 s,
    /// the delays of the close codes, the 30 s before the count starts again, and
    /// the delays after a network event. Delays that are set after this call stay
    /// as they are given. The attempt's deadline and the delays of a policy of the
    /// application's own are not multiplied. For tests and demonstrations.
    pub fn scaled(mut self, factor: f64) -> Reconnect {
        let Reconnect { base, cap, background_cap, floor, stable, .. } = &mut self;
        for duration in [base, cap, background_cap, floor, stable] {
            *duration = times(*duration, factor);
        }
        self.scale *= factor;
        self
    }

    /// The backoff's first step. Default: 1 s.
    pub fn base(mut self, base: Duration) -> Reconnect {
        self.base = base;
        self
    }

    /// The longest delay, before jitter. Default: 60 s. Each delay but the first
    /// is at least 0.5 s: with a shorter cap all delays of the backoff are 0.5 s,
    /// without jitter.
    pub fn cap(mut self, cap: Duration) -> Reconnect {
        self.cap = cap;
        self
    }

    /// The longest delay, before jitter, while the application says that it is
    /// in the background ([`Activity`](crate::Activity)); never less
    /// than `cap`. Default: 5 minutes.
    pub fn background_cap(mut self, cap: Duration) -> Reconnect {
        self.background_cap = cap;
        self
    }

    /// Consecutive attempts before giving up. Default: `None`, without end.
    pub fn attempts(mut self, attempts: impl Into<Option<u32>>) -> Reconnect {
        self.attempts = attempts.into();
        self
    }

    /// One attempt's deadline over name, dial, TLS, upgrade and login.
    /// Default: 15 s.
    pub fn attempt_deadline(mut self, deadline: Duration) -> Reconnect {
        self.attempt_deadline = deadline;
        self
    }

    /// Replaces the choice of delays.
    pub fn policy(mut self, policy: impl Delays) -> Reconnect {
        self.delays = Some(Arc::new(policy));
        self
    }

    /// Replaces the choice of delays by iterators: `factory` makes a fresh
    /// one for each run of consecutive retries; an iterator that ends gives
    /// up. An iterator of two delays allows two retries.
    pub fn delays<F, I>(self, factory: F) -> Reconnect
    where
        F: Fn() -> I + Send + Sync + 'static,
        I: IntoIterator<Item = Duration> + 'static,
    {
        self.policy(FromIterators(factory))
    }

    /// Replaces the classification of ends and failures. `classify` gets the setback
    /// and the table's answer, and returns the answer that counts.
    /// `classify` comes before [`Reconnect::policy`], which chooses delays only. If
    /// `classify` panics, the table's answer counts.
    ///
    /// The table never makes an answer final that nobody has vouched for
    /// ([`Failure::Http`]): it is safer to keep that.
    ///
    /// ```
    /// use longlink::{LinkEnd, Reconnect, Retry, Setback};
    ///
    /// // This service closes with 4009 when its session is resumed elsewhere,
    /// // and with 4001 when it wants to be asked again.
    /// let reconnect = Reconnect::default().classify(|setback, usual| match setback {
    ///     Setback::Ended(LinkEnd::Closed { code: Some(4009), .. }) => Retry::Never,
    ///     Setback::Ended(LinkEnd::Closed { code: Some(4001), .. }) => Retry::Soon,
    ///     _ => usual,
    /// });
    /// ```
    pub fn classify<F>(mut self, classify: F) -> Reconnect
    where
        F: Fn(Setback<'_>, Retry) -> Retry + Send + Sync + 'static,
    {
        self.classify = Some(Arc::new(classify));
        self
    }

    /// A duration given at scale 1, at this policy's scale.
    pub(crate) fn unit(&self, at_one: Duration) -> Duration {
        if self.scale == 1.0 { at_one } else { at_one.mul_f64(self.scale) }
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(self.scale.is_finite() && (1e-6..=1e6).contains(&self.scale)) {
            return Err(Invalid::new("reconnect.scaled", "the factor must lie between 1e-6 and 1e6"));
        }
        if self.base.is_zero() {
            return Err(Invalid::new("reconnect.base", "must not be zero"));
        }
        if self.cap < self.base {
            return Err(Invalid::new("reconnect.cap", "must not be below reconnect.base"));
        }
        if self.attempt_deadline.is_zero() {
            return Err(Invalid::new("reconnect.attempt_deadline", "must not be zero"));
        }
        if self.attempts == Some(0) {
            return Err(Invalid::new("reconnect.attempts", "must not be zero"));
        }
        Ok(())
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("base", &self.base)
            .field("cap", &self.cap)
            .field("background_cap", &self.background_cap)
            .field("attempts", &self.attempts)
            .field("attempt_deadline", &self.attempt_deadline)
            .field("eager", &self.eager)
            .field("scale", &self.scale)
            .field("own_policy", &self.delays.is_some())
            .field("own_classification", &self.classify.is_some())
            .finish()
    }
}
