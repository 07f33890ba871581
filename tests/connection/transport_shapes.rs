//! The two transport traits carry protocols that are unlike each other: each
//! module is one of them, a transport of some thirty lines and what a
//! connection makes of it. Everything runs in memory and in virtual time.

mod fallback;
mod fixed_rhythm;
mod framed;
mod migrating;
mod polling;
mod receive_only;
mod server_beats;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::{Detection, Event, ResilientConnection};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::codec::{Framed, LinesCodec};

use crate::support::{in_time, millis, secs};

/// The next message of a connection that goes on.
async fn message<In, Out>(connection: &mut ResilientConnection<In, Out>) -> In {
    in_time(connection.recv()).await.expect("it goes on").expect("it goes on")
}

/// Lines over a pipe in memory.
type Lines = Framed<DuplexStream, LinesCodec>;

/// A server that takes lines: what dials, and what accepts.
fn line_server() -> (mpsc::UnboundedSender<Lines>, mpsc::UnboundedReceiver<Lines>) {
    mpsc::unbounded_channel()
}

/// Dials a line server; `None` if it is not there.
fn dial(server: &mpsc::UnboundedSender<Lines>) -> Option<Lines> {
    let (ours, theirs) = tokio::io::duplex(4096);
    let lines = |io| Framed::new(io, LinesCodec::new_with_max_length(1024));
    server.send(lines(theirs)).ok().map(|()| lines(ours))
}

/// The events of a connection about its links, and their times.
#[derive(Clone)]
struct Log {
    began: Instant,
    ends: Arc<Mutex<Vec<(Duration, Detection)>>>,
}

impl Log {
    fn new() -> Log {
        Log { began: Instant::now(), ends: Arc::default() }
    }

    fn listener(&self) -> impl Fn(&Event) + Send + 'static {
        let log = self.clone();
        move |event| {
            if let Event::Disconnected { detection, .. } = event {
                log.ends
                    .lock()
                    .expect("nobody panics under it")
                    .push((log.began.elapsed(), detection.clone()));
            }
        }
    }

    /// When links ended and how that was noticed, up to now.
    async fn ends(&self) -> Vec<(Duration, Detection)> {
        // The listener runs on a task of its own: let it catch up.
        tokio::time::sleep(millis(1)).await;
        self.ends.lock().expect("nobody panics under it").clone()
    }
}
