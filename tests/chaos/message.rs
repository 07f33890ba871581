//! The numbered messages, as text.

/// The text of the client's message `number`.
pub fn from_client(number: u64) -> String {
    format!("C {number} {}", padding(number))
}

/// The number of a client's message, if it is one and whole.
pub fn read_client(text: &str) -> Option<u64> {
    let number = text.strip_prefix("C ")?.split(' ').next()?.parse().ok()?;
    (from_client(number) == text).then_some(number)
}

/// A message from the server: which it is, and where it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromServer {
    pub link: u64,
    /// Its place among those of its link.
    pub index: u64,
    pub number: u64,
}

impl FromServer {
    pub fn text(self) -> String {
        let FromServer { link, index, number } = self;
        format!("S {link} {index} {number} {}", padding(!number))
    }

    /// Reads it, if it is one and whole.
    pub fn read(text: &str) -> Option<FromServer> {
        let mut parts = text.strip_prefix("S ")?.split(' ').map_while(|part| part.parse().ok());
        let message = FromServer { link: parts.next()?, index: parts.next()?, number: parts.next()? };
        (message.text() == text).then_some(message)
    }
}

/// Most messages are short, some fill a buffer.
fn padding(number: u64) -> String {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 29;
    let length = match mixed % 128 {
        0 => mixed / 128 % 12_000,
        1..=12 => mixed / 128 % 700,
        _ => mixed / 128 % 48,
    };
    let letter = char::from(b'a' + (mixed % 26) as u8);
    std::iter::repeat_n(letter, length as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holdings::alone;

    #[test]
    fn messages_are_read_if_they_are_whole() {
        let _alone = alone();
        for number in 0..2_000 {
            assert_eq!(read_client(&from_client(number)), Some(number));
            let message = FromServer { link: number % 7, index: 3, number };
            assert_eq!(FromServer::read(&message.text()), Some(message));
        }
        let longest = (0..2_000).map(from_client).max_by_key(String::len).unwrap();
        assert!(longest.len() > 5_000);
        assert_eq!(read_client(&longest[..longest.len() - 1]), None);
        assert_eq!(read_client(&format!("{longest}x")), None);
        assert_eq!(FromServer::read("S 1 2"), None);
    }
}
