//! When none is sent, and those that are out are called back.

use std::time::Duration;

use super::{await_dials, await_scouts, linked, live, scouted, sent};
use crate::rig::secs;
use longlink::keeper::{Input, Output};
use longlink::{Activity, Event, LinkEnd, NetworkStatus};

#[test]
fn in_the_foreground_scouts_are_called_back_and_none_is_sent() {
    let mut rig = scouted();
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    rig.pass(Duration::ZERO);
    live(&mut rig, secs(600), |_| true);
    assert!(rig.scouts().is_empty());
    let before = sent(&rig);
    rig.keeper.tell(Input::Activity(Activity::Background));
    live(&mut rig, secs(1), |_| true);
    assert_eq!(sent(&rig), before + 3);
}

#[test]
fn closing_abandons_scouts() {
    let mut rig = scouted();
    let main = rig.main();
    rig.close();
    assert!(rig.scouts().is_empty());
    rig.keeper.tell(Input::Ended { link: main, end: LinkEnd::Eof });
    rig.pass(Duration::ZERO);
    assert!(rig.keeper.poll_output().is_some_and(|output| matches!(output, Output::Emit(Event::Closed))));
}

#[test]
fn scouts_being_opened_are_abandoned_when_the_network_changes() {
    let mut rig = linked();
    await_dials(&mut rig);
    let dialled: Vec<_> = rig.scouts().iter().map(|scout| scout.link).collect();
    assert_eq!(dialled.len(), 3);
    rig.forget();
    rig.network(NetworkStatus::Changed);
    for link in dialled {
        assert!(rig.outputs().contains(&&Output::Abandon { link }), "{:?}", rig.log);
        assert!(!rig.outputs().contains(&&Output::Retire { link }), "{:?}", rig.log);
    }
}

#[test]
fn while_the_link_in_use_is_not_read_no_scout_is_sent() {
    let mut rig = linked();
    rig.stalled();
    rig.pass(secs(60));
    assert_eq!(sent(&rig), 0);
    rig.resumed();
    await_scouts(&mut rig);
}

#[test]
fn while_the_network_is_reported_gone_no_scout_is_sent() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    live(&mut rig, secs(300), |_| true);
    assert_eq!(sent(&rig), 0);
    rig.network(NetworkStatus::Online);
    await_scouts(&mut rig);
}

#[test]
fn a_pause_says_goodbye_to_open_scouts() {
    let mut rig = scouted();
    let scouts = rig.scouts();
    rig.forget();
    rig.tell(Input::Pause);
    for scout in scouts {
        assert!(rig.outputs().contains(&&Output::Retire { link: scout.link }), "{:?}", rig.log);
    }
}

#[test]
fn scouts_are_gone_before_the_attempt_after_the_loss_of_the_link() {
    let mut rig = scouted();
    let scouts = rig.scouts();
    rig.forget();
    rig.reconnect();
    let outputs = rig.outputs();
    let place = |wanted: &Output| outputs.iter().position(|output| *output == wanted);
    let open = outputs.iter().position(|output| matches!(output, Output::Open { .. }));
    for scout in scouts {
        assert!(place(&Output::Abandon { link: scout.link }) < open, "{outputs:?}");
        assert!(place(&Output::Abandon { link: scout.link }).is_some());
    }
}

#[test]
fn scouts_are_gone_before_the_last_word() {
    let mut rig = scouted();
    let scouts = rig.scouts();
    rig.forget();
    rig.end(LinkEnd::closed(Some(1008), "no"));
    assert!(matches!(rig.outputs().last(), Some(Output::Finish(_))));
    for scout in scouts {
        assert!(rig.outputs().contains(&&Output::Abandon { link: scout.link }), "{:?}", rig.log);
    }
}
