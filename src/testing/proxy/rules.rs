//! What a proxy does to its connections, and what it counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::socket::{Address, Listener, Place};
use super::{Cut, Newcomers};
use crate::testing::Direction;

/// What the proxy, its acceptor and its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) place: Place,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) server: Address,
    /// `None` while newcomers are refused.
    pub(super) listener: Option<Listener>,
    pub(super) newcomers: Newcomers,
    pub(super) acceptor: Option<Waker>,
    pub(super) accepted: u64,
    pub(super) to_client: Way,
    pub(super) to_server: Way,
    pub(super) flows: BTreeMap<u64, Orders>,
}

/// What holds for one way of all connections.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) holed: bool,
    pub(super) stalled: bool,
    pub(super) latency: Duration,
    /// Bytes handed on so far.
    pub(super) passed: u64,
    /// After how many more bytes what is to happen.
    pub(super) cut: Option<(u64, Cut)>,
    /// After how many more bytes a bit is flipped.
    pub(super) flip: Option<u64>,
}

/// What one connection is to do at once.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) finish_to_client: bool,
    pub(super) finish_to_server: bool,
    pub(super) reset_client: bool,
    pub(super) reset_server: bool,
    pub(super) waker: Option<Waker>,
}

impl Shared {
    pub(super) fn new(place: Place, server: Address, listener: Listener) -> Shared {
        let state = State {
            server,
            listener: Some(listener),
            newcomers: Newcomers::Connected,
            acceptor: None,
            accepted: 0,
            to_client: Way::default(),
            to_server: Way::default(),
            flows: BTreeMap::new(),
        };
        Shared { place, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the rules and has everybody look at them.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state();
        let result = change(&mut state);
        let mut wakers: Vec<Waker> =
            state.flows.values_mut().filter_map(|orders| orders.waker.take()).collect();
        wakers.extend(state.acceptor.take());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

impl State {
    pub(super) fn shape(&mut self, direction: Direction, change: impl Fn(&mut Way)) {
        if direction.includes(Direction::ToClient) {
            change(&mut self.to_client);
        }
        if direction.includes(Direction::ToServer) {
            change(&mut self.to_server);
        }
    }

    pub(super) fn order(&mut self, order: impl Fn(&mut Orders)) {
        self.flows.values_mut().for_each(order);
    }
}

impl Way {
    /// How many of these bytes may be written now, and the flip that is due
    /// among them.
    pub(super) fn before_write(&mut self, bytes: &mut [u8]) -> Result<usize, Cut> {
        if let Some(at) = self.flip
            && let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at))
        {
            *byte ^= 1;
            self.flip = None;
        }
        match self.cut {
            Some((0, _)) => Err(self.take_cut()),
            Some((left, _)) => Ok(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))),
            None => Ok(bytes.len()),
        }
    }

    pub(super) fn written(&mut self, count: usize) -> Result<(), Cut> {
        let count = count as u64;
        self.passed += count;
        self.flip = self.flip.map(|at| at.saturating_sub(count));
        if let Some((left, _)) = &mut self.cut {
            *left = left.saturating_sub(count);
            if *left == 0 {
                return Err(self.take_cut());
            }
        }
        Ok(())
    }

    fn take_cut(&mut self) -> Cut {
        self.cut.take().map_or(Cut::Reset, |(_, cut)| cut)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("server", &self.server)
            .field("newcomers", &self.newcomers)
            .field("open", &self.flows.len())
            .field("to_client", &self.to_client)
            .field("to_server", &self.to_server)
            .finish_non_exhaustive()
    }
}
