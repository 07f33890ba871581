//! Every transport of this crate on the test bench: `testing::conformance`
//! against servers that are not this crate's code.

#[path = "../support/authority.rs"]
mod authority;
mod broken;
mod complete;
mod door;
mod in_memory;
mod streams;
mod web_sockets;

/// One test of each case for one bench.
macro_rules! suite {
    ($name:ident, $bench:expr) => {
        mod $name {
            longlink::testing::conformance::tests!($bench);
        }
    };
}

suite!(memory, crate::in_memory::InMemory::new());
suite!(websocket, crate::web_sockets::WebSockets::plain().await);
suite!(websocket_over_tls, crate::web_sockets::WebSockets::secure().await);
suite!(tcp, crate::streams::tcp().await);
suite!(tcp_with_tls, crate::streams::tls().await);
#[cfg(unix)]
suite!(unix, crate::streams::unix().await);
