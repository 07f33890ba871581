//! A server that is stopped in the middle of everything (SIGSTOP), and goes
//! on (SIGCONT).

use std::time::Duration;

use longlink::{Detection, Event, Failure, Heartbeat};

use crate::backend::{Backend, KINDS};
use crate::flow::Flow;
use crate::software;

/// Beats every 200 ms, with deadlines at this scale.
fn heartbeat(scale: f64) -> Heartbeat {
    let often = Duration::from_millis(200);
    Heartbeat::fixed(often.div_f64(scale)).scaled(scale)
}

#[tokio::test]
async fn a_server_that_stands_still_for_a_moment_keeps_its_link() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        // Dead after ten seconds.
        let mut flow = Flow::start_with(backend.transport("/echo"), heartbeat(1.0));
        flow.echoed().await;
        backend.freeze();
        flow.event(|event| matches!(event, Event::BeatMissed { consecutive: 1, .. }).then_some(())).await;
        flow.steady(true);
        flow.event(|event| matches!(event, Event::BeatMissed { consecutive: 2, .. }).then_some(())).await;
        backend.thaw();
        flow.echoed().await;
        let account = flow.finish(&[&backend]).await;
        assert_eq!((account.links, account.maybe.len()), (1, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_that_stands_still_for_long_is_dead_and_found_again() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        // Dead after two seconds.
        let mut flow = Flow::start_with(backend.transport("/echo"), heartbeat(1.0 / 5.0));
        flow.steady(true);
        flow.echoed().await;
        backend.freeze();
        assert_eq!(flow.lost().await, Detection::Unanswered { beats: 5 }, "{kind:?}");
        // The system accepts the connection, the server does not.
        assert_eq!(flow.failed().await, Failure::TimedOut, "{kind:?}");
        backend.thaw();
        flow.connected().await;
        flow.echoed().await;
        let account = flow.finish(&[&backend]).await;
        assert_eq!(account.links, 2, "{kind:?}");
    }
}
