//! One link, from the server's side.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::wire::Wire;
use super::{PUSH, Shared};
use crate::fault::Blow;

/// Serves a link until it ends or is struck.
pub(super) async fn serve(
    stream: TcpStream,
    number: u64,
    mut blows: watch::Receiver<Option<Blow>>,
    shared: Arc<Shared>,
) {
    // Pushes are small and must not wait for each other.
    let Ok(mut wire) = Wire::accept(stream, shared.language).await else { return };
    shared.served.fetch_add(1, Ordering::Relaxed);
    let mut push = interval(PUSH);
    push.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next = 0_u64;
    loop {
        tokio::select! {
            _ = push.tick() => {
                if wire.say(format!("[{number},{next}]")).await.is_err() {
                    return;
                }
                next += 1;
            }
            heard = wire.hear() => match heard {
                Some(messages) => {
                    shared.heard.fetch_add(messages, Ordering::Relaxed);
                }
                None => return,
            },
            Ok(()) = blows.changed() => break,
        }
    }
    let blow = *blows.borrow();
    let blow = blow.expect("only `strike` writes here, and it writes a blow");
    shared.struck.send_replace(Some(Instant::now()));
    wire.suffer(blow).await;
}
