//! The facts that the keeper asks for, and a driver that answers late or never.

use crate::rig::{LOGIN, NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Dialled, Input, Opened, Output, PathFacts, RouteFacts};
use longlink::{Beat, Detection, Event, NetworkStatus};

/// With a link in use whose system tells of its path, by a driver that answers
/// no question.
fn unanswering() -> Rig {
    let mut rig = Rig::fixed(30);
    rig.reconnect();
    let link = rig.opening().expect("an attempt is under way");
    let mut opened = Opened::new(Beat::Ping, Dialled::new(RTT, None), LOGIN);
    opened.tells_path = true;
    rig.tell(Input::Opened { link, opened });
    rig.keeper.leave_questions_open();
    rig.forget();
    rig
}

fn asked(rig: &Rig) -> usize {
    let is_question = |output: &Output| matches!(output, Output::AskPath { .. } | Output::AskRoute { .. });
    rig.instants(is_question).len()
}

#[test]
fn who_does_not_answer_is_asked_once_for_each_deadline() {
    let mut rig = unanswering();
    rig.until_beat();
    rig.forget();
    rig.until(|output| matches!(output, Output::AskPath { .. }));
    assert_eq!(rig.misses(), NEVER, "the answer to the question comes first");
    rig.timeout();
    assert_eq!((rig.misses(), asked(&rig)), (vec![rig.elapsed()], 1));
    // The next deadline is another question.
    rig.until(|output| matches!(output, Output::Emit(Event::BeatMissed { consecutive: 2, .. })));
    assert_eq!(asked(&rig), 2);
}

#[test]
fn a_question_that_something_came_in_before_is_asked_again() {
    let mut rig = unanswering();
    rig.until_beat();
    rig.until(|output| matches!(output, Output::AskPath { .. }));
    rig.heard();
    rig.until_beat();
    rig.forget();
    rig.until(|output| matches!(output, Output::AskPath { .. }));
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn what_nobody_asked_for_makes_nothing_of_a_deadline() {
    let mut rig = unanswering();
    let beat = rig.until_beat();
    rig.forget();
    // The answer's deadline of 3 s has come, and no timer was handled yet.
    rig.pass(beat + secs(3) - millis(1) - rig.elapsed());
    rig.freeze(millis(1));
    let link = rig.main();
    rig.tell(Input::Path { link, facts: Some(PathFacts::new(0, secs(0))) });
    assert_eq!(rig.misses(), NEVER);
    rig.tell(Input::Path { link, facts: None });
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn a_way_that_nobody_tells_is_taken_for_another_one() {
    let mut rig = unanswering();
    rig.network(NetworkStatus::Changed);
    let at = rig.until(|output| matches!(output, Output::AskRoute { .. }));
    assert_eq!(rig.beats(), NEVER);
    rig.timeout();
    assert_eq!((rig.beats(), asked(&rig)), (vec![at], 1));
}

#[test]
fn an_answer_about_the_way_before_a_change_says_nothing_after_it() {
    let mut rig = unanswering();
    rig.named("home");
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.until(|output| matches!(output, Output::AskRoute { .. }));
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    rig.forget();
    // The answer to the first question.
    rig.route(RouteFacts::new(true, Some(true)));
    assert_eq!(rig.beats(), NEVER);
    let asked = rig.until(|output| matches!(output, Output::AskRoute { .. }));
    assert_eq!(asked, changed + millis(250));
}

#[test]
fn an_answer_that_names_another_link_counts_for_none() {
    let mut rig = unanswering();
    let old = rig.main();
    rig.reconnect();
    rig.open(Beat::Ping);
    rig.tell(Input::Route { link: old, facts: Some(RouteFacts::new(false, None)) });
    rig.tell(Input::Path { link: old, facts: Some(PathFacts::new(9, secs(99))) });
    assert!(rig.is_connected());
    assert_eq!(rig.detection(), Some(Detection::Asked));
}
