//! Every public future may be dropped at any point, as its documentation
//! says: each is polled n times and dropped, for every n that it takes.

/// Calls `try_with` with 0, 1, 2 ... polls until the future ends by itself.
macro_rules! for_every_poll {
    (|$times:ident| $body:expr) => {
        let mut finished = false;
        for $times in 0..64 {
            if crate::support::in_time(async { $body }).await {
                finished = true;
                break;
            }
        }
        assert!(finished, "the future never ended");
    };
}

mod beginning_and_end;
mod login;
mod other_end;
mod receiving;
mod sending;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::support::{Connection, Peer, builder, in_time, millis, settle};
use longlink::testing::{Answers, Script, ScriptedAttempt};

/// Polls `future` up to `times`, letting everything else go on after each,
/// and drops it. Returns its output if it came to that.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        settle().await;
        tokio::time::sleep(millis(10)).await;
    }
    None
}

/// The result of a future before it was dropped, or the result of the next one.
async fn or_again<T>(early: Option<T>, again: impl Future<Output = T>) -> T {
    match early {
        Some(output) => output,
        None => in_time(again).await,
    }
}

async fn small() -> (Connection, Script<String>, Peer) {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(25)))]);
    let connection = builder(&script).outbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    (connection, script, peer)
}
