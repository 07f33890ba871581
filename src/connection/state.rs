//! Waiting for a state.

use tokio::sync::watch;

use crate::State;

/// The state of a connection, to be read and waited on. Clones watch
/// independently. A watch does not keep the connection alive.
#[derive(Clone, Debug)]
pub struct StateWatch {
    state: watch::Receiver<State>,
}

impl StateWatch {
    pub(crate) fn new(state: watch::Receiver<State>) -> StateWatch {
        StateWatch { state }
    }

    /// The present state.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Waits until the state is another than at the last call, and returns
    /// it; states in between may be skipped. `None` once the connection is
    /// over and its last state was returned.
    ///
    /// Cancel safe: a change that was not returned is returned by the next
    /// call.
    pub async fn changed(&mut self) -> Option<State> {
        let seen = *self.state.borrow();
        // Once the connection is gone, the channel tells so by itself, after the
        // last state.
        if is_final(seen) && matches!(self.state.has_changed(), Ok(false)) {
            return None;
        }
        self.state.changed().await.ok()?;
        Some(*self.state.borrow_and_update())
    }

    /// Waits until `wanted` accepts the state, and returns it. `None` if the
    /// connection is over and its last state is not wanted.
    ///
    /// Cancel safe.
    pub async fn wait_for(&mut self, mut wanted: impl FnMut(State) -> bool) -> Option<State> {
        loop {
            // The channel's lock is not held here, since the driver waits for it:
            // `wanted` may take its time, or ask the connection for something.
            let state = *self.state.borrow_and_update();
            if wanted(state) {
                return Some(state);
            }
            if is_final(state) {
                return None;
            }
            self.state.changed().await.ok()?;
        }
    }
}

fn is_final(state: State) -> bool {
    match state {
        State::Closed | State::GaveUp => true,
        State::Connecting { .. }
        | State::Connected { .. }
        | State::Waiting { .. }
        | State::Paused
        | State::Closing => false,
    }
}
