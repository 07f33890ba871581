//! What an end or a failure asks for: another attempt, a wait, or the end.

use std::time::Duration;

use crate::keeper::{Failure, GiveUp, LinkEnd};

/// What to do after a link has ended or an attempt has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again by the ordinary backoff; `quick` allows the first retry
    /// after a proved link to come within a second.
    Backoff { quick: bool },
    /// Try again after a draw from `low..=high`, or the backoff's if that is
    /// longer.
    Between { low: Duration, high: Duration },
    /// Try again as if half the way to the longest delay had been gone.
    Halfway,
    /// Try again at the longest delay: the answer would be final, but nobody
    /// has vouched for it.
    Longest,
    /// Not before this has passed.
    NotBefore(Duration),
    /// TLS: the backoff of its own.
    Tls,
    /// The same answer this many times in a row is final, until then as
    /// `Backoff`.
    FinalAfter(u32),
    /// Final.
    Stop,
}

/// Delays for a restarting service (close code 1012).
const RESTART: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// Delays for a service that goes away (1001).
const AWAY: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(1));
/// The longest `Retry-After` that is believed.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);

/// What the end of the link in use asks for.
pub(crate) fn of_end(end: &LinkEnd) -> Verdict {
    match end {
        LinkEnd::Closed { code: Some(code), .. } => of_close(*code),
        LinkEnd::Closed { code: None, .. } | LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Io { .. } => {
            Verdict::Backoff { quick: true }
        }
        LinkEnd::Panicked => Verdict::Backoff { quick: false },
        LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } => Verdict::FinalAfter(3),
    }
}

/// WebSocket's close codes. Private codes (4000 and up) mean something else
/// for each service; those that commonly refuse the client's identity are
/// final.
fn of_close(code: u16) -> Verdict {
    match code {
        1000 => Verdict::Backoff { quick: false },
        1001 => Verdict::Between { low: AWAY.0, high: AWAY.1 },
        1002 | 1009 => Verdict::FinalAfter(3),
        1003 | 1007 | 1008 | 1010 => Verdict::Stop,
        1012 => Verdict::Between { low: RESTART.0, high: RESTART.1 },
        1013 => Verdict::Halfway,
        4001 | 4003 | 4004 | 4401 | 4403 | 4409 => Verdict::Stop,
        _ => Verdict::Backoff { quick: true },
    }
}

/// What a failed attempt asks for. Nothing unauthenticated is final: behind
/// a captive portal every answer is a lie.
pub(crate) fn of_failure(failure: &Failure) -> Verdict {
    match failure {
        Failure::Dns
        | Failure::Refused
        | Failure::Unreachable
        | Failure::TimedOut
        | Failure::Io { .. }
        | Failure::Protocol(_)
        | Failure::Panicked
        | Failure::Hook { retry: true } => Verdict::Backoff { quick: false },
        Failure::Ended(end) => {
            let verdict = of_end(end);
            if verdict == (Verdict::Backoff { quick: true }) {
                Verdict::Backoff { quick: false }
            } else {
                verdict
            }
        }
        Failure::Tls => Verdict::Tls,
        Failure::Hook { retry: false } | Failure::Stop => Verdict::Stop,
        Failure::RetryAfter(wait) => Verdict::NotBefore((*wait).min(RETRY_AFTER_MOST)),
        Failure::Http { retry_after: Some(wait), status, .. } if is_passing(*status) => {
            Verdict::NotBefore((*wait).min(RETRY_AFTER_MOST))
        }
        Failure::Http { status, verified, .. } => {
            let verdict = of_status(*status);
            let may_be_final = matches!(verdict, Verdict::Stop | Verdict::FinalAfter(_));
            if may_be_final && !verified { Verdict::Longest } else { verdict }
        }
    }
}

/// Whether a time that the failure names comes from somebody known: a captive
/// portal must not keep a client waiting once the network is there.
pub(crate) fn is_vouched_for(failure: &Failure) -> bool {
    !matches!(failure, Failure::Http { verified: false, .. })
}

fn of_status(status: u16) -> Verdict {
    match status {
        // The credentials are asked for again with every attempt.
        401 | 407 => Verdict::FinalAfter(2),
        400 | 403 | 405 | 410 | 426 | 431 | 451 | 501 | 505 => Verdict::Stop,
        // A rolling deploy may not know the path for a moment.
        404 => Verdict::FinalAfter(3),
        _ => Verdict::Backoff { quick: false },
    }
}

/// Statuses that speak of now, not of the request.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 421 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529)
}

/// Why a final end or failure is given up on.
pub(crate) fn reason_of_end(end: &LinkEnd) -> GiveUp {
    if let LinkEnd::Closed { code: Some(code), reason } = end {
        GiveUp::Close { code: *code, reason: reason.clone() }
    } else {
        GiveUp::Link(end.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(status: u16, verified: bool) -> Failure {
        Failure::Http { status, retry_after: None, verified }
    }

    #[test]
    fn pitfall_31_a_normal_close_by_the_server_is_retried() {
        assert_eq!(of_end(&LinkEnd::closed(Some(1000), "")), Verdict::Backoff { quick: false });
    }

    #[test]
    fn nothing_unauthenticated_is_final() {
        for status in [400, 401, 403, 404, 410, 501] {
            assert_eq!(of_failure(&http(status, false)), Verdict::Longest, "{status}");
        }
        assert_eq!(of_failure(&http(403, true)), Verdict::Stop);
        assert_eq!(of_failure(&http(401, true)), Verdict::FinalAfter(2));
    }

    #[test]
    fn a_service_that_is_busy_names_its_time_within_an_hour() {
        let busy = |secs| Failure::Http {
            status: 503,
            retry_after: Some(Duration::from_secs(secs)),
            verified: false,
        };
        assert_eq!(of_failure(&busy(7)), Verdict::NotBefore(Duration::from_secs(7)));
        assert_eq!(of_failure(&busy(1_000_000)), Verdict::NotBefore(RETRY_AFTER_MOST));
    }

    #[test]
    fn close_codes_that_refuse_the_client_are_final_and_restarts_are_not() {
        for code in [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409] {
            assert_eq!(of_end(&LinkEnd::closed(Some(code), "")), Verdict::Stop, "{code}");
        }
        for code in [1005, 1006, 1011, 1015, 4000, 4999] {
            assert_eq!(of_end(&LinkEnd::closed(Some(code), "")), Verdict::Backoff { quick: true }, "{code}");
        }
        assert_eq!(of_end(&LinkEnd::closed(Some(1013), "")), Verdict::Halfway);
    }
}
