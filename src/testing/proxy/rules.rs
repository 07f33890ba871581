//! The state of a proxy: rules, orders and counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::socket::{FrontAddress, FrontListener, ServerAddress};
use super::{Cut, Newcomers};
use crate::testing::Direction;

/// The state that the proxy, its acceptor and its connections share.
#[derive(Debug)]
pub(super) struct SharedProxy {
    pub(super) place: FrontAddress,
    state: Mutex<ProxyState>,
}

pub(super) struct ProxyState {
    pub(super) server: ServerAddress,
    /// `None` while newcomers are refused.
    pub(super) listener: Option<FrontListener>,
    pub(super) newcomers: Newcomers,
    pub(super) acceptor: Option<Waker>,
    pub(super) accepted: u64,
    pub(super) to_client: DirectionRules,
    pub(super) to_server: DirectionRules,
    pub(super) flows: BTreeMap<u64, ConnectionOrders>,
}

/// The rules for one direction of all connections.
#[derive(Debug, Default)]
pub(super) struct DirectionRules {
    pub(super) holed: bool,
    pub(super) stalled: bool,
    pub(super) latency: Duration,
    /// Bytes handed on so far.
    pub(super) passed: u64,
    /// The bytes that still pass before a cut.
    pub(super) cut: Option<(u64, Cut)>,
    /// The bytes that still pass before a bit is flipped.
    pub(super) flip: Option<u64>,
}

/// Orders to one connection, for its next poll.
#[derive(Debug, Default)]
pub(super) struct ConnectionOrders {
    pub(super) finish_to_client: bool,
    pub(super) finish_to_server: bool,
    pub(super) reset_client: bool,
    pub(super) reset_server: bool,
    pub(super) waker: Option<Waker>,
}

impl SharedProxy {
    pub(super) fn new(place: FrontAddress, server: ServerAddress, listener: FrontListener) -> SharedProxy {
        let state = ProxyState {
            server,
            listener: Some(listener),
            newcomers: Newcomers::Connected,
            acceptor: None,
            accepted: 0,
            to_client: DirectionRules::default(),
            to_server: DirectionRules::default(),
            flows: BTreeMap::new(),
        };
        SharedProxy { place, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ProxyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the acceptor and all connections.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut ProxyState) -> R) -> R {
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

impl ProxyState {
    pub(super) fn shape(&mut self, direction: Direction, change: impl Fn(&mut DirectionRules)) {
        if direction.includes(Direction::ToClient) {
            change(&mut self.to_client);
        }
        if direction.includes(Direction::ToServer) {
            change(&mut self.to_server);
        }
    }

    pub(super) fn order(&mut self, order: impl Fn(&mut ConnectionOrders)) {
        self.flows.values_mut().for_each(order);
    }
}

impl DirectionRules {
    /// Returns how many of these bytes may be written now. Flips the bit that is
    /// due among them.
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

impl fmt::Debug for ProxyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyState")
            .field("server", &self.server)
            .field("newcomers", &self.newcomers)
            .field("open", &self.flows.len())
            .field("to_client", &self.to_client)
            .field("to_server", &self.to_server)
            .finish_non_exhaustive()
    }
}
