//! The lines on the wire: numbered lines of text.

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The application's, which the server echoes.
    Message(u64),
    /// One that the server pushes.
    Push(u64),
    /// Neither.
    Other,
}

impl Line {
    /// Reads a line.
    pub fn parse(text: &str) -> Line {
        let mut words = text.split_whitespace();
        let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
        match words.next() {
            Some("message") => number(words.next()).map_or(Line::Other, Line::Message),
            Some("push") => number(words.next()).map_or(Line::Other, Line::Push),
            Some(_) | None => Line::Other,
        }
    }

    /// The line as text, made longer by spaces to `bytes`.
    pub fn to_text(self, bytes: usize) -> String {
        let text = match self {
            Line::Message(number) => format!("message {number}"),
            Line::Push(number) => format!("push {number}"),
            Line::Other => String::new(),
        };
        format!("{text:<bytes$}")
    }
}
