//! The result of a scout, and when it is believed.

use super::{
    await_scouts, gaps, knows_nothing, linked, live, met, scouted, scouted_by, scouting, sent, stats,
};
use crate::rig::{RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Input, Messages, Output};
use longlink::{Beat, Event, Heartbeat, LinkEnd, LinkId, NetworkStatus, ScoutResult};

#[test]
fn a_silent_scout_is_believed_once_the_link_in_use_was_heard() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    rig.forget();
    // At 14 s the first scout beats, and so does the link in use.
    let beat = rig.until_beat();
    assert_eq!(rig.beats(), [beat, beat]);
    // Neither is answered: nothing is concluded, the link in use dies.
    rig.until_death();
    assert!(knows_nothing(&rig));
    assert!(
        met(&rig).iter().all(|met| matches!(met, ScoutResult::Expired | ScoutResult::Void)),
        "{:?}",
        met(&rig)
    );
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    await_scouts(&mut rig);
    assert_eq!(gaps(&rig)[0], 14.0, "nothing was learned from the outage");
}

#[test]
fn an_outage_that_the_link_in_use_just_outlives_says_nothing() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    let beat = rig.until_beat();
    // Neither is answered; the scout's row is over a moment before the other's.
    rig.pass(secs(9));
    let scout = rig.scouts()[0].link;
    rig.until(|output| matches!(output, Output::Abandon { link } if *link == scout));
    if rig.is_connected() {
        rig.heard();
    }
    assert!(rig.elapsed() > beat);
    assert!(!met(&rig).contains(&ScoutResult::Expired), "{:?}", met(&rig));
    assert!(knows_nothing(&rig));
}

#[test]
fn an_end_of_the_link_in_use_voids_the_scouts_begun_before_it() {
    for end in [LinkEnd::Eof, LinkEnd::Reset] {
        let mut rig = scouted();
        live(&mut rig, secs(10), |_| true);
        let scout = rig.scouts()[1].link;
        // A restart: the scout's end comes first.
        rig.end_scout(scout, end.clone());
        rig.end(end);
        assert!(rig.scouts().is_empty());
        rig.pass(secs(1));
        rig.open(Beat::Ping);
        rig.pass(millis(10));
        assert!(knows_nothing(&rig));
        await_scouts(&mut rig);
        assert_eq!(gaps(&rig)[0], 14.0);
    }
}

#[test]
fn an_end_of_an_idle_scout_is_the_timeout_if_the_link_in_use_answers() {
    let mut rig = scouted();
    live(&mut rig, secs(12), |_| true);
    let scout = rig.scouts()[0].link;
    rig.forget();
    rig.end_scout(scout, LinkEnd::Eof);
    assert_eq!(rig.beats(), [rig.elapsed()], "the link in use is asked at once");
    assert!(knows_nothing(&rig), "nothing is believed before it answers");
    rig.pass(RTT);
    rig.answer();
    assert!(stats(&rig).proven >= secs(12), "{:?}", stats(&rig));
    assert!(matches!(met(&rig)[0], ScoutResult::Ended { gap } if gap >= secs(12)));
}

#[test]
fn an_end_below_what_the_link_in_use_has_survived_is_a_login_deadline() {
    let mut rig = linked();
    // The link in use has survived 300 s.
    rig.pass(millis(100));
    let main = rig.main();
    let mut heartbeat = with_heartbeat(Heartbeat::fixed(secs(300)));
    heartbeat.silence_limit = None;
    rig.keeper.tell(Input::Update(Box::new(heartbeat)));
    rig.pass(secs(299));
    rig.heard();
    rig.update(with_heartbeat(scouting()));
    assert_eq!(rig.main(), main);
    await_scouts(&mut rig);
    for scout in rig.scouts() {
        rig.open_scout(scout.link);
    }
    live(&mut rig, secs(13), |_| true);
    let scout = rig.scouts()[0].link;
    let before = stats(&rig).proven;
    rig.end_scout(scout, LinkEnd::Eof);
    live(&mut rig, secs(1), |_| true);
    assert_eq!(stats(&rig).proven, before);
    assert!(met(&rig).ends_with(&[ScoutResult::Void]), "{:?}", met(&rig));
}

#[test]
fn news_of_the_network_voids_scouts() {
    for status in [NetworkStatus::Online, NetworkStatus::Offline, NetworkStatus::Changed] {
        let mut rig = scouted();
        live(&mut rig, secs(10), |_| true);
        rig.network(status);
        assert!(rig.scouts().is_empty());
        assert!(knows_nothing(&rig));
    }
}

#[test]
fn a_process_that_froze_learns_nothing_from_its_scouts() {
    // Whichever timer comes first, a scout's or that of the link in use.
    for seed in 1..=10 {
        let mut rig = scouted_by(seed);
        live(&mut rig, secs(10), |_| true);
        rig.freeze(secs(30));
        let scout = rig.scouts()[0].link;
        rig.timeout();
        live(&mut rig, secs(60), |_| false);
        assert!(!rig.scouts().iter().any(|out| out.link == scout));
        assert!(knows_nothing(&rig), "seed {seed}");
        assert!(met(&rig)[..3].iter().all(|met| *met == ScoutResult::Void), "{:?}", met(&rig));
    }
}

#[test]
fn scouts_that_are_ended_together_are_one_observation() {
    let mut rig = scouted();
    live(&mut rig, secs(12), |_| true);
    // Their server goes, and that of the link in use does not.
    for scout in rig.scouts() {
        rig.end_scout(scout.link, LinkEnd::Eof);
    }
    rig.pass(RTT);
    rig.answer();
    let told = rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Remember { learned, .. } => Some(learned.clone()),
        _ => None,
    });
    let told = told.expect("it is told what was learned");
    assert!(told.ambiguous, "nothing has confirmed it: {told:?}");
    rig.forget();
    live(&mut rig, secs(24 * 3600 + 20), |_| true);
    assert!(sent(&rig) > 0, "it is looked at after a day");
}

#[test]
fn a_scout_whose_server_speaks_has_three_gaps_to_be_silent() {
    let speaks: [fn(&mut Rig, LinkId); 2] = [
        |rig, link| rig.keeper.tell(Input::Read { link, messages: Messages::None, answers: &[] }),
        |rig, link| rig.keeper.tell(Input::Read { link, messages: Messages::BeforeAnswers, answers: &[] }),
    ];
    for speak in speaks {
        let mut rig = scouted();
        let opened = rig.elapsed();
        let scout = rig.scouts()[0];
        assert_eq!(scout.gap, secs(14));
        while rig.scouts().iter().any(|out| out.link == scout.link) {
            assert!(rig.elapsed() < opened + secs(60), "it is parted from");
            // The others fall silent, so that its gap is still to be known.
            live(&mut rig, secs(6), |_| false);
            speak(&mut rig, scout.link);
            rig.drain();
        }
        let lasted = rig.elapsed() - opened;
        assert!(lasted >= secs(42) && lasted <= secs(48), "{lasted:?}");
        let returned = rig.log.iter().find_map(|(_, output)| match output {
            Output::Emit(Event::ScoutReturned { link, met, .. }) if *link == scout.link => Some(*met),
            _ => None,
        });
        assert_eq!(returned, Some(ScoutResult::Void));
    }
}
