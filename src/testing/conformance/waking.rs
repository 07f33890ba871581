//! A task that waits is woken. The link is alone in its task here, so that no
//! other wake-up helps it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use super::tools::{hear, heard, open, stands_still};
use super::verdict::Verdict;
use super::{Bench, Note, Peer};
use crate::testing::ByHand;
use crate::transport::Link;

/// A link that is polled only after wake-ups gets all messages, and its end.
pub(super) async fn a_reader_is_woken_for_everything<B: Bench>(bench: Arc<B>) -> Verdict {
    const MANY: u32 = 60;
    let note = |number| Note::new(number, 300);
    let (mut link, mut peer) = open(&bench).await;
    let reading = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move {
            for number in 0..MANY {
                assert_eq!(hear(&bench, &mut link).await, Ok(note(number)));
            }
            hear(&bench, &mut link).await.is_err()
        }
    });
    for number in 0..MANY {
        peer.send(note(number)).await.expect("the server sends");
        if number % 3 == 0 {
            // The link has time to read everything and to wait.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    peer.close().await.expect("the server says goodbye");
    assert!(reading.await.expect("the reader gets what is sent"), "more came than was sent");
    Ok(())
}

/// A writer that waits for room is woken when there is room.
pub(super) async fn a_writer_is_woken_when_there_is_room<B: Bench>(bench: Arc<B>) -> Verdict {
    let note = |number: usize| Note::new(number as u32, 16 * 1024);
    let (mut link, mut peer) = open(&bench).await;
    let (taken, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn({
        let (bench, taken, enough) = (Arc::clone(&bench), Arc::clone(&taken), Arc::clone(&enough));
        async move {
            while !enough.load(SeqCst) {
                let number = taken.load(SeqCst);
                poll_fn(|cx| link.poll_ready(cx)).await.expect("the link takes messages");
                link.start_send(bench.outgoing(note(number))).expect("the link takes messages");
                taken.fetch_add(1, SeqCst);
                let _ = poll_fn(|cx| Poll::Ready(link.poll_flush(cx))).await;
                tokio::task::yield_now().await;
            }
            link.flush().await.expect("the link flushes");
            link
        }
    });
    stands_still(|| taken.load(SeqCst)).await;
    enough.store(true, SeqCst);
    let mut number = 0;
    while number < taken.load(SeqCst) {
        assert_eq!(heard(&mut peer).await, note(number));
        number += 1;
    }
    let _link = writing.await.expect("the writer comes to its end");
    Ok(())
}
