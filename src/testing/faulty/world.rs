//! The whole network under one lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::flow::Flow;
use super::path::OneWayPath;
use super::rules::{Respond, Rules};
use crate::testing::Direction;

pub(super) struct Net<In, Out> {
    world: Mutex<World<In, Out>>,
    /// Notified when a link opens.
    pub(super) opened: Notify,
}

impl<In, Out> Net<In, Out> {
    pub(super) fn new(world: World<In, Out>) -> Net<In, Out> {
        Net { world: Mutex::new(world), opened: Notify::new() }
    }

    /// Brings the network up to the present, changes it, and wakes all tasks that
    /// wait for it.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut World<In, Out>, Instant) -> R) -> R {
        let now = Instant::now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(now);
        let result = change(&mut world, now);
        world.advance(now);
        let wakers: Vec<Waker> = world.flows.values_mut().flat_map(|flow| flow.wakers.drain(..)).collect();
        drop(world);
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// As [`with`](Net::with), for one flow.
    pub(super) fn touch<R>(
        &self,
        id: u64,
        change: impl FnOnce(&mut Flow<In, Out>, &mut Rules<In, Out>, Instant) -> R,
    ) -> R {
        let (result, wakers) = self.look(id, |flow, rules, now| {
            let result = change(flow, rules, now);
            flow.advance(rules, now);
            (result, std::mem::take(&mut flow.wakers))
        });
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Brings one flow up to the present and looks at it. Wakes no task.
    pub(super) fn look<R>(
        &self,
        id: u64,
        look: impl FnOnce(&mut Flow<In, Out>, &mut Rules<In, Out>, Instant) -> R,
    ) -> R {
        let now = Instant::now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let World { rules, flows, .. } = &mut *world;
        let flow = flows.get_mut(&id).expect("a flow stays until both its ends are gone");
        flow.advance(rules, now);
        look(flow, rules, now)
    }
}

pub(super) struct World<In, Out> {
    pub(super) rules: Rules<In, Out>,
    pub(super) flows: BTreeMap<u64, Flow<In, Out>>,
    /// Open links that the test has not yet accepted.
    backlog: VecDeque<u64>,
    opened: u64,
}

impl<In, Out> World<In, Out> {
    pub(super) fn new(seed: u64, respond: Option<Respond<In, Out>>) -> World<In, Out> {
        World {
            rules: Rules::new(seed, respond),
            flows: BTreeMap::new(),
            backlog: VecDeque::new(),
            opened: 0,
        }
    }

    pub(super) fn open(&mut self, now: Instant) -> u64 {
        self.opened += 1;
        let by_itself = self.rules.respond.is_some();
        self.flows.insert(self.opened, Flow::new(self.opened, by_itself, now));
        self.backlog.push_back(self.opened);
        self.opened
    }

    pub(super) fn accept(&mut self) -> Option<u64> {
        let id = self.backlog.pop_front()?;
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.server_gone = false;
        }
        Some(id)
    }

    pub(super) fn shape(&mut self, direction: Direction, change: impl Fn(&mut OneWayPath)) {
        if direction.includes(Direction::ToClient) {
            change(&mut self.rules.to_client);
        }
        if direction.includes(Direction::ToServer) {
            change(&mut self.rules.to_server);
        }
    }

    /// Lets the packets that a stall held arrive now.
    pub(super) fn release(&mut self, now: Instant) {
        for flow in self.flows.values_mut() {
            if !self.rules.stalled(Direction::ToClient) && !flow.to_client.faults.stalled {
                flow.to_client.release(now);
            }
            if !self.rules.stalled(Direction::ToServer) && !flow.to_server.faults.stalled {
                flow.to_server.release(now);
            }
        }
    }

    pub(super) fn open_links(&self) -> usize {
        self.flows.values().filter(|flow| !flow.client_gone).count()
    }

    fn advance(&mut self, now: Instant) {
        for flow in self.flows.values_mut() {
            flow.advance(&mut self.rules, now);
        }
        self.flows.retain(|_, flow| !flow.is_done());
        self.backlog.retain(|id| self.flows.contains_key(id));
    }
}
