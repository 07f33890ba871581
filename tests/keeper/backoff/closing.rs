//! A close by the application is the last thing that happens, at any time.

use std::time::Duration;

use super::{code, proved};
use crate::rig::{RTT, Rig, millis, secs};
use longlink::keeper::{Finish, Input, Output};
use longlink::{Failure, Reconnect, State};

#[test]
fn pitfall_31_unless_we_closed() {
    let mut rig = proved(1);
    let link = rig.main();
    rig.forget();
    rig.close();
    assert_eq!(rig.keeper.state(), State::Closing);
    assert!(rig.outputs().contains(&&Output::Retire { link }));
    rig.pass(RTT);
    rig.keeper.tell(Input::Ended { link, end: code(1000) });
    rig.pass(Duration::ZERO);
    drain_to_finish(&mut rig);
    assert_eq!(rig.keeper.state(), State::Closed);
}

#[test]
fn pitfall_25_a_close_does_not_wait_for_a_peer_that_is_silent() {
    let mut rig = proved(1);
    rig.close();
    let asked = rig.elapsed();
    rig.pass(millis(2_999));
    assert_eq!(rig.finished(), None);
    rig.pass(millis(1));
    assert_eq!((rig.finished().clone(), rig.elapsed()), (Some(Finish::Closed), asked + secs(3)));
}

#[test]
fn pitfall_25_a_close_during_a_wait_or_an_attempt_ends_at_once() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let link = rig.opening().expect("an attempt is under way");
    rig.close();
    assert_eq!(rig.finished(), Some(Finish::Closed));
    assert!(rig.outputs().contains(&&Output::Abandon { link }));

    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Refused);
    rig.close();
    assert_eq!((rig.finished().clone(), rig.timer()), (Some(Finish::Closed), None));
}

fn drain_to_finish(rig: &mut Rig) {
    rig.timeout();
    assert_eq!(rig.finished(), Some(Finish::Closed));
}
