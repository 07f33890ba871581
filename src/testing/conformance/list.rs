//! The list of cases. The names, the dispatch and the tests come from it.

/// Calls the macro `$then` with its arguments and all cases, by module.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ({ $($then:tt)+ } $args:tt) => {
        $($then)+! {
            $args
                order:
                    messages_keep_their_order_to_the_server,
                    messages_keep_their_order_from_the_server,
                    messages_cross_in_both_directions_at_once;
                pressure:
                    a_server_that_does_not_read_stops_the_writer,
                    a_dropped_flush_loses_nothing,
                    a_reader_that_does_not_read_stops_the_server,
                    beats_are_taken_while_messages_wait;
                goodbyes:
                    our_goodbye_comes_behind_all_messages,
                    the_server_s_goodbye_comes_behind_all_messages,
                    a_connection_says_goodbye_behind_all_messages,
                    a_connection_comes_back_after_the_server_s_goodbye,
                    a_dropped_link_ends_at_once;
                cuts:
                    a_fin_ends_the_link,
                    a_reset_ends_the_link,
                    a_half_close_ends_the_link,
                    a_message_cut_by_a_fin_is_dropped,
                    a_message_cut_by_a_reset_is_dropped,
                    an_alert_of_ours_ends_the_link,
                    an_alert_of_the_server_s_ends_the_link,
                    a_server_that_stops_is_reconnected_to;
                beats:
                    a_beat_is_small_and_is_answered,
                    a_ping_of_the_server_is_answered_with_the_next_flush,
                    a_connection_answers_the_server_s_pings_by_itself,
                    a_black_hole_to_the_server_is_noticed,
                    a_black_hole_from_the_server_is_noticed,
                    a_busy_writer_into_a_black_hole_is_declared_dead,
                    beats_of_an_idle_connection_are_answered;
                sizes:
                    the_longest_message_passes,
                    a_longer_message_is_refused,
                    a_longer_message_of_the_server_ends_the_link;
                epochs:
                    no_message_of_an_old_link_follows_one_of_a_newer,
                    messages_to_the_server_keep_their_order_across_links;
                dropping:
                    a_dropped_connect_leaves_nothing,
                    a_dropped_recv_loses_nothing,
                    a_dropped_wait_of_a_login_loses_nothing,
                    a_dropped_send_of_a_login_sends_once_or_not_at_all,
                    a_dropped_send_has_sent_nothing,
                    a_dropped_confirmed_send_has_sent_nothing,
                    a_dropped_wait_changes_nothing,
                    a_dropped_goodbye_goes_on,
                    a_dropped_close_goes_on,
                    a_dropped_connection_ends_everything;
                waking:
                    a_reader_is_woken_for_everything,
                    a_writer_is_woken_when_there_is_room;
                dialling:
                    a_refused_attempt_is_an_error,
                    a_silent_server_does_not_hold_an_attempt;
        }
    };
}

/// Makes one `#[test]` of each case. The first argument is an expression that
/// makes the [`Bench`], in an async context.
///
/// Without a second argument, a case that does not apply prints the reason and
/// passes. With `not_applicable: [...]`, the list must name exactly the cases
/// that do not apply: any other case that does not apply fails, and so does a
/// listed case that applies.
///
/// ```ignore
/// longlink::testing::conformance::tests!(
///     MyBench::new().await,
///     not_applicable: [an_alert_of_ours_ends_the_link, an_alert_of_the_server_s_ends_the_link]
/// );
/// ```
///
/// [`Bench`]: crate::testing::conformance::Bench
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($bench:expr $(,)?) => {
        $crate::__conformance_cases!({ $crate::__conformance_each } ($bench, None));
    };
    ($bench:expr, not_applicable: [$($case:ident),* $(,)?] $(,)?) => {
        $crate::__conformance_cases!({ $crate::__conformance_each } ($bench, Some(&[$(stringify!($case)),*])));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_each {
    (($bench:expr, $not_applicable:expr) $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[test]
            fn $case() {
                $crate::testing::conformance::__run_test(
                    async || $bench,
                    stringify!($case),
                    $not_applicable,
                );
            }
        )+)+
    };
}
