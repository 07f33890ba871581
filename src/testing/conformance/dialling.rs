//! Attempts that fail.

use std::sync::Arc;
use std::time::Duration;

use super::beats::talk_again;
use super::tools::{builder, echo, needs, open, quick};
use super::verdict::Verdict;
use super::{Bench, Fault};
use crate::transport::{Attempt, Transport};
use crate::{Event, Reconnect};

/// Where nobody listens, the attempt returns an error. The next attempt works.
pub(super) async fn a_refused_attempt_is_an_error<B: Bench>(bench: Arc<B>) -> Verdict {
    needs(bench.make(Fault::Refused), "attempts cannot be refused here")?;
    let refused = bench.transport().connect(&Attempt::standalone(1, None)).await;
    assert!(refused.is_err(), "nobody listens, and a link opens");
    bench.restore();
    open(&bench).await;
    Ok(())
}

/// A server that accepts and says nothing holds an attempt at most until its
/// deadline. Where a link opens without a word of the server, the beats show
/// that the server is silent.
pub(super) async fn a_silent_server_does_not_hold_an_attempt<B: Bench>(bench: Arc<B>) -> Verdict {
    const DEADLINE: Duration = Duration::from_millis(200);
    needs(bench.make(Fault::Unanswered), "no server is silent here")?;
    let _server = echo(&bench);
    let mut connection = builder(&bench)
        .reconnect(Reconnect::default().scaled(0.01).attempt_deadline(DEADLINE))
        .heartbeat(quick())
        .build()
        .expect("the settings work");
    let mut events = connection.events();
    let mut over = false;
    while !over {
        let event = events.recv().await.expect("the connection goes on");
        over = matches!(event, Event::AttemptFailed { .. } | Event::Disconnected { .. });
    }
    bench.restore();
    talk_again(&bench, &mut connection, &mut events).await;
    Ok(())
}
