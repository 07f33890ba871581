//! Everything that follows from an input is there at the same instant, for every
//! input.

use std::time::Duration;

use crate::rig::{RTT, Rig, secs};
use crate::scouts::linked;
use longlink::keeper::{Output, RouteFacts, Timer};
use longlink::{Beat, Event, Failure, Heartbeat, NetworkStatus};

/// The intervals that were told, and when.
fn intervals(rig: &Rig) -> Vec<(Duration, Duration)> {
    let told = rig.log.iter().filter_map(|(at, output)| match output {
        Output::Emit(Event::IntervalChanged { interval, .. }) => Some((*at, *interval)),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_dial_that_shows_an_idle_timeout_tells_the_interval() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(58));
    rig.until_death();
    rig.until_opening();
    rig.forget();
    let link = rig.opening().expect("an attempt is under way");
    rig.pass(RTT);
    rig.dialled(link, RTT);
    assert_eq!(intervals(&rig), [(rig.elapsed(), rig.interval())]);
}

#[test]
fn another_network_tells_the_interval_while_no_link_is_in_use() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.named("home");
    rig.learn(secs(58));
    rig.end(longlink::LinkEnd::closed(Some(1012), ""));
    rig.forget();
    rig.named("elsewhere");
    assert_eq!(intervals(&rig), [(rig.elapsed(), secs(27))]);
}

#[test]
fn scouts_that_are_refused_for_good_set_the_pace_of_the_link_in_use() {
    let mut rig = linked();
    assert_eq!(rig.interval(), secs(10), "while scouts are hoped for");
    for _ in 0..100 {
        if rig.scouts().is_empty() {
            rig.pass(secs(1));
            continue;
        }
        let scout = rig.scouts()[0].link;
        rig.forget();
        rig.fail_scout(scout, Failure::Stop);
        break;
    }
    let refused = rig.instants(|output| matches!(output, Output::Emit(Event::ScoutsRefused)));
    assert_eq!(refused, [rig.elapsed()]);
    assert_eq!(intervals(&rig), [(rig.elapsed(), rig.interval())]);
    let heard = rig.elapsed();
    rig.heard();
    assert!(rig.timer().is_some_and(|(at, timer)| timer == Timer::Beat && at <= heard + rig.interval()));
    assert!(rig.timer().is_some_and(|(at, _)| at > heard + secs(10)), "it need not beat for scouts any more");
}

#[test]
fn a_silence_behind_one_that_was_spoiled_is_tried_again() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.named("home");
    rig.learn(secs(58));
    let tries = rig.interval();
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(true, Some(true)));
    rig.pass(secs(2));
    let due = |rig: &Rig| rig.timer().filter(|(_, timer)| *timer == Timer::Beat).map(|(at, _)| at);
    assert!(due(&rig) < Some(rig.elapsed() + tries), "this one is not worth a try");
    rig.heard();
    assert_eq!(due(&rig), Some(rig.elapsed() + tries));
}

#[test]
fn a_link_that_is_taken_into_use_has_its_pace_at_once() {
    let mut rig = Rig::new(longlink::keeper::Config::default(), 1);
    rig.open(Beat::Ping);
    assert_eq!(rig.timer(), Some((secs(27), Timer::Beat)));
}
