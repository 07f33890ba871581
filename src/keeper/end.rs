//! How a link ends and how an attempt fails: the facts that the keeper judges.

use std::fmt;
use std::io;
use std::time::Duration;

/// How a link ended, as its transport saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEnd {
    /// The peer said goodbye in the protocol's own words.
    Closed {
        /// The close code, where the protocol has one (WebSocket: 1000..4999;
        /// `None` stands for a Close without a code, 1005).
        code: Option<u16>,
        /// The peer's text: at most 123 bytes are kept, and `Display` escapes
        /// them.
        reason: String,
    },
    /// The stream ended without a goodbye (TCP FIN).
    Eof,
    /// The peer or the path refused what we sent (TCP RST).
    Reset,
    /// The peer broke the protocol; the text names the rule.
    Protocol(String),
    /// The peer sent a message beyond the limit.
    TooBig {
        /// The message's size in bytes, as far as it is known.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Another error of the system.
    Io {
        /// The system's kind of error.
        kind: io::ErrorKind,
        /// The error's text: at most 123 bytes are kept, since a codec's text may
        /// quote bytes of the peer.
        message: String,
    },
    /// Code of the application that runs beside the link (a codec, a
    /// predicate) panicked.
    Panicked,
}

impl LinkEnd {
    /// Sorts an I/O error into the end that it means.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's kinds are not ours")]
    pub fn from_io(error: &io::Error) -> LinkEnd {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::UnexpectedEof => LinkEnd::Eof,
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => LinkEnd::Reset,
            kind => LinkEnd::Io { kind, message: cut(&error.to_string()).to_owned() },
        }
    }

    /// Whether the end can be the answer to our goodbye: an answer repeats our code,
    /// 1000, or has none. Any other code is a goodbye of the peer's own.
    #[cfg(feature = "runtime")]
    pub(crate) fn answers_goodbye(&self) -> bool {
        matches!(self, LinkEnd::Closed { code: None | Some(1000), .. })
    }

    /// The same end of a link whose peer cannot have read our goodbye: an end that
    /// looks like an answer crossed our goodbye, and says nothing about the messages
    /// that the peer has read.
    #[cfg(feature = "runtime")]
    pub(crate) fn crossing_ours(self) -> LinkEnd {
        if self.answers_goodbye() { LinkEnd::Eof } else { self }
    }

    /// The peer's Close, with its reason cut to 123 bytes at a character's
    /// boundary.
    pub fn closed(code: Option<u16>, reason: &str) -> LinkEnd {
        LinkEnd::Closed { code, reason: cut(reason).to_owned() }
    }
}

/// The first 123 bytes of a text, or a little less, so that no
/// character is cut.
fn cut(words: &str) -> &str {
    const LONGEST: usize = 123;
    let end = (0..=words.len().min(LONGEST)).rev().find(|&at| words.is_char_boundary(at));
    &words[..end.unwrap_or(0)]
}

impl fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkEnd::Closed { code: Some(code), reason } if reason.is_empty() => {
                write!(f, "closed by the peer with {code}")
            }
            LinkEnd::Closed { code: Some(code), reason } => {
                write!(f, "closed by the peer with {code} \"{}\"", reason.escape_debug())
            }
            LinkEnd::Closed { code: None, .. } => write!(f, "closed by the peer without a code"),
            LinkEnd::Eof => write!(f, "ended without a goodbye"),
            LinkEnd::Reset => write!(f, "reset"),
            LinkEnd::Protocol(rule) => write!(f, "protocol error: {}", rule.escape_debug()),
            LinkEnd::TooBig { size, limit } => {
                write!(f, "message of {size} bytes is over the limit of {limit}")
            }
            LinkEnd::Io { message, .. } => write!(f, "{}", message.escape_debug()),
            LinkEnd::Panicked => write!(f, "code beside the link panicked"),
        }
    }
}

impl std::error::Error for LinkEnd {}

/// Why an attempt to open a link failed: the keeper chooses by it between trying
/// again, waiting and giving up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// The address refused.
    Refused,
    /// The address or network cannot be reached.
    Unreachable,
    /// The attempt's deadline passed.
    TimedOut,
    /// TLS or a certificate failed. Never final by itself.
    Tls,
    /// The server answered the handshake with an HTTP status that is no
    /// upgrade.
    Http {
        /// The status.
        status: u16,
        /// `Retry-After`, already turned into a duration.
        retry_after: Option<Duration>,
        /// Whether the answer came from a peer whose certificate was
        /// verified. Only then can it be final.
        verified: bool,
    },
    /// The peer broke the handshake's protocol; the text names the rule.
    Protocol(String),
    /// The link ended while it was being opened or logged in.
    Ended(LinkEnd),
    /// The login hook refused the link, and says whether another attempt makes
    /// sense.
    Hook {
        /// Whether another attempt makes sense.
        retry: bool,
    },
    /// The peer refused the credentials of a login. The next attempt asks for them
    /// again; the same answer to that attempt is final.
    Unauthorized,
    /// The peer, the transport or the login hook asks to be tried again after
    /// this long, not before.
    RetryAfter(Duration),
    /// The transport says that no later attempt can succeed.
    Stop,
    /// Another error of the system.
    Io {
        /// The system's kind of error.
        kind: io::ErrorKind,
    },
    /// The transport or the hook panicked.
    Panicked,
}

impl Failure {
    /// Sorts an I/O error of a dial into the failure that it means.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's kinds are not ours")]
    pub fn from_io(error: &io::Error) -> Failure {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Failure::Refused,
            Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NetworkDown => Failure::Unreachable,
            Kind::AddrNotAvailable => Failure::Unreachable,
            Kind::TimedOut => Failure::TimedOut,
            Kind::UnexpectedEof => Failure::Ended(LinkEnd::Eof),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
                Failure::Ended(LinkEnd::Reset)
            }
            kind => Failure::Io { kind },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Dns => write!(f, "the name could not be resolved"),
            Failure::Refused => write!(f, "connection refused"),
            Failure::Unreachable => write!(f, "network or host unreachable"),
            Failure::TimedOut => write!(f, "the attempt's deadline passed"),
            Failure::Tls => write!(f, "TLS failed"),
            Failure::Http { status, .. } => write!(f, "the server answered HTTP {status}"),
            Failure::Protocol(rule) => write!(f, "handshake broken: {}", rule.escape_debug()),
            Failure::Ended(end) => write!(f, "the link ended while opening: {end}"),
            Failure::Hook { .. } => write!(f, "the login hook refused the link"),
            Failure::Unauthorized => write!(f, "the peer refused the credentials"),
            Failure::RetryAfter(wait) => write!(f, "asked to come back after {wait:?}"),
            Failure::Stop => write!(f, "the transport says that retrying cannot help"),
            Failure::Io { kind } => write!(f, "{kind}"),
            Failure::Panicked => write!(f, "code beside the attempt panicked"),
        }
    }
}
