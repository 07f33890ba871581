//! The application's commands to the connection.

use std::task::Context;

use super::Driver;
use super::send_queue::Commands;
use crate::keeper::Input;
use crate::transport::Transport;

/// Messages that one turn takes from the outbox.
const BATCH: usize = 256;

impl<T: Transport> Driver<T> {
    /// Takes the application's commands, and a batch of its messages if there
    /// is a link to write them to. Returns whether more messages wait.
    pub(super) fn take_commands(&mut self, cx: &mut Context<'_>) -> (Commands, bool) {
        let writes = self.links.in_use().filter(|live| live.broken.is_none()).map(|live| live.id);
        let waker = cx.waker();
        self.with_outbox(|state, flights| {
            if let Some(link) = writes
                && flights.is_idle(link)
            {
                flights.take(link, BATCH, &mut state.outbox);
            }
            match &mut state.driver {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            // A message wakes the driver only if it can be written at once: there
            // is a link, and no message waits before it. Messages that wait behind
            // others are written when those have departed.
            state.wants_messages = writes.is_some() && state.outbox.is_empty();
            let more = writes.is_some() && !state.outbox.is_empty();
            (std::mem::take(&mut state.commands), more)
        })
    }

    pub(super) fn obey(&mut self, commands: Commands) {
        if commands.close {
            self.begin_closing();
        }
        if self.closing.is_some() {
            // The connection closes: no other command matters any more.
            return;
        }
        if let Some(activity) = commands.activity {
            let now = self.now();
            self.keeper.handle(Input::Activity(activity), now);
            self.execute();
        }
        if let Some(update) = commands.update {
            let now = self.now();
            let config = update.applied_to(self.keeper.config());
            self.keeper.handle(Input::Update(Box::new(config)), now);
            self.execute();
        }
        match commands.pause {
            Some(true) => {
                let now = self.now();
                self.keeper.handle(Input::Pause, now);
                self.execute();
            }
            Some(false) => {
                let now = self.now();
                self.keeper.handle(Input::Resume, now);
                self.execute();
            }
            None => {}
        }
        if commands.reconnect {
            let now = self.now();
            self.keeper.handle(Input::Reconnect, now);
            self.execute();
        }
        if commands.replace {
            let now = self.now();
            self.keeper.handle(Input::Replace, now);
            self.execute();
        }
        if commands.probe {
            let now = self.now();
            self.keeper.handle(Input::Probe, now);
            self.execute();
        }
    }
}
