//! A fixed interval, as most clients have it.
//!
//! 30 s: Phoenix's JavaScript client (`heartbeatIntervalMs` 30000), whose next
//! heartbeat goes out so long after the last answer and whose link is torn
//! down when an answer is not there within `heartbeatTimeoutMs`, the same
//! time. Messages change nothing.
//! <https://github.com/phoenixframework/phoenix/blob/main/assets/js/phoenix/socket.js>
//!
//! 60 s: Eclipse Paho's Java client for MQTT (`KEEP_ALIVE_INTERVAL_DEFAULT`
//! 60), which pings when it has sent nothing for so long, whatever came in, and
//! gives up when nothing at all came in for as long again.
//! <https://github.com/eclipse/paho.mqtt.java/blob/master/org.eclipse.paho.client.mqttv3/src/main/java/org/eclipse/paho/client/mqttv3/internal/ClientState.java>

use std::time::Duration;

use super::{Due, Policy, secs};
use crate::world::client::End;

/// The effect of a message that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Messages {
    /// Nothing.
    Ignored,
    /// It shows life, as an answer does.
    Counted,
}

pub struct Every {
    interval: Duration,
    messages: Messages,
    next: Duration,
    asking: bool,
}

impl Every {
    pub fn thirty_seconds() -> Every {
        Every { interval: secs(30), messages: Messages::Ignored, next: Duration::ZERO, asking: false }
    }

    pub fn sixty_seconds() -> Every {
        Every { interval: secs(60), messages: Messages::Counted, next: Duration::ZERO, asking: false }
    }
}

impl Policy for Every {
    fn connected(&mut self, now: Duration) {
        self.answered(now);
    }

    fn answered(&mut self, now: Duration) {
        self.asking = false;
        self.next = now + self.interval;
    }

    fn heard(&mut self, _now: Duration) {
        match self.messages {
            Messages::Ignored => {}
            Messages::Counted => self.asking = false,
        }
    }

    fn due(&mut self, now: Duration) -> Due {
        if self.asking {
            return Due::Dead;
        }
        self.asking = true;
        self.next = now + self.interval;
        Due::Beat
    }

    fn ended(&mut self, _end: End) {}

    fn next(&self) -> Duration {
        self.next
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}
