//! All that can happen, at any time.

use std::io;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use longlink::keeper::{Expiry, Learned, PathFacts, Recalled, RouteFacts};
use longlink::{Activity, Beat, Failure, LinkEnd, NetworkStatus};

use super::settings::{settings, span};
use crate::schedules::{Advance, Answer, Said, Step, Which};

/// No schedule is longer: a finding in a long one is hard to read.
const MOST: usize = 400;
/// No single jump is longer: time ends after five centuries.
const JUMP: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn steps(data: &mut Unstructured<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    while !data.is_empty() && steps.len() < MOST {
        let Ok(step) = step(data) else { break };
        steps.push(step);
    }
    steps
}

fn step(data: &mut Unstructured<'_>) -> Result<Step> {
    Ok(Step { advance: advance(data)?, input: input(data)? })
}

fn advance(data: &mut Unstructured<'_>) -> Result<Advance> {
    let by = |data: &mut Unstructured<'_>| span(data).map(|by| by.min(JUMP));
    Ok(match data.int_in_range(0..=7)? {
        0 | 1 => Advance::Stay,
        2 | 3 => Advance::ToTimer,
        4 => Advance::Run(by(data)?),
        5 => Advance::Freeze(by(data)?),
        6 => Advance::LateTimer(by(data)?),
        _ => Advance::Suspend(by(data)?),
    })
}

fn which(data: &mut Unstructured<'_>) -> Result<Which> {
    Ok(match data.int_in_range(0..=8)? {
        0..=2 => Which::Main,
        3 => Which::Opening,
        4 => Which::Retiring,
        5 => Which::ScoutOpening,
        6 => Which::Scout,
        7 => Which::Unissued,
        _ => Which::Any(data.arbitrary::<u8>()?.into()),
    })
}

fn input(data: &mut Unstructured<'_>) -> Result<Said> {
    Ok(match data.int_in_range(0..=31)? {
        0 => Said::ProbeNow,
        1 => Said::ReconnectNow,
        2 => Said::Confirm,
        3 => Said::Opened(which(data)?, beat(data)?, span(data)?),
        // Often enough that much is tried on a link that is open.
        4 | 5 => Said::Opened(Which::Opening, beat(data)?, Duration::from_millis(60)),
        6 => Said::Opened(Which::ScoutOpening, Beat::Ping, Duration::from_millis(60)),
        7 => Said::OpenFailed(Which::Opening, failure(data)?, None),
        8 => Said::OpenFailed(which(data)?, failure(data)?, Some(span(data)?)),
        9 => Said::Dialled(which(data)?, span(data)?),
        10 => Said::Heard(Which::Main),
        11 => Said::Heard(which(data)?),
        12 | 13 => Said::Answered(Which::Main, Answer::Last),
        14 => Said::Answered(which(data)?, answer(data)?),
        15 => Said::Sent(which(data)?),
        16 => Said::Ended(Which::Main, end(data)?),
        17 => Said::Ended(which(data)?, end(data)?),
        18 => Said::Stalled(which(data)?),
        19 => Said::Resumed(which(data)?),
        20 => Said::Path(which(data)?, PathFacts::new(data.arbitrary::<u8>()?.into(), span(data)?)),
        21 => Said::Route(which(data)?, RouteFacts::new(data.arbitrary()?, data.arbitrary()?)),
        22 | 23 => Said::Network(*data.choose(&[
            NetworkStatus::Online,
            NetworkStatus::Offline,
            NetworkStatus::Changed,
            NetworkStatus::Woke,
        ])?),
        24 => Said::Named(data.int_in_range(0..=2)?),
        25 => Said::Recalled(data.int_in_range(0..=2)?, recalled(data)?),
        26 => Said::Message(which(data)?),
        27 => Said::Activity(*data.choose(&[Activity::Foreground, Activity::Background])?),
        28 => Said::Update(Box::new(settings(data)?)),
        29 => Said::Pause,
        30 => Said::Resume,
        _ => match data.int_in_range(0..=7)? {
            0 => Said::Close,
            1 => Said::Replace,
            _ => Said::Timeout,
        },
    })
}

fn answer(data: &mut Unstructured<'_>) -> Result<Answer> {
    Ok(match data.int_in_range(0..=3)? {
        0 => Answer::Last,
        1 => Answer::Older(data.arbitrary::<u8>()?.into()),
        2 => Answer::Unknown,
        _ => Answer::Unnamed,
    })
}

fn beat(data: &mut Unstructured<'_>) -> Result<Beat> {
    Ok(match data.int_in_range(0..=7)? {
        0 => Beat::Listen { longest_silence: span(data)? },
        1 => Beat::Every { interval: span(data)? },
        2 => Beat::KeepAlive { max_send_gap: span(data)? },
        _ => Beat::Ping,
    })
}

fn end(data: &mut Unstructured<'_>) -> Result<LinkEnd> {
    Ok(match data.int_in_range(0..=8)? {
        0 | 1 => LinkEnd::Eof,
        2 => LinkEnd::Reset,
        3 => LinkEnd::Closed { code: data.arbitrary()?, reason: String::new() },
        4 => {
            let code = *data.choose(&[1000, 1001, 1002, 1008, 1009, 1011, 1012, 1013, 4000, 4001])?;
            LinkEnd::Closed { code: Some(code), reason: "why".to_owned() }
        }
        5 => LinkEnd::Io { kind: io::ErrorKind::Other, message: "other".to_owned() },
        6 => LinkEnd::Protocol("a reserved bit".to_owned()),
        7 => LinkEnd::TooBig { size: 2, limit: 1 },
        _ => LinkEnd::Panicked,
    })
}

fn failure(data: &mut Unstructured<'_>) -> Result<Failure> {
    Ok(match data.int_in_range(0..=16)? {
        0 => Failure::Dns,
        1 | 2 => Failure::Refused,
        3 => Failure::Unreachable,
        4 => Failure::TimedOut,
        5 => Failure::Tls,
        6 | 7 => {
            let retry_after = if data.arbitrary()? { Some(span(data)?) } else { None };
            let status = match data.arbitrary::<bool>()? {
                true => data.arbitrary()?,
                false => *data.choose(&[401, 403, 404, 429, 500, 503])?,
            };
            Failure::Http { status, retry_after, verified: data.arbitrary()? }
        }
        8 => Failure::Protocol("no upgrade".to_owned()),
        9 | 10 => Failure::Ended(end(data)?),
        11 => Failure::Hook { retry: data.arbitrary()? },
        12 => Failure::RetryAfter(span(data)?),
        13 => Failure::Io { kind: io::ErrorKind::Other },
        14 => Failure::Panicked,
        15 => Failure::Unauthorized,
        _ => Failure::Stop,
    })
}

/// Stored lessons, true or not.
fn recalled(data: &mut Unstructured<'_>) -> Result<Recalled> {
    let mut learned = Learned::default();
    learned.proven = span(data)?;
    if data.arbitrary()? {
        learned.failed = Some(span(data)?);
    }
    learned.ambiguous = data.arbitrary()?;
    learned.expiry = *data.choose(&[None, Some(Expiry::Silent), Some(Expiry::Ended)])?;
    let drops = data.int_in_range(0..=18)?;
    learned.drops = (0..drops).map(|_| span(data)).collect::<Result<_>>()?;
    if data.arbitrary()? {
        learned.recheck_in = Some(span(data)?);
    }
    learned.rechecks_failed = data.arbitrary()?;
    Ok(Recalled::new(learned, span(data)?))
}
