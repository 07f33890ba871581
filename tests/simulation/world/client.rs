//! A client of the world, whatever decides in it.

use std::time::Duration;

use longlink::KeeperStats;

/// Names a link for ever, as its client chose: no two of a client are alike.
pub type Link = u64;

/// How a link ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Fin,
    Rst,
}

/// A wish of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a link; `opened` or `open_failed` says what came of it, or
    /// nothing does.
    Open(Link),
    /// This opened link is the user's from now on.
    Use(Link),
    /// Send a beat; `answered` comes back with the token.
    Beat(Link, u64),
    /// Say goodbye; `ended` follows.
    Retire(Link),
    /// Drop a link, or an attempt, without a word.
    Abandon(Link),
    /// The user's link is gone, noticed in this way.
    Lost(&'static str),
    /// Says that the idle timeout shrank.
    Shrank,
    /// It is over.
    Finish,
}

/// Decides, and waits for nothing: it is told what happened, asked what to do
/// and when to be called again. After each call but the last three, and after
/// `start`, its acts are drained.
pub trait Client {
    fn start(&mut self, now: Duration);
    /// A link is there: `dial` is how long the path took, `took` all of it.
    fn opened(&mut self, link: Link, dial: Duration, took: Duration, now: Duration);
    /// Refused.
    fn open_failed(&mut self, link: Link, now: Duration);
    fn answered(&mut self, link: Link, token: u64, now: Duration);
    /// A message came in.
    fn heard(&mut self, link: Link, now: Duration);
    fn ended(&mut self, link: Link, end: End, now: Duration);
    fn timeout(&mut self, now: Duration);

    fn poll_act(&mut self) -> Option<Act>;
    fn poll_timeout(&self) -> Option<Duration>;
    /// The interval in use, before jitter.
    fn interval(&self, now: Duration) -> Duration;

    /// The client's own counts.
    fn stats(&self, now: Duration) -> KeeperStats {
        let mut stats = KeeperStats::default();
        stats.interval = self.interval(now);
        stats
    }
}
