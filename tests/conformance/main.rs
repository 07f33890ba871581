//! Every transport of this crate on the test bench of `testing::conformance`.

#[path = "../support/authority.rs"]
mod authority;
mod broken;
mod door;
mod in_memory;
mod streams;
mod web_sockets;

/// One test of each case for one bench, and the cases that do not apply to it.
/// A case that does not apply for want of a fault then fails.
macro_rules! suite {
    ($name:ident, $bench:expr, not_applicable: [$($case:ident),*]) => {
        mod $name {
            longlink::testing::conformance::tests!($bench, not_applicable: [$($case),*]);
        }
    };
}

// Messages have no middle and no limit, and nothing is encrypted.
suite!(
    memory,
    crate::in_memory::InMemory::new(),
    not_applicable: [
        a_message_cut_by_a_fin_is_dropped,
        a_message_cut_by_a_reset_is_dropped,
        an_alert_of_ours_ends_the_link,
        an_alert_of_the_server_s_ends_the_link,
        the_longest_message_passes,
        a_longer_message_is_refused,
        a_longer_message_of_the_server_ends_the_link
    ]
);
suite!(
    websocket,
    crate::web_sockets::WebSockets::plain().await,
    not_applicable: [an_alert_of_ours_ends_the_link, an_alert_of_the_server_s_ends_the_link]
);
suite!(websocket_over_tls, crate::web_sockets::WebSockets::secure().await, not_applicable: []);
suite!(
    tcp,
    crate::streams::tcp().await,
    not_applicable: [an_alert_of_ours_ends_the_link, an_alert_of_the_server_s_ends_the_link]
);
suite!(tcp_with_tls, crate::streams::tls().await, not_applicable: []);
// Unix sockets know no RST.
#[cfg(unix)]
suite!(
    unix,
    crate::streams::unix().await,
    not_applicable: [
        a_reset_ends_the_link,
        a_message_cut_by_a_reset_is_dropped,
        an_alert_of_ours_ends_the_link,
        an_alert_of_the_server_s_ends_the_link
    ]
);
