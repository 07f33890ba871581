//! `InProcess`, with `Faults` around it.

use std::io;
use std::sync::{Arc, Weak};

use longlink::testing::conformance::{Bench, Fault, FromClient, Note, Peer};
use longlink::testing::{Dialling, Direction, Faults, WithFaults};
use longlink::transport::{InProcess, InProcessFrame, InProcessListener, InProcessPeer};
use longlink::{LinkEnd, Token};
use tokio::sync::Mutex;

pub struct InMemory {
    pub place: InProcess<Note>,
    listener: Mutex<InProcessListener<Note>>,
    pub faults: Faults,
    /// The server's ends of the links.
    ends: std::sync::Mutex<Vec<Weak<InProcessPeer<Note>>>>,
}

impl InMemory {
    pub fn new() -> InMemory {
        let place = InProcess::new();
        InMemory {
            listener: Mutex::new(place.listen()),
            place,
            faults: Faults::new(),
            ends: Default::default(),
        }
    }
}

impl Bench for InMemory {
    type Transport = WithFaults<InProcess<Note>>;
    type Peer = End;

    fn transport(&self) -> WithFaults<InProcess<Note>> {
        self.faults.around(self.place.clone())
    }

    async fn accept(&self) -> End {
        let end = Arc::new(self.listener.lock().await.accept().await.expect("the place is there"));
        self.ends.lock().unwrap().push(Arc::downgrade(&end));
        End(end)
    }

    fn outgoing(&self, note: Note) -> Note {
        note
    }

    fn incoming(&self, message: &Note) -> Note {
        *message
    }

    fn make(&self, fault: Fault) -> bool {
        match fault {
            Fault::Fin => self.faults.end(LinkEnd::Eof),
            Fault::Reset => self.faults.end(LinkEnd::Reset),
            Fault::HalfClose => {
                let ends = self.ends.lock().unwrap();
                ends.iter().filter_map(Weak::upgrade).for_each(|end| end.half_close());
            }
            Fault::BlackHole(direction) => self.faults.black_hole(direction),
            Fault::Refused => self.faults.dialling(Dialling::Refused),
            Fault::Unanswered => self.faults.dialling(Dialling::Unanswered),
            // Messages have no middle, and nothing is encrypted.
            _ => return false,
        }
        true
    }

    fn restore(&self) {
        self.faults.restore(Direction::Both);
        self.faults.dialling(Dialling::Accepted);
    }

    fn closing(&self) -> LinkEnd {
        LinkEnd::closed(Some(1001), "gone")
    }
}

pub struct End(pub Arc<InProcessPeer<Note>>);

impl Peer for End {
    async fn send(&mut self, note: Note) -> io::Result<()> {
        self.0.send(note).await.map_err(io::Error::other)
    }

    async fn recv(&mut self) -> FromClient {
        loop {
            match self.0.next().await {
                Ok(InProcessFrame::Message(note)) => return FromClient::Message(note),
                Ok(InProcessFrame::Beat(token)) => drop(self.0.pong(Some(token))),
                Ok(InProcessFrame::Pong(_)) => return FromClient::Pong,
                Err(_) => return FromClient::End,
            }
        }
    }

    async fn ping(&mut self) -> io::Result<bool> {
        self.0.ping(Token(1)).map_err(io::Error::other)?;
        Ok(true)
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.close(1001, "gone");
        Ok(())
    }
}
