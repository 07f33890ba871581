//! As much of Redis' protocol (RESP2) as the tests speak.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use longlink::transport::ControlMessages;
use longlink::{Protocol, StreamLink, Token};
use tokio_util::codec::{Decoder, Encoder};

/// A link that carries commands and replies.
pub type RespLink = StreamLink<Resp, Command>;

/// A reply of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Option<Bytes>),
    Array(Vec<Reply>),
}

/// A command and its arguments.
#[derive(Clone, Debug)]
pub struct Command(Vec<String>);

impl<const WORDS: usize> From<[&str; WORDS]> for Command {
    fn from(words: [&str; WORDS]) -> Command {
        Command(words.into_iter().map(str::to_owned).collect())
    }
}

/// The protocol. A beat is a PING with a word that comes back: as it is, or
/// beside "pong" once the link subscribes.
pub fn resp() -> Protocol<Resp, Command> {
    let control = ControlMessages::<Reply, Command>::new()
        .ping(|Token(token)| Command(vec!["PING".to_owned(), format!("~{token}")]))
        .pong(|reply| match reply {
            Reply::Bulk(Some(word)) => token_in(word),
            Reply::Array(words) => match &**words {
                [Reply::Bulk(Some(pong)), Reply::Bulk(Some(word))] if pong == "pong" => token_in(word),
                _ => None,
            },
            Reply::Simple(_) | Reply::Error(_) | Reply::Integer(_) | Reply::Bulk(None) => None,
        });
    Protocol::new(|| Resp, control).size_out(|Command(words)| words.iter().map(String::len).sum())
}

fn token_in(word: &[u8]) -> Option<Token> {
    std::str::from_utf8(word).ok()?.strip_prefix('~')?.parse().ok().map(Token)
}

/// The codec.
#[derive(Debug)]
pub struct Resp;

impl Decoder for Resp {
    type Item = Reply;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Reply>> {
        let mut rest = &bytes[..];
        let reply = reply(&mut rest)?;
        if reply.is_some() {
            let used = bytes.len() - rest.len();
            bytes.advance(used);
        }
        Ok(reply)
    }
}

impl Encoder<Command> for Resp {
    type Error = io::Error;

    fn encode(&mut self, Command(words): Command, bytes: &mut BytesMut) -> io::Result<()> {
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        Ok(())
    }
}

/// Takes one reply off the front, if it is there as a whole.
fn reply(bytes: &mut &[u8]) -> io::Result<Option<Reply>> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| malformed())?;
    let (kind, word) = line.split_at_checked(1).ok_or_else(malformed)?;
    let number = || word.parse::<i64>().map_err(|_| malformed());
    *bytes = &bytes[end + 2..];
    Ok(match kind {
        "+" => Some(Reply::Simple(word.to_owned())),
        "-" => Some(Reply::Error(word.to_owned())),
        ":" => Some(Reply::Integer(number()?)),
        "$" => match usize::try_from(number()?) {
            Err(_) => Some(Reply::Bulk(None)),
            Ok(length) if bytes.len() < length + 2 => None,
            Ok(length) => {
                let content = Bytes::copy_from_slice(&bytes[..length]);
                *bytes = &bytes[length + 2..];
                Some(Reply::Bulk(Some(content)))
            }
        },
        "*" => {
            let mut all = Vec::new();
            for _ in 0..number()? {
                let Some(next) = reply(bytes)? else { return Ok(None) };
                all.push(next);
            }
            Some(Reply::Array(all))
        }
        _ => return Err(malformed()),
    })
}
