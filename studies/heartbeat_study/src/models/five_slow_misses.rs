//! Five misses a full interval apart: patient, and slow to notice.
//!
//! libvirt's keepalive gives a peer up after `keepalive_count` 5 messages in
//! vain, each a full `keepalive_interval` after the last, so six intervals
//! after the last byte; any byte clears them.
//! <https://github.com/libvirt/libvirt/blob/master/src/rpc/virkeepalive.c>
//! Its interval is 5 s. The interval here is 285 s, which engineers of WeChat
//! have watched in WhatsApp where Google's push service is not to be had.
//! <https://www.besthub.dev/articles/how-we-optimized-wechat-s-heartbeat-to-cut-power-and-bandwidth-usage-c5b79497421c>

use std::time::Duration;

use super::{Due, Policy, secs};
use crate::world::client::End;

const INTERVAL: u64 = 285;
const MISSES: u32 = 5;

#[derive(Default)]
pub struct FiveSlowMisses {
    next: Duration,
    /// Beats since the last byte.
    unanswered: u32,
}

impl Policy for FiveSlowMisses {
    fn connected(&mut self, now: Duration) {
        self.heard(now);
    }

    fn answered(&mut self, now: Duration) {
        self.heard(now);
    }

    fn heard(&mut self, now: Duration) {
        self.unanswered = 0;
        self.next = now + secs(INTERVAL);
    }

    fn due(&mut self, now: Duration) -> Due {
        if self.unanswered == MISSES {
            return Due::Dead;
        }
        self.unanswered += 1;
        self.next = now + secs(INTERVAL);
        Due::Beat
    }

    fn ended(&mut self, _end: End) {}

    fn next(&self) -> Duration {
        self.next
    }

    fn interval(&self) -> Duration {
        secs(INTERVAL)
    }
}
