//! The host's news of the network.

use std::task::{Context, Poll};

use super::Driver;
use crate::NetworkStatus;
use crate::contain::{contain, drop_contained};
use crate::keeper::Input;
use crate::transport::Transport;

impl<T: Transport> Driver<T> {
    /// Tells the keeper the name of the network at the start.
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

    /// Tells the keeper the news of the network.
    pub(super) fn take_news(&mut self, cx: &mut Context<'_>) {
        /// The most changes that one turn takes.
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

    /// The source of news broke. No report will say that the network is back, so
    /// the keeper must not go on believing that the network is gone.
    pub(super) fn lose_network(&mut self) {
        self.count_panic();
        drop_contained(self.network.take());
        let now = self.now();
        self.keeper.handle(Input::Network(NetworkStatus::Changed), now);
        self.execute();
    }
}
