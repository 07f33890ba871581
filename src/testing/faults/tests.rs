use std::task::{Context, Poll};

use super::Direction::{Both, ToClient, ToServer};
use super::*;
use crate::Token;
use crate::testing::ByHand;
use crate::transport::{Frame, InProcess, InProcessFrame, InProcessLink, InProcessListener, InProcessPeer};

struct Stage {
    faults: Faults,
    transport: WithFaults<InProcess<u32>>,
    listener: InProcessListener<u32>,
}

fn stage() -> Stage {
    let (place, faults) = (InProcess::new(), Faults::new());
    Stage { listener: place.listen(), transport: faults.around(place), faults }
}

impl Stage {
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
    let mut stage = stage();
    let (mut link, peer) = stage.open().await;
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
    assert_eq!(stage.faults.open_links(), 1);
    drop(link);
    assert_eq!(stage.faults.open_links(), 0);
}

#[tokio::test]
async fn a_black_hole_leaves_a_gap_behind_which_nothing_comes() {
    let mut stage = stage();
    let (mut link, peer) = stage.open().await;
    stage.faults.black_hole(ToClient);
    peer.send(1).await.unwrap();
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    link.send(2).await.unwrap();
    assert_eq!(peer.recv().await, Ok(2));
    stage.faults.restore(Both);
    peer.send(3).await.unwrap();
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    drop(peer);
    assert_eq!(link.next().await, Err(LinkEnd::Reset));

    let (mut link, peer) = stage.open().await;
    stage.faults.black_hole(ToServer);
    link.send(1).await.unwrap();
    link.send_beat(Token(1)).await.unwrap();
    stage.faults.restore(Both);
    link.send(2).await.unwrap();
    peer.send(3).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message(3)));
    drop(link);
    assert_eq!(peer.recv().await, Err(LinkEnd::Eof));

    let (mut link, peer) = stage.open().await;
    stage.faults.black_hole(Both);
    drop(peer);
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    stage.faults.restore(Both);
    assert_eq!(link.next().await, Err(LinkEnd::Reset));
}

#[tokio::test]
async fn a_stall_holds_and_wakes_when_it_is_over() {
    let mut stage = stage();
    let (mut link, peer) = stage.open().await;
    stage.faults.stall(Both);
    assert!(now(|cx| link.poll_ready(cx)).is_pending());
    link.start_send(1).unwrap();
    link.start_beat(Token(9)).unwrap();
    peer.send(2).await.unwrap();
    let task = tokio::spawn(async move {
        link.flush().await.unwrap();
        (link.next().await, link)
    });
    tokio::task::yield_now().await;
    stage.faults.restore(ToServer);
    assert_eq!(peer.next().await, Ok(InProcessFrame::Message(1)));
    assert_eq!(peer.next().await, Ok(InProcessFrame::Beat(Token(9))));
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    stage.faults.restore(ToClient);
    assert_eq!(task.await.unwrap().0, Ok(Frame::Message(2)));
}

#[tokio::test]
async fn links_end_as_they_are_told_to() {
    let mut stage = stage();
    let (mut link, _peer) = stage.open().await;
    let task = tokio::spawn(async move { (link.next().await, link) });
    tokio::task::yield_now().await;
    let end = LinkEnd::TooBig { size: 2, limit: 1 };
    stage.faults.end(end.clone());
    let (ended, mut link) = task.await.unwrap();
    assert_eq!(ended, Err(end.clone()));
    assert_eq!(link.start_send(1), Err(end.clone()));
    assert_eq!(now(|cx| link.poll_ready(cx)), Poll::Ready(Err(end)));
    let (mut link, peer) = stage.open().await;
    peer.send(1).await.unwrap();
    assert_eq!(link.next().await, Ok(Frame::Message(1)));
}

#[tokio::test]
async fn attempts_are_refused_or_left_alone() {
    let mut stage = stage();
    stage.faults.dialling(Dialling::Refused);
    let attempt = Attempt::standalone(1, None);
    let refused = stage.transport.connect(&attempt).await.unwrap_err();
    assert_eq!(*refused.failure(), Failure::Refused);
    stage.faults.dialling(Dialling::Unanswered);
    let mut waiting = stage.transport.connect(&attempt);
    assert!(now(|cx| waiting.as_mut().poll(cx)).is_pending());
    drop(waiting);
    stage.faults.dialling(Dialling::Accepted);
    stage.open().await;
}

#[tokio::test]
async fn a_waker_that_goes_with_its_link_may_look_at_the_faults() {
    /// Notes whether the lock was held when it was dropped.
    struct Looks(Arc<Shared>, Arc<Mutex<Option<bool>>>);
    impl std::task::Wake for Looks {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Looks {
        fn drop(&mut self) {
            *self.1.lock().unwrap() = Some(self.0.state.try_lock().is_err());
        }
    }
    let mut stage = stage();
    let (mut link, peer) = stage.open().await;
    stage.faults.stall(ToClient);
    let locked = Arc::new(Mutex::new(None));
    let looks = Arc::new(Looks(Arc::clone(&stage.faults.shared), Arc::clone(&locked)));
    assert!(link.poll_next(&mut Context::from_waker(&looks.into())).is_pending());
    assert_eq!(*locked.lock().unwrap(), None);
    drop(link);
    assert_eq!(*locked.lock().unwrap(), Some(false));
    drop(peer);
}
