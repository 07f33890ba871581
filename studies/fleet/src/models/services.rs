//! Clients of message brokers, of RPC and of devices, and what one writes
//! oneself.

use std::time::Duration;

use super::{Model, between, secs};

/// nats.go 1, `nats.go`, one server URL: `DefaultReconnectWait` 2 s and a draw
/// of up to `DefaultReconnectJitterTLS` 1 s, `DefaultMaxReconnect` 60 times;
/// `DefaultTimeout` 2 s.
pub const NATS: Model = Model {
    name: "nats",
    delay: |waits, chance| if waits.number > 60 { None } else { secs(between(2.0, 3.0, chance)) },
    patience: Some(Duration::from_secs(2)),
    hears_online: false,
};

/// gRPC, `doc/connection-backoff.md`, as in grpc-go's
/// `internal/backoff/backoff.go`: 1 s, then ×1.6 up to 120 s, ±0.2;
/// `MIN_CONNECT_TIMEOUT` 20 s. A channel whose connection was lost is idle, and
/// the application's next call opens it at once.
pub const GRPC: Model = Model {
    name: "grpc",
    delay: |waits, chance| match waits.number {
        1 => secs(0.0),
        2 => secs(1.0),
        number => {
            let step = 1.6f64.powi(number.min(30) as i32 - 2).min(120.0);
            secs(step * between(0.8, 1.2, chance))
        }
    },
    patience: Some(Duration::from_secs(20)),
    hears_online: false,
};

/// AWS IoT device SDKs for MQTT 5, aws-c-mqtt `source/v5/mqtt5_client.c` and
/// `mqtt5_utils.h`: full jitter from zero to 1 s · 2ⁿ, and only then cut to
/// 120 s, where the draw lies above; 20 s for an answer to CONNECT.
pub const AWS_IOT: Model = Model {
    name: "aws-iot",
    delay: |waits, chance| {
        let step = 2f64.powi(waits.number.min(30) as i32 - 1);
        secs(between(0.0, step, chance).min(120.0))
    },
    patience: Some(Duration::from_secs(20)),
    hears_online: false,
};

/// Decorrelated jitter, AWS Architecture Blog, "Exponential Backoff And
/// Jitter": the last wait times three bounds the next draw; from 1 s, at most
/// 120 s as in [`AWS_IOT`].
pub const AWS_DECORRELATED: Model = Model {
    name: "aws-decorrelated",
    delay: |waits, chance| {
        let last = if waits.number == 1 { 1.0 } else { f64::from(waits.kept) };
        let delay = between(1.0, 3.0 * last, chance).min(120.0);
        waits.kept = delay as f32;
        secs(delay)
    },
    patience: Some(Duration::from_secs(20)),
    hears_online: false,
};

/// A loop with a sleep of five seconds.
pub const FIXED: Model =
    Model { name: "fixed-5s", delay: |_, _| secs(5.0), patience: None, hears_online: false };

/// The same, in an application that listens for online by itself and dials at
/// once; it stands for all schedules that do not listen.
pub const FIXED_TOLD: Model = Model { name: "fixed-5s-told", hears_online: true, ..FIXED };
