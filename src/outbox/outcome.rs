//! The outcome of a message, and the request to know it.

use std::fmt;

/// A request to be told the outcome of a message.
pub struct Confirm<M, T> {
    /// Comes back with the outcome.
    pub ticket: T,
    /// Copies the message when a link takes it: the link gets the original, and
    /// the copy is handed back if the message is maybe sent. So a waiting message
    /// has no copy.
    ///
    /// `None` if the message cannot be copied: then no link takes it, and it settles
    /// as [`Outcome::NotSent`]. The function must not panic.
    pub copy: fn(&M) -> Option<M>,
}

impl<M, T> fmt::Debug for Confirm<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirm").finish_non_exhaustive()
    }
}
/// The outcome of a message.
///
/// A message is maybe sent from the moment when a link takes it: from then on it
/// may reach the peer whatever happens to the link.
///
/// `Debug` and `Display` do not show the message.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use = "a message that was not delivered may have to be sent again"]
pub enum Outcome<M> {
    /// The peer's end of the link has the message: a beat that was written after it
    /// was answered, on an ordered link, or the link has a sign of its own
    /// ([`ConfirmedBy`]). A peer that dies in the next moment may not have acted
    /// on the message; only an answer of the application's own can tell that.
    ///
    /// [`ConfirmedBy`]: https://docs.rs/longlink/latest/longlink/transport/enum.ConfirmedBy.html
    Delivered,
    /// No link ever took the message: it was not sent and will not be. Handed back.
    NotSent(M),
    /// A link took the message and ended before anything showed that it arrived.
    /// Handed back; sending it again may deliver it twice.
    MaybeSent(M),
}

impl<M> Outcome<M> {
    /// Whether the peer's end has the message.
    pub fn is_delivered(&self) -> bool {
        matches!(self, Outcome::Delivered)
    }

    /// The message, where it was handed back.
    pub fn into_message(self) -> Option<M> {
        match self {
            Outcome::Delivered => None,
            Outcome::NotSent(message) | Outcome::MaybeSent(message) => Some(message),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::NotSent(_) => "not sent",
            Outcome::MaybeSent(_) => "maybe sent",
        }
    }
}

impl<M> fmt::Debug for Outcome<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Delivered => "Delivered",
            Outcome::NotSent(_) => "NotSent(..)",
            Outcome::MaybeSent(_) => "MaybeSent(..)",
        })
    }
}

impl<M> fmt::Display for Outcome<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
