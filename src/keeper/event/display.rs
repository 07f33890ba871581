//! One line for a log, for each event and its parts.

use std::fmt;

use super::{Cause, Detection, Event, Evidence, GiveUp, RetryReason, ScoutResult, StoreFault};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Connecting { link, attempt } => write!(f, "connecting {link}, attempt {attempt}"),
            Event::AttemptFailed { link, attempt, failure } => {
                write!(f, "attempt {attempt} ({link}) failed: {failure}")
            }
            Event::Connected { link, epoch, took } => {
                write!(f, "connected {link}, epoch {epoch}, in {took:.1?}")
            }
            Event::Disconnected { link, detection, gap, uptime, .. } => {
                write!(f, "disconnected {link}: {detection}, after a gap of {gap:.1?}, up for {uptime:.1?}")
            }
            Event::Diagnosed { link, cause, evidence } => {
                write!(f, "diagnosed {link}: {cause} ({evidence})")
            }
            Event::BeatSent { link, gap } => write!(f, "beat {link} after {gap:.1?}"),
            Event::BeatAnswered { link, rtt: Some(rtt) } => {
                write!(f, "beat answered {link} in {rtt:.1?}")
            }
            Event::BeatAnswered { link, rtt: None } => write!(f, "beat answered {link}"),
            Event::BeatMissed { link, consecutive } => {
                write!(f, "beat missed {link}, {consecutive} in a row")
            }
            Event::IntervalChanged { interval, proven } => {
                write!(f, "interval {interval:.1?}, {proven:.1?} proven")
            }
            Event::IdleTimeoutLearned { proven, failed } => {
                write!(f, "idle timeout learned: between {proven:.1?} and {failed:.1?}")
            }
            Event::IdleTimeoutShrank { failed } => {
                write!(f, "idle timeout shrank below {failed:.1?}")
            }
            Event::IdleTimeoutRecalled { proven, failed: Some(failed), age } => {
                write!(f, "idle timeout recalled after {age:.0?}: between {proven:.1?} and {failed:.1?}")
            }
            Event::IdleTimeoutRecalled { proven, failed: None, age } => {
                write!(f, "idle timeout recalled after {age:.0?}: above {proven:.1?}")
            }
            Event::StoreFailed { fault } => write!(f, "interval store failed: {fault}"),
            Event::ScoutSent { link, gap } => write!(f, "scout {link} tests {gap:.1?}"),
            Event::ScoutReturned { link, gap, met } => write!(f, "scout {link} for {gap:.1?}: {met}"),
            Event::ScoutsRefused => f.write_str("scouts refused"),
            Event::ReconnectScheduled { attempt, delay, reason } => {
                write!(f, "attempt {attempt} in {delay:.1?}: {reason}")
            }
            Event::ReconnectAdvanced { delay, reason } => {
                write!(f, "attempt advanced to {delay:.1?} from now: {reason}")
            }
            Event::NetworkOnline => f.write_str("network online"),
            Event::NetworkOffline => f.write_str("network offline"),
            Event::NetworkChanged => f.write_str("network changed"),
            Event::Slept { lasted } => write!(f, "slept or froze for {lasted:.1?}"),
            Event::Paused => f.write_str("paused"),
            Event::Resumed => f.write_str("resumed"),
            Event::ReaderStalled { lasted } => write!(f, "reader stalled for {lasted:.1?}"),
            Event::MaybeSent { count } => write!(f, "{count} messages maybe sent"),
            Event::MessagesDropped { count } => write!(f, "{count} messages dropped unread"),
            Event::EventsDropped { count } => write!(f, "{count} events dropped"),
            Event::GaveUp { reason } => write!(f, "gave up: {reason}"),
            Event::Closed => f.write_str("closed"),
        }
    }
}

impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detection::Ended(end) => end.fmt(f),
            Detection::Unanswered { beats } => write!(f, "{beats} beats unanswered"),
            Detection::ProbeUnanswered
            | Detection::Silent
            | Detection::NoMessage
            | Detection::Unacknowledged
            | Detection::AddressGone
            | Detection::Slept
            | Detection::Paused
            | Detection::Asked
            | Detection::Replaced
            | Detection::Closed => f.write_str(self.name()),
        }
    }
}

impl fmt::Display for ScoutResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScoutResult::Survived => f.write_str("it survived"),
            ScoutResult::Expired => f.write_str("it did not survive"),
            ScoutResult::Ended { gap } => write!(f, "ended after {gap:.1?}"),
            ScoutResult::Void => f.write_str("void"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::IdleExpiry => "idle expiry",
            Cause::PathDead => "path dead",
            Cause::ServerStuck => "server stuck",
            Cause::ClosedByPeer => "closed by peer",
            Cause::AddressGone => "address gone",
            Cause::Slept => "slept",
            Cause::Ours => "ours",
        })
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Evidence::ConnectedAtOnce => "the same address connected at once",
            Evidence::DialFailed => "the next dial failed or was slow",
            Evidence::AddressChanged => "the local address changed",
            Evidence::NetworkEvent => "a network event came in between",
            Evidence::Suspended => "a suspend came in between",
            Evidence::Acknowledged => "all that was sent was acknowledged",
            Evidence::Unacknowledged => "what was sent was not acknowledged",
            Evidence::PeerSaid => "the peer said so",
            Evidence::SilenceLimit => "no message within the limit",
            Evidence::Ourselves => "our own doing",
        })
    }
}

impl fmt::Display for RetryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RetryReason::EndedAlone => f.write_str("the link ended for this client alone"),
            RetryReason::LinkEnded => f.write_str("the link ended"),
            RetryReason::CloseCode(code) => write!(f, "close code {code}"),
            RetryReason::AttemptFailed => f.write_str("the attempt failed"),
            RetryReason::RetryAfter => f.write_str("the server named the time"),
            RetryReason::Network => f.write_str("the network is there"),
            RetryReason::Woke => f.write_str("the machine woke"),
            RetryReason::Offline => f.write_str("the network is reported gone"),
            RetryReason::Foreground => f.write_str("somebody looks"),
            RetryReason::Asked => f.write_str("asked by the application"),
            RetryReason::Policy => f.write_str("the application's policy"),
        }
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GiveUp::Close { code, reason } if reason.is_empty() => {
                write!(f, "close code {code} is final")
            }
            GiveUp::Close { code, reason } => {
                write!(f, "close code {code} is final: \"{}\"", reason.escape_debug())
            }
            GiveUp::Link(end) => write!(f, "the link's end is final: {end}"),
            GiveUp::Failure(failure) => write!(f, "the failure is final: {failure}"),
            GiveUp::Attempts(made) => write!(f, "{made} attempts failed"),
            GiveUp::Policy => write!(f, "the reconnect policy has nothing more to try"),
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFault::NotRead(kind) => write!(f, "could not be read: {kind}"),
            StoreFault::NotWritten(kind) => write!(f, "could not be written: {kind}"),
            StoreFault::Broken { set_aside: true } => f.write_str("could not be used and was set aside"),
            StoreFault::Broken { set_aside: false } => f.write_str("cannot be used and is left alone"),
            StoreFault::Refused => f.write_str("was refused"),
            StoreFault::Panicked => f.write_str("its code panicked"),
        }
    }
}
