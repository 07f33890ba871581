//! The messages of a WebSocket.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A message over a WebSocket: text or bytes.
///
/// Cloning is cheap: the payload is shared.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Message {
    /// A text message, valid UTF-8.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// The text, if this is a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Message::Text(text) => Some(text),
            Message::Binary(_) => None,
        }
    }

    /// The payload, of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
        }
    }

    /// The payload of either kind, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
        }
    }

    /// The payload's length in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same message in memory of its own, so that it does not hold a
    /// larger buffer of which it is a part.
    pub(super) fn detached(self) -> Message {
        match self {
            Message::Text(text) => Message::Text(Text::from(text.as_str())),
            Message::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(&bytes)),
        }
    }
}

/// The text itself, or the number of bytes.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Text(text) => f.write_str(text),
            Message::Binary(bytes) => write!(f, "<{} bytes>", bytes.len()),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Text(text) => f.debug_tuple("Text").field(&text.as_str()).finish(),
            Message::Binary(bytes) => f.debug_tuple("Binary").field(bytes).finish(),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        Message::Text(text.into())
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Message {
        Message::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Message {
        Message::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Message {
        Message::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Message {
        Message::Binary(bytes)
    }
}

/// Text that can be shared without a copy. It dereferences to `str`.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(Utf8Bytes);

impl Text {
    /// Text known at compile time, without a copy.
    pub const fn from_static(text: &'static str) -> Text {
        Text(Utf8Bytes::from_static(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn new(text: Utf8Bytes) -> Text {
        Text(text)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(text.into())
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Bytes {
        text.0.into()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_its_text_or_its_size() {
        assert_eq!(Message::from("hello").to_string(), "hello");
        assert_eq!(Message::from(vec![1, 2, 3]).to_string(), "<3 bytes>");
        assert_eq!(format!("{:?}", Message::from("a\n")), r#"Text("a\n")"#);
    }

    #[test]
    fn every_source_makes_the_kind_that_it_should() {
        assert_eq!(Message::from("x").as_text(), Some("x"));
        assert_eq!(Message::from("x".to_owned()).as_text(), Some("x"));
        assert_eq!(Message::from(Text::from_static("x")).as_text(), Some("x"));
        for binary in [Message::from(vec![9]), Message::from(Bytes::from_static(&[9])), (&[9][..]).into()] {
            assert_eq!(binary.as_text(), None);
            assert_eq!(binary.as_bytes(), [9]);
            assert_eq!(binary.len(), 1);
            assert!(!binary.is_empty());
            assert_eq!(binary.into_bytes(), Bytes::from_static(&[9]));
        }
    }

    #[test]
    fn a_detached_message_is_equal_and_elsewhere() {
        let whole = Bytes::from(vec![7; 4096]);
        let part = Message::from(whole.slice(10..20));
        let detached = part.clone().detached();
        assert_eq!(detached, part);
        assert_ne!(detached.as_bytes().as_ptr(), part.as_bytes().as_ptr());
    }
}
