use std::task::{Context, Poll};

use super::Direction::{Both, ToClient, ToServer};
use super::*;
use crate::Token;
use crate::testing::ByHand;
use crate::transport::{Frame, InProcess, InProcessFrame, InProcessLink, InProcessListener, InProcessPeer};

struct Fixture {
    faults: Faults,
    transport: WithFaults<InProcess<u32>>,
    listener: InProcessListener<u32>,
}

fn fixture() -> Fixture {
    let (place, faults) = (InProcess::new(), Faults::new());
    Fixture { listener: place.listen(), transport: faults.around(place), faults }
}

impl Fixture {
    async fn open(&mut self) -> (LinkWithFaults<InProcessLink<u32>>, InProcessPeer<u32>) {
        let link = self.transport.connect(&Attempt::standalone(1, None)).await.unwrap();
        (link, self.listener.accept().await.unwrap())
    }
}

fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn without_faults_everything_passes() {
    let mut fixture = fixture();
    let (mut link, peer) = fixture.open().await;
    link.send(1).await.unwrap();
    assert_eq!(peer.recv().await, Ok(1));
    peer.send(2).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message(2)));
    link.send_beat(Token(3)).await.unwrap();
    assert_eq!(peer.next().await, Ok(InProcessFrame::Beat(Token(3))));
    link.say_goodbye().await.unwrap();
    let goodbye = LinkEnd::closed(Some(1000), "");
    assert_eq!(peer.recv().await, Err(goodbye.clone()));
    assert_eq!(link.next().await, Err(goodbye));
    assert_eq!(fixture.faults.open_links(), 1);
    drop(link);
    assert_eq!(fixture.faults.open_links(), 0);
}

#[tokio::test]
async fn a_black_hole_leaves_a_gap_behind_which_nothing_comes() {
    let mut fixture = fixture();
    let (mut link, peer) = fixture.open().await;
    fixture.faults.black_hole(ToClient);
    peer.send(1).await.unwrap();
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    link.send(2).await.unwrap();
    assert_eq!(peer.recv().await, Ok(2));
    fixture.faults.restore(Both);
    peer.send(3).await.unwrap();
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    drop(peer);
    assert_eq!(link.next().await, Err(LinkEnd::Reset));

    let (mut link, peer) = fixture.open().await;
    fixture.faults.black_hole(ToServer);
    link.send(1).await.unwrap();
    link.send_beat(Token(1)).await.unwrap();
    fixture.faults.restore(Both);
    link.send(2).await.unwrap();
    peer.send(3).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message(3)));
    drop(link);
    assert_eq!(peer.recv().await, Err(LinkEnd::Eof));

    let (mut link, peer) = fixture.open().await;
    fixture.faults.black_hole(Both);
    drop(peer);
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    fixture.faults.restore(Both);
    assert_eq!(link.next().await, Err(LinkEnd::Reset));
}

#[tokio::test]
async fn a_stall_holds_and_wakes_when_it_is_over() {
    let mut fixture = fixture();
    let (mut link, peer) = fixture.open().await;
    fixture.faults.stall(Both);
    assert!(now(|cx| link.poll_ready(cx)).is_pending());
    link.start_send(1).unwrap();
    link.start_beat(Token(9)).unwrap();
    peer.send(2).await.unwrap();
    let task = tokio::spawn(async move {
        link.flush().await.unwrap();
        (link.next().await, link)
    });
    tokio::task::yield_now().await;
    fixture.faults.restore(ToServer);
    assert_eq!(peer.next().await, Ok(InProcessFrame::Message(1)));
    assert_eq!(peer.next().await, Ok(InProcessFrame::Beat(Token(9))));
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    fixture.faults.restore(ToClient);
    assert_eq!(task.await.unwrap().0, Ok(Frame::Message(2)));
}

#[tokio::test]
async fn links_end_as_they_are_told_to() {
    let mut fixture = fixture();
    let (mut link, _peer) = fixture.open().await;
    let task = tokio::spawn(async move { (link.next().await, link) });
    tokio::task::yield_now().await;
    let end = LinkEnd::TooBig { size: 2, limit: 1 };
    fixture.faults.end(end.clone());
    let (ended, mut link) = task.await.unwrap();
    assert_eq!(ended, Err(end.clone()));
    assert_eq!(link.start_send(1), Err(end.clone()));
    assert_eq!(now(|cx| link.poll_ready(cx)), Poll::Ready(Err(end)));
    let (mut link, peer) = fixture.open().await;
    peer.send(1).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message(1)));
}

#[tokio::test]
async fn attempts_are_refused_or_left_alone() {
    let mut fixture = fixture();
    fixture.faults.dialling(Dialling::Refused);
    let attempt = Attempt::standalone(1, None);
    let refused = fixture.transport.connect(&attempt).await.unwrap_err();
    assert_eq!(*refused.failure(), Failure::Refused);
    fixture.faults.dialling(Dialling::Unanswered);
    let mut waiting = fixture.transport.connect(&attempt);
    assert!(now(|cx| waiting.as_mut().poll(cx)).is_pending());
    drop(waiting);
    fixture.faults.dialling(Dialling::Accepted);
    fixture.open().await;
}

#[tokio::test]
async fn a_waker_that_goes_with_its_link_may_look_at_the_faults() {
    /// A waker that notes at its drop whether the lock is held.
    struct Looks(Arc<FaultBook>, Arc<Mutex<Option<bool>>>);
    impl std::task::Wake for Looks {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Looks {
        fn drop(&mut self) {
            *self.1.lock().unwrap() = Some(self.0.state.try_lock().is_err());
        }
    }
    let mut fixture = fixture();
    let (mut link, peer) = fixture.open().await;
    fixture.faults.stall(ToClient);
    let locked = Arc::new(Mutex::new(None));
    let looks = Arc::new(Looks(Arc::clone(&fixture.faults.book), Arc::clone(&locked)));
    assert!(link.poll_next(&mut Context::from_waker(&looks.into())).is_pending());
    assert_eq!(*locked.lock().unwrap(), None);
    drop(link);
    assert_eq!(*locked.lock().unwrap(), Some(false));
    drop(peer);
}
