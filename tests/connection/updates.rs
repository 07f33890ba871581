//! Settings that change while a connection lives.

use std::sync::mpsc;
use std::time::Duration;

use crate::support::connected;
use longlink::{Reconnect, Sender, State, Update};

/// Something of the application's that uses the connection when it goes.
struct UsesIt(Sender<String>);

impl Drop for UsesIt {
    fn drop(&mut self) {
        let _ = self.0.try_send("a policy goes".to_owned());
    }
}

/// Runs `test` on a thread of its own: what hangs is a failure.
fn must_end<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test());
        let _ = done.send(());
    });
    assert!(ended.recv_timeout(Duration::from_secs(10)).is_ok(), "it hangs, or has failed");
}

#[test]
fn a_replaced_policy_may_use_the_connection_when_it_is_dropped() {
    must_end(|| async {
        let (connection, _script, _peer) = connected().await;
        for _ in 0..2 {
            let guard = UsesIt(connection.sender());
            let policy = Reconnect::default().classify(move |_, usual| {
                let _ = &guard;
                usual
            });
            // The driver has no turn between the two.
            connection.update(Update::new().reconnect(policy)).unwrap();
        }
        connection.drain().await.unwrap();
        assert_eq!(connection.stats().messages_sent, 1, "the first policy's last words");
    });
}

#[test]
fn who_waits_for_a_state_may_hold_up_the_question() {
    must_end(|| async {
        let (connection, _script, _peer) = connected().await;
        let mut watch = connection.watch();
        let (asks, asked) = mpsc::channel();
        let (shown, is_shown) = mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(watch.wait_for(|state| {
                let _ = asks.send(());
                // The driver's other work does not wait for the answer.
                state == State::Paused || is_shown.recv_timeout(Duration::from_secs(20)).is_err()
            }))
        });
        asked.recv().unwrap();
        connection.pause();
        let mut watch = connection.watch();
        watch.wait_for(|state| state == State::Paused).await.unwrap();
        shown.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), Some(State::Paused));
    });
}
