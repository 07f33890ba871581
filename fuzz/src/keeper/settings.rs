//! Settings, as absurd as they may be.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use longlink::keeper::Config;
use longlink::{Growth, Heartbeat, Probing, Reconnect, Retry, Setback};

use crate::schedules::Settings;

/// The default of an attempt's deadline.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(15);

/// Settings that [`Config::check`] passes.
pub(super) fn settings(data: &mut Unstructured<'_>) -> Result<Settings> {
    let mut settings = Settings { config: Config::default(), attempt_deadline: ATTEMPT_DEADLINE, scale: 1.0 };
    let config = &mut settings.config;
    // Settings that the check refuses stay as they were.
    let (heartbeat, beats) = heartbeat(data)?;
    if heartbeat.check().is_ok() {
        config.heartbeat = heartbeat;
        settings.scale = beats;
    }
    let (reconnect, retries, attempt_deadline) = reconnect(data)?;
    if reconnect.check().is_ok() {
        config.reconnect = reconnect;
        settings.scale = settings.scale.min(retries);
        settings.attempt_deadline = attempt_deadline;
    }
    let rest = data.arbitrary::<u8>()?;
    config.overlap = rest & 1 == 0;
    if rest & 2 != 0 {
        config.silence_limit = Some(span(data)?);
    }
    if rest & 4 != 0 {
        config.close_deadline = span(data)?;
    }
    if config.check().is_err() {
        config.silence_limit = None;
        config.close_deadline = ATTEMPT_DEADLINE;
    }
    Ok(settings)
}

/// Any time: nothing, a tick, hours, for ever.
pub(super) fn span(data: &mut Unstructured<'_>) -> Result<Duration> {
    let figure = |data: &mut Unstructured<'_>| data.arbitrary::<u8>().map(u64::from);
    Ok(match data.int_in_range(0..=9)? {
        0 => Duration::ZERO,
        1 => Duration::from_nanos(figure(data)?),
        2 => Duration::from_micros(figure(data)? * 10),
        3 | 4 => Duration::from_millis(figure(data)? * 10),
        5 | 6 => Duration::from_secs(figure(data)?),
        7 => Duration::from_secs(figure(data)? * 60),
        8 => Duration::from_secs(figure(data)? * 24 * 3600),
        _ => match data.arbitrary::<u8>()? {
            0 => Duration::MAX,
            _ => Duration::from_nanos(data.arbitrary()?),
        },
    })
}

fn factor(data: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match data.int_in_range(0..=7)? {
        0 => 1e-6,
        1 => 1e6,
        2 => f64::arbitrary(data)?,
        3 => 1e-3,
        4 => 4.0,
        _ => 1.0 / 20.0,
    })
}

/// And the least time between two of its timers, against 1.
fn heartbeat(data: &mut Unstructured<'_>) -> Result<(Heartbeat, f64)> {
    let mut scale = 1.0;
    let mut heartbeat = match data.int_in_range(0..=7)? {
        0 | 1 => Heartbeat::adaptive(),
        2 => Heartbeat::prompt(),
        3 => Heartbeat::frugal(),
        4 => Heartbeat::fixed(span(data)?),
        5 => Heartbeat::off(),
        _ => {
            scale = factor(data)?;
            Heartbeat::adaptive().scaled(scale)
        }
    };
    let more = data.arbitrary::<u8>()?;
    if more & 1 != 0 {
        heartbeat = heartbeat.probing(*data.choose(&[Probing::Scout, Probing::Main, Probing::Passive])?);
    }
    if more & 2 != 0 {
        heartbeat = heartbeat.min(span(data)?);
    }
    if more & 4 != 0 {
        heartbeat = heartbeat.start(span(data)?);
    }
    if more & 8 != 0 {
        heartbeat = heartbeat.max(span(data)?);
    }
    if more & 16 != 0 {
        heartbeat = heartbeat.misses(data.int_in_range(1..=16)?);
    }
    if more & 32 != 0 {
        heartbeat = heartbeat.growth(match data.arbitrary::<bool>()? {
            true => Growth::Factor(f64::arbitrary(data)?),
            false => Growth::Step(span(data)?),
        });
    }
    if more & 64 != 0 {
        heartbeat = heartbeat.recheck_after(span(data)?);
    }
    Ok((heartbeat, scale))
}

/// And the least time between two of its timers, against 1, and what an attempt
/// may take.
fn reconnect(data: &mut Unstructured<'_>) -> Result<(Reconnect, f64, Duration)> {
    let mut scale = 1.0;
    let mut attempt_deadline = ATTEMPT_DEADLINE;
    let mut reconnect = match data.int_in_range(0..=3)? {
        0 | 1 => Reconnect::default(),
        2 => Reconnect::eager(),
        _ => {
            scale = factor(data)?;
            Reconnect::default().scaled(scale)
        }
    };
    let more = data.arbitrary::<u8>()?;
    if more & 1 != 0 {
        reconnect = reconnect.base(span(data)?);
    }
    if more & 2 != 0 {
        reconnect = reconnect.cap(span(data)?);
    }
    if more & 4 != 0 {
        reconnect = reconnect.background_cap(span(data)?);
    }
    if more & 8 != 0 {
        attempt_deadline = span(data)?;
        reconnect = reconnect.attempt_deadline(attempt_deadline);
    }
    if more & 16 != 0 {
        reconnect = reconnect.attempts(data.int_in_range(1..=9)?);
    }
    if more & 32 != 0 {
        let count = data.int_in_range(0..=3)?;
        let delays = (0..count).map(|_| span(data)).collect::<Result<Vec<_>>>()?;
        // No faster than a millisecond.
        scale = f64::min(scale, 1e-3);
        reconnect = match data.arbitrary::<bool>()? {
            true => reconnect.delays(move || delays.clone().into_iter().cycle()),
            false => reconnect.delays(move || delays.clone()),
        };
    }
    if more & 64 != 0 {
        let (ended, unanswered, failed) = (retry(data)?, retry(data)?, retry(data)?);
        reconnect = reconnect.classify(move |refusal, usual| {
            let own = match refusal {
                Setback::Ended(_) => ended,
                Setback::Unanswered => unanswered,
                _ => failed,
            };
            own.unwrap_or(usual)
        });
    }
    Ok((reconnect, scale, attempt_deadline))
}

/// An answer of the application's in place of the table's.
fn retry(data: &mut Unstructured<'_>) -> Result<Option<Retry>> {
    Ok(match data.int_in_range(0..=10)? {
        0 | 1 => None,
        2 => Some(Retry::Soon),
        3 => Some(Retry::Backoff),
        4 => Some(Retry::Between { low: span(data)?, high: span(data)? }),
        5 => Some(Retry::Halfway),
        6 => Some(Retry::Longest),
        7 => Some(Retry::After(span(data)?)),
        8 => Some(Retry::Tls),
        9 => Some(Retry::NeverAfter { answers: data.int_in_range(0..=4)?, apart: span(data)? }),
        _ => Some(Retry::Never),
    })
}
