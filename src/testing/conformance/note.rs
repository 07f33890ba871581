//! The messages of the suite.

/// A message of the suite: its number, and its size as the protocol counts
/// size. The [`text`](Note::text) shows every lost, doubled or exchanged byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// The number, below 100,000,000.
    pub number: u32,
    /// The size in bytes, at least [`Note::SHORTEST`].
    pub size: usize,
}

impl Note {
    /// The size of the shortest note, in bytes.
    pub const SHORTEST: usize = 8;

    /// Makes a note with this number and size, or with
    /// [`SHORTEST`](Note::SHORTEST) if `size` is less.
    pub fn new(number: u32, size: usize) -> Note {
        Note { number, size: size.max(Note::SHORTEST) }
    }

    /// The note as text: its number in eight digits, then one letter over and
    /// over.
    pub fn text(self) -> String {
        let letter = char::from(self.letter()).to_string();
        format!("{:08}{}", self.number, letter.repeat(self.size - Note::SHORTEST))
    }

    /// Reads a note from its text.
    ///
    /// # Panics
    ///
    /// If `text` is not the text of a note.
    #[track_caller]
    pub fn read(text: impl AsRef<[u8]>) -> Note {
        let text = text.as_ref();
        let digits = text.get(..Note::SHORTEST).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(number) = digits.and_then(|digits| digits.parse().ok()) else {
            panic!("a message of {} bytes does not begin with a number", text.len())
        };
        let note = Note::new(number, text.len());
        if text != note.text().as_bytes() {
            let filling = text.iter().skip(Note::SHORTEST);
            let spoilt = filling.filter(|byte| **byte != note.letter()).count();
            panic!("{spoilt} of the {} bytes of message {number} are spoilt", text.len());
        }
        note
    }

    fn letter(self) -> u8 {
        b'a' + (self.number % 26) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_from_its_text() {
        for note in [Note::new(0, 8), Note::new(27, 9), Note::new(99_999_999, 1000)] {
            assert_eq!(note.text().len(), note.size);
            assert_eq!(Note::read(note.text()), note);
        }
        assert_eq!(Note::new(27, 0).text(), "00000027");
        assert_eq!(Note::new(27, 10).text(), "00000027bb");
    }

    #[test]
    #[should_panic = "1 of the 13 bytes of message 27 are spoilt"]
    fn a_spoilt_note_is_noticed() {
        Note::read("00000027bbbab");
    }

    #[test]
    #[should_panic = "does not begin with a number"]
    fn a_cut_note_is_noticed() {
        Note::read("bb");
    }
}
