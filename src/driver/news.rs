//! What the host says of the network.

use std::task::{Context, Poll};

use super::Driver;
use crate::NetworkStatus;
use crate::contain::{contain, drop_contained};
use crate::keeper::Input;
use crate::transport::Transport;

impl<T: Transport> Driver<T> {
    /// Passes on what the host calls the network that it is on at the start.
    pub(super) fn name_network(&mut self) {
        let Some(watch) = &mut self.network else { return };
        match contain(|| watch.key()) {
            Ok(Some(name)) => {
                let now = self.now();
                self.keeper.handle(Input::NetworkNamed { network: &name }, now);
            }
            Ok(None) => {}
            Err(_) => {
                self.count_panic();
                drop_contained(self.network.take());
            }
        }
    }

    /// Passes on what the host says of the network.
    pub(super) fn take_news(&mut self, cx: &mut Context<'_>) {
        /// Changes in one turn.
        const TURN: usize = 16;
        for _ in 0..TURN {
            let Some(watch) = &mut self.network else { return };
            match contain(|| watch.poll_change(cx)) {
                Ok(Poll::Ready(change)) => {
                    let now = self.now();
                    if let Some(name) = change.key.filter(|_| change.status != NetworkStatus::Offline) {
                        self.keeper.handle(Input::NetworkNamed { network: &name }, now);
                        self.execute();
                    }
                    self.keeper.handle(Input::Network(change.status), now);
                    self.execute();
                }
                Ok(Poll::Pending) => return,
                Err(_) => self.lose_network(),
            }
        }
        self.again = true;
    }

    /// The source of news broke. Nobody will say any more that the network is
    /// back, so nobody may go on believing that it is gone.
    pub(super) fn lose_network(&mut self) {
        self.count_panic();
        drop_contained(self.network.take());
        let now = self.now();
        self.keeper.handle(Input::Network(NetworkStatus::Changed), now);
        self.execute();
    }
}
