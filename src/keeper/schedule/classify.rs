//! The default answer to an end or a failure: another attempt, a wait, or
//! no attempt any more.

use std::time::Duration;

use crate::keeper::config::{Retry, Setback};
use crate::keeper::end::{Failure, LinkEnd};
use crate::keeper::event::GiveUp;

/// Delays for a restarting service (close code 1012).
const RESTART: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
/// Delays for a service that goes away (1001).
const AWAY: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(1));
/// The longest `Retry-After` that counts; a longer one counts as this.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);

/// Credentials that were refused: each attempt asks for them again.
const REFUSED: Retry = Retry::NeverAfter { answers: 2, apart: Duration::ZERO };
/// Between answers 404: three tries in the first minute.
const NOT_FOUND_APART: Duration = Duration::from_secs(30);

/// The table's answer. An answer that nobody has vouched for (`vouched`) is never
/// final: over plain TCP a captive portal breaks any protocol.
pub(in crate::keeper) fn of(setback: Setback<'_>, vouched: bool) -> Retry {
    match setback {
        Setback::Ended(LinkEnd::Protocol(_) | LinkEnd::TooBig { .. }) if !vouched => Retry::Backoff,
        Setback::Ended(end) => of_end(end),
        Setback::Unanswered => Retry::Soon,
        Setback::Failed(failure) => of_failure(failure),
    }
}

/// Final if the answer comes this often in a row.
fn in_a_row(answers: u32) -> Retry {
    Retry::NeverAfter { answers, apart: Duration::ZERO }
}

/// The answer to the end of the link in use.
fn of_end(end: &LinkEnd) -> Retry {
    match end {
        LinkEnd::Closed { code: Some(code), .. } => of_close(*code),
        LinkEnd::Closed { code: None, .. } | LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Io { .. } => {
            Retry::Soon
        }
        LinkEnd::Panicked => Retry::Backoff,
        LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } => in_a_row(3),
    }
}

/// WebSocket's close codes. A private code (4000 and up) means something else
/// for each service; those that commonly refuse the client's identity are
/// final.
fn of_close(code: u16) -> Retry {
    match code {
        1000 => Retry::Backoff,
        1001 => Retry::Between { low: AWAY.0, high: AWAY.1 },
        1002 | 1009 => in_a_row(3),
        1003 | 1007 | 1008 | 1010 => Retry::Never,
        1012 => Retry::Between { low: RESTART.0, high: RESTART.1 },
        1013 => Retry::Halfway,
        4001 | 4003 | 4004 | 4401 | 4403 | 4409 => Retry::Never,
        _ => Retry::Soon,
    }
}

/// The answer to a failed attempt. An unauthenticated answer is never final: a
/// captive portal may have given it in the server's place.
pub(in crate::keeper) fn of_failure(failure: &Failure) -> Retry {
    match failure {
        Failure::Dns
        | Failure::Refused
        | Failure::Unreachable
        | Failure::TimedOut
        | Failure::Io { .. }
        | Failure::Protocol(_)
        | Failure::Panicked
        | Failure::Hook { retry: true } => Retry::Backoff,
        // Before the login nobody has shown who the peer is.
        Failure::Ended(LinkEnd::Protocol(_) | LinkEnd::TooBig { .. }) => Retry::Backoff,
        Failure::Ended(end) => {
            let retry = of_end(end);
            if retry == Retry::Soon { Retry::Backoff } else { retry }
        }
        Failure::Tls => Retry::Tls,
        Failure::Hook { retry: false } | Failure::Stop => Retry::Never,
        Failure::Unauthorized => REFUSED,
        Failure::RetryAfter(wait) => Retry::After((*wait).min(RETRY_AFTER_MOST)),
        Failure::Http { retry_after: Some(wait), status, .. } if is_passing(*status) => {
            Retry::After((*wait).min(RETRY_AFTER_MOST))
        }
        Failure::Http { status, verified, .. } => {
            let retry = of_status(*status);
            let may_be_final = matches!(retry, Retry::Never | Retry::NeverAfter { .. });
            if may_be_final && !verified { Retry::Longest } else { retry }
        }
    }
}

/// Whether a known server named the time of the failure: a captive
/// portal must not keep a client waiting once the network is there.
pub(in crate::keeper) fn is_vouched_for(failure: &Failure) -> bool {
    !matches!(failure, Failure::Http { verified: false, .. })
}

fn of_status(status: u16) -> Retry {
    match status {
        401 | 407 => REFUSED,
        400 | 403 | 405 | 410 | 426 | 431 | 451 | 501 | 505 => Retry::Never,
        // A rolling deploy may not know the path for a while.
        404 => Retry::NeverAfter { answers: 3, apart: NOT_FOUND_APART },
        _ => Retry::Backoff,
    }
}

/// Whether the status speaks about the present, not about the request.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 421 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=529)
}

/// The reason of giving up after this.
pub(in crate::keeper) fn reason(setback: Setback<'_>) -> GiveUp {
    match setback {
        Setback::Ended(LinkEnd::Closed { code: Some(code), reason }) => {
            GiveUp::Close { code: *code, reason: reason.clone() }
        }
        Setback::Ended(end) => GiveUp::Link(end.clone()),
        Setback::Failed(failure) => GiveUp::Failure(failure.clone()),
        Setback::Unanswered => GiveUp::Policy,
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
        assert_eq!(of_end(&LinkEnd::closed(Some(1000), "")), Retry::Backoff);
    }

    #[test]
    fn nothing_unauthenticated_is_final() {
        for status in [400, 401, 403, 404, 410, 501] {
            assert_eq!(of_failure(&http(status, false)), Retry::Longest, "{status}");
        }
        assert_eq!(of_failure(&http(403, true)), Retry::Never);
        assert_eq!(of_failure(&http(401, true)), in_a_row(2));
    }

    #[test]
    fn an_end_during_the_opening_is_judged_but_not_retried_at_once() {
        let ended = |end| of_failure(&Failure::Ended(end));
        assert_eq!(ended(LinkEnd::Eof), Retry::Backoff);
        assert_eq!(
            ended(LinkEnd::closed(Some(1012), "")),
            Retry::Between { low: RESTART.0, high: RESTART.1 }
        );
        assert_eq!(ended(LinkEnd::closed(Some(1008), "")), Retry::Never);
    }

    #[test]
    fn a_service_that_is_busy_names_its_time_within_an_hour() {
        let busy = |secs| Failure::Http {
            status: 503,
            retry_after: Some(Duration::from_secs(secs)),
            verified: false,
        };
        assert_eq!(of_failure(&busy(7)), Retry::After(Duration::from_secs(7)));
        assert_eq!(of_failure(&busy(1_000_000)), Retry::After(RETRY_AFTER_MOST));
    }

    #[test]
    fn close_codes_that_refuse_the_client_are_final_and_restarts_are_not() {
        for code in [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409] {
            assert_eq!(of_end(&LinkEnd::closed(Some(code), "")), Retry::Never, "{code}");
        }
        for code in [1005, 1006, 1011, 1015, 4000, 4999] {
            assert_eq!(of_end(&LinkEnd::closed(Some(code), "")), Retry::Soon, "{code}");
        }
        assert_eq!(of_end(&LinkEnd::closed(Some(1013), "")), Retry::Halfway);
    }
}
