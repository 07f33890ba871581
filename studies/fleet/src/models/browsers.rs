//! Clients that live in browsers, or come from there.

use std::time::Duration;

use super::{Model, Waits, between, secs};
use crate::chance::Chance;

/// socket.io 4, `socket.io-client/lib/manager.ts` and `contrib/backo2.ts`:
/// `reconnectionDelay` 1000 ms, doubling, ±`randomizationFactor` 0.5, and only
/// then cut to `reconnectionDelayMax` 5000 ms, which takes the jitter away
/// where the draw lies above; `timeout` 20 s. It closes its link when the
/// browser says offline (`engine.io-client/lib/socket.ts`), and does not listen
/// for online.
pub const SOCKET_IO: Model = Model {
    name: "socket.io",
    delay: |waits, chance| {
        let step = 2f64.powi(waits.number.min(30) as i32 - 1);
        let draw = chance.unit();
        // One draw tells both how far and to which side.
        let side = if ((draw * 10.0) as u32).is_multiple_of(2) { -1.0 } else { 1.0 };
        secs((step + side * draw * 0.5 * step).min(5.0))
    },
    patience: Some(Duration::from_secs(20)),
    hears_online: false,
};

/// Phoenix 1.8, `assets/js/phoenix/socket.js`, `reconnectAfterMs`: a table that
/// ends with 5000 ms, without jitter. A browser's WebSocket has no deadline.
pub const PHOENIX: Model = Model {
    name: "phoenix",
    delay: |waits, _| {
        const TABLE: [u64; 9] = [10, 50, 100, 150, 200, 250, 500, 1000, 2000];
        let at = waits.number as usize - 1;
        Some(Duration::from_millis(TABLE.get(at).copied().unwrap_or(5000)))
    },
    patience: None,
    hears_online: false,
};

/// SignalR's JavaScript client,
/// `signalr/src/DefaultReconnectPolicy.ts`: 0, 2, 10 and 30 s, then it gives
/// up. The request that opens a connection may take 100 s.
pub const SIGNALR: Model = Model {
    name: "signalr",
    delay: |waits, _| [0, 2, 10, 30].get(waits.number as usize - 1).copied().map(Duration::from_secs),
    patience: Some(Duration::from_secs(100)),
    hears_online: false,
};

/// ably-js 2, `connectionmanager.ts`, `utils.ts` and `defaults.ts`: at once
/// after a link that was up; then `disconnectedRetryTimeout` 15 s times
/// min((n + 2) / 3, 2), made up to a fifth shorter; after `connectionStateTtl`
/// 120 s every `suspendedRetryTimeout` 30 s; `webSocketConnectTimeout` 10 s. It
/// dials at once when the browser says online. Its other hosts, tried after a
/// failure, are left out: here they are as gone as the first.
pub const ABLY: Model = Model {
    name: "ably",
    delay: |waits, chance| {
        if waits.number == 1 {
            waits.kept = 0.0;
            return secs(0.0);
        }
        if waits.kept >= 120.0 {
            return secs(30.0);
        }
        let step = 15.0 * ((f64::from(waits.number) + 2.0) / 3.0).min(2.0);
        let delay = step * between(0.8, 1.0, chance);
        waits.kept += delay as f32;
        secs(delay)
    },
    patience: Some(Duration::from_secs(10)),
    hears_online: true,
};

/// centrifuge-js 5, `centrifuge.ts` and `utils.ts`: `minReconnectDelay` 500 ms
/// and a draw from zero to 500 ms · 2ⁿ, at most `maxReconnectDelay` 20 s, which
/// loses a little of the jitter; `timeout` 5 s. It dials at once when the
/// browser says online.
pub const CENTRIFUGE: Model = Model {
    name: "centrifuge",
    delay: |waits, chance| {
        let step = (0.5 * 2f64.powi(waits.number.min(30) as i32 - 1)).min(20.0);
        secs((0.5 + between(0.0, step, chance)).min(20.0))
    },
    patience: Some(Duration::from_secs(5)),
    hears_online: true,
};

/// partysocket 1 and reconnecting-websocket 4, `ws.ts`: a
/// `minReconnectionDelay` of 1 to 5 s, drawn once for each page, times 1.3 for
/// each failure, at most `maxReconnectionDelay` 10 s, without other jitter;
/// `connectionTimeout` 4 s.
pub const PARTYSOCKET: Model = Model {
    name: "partysocket",
    delay: partysocket,
    patience: Some(Duration::from_secs(4)),
    hears_online: false,
};

fn partysocket(waits: &mut Waits, chance: &mut Chance) -> Option<Duration> {
    if waits.kept == 0.0 {
        waits.kept = between(1.0, 5.0, chance) as f32;
    }
    let grown = f64::from(waits.kept) * 1.3f64.powi(waits.number.min(30) as i32 - 1);
    secs(grown.min(10.0))
}
