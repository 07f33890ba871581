//! The clients of a fleet.

use crate::chance::Chance;
use crate::service::Nanos;

/// A client that loses its link and comes back.
pub trait Client {
    /// Whether it has to have lived before it can lose anything: dialled and,
    /// for a while, beaten.
    const LIVES: bool;

    /// How long it waits for an attempt.
    fn patience(&self) -> Nanos;

    /// Something happened to it.
    fn handle(&mut self, what: What, chance: &mut Chance, now: Nanos) -> Wish;
}

/// An event of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It begins.
    Started,
    /// The time that it asked for has come.
    Due,
    /// Its attempt succeeded.
    Opened,
    /// Its attempt failed.
    Failed(Why),
    /// Its beat was answered.
    Answered,
    /// Its link ended.
    Lost(End),
    /// Its host says that the network is gone, or there.
    Offline,
    Online,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Refused,
    Reset,
    Unreachable,
    TimedOut,
}

/// How a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Fin,
    Rst,
    /// A WebSocket Close with this code.
    Close(u16),
    /// The host has lost the address that it went over.
    AddressGone,
    /// The system reports an error.
    Error,
}

/// A wish of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub act: Act,
    /// When it wants to be called next; never, if that is [`NEVER`].
    ///
    /// [`NEVER`]: crate::service::NEVER
    pub due: Nanos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Nothing,
    /// Begin an attempt; one that is under way is dropped.
    Dial,
    /// Drop the attempt that is under way.
    Drop,
    /// Send a beat.
    Beat,
}
