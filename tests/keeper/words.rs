//! The keeper's facts in words: each in one line for a log, and
//! no text of a peer unescaped.

use std::io::{Error, ErrorKind};

use crate::rig::{Rig, millis, secs};
use longlink::keeper::Config;
use longlink::{
    Cause, Detection, Event, Evidence, Failure, GiveUp, Invalid, LinkEnd, RetryReason, ScoutResult,
    StoreFault,
};

fn io(message: &str) -> LinkEnd {
    LinkEnd::Io { kind: ErrorKind::Other, message: message.to_owned() }
}

fn closed(code: Option<u16>, reason: &str) -> LinkEnd {
    LinkEnd::closed(code, reason)
}

/// That each of them says what stands beside it.
fn assert_says<T: ToString>(said: impl IntoIterator<Item = (T, &'static str)>) {
    for (one, words) in said {
        assert_eq!(one.to_string(), words);
    }
}

#[test]
fn each_end_of_a_link_has_words_and_the_peers_are_escaped() {
    assert_says([
        (closed(Some(1012), ""), "closed by the peer with 1012"),
        (closed(Some(4000), "new\nline"), r#"closed by the peer with 4000 "new\nline""#),
        (closed(None, ""), "closed by the peer without a code"),
        (LinkEnd::Eof, "ended without a goodbye"),
        (LinkEnd::Reset, "reset"),
        (LinkEnd::Protocol("RSV1\n".to_owned()), r"protocol error: RSV1\n"),
        (LinkEnd::TooBig { size: 9, limit: 8 }, "message of 9 bytes is over the limit of 8"),
        (io("bad\nluck"), r"bad\nluck"),
        (LinkEnd::Panicked, "code beside the link panicked"),
    ]);
}

#[test]
fn each_failure_of_an_attempt_has_words() {
    let http = Failure::Http { status: 503, retry_after: None, verified: true };
    assert_says([
        (Failure::Dns, "the name could not be resolved"),
        (Failure::Refused, "connection refused"),
        (Failure::Unreachable, "network or host unreachable"),
        (Failure::TimedOut, "the attempt's deadline passed"),
        (Failure::Tls, "TLS failed"),
        (http, "the server answered HTTP 503"),
        (Failure::Protocol("no\nkey".to_owned()), r"handshake broken: no\nkey"),
        (Failure::Ended(LinkEnd::Eof), "the link ended while opening: ended without a goodbye"),
        (Failure::Hook { retry: true }, "the login hook refused the link"),
        (Failure::RetryAfter(secs(7)), "asked to come back after 7s"),
        (Failure::Stop, "the transport says that retrying cannot help"),
        (Failure::Panicked, "code beside the attempt panicked"),
    ]);
    let kind = ErrorKind::AddrInUse;
    assert_eq!(Failure::Io { kind }.to_string(), kind.to_string());
}

#[test]
fn an_error_of_the_system_is_sorted_into_the_end_that_it_means() {
    for (kind, end) in [
        (ErrorKind::UnexpectedEof, LinkEnd::Eof),
        (ErrorKind::ConnectionReset, LinkEnd::Reset),
        (ErrorKind::ConnectionAborted, LinkEnd::Reset),
        (ErrorKind::BrokenPipe, LinkEnd::Reset),
    ] {
        assert_eq!(LinkEnd::from_io(&kind.into()), end);
        assert_eq!(Failure::from_io(&kind.into()), Failure::Ended(end));
    }
    let other = Error::other("its words");
    assert_eq!(LinkEnd::from_io(&other), io("its words"));
    for (kind, failure) in [
        (ErrorKind::ConnectionRefused, Failure::Refused),
        (ErrorKind::NetworkUnreachable, Failure::Unreachable),
        (ErrorKind::HostUnreachable, Failure::Unreachable),
        (ErrorKind::NetworkDown, Failure::Unreachable),
        (ErrorKind::AddrNotAvailable, Failure::Unreachable),
        (ErrorKind::TimedOut, Failure::TimedOut),
        (ErrorKind::AddrInUse, Failure::Io { kind: ErrorKind::AddrInUse }),
    ] {
        assert_eq!(Failure::from_io(&kind.into()), failure);
    }
}

#[test]
fn a_closes_reason_is_cut_to_123_bytes_at_a_characters_boundary() {
    let kept = |reason: &str| match closed(None, reason) {
        LinkEnd::Closed { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    let (full, umlauts) = ("x".repeat(123), "ü".repeat(80));
    assert_eq!(kept(&full), full);
    assert_eq!(kept(&format!("{full}y")), full);
    assert_eq!(kept(&umlauts), "ü".repeat(61));
    assert_eq!(kept(""), "");
}

#[test]
fn each_way_in_which_a_link_is_seen_to_end_has_a_name_and_words() {
    for (detection, name, words) in [
        (Detection::Ended(closed(Some(1000), "")), "close", "closed by the peer with 1000"),
        (Detection::Ended(LinkEnd::Eof), "fin", "ended without a goodbye"),
        (Detection::Ended(LinkEnd::Reset), "reset", "reset"),
        (Detection::Ended(LinkEnd::Protocol(String::new())), "protocol", "protocol error: "),
        (
            Detection::Ended(LinkEnd::TooBig { size: 2, limit: 1 }),
            "too big",
            "message of 2 bytes is over the limit of 1",
        ),
        (Detection::Ended(io("bad luck")), "i/o error", "bad luck"),
        (Detection::Ended(LinkEnd::Panicked), "panic", "code beside the link panicked"),
        (Detection::Unanswered { beats: 5 }, "beats unanswered", "5 beats unanswered"),
        (Detection::ProbeUnanswered, "probe unanswered", "probe unanswered"),
        (Detection::Silent, "peer silent", "peer silent"),
        (Detection::NoMessage, "no message", "no message"),
        (Detection::Unacknowledged, "unacknowledged", "unacknowledged"),
        (Detection::AddressGone, "address gone", "address gone"),
        (Detection::Slept, "slept", "slept"),
        (Detection::Asked, "asked", "asked"),
        (Detection::Paused, "paused", "paused"),
        (Detection::Closed, "closed by us", "closed by us"),
    ] {
        assert_eq!((detection.name(), detection.to_string().as_str()), (name, words));
    }
}

#[test]
fn each_cause_and_what_it_rests_on_has_words() {
    assert_says([
        (Cause::IdleExpiry, "idle expiry"),
        (Cause::PathDead, "path dead"),
        (Cause::ServerStuck, "server stuck"),
        (Cause::ClosedByPeer, "closed by peer"),
        (Cause::AddressGone, "address gone"),
        (Cause::Slept, "slept"),
        (Cause::Ours, "ours"),
    ]);
    assert_says([
        (Evidence::ConnectedAtOnce, "the same address connected at once"),
        (Evidence::DialFailed, "the next dial failed or was slow"),
        (Evidence::AddressChanged, "the local address changed"),
        (Evidence::NetworkEvent, "a network event came in between"),
        (Evidence::Suspended, "a suspend came in between"),
        (Evidence::Acknowledged, "all that was sent was acknowledged"),
        (Evidence::Unacknowledged, "what was sent was not acknowledged"),
        (Evidence::PeerSaid, "the peer said so"),
        (Evidence::SilenceLimit, "no message within the limit"),
        (Evidence::Ourselves, "our own doing"),
    ]);
    assert_says([
        (RetryReason::EndedAlone, "the link ended for this client alone"),
        (RetryReason::LinkEnded, "the link ended"),
        (RetryReason::CloseCode(1012), "close code 1012"),
        (RetryReason::AttemptFailed, "the attempt failed"),
        (RetryReason::RetryAfter, "the server named the time"),
        (RetryReason::Network, "the network is there"),
        (RetryReason::Woke, "the machine woke"),
        (RetryReason::Offline, "the network is reported gone"),
        (RetryReason::Foreground, "somebody looks"),
        (RetryReason::Asked, "asked by the application"),
        (RetryReason::Policy, "the application's policy"),
    ]);
}

#[test]
fn each_reason_to_give_up_has_words_and_the_peers_are_escaped() {
    let close = |reason: &str| GiveUp::Close { code: 4403, reason: reason.to_owned() };
    assert_says([
        (close(""), "close code 4403 is final"),
        (close("go\naway"), r#"close code 4403 is final: "go\naway""#),
        (GiveUp::Link(LinkEnd::Eof), "the link's end is final: ended without a goodbye"),
        (GiveUp::Failure(Failure::Tls), "the failure is final: TLS failed"),
        (GiveUp::Attempts(3), "3 attempts failed"),
        (GiveUp::Policy, "the reconnect policy has nothing more to try"),
    ]);
}

#[test]
fn scouts_memories_and_settings_have_words() {
    assert_says([
        (ScoutResult::Survived, "it survived"),
        (ScoutResult::Expired, "it did not survive"),
        (ScoutResult::Ended { gap: secs(20) }, "ended after 20.0s"),
        (ScoutResult::Void, "void"),
    ]);
    assert_says([
        (StoreFault::Broken { set_aside: true }, "could not be used and was set aside"),
        (StoreFault::Broken { set_aside: false }, "cannot be used and is left alone"),
        (StoreFault::Refused, "was refused"),
        (StoreFault::Panicked, "its code panicked"),
    ]);
    let kind = ErrorKind::NotFound;
    assert_eq!(StoreFault::NotRead(kind).to_string(), format!("could not be read: {kind}"));
    assert_eq!(StoreFault::NotWritten(kind).to_string(), format!("could not be written: {kind}"));
    assert_says([(Invalid::new("heartbeat.min", "must not be zero"), "heartbeat.min: must not be zero")]);
}

#[test]
fn each_event_is_one_line() {
    let mut rig = Rig::new(Config::default(), 1);
    let link = rig.opening().expect("the first attempt is under way");
    assert_eq!((link.get(), link.to_string().as_str()), (1, "#1"));
    rig.fail(Failure::Refused);
    rig.until_opening();
    let second = rig.opening().expect("the second attempt is under way");
    assert_eq!((second.get(), second.to_string().as_str()), (2, "#2"));

    let (failure, detection) = (Failure::Refused, Detection::Unanswered { beats: 5 });
    let (cause, evidence) = (Cause::ServerStuck, Evidence::Acknowledged);
    let (gap, proven, failed, age) = (secs(115), secs(96), secs(100), secs(3600));
    assert_says([
        (Event::Connecting { link, attempt: 3 }, "connecting #1, attempt 3"),
        (Event::AttemptFailed { link, attempt: 3, failure }, "attempt 3 (#1) failed: connection refused"),
        (Event::Connected { link, epoch: 4, took: millis(250) }, "connected #1, epoch 4, in 250.0ms"),
        (
            Event::Disconnected { link, epoch: 4, detection, gap, uptime: secs(600) },
            "disconnected #1: 5 beats unanswered, after a gap of 115.0s, up for 600.0s",
        ),
        (
            Event::Diagnosed { link, cause, evidence },
            "diagnosed #1: server stuck (all that was sent was acknowledged)",
        ),
        (Event::BeatSent { link, gap }, "beat #1 after 115.0s"),
        (Event::BeatAnswered { link, rtt: Some(millis(40)) }, "beat answered #1 in 40.0ms"),
        (Event::BeatAnswered { link, rtt: None }, "beat answered #1"),
        (Event::BeatMissed { link, consecutive: 2 }, "beat missed #1, 2 in a row"),
        (Event::IntervalChanged { interval: secs(89), proven }, "interval 89.0s, 96.0s proven"),
        (Event::IdleTimeoutLearned { proven, failed }, "idle timeout learned: between 96.0s and 100.0s"),
        (Event::IdleTimeoutShrank { failed }, "idle timeout shrank below 100.0s"),
        (
            Event::IdleTimeoutRecalled { proven, failed: Some(failed), age },
            "idle timeout recalled after 3600s: between 96.0s and 100.0s",
        ),
        (
            Event::IdleTimeoutRecalled { proven, failed: None, age },
            "idle timeout recalled after 3600s: above 96.0s",
        ),
        (Event::StoreFailed { fault: StoreFault::Refused }, "interval store failed: was refused"),
        (Event::ScoutSent { link, gap }, "scout #1 tests 115.0s"),
        (Event::ScoutReturned { link, gap, met: ScoutResult::Survived }, "scout #1 for 115.0s: it survived"),
        (Event::ScoutsRefused, "scouts refused"),
        (
            Event::ReconnectScheduled { attempt: 3, delay: secs(2), reason: RetryReason::AttemptFailed },
            "attempt 3 in 2.0s: the attempt failed",
        ),
        (
            Event::ReconnectAdvanced { delay: secs(1), reason: RetryReason::Network },
            "attempt advanced to 1.0s from now: the network is there",
        ),
        (Event::NetworkOnline, "network online"),
        (Event::NetworkOffline, "network offline"),
        (Event::NetworkChanged, "network changed"),
        (Event::Slept { lasted: secs(60) }, "slept or froze for 60.0s"),
        (Event::Paused, "paused"),
        (Event::Resumed, "resumed"),
        (Event::ReaderStalled { lasted: secs(2) }, "reader stalled for 2.0s"),
        (Event::MaybeSent { count: 3 }, "3 messages maybe sent"),
        (Event::MessagesDropped { count: 4 }, "4 messages dropped unread"),
        (Event::EventsDropped { count: 5 }, "5 events dropped"),
        (Event::GaveUp { reason: GiveUp::Policy }, "gave up: the reconnect policy has nothing more to try"),
        (Event::Closed, "closed"),
    ]);
}
