//! The order of messages across links.

use std::sync::Arc;

use super::tools::{builder, heard};
use super::verdict::Verdict;
use super::{Bench, Note, Peer};
use crate::Transition;

const ROUNDS: u32 = 5;
const EACH: u32 = 20;
const STEP: u32 = 1_000;

fn note(number: u32) -> Note {
    Note::new(number, 200)
}

/// Messages of one link come before messages of the next link, from the first
/// one on without a hole. Epochs only count up.
pub(super) async fn no_message_of_an_old_link_follows_one_of_a_newer<B: Bench>(bench: Arc<B>) -> Verdict {
    let connection = builder(&bench).build().expect("the settings work");
    let mut stream = connection.with_transitions();
    // The server dies again and again, while its last messages are in flight.
    for round in 0..ROUNDS {
        let mut peer = bench.accept().await;
        for number in 0..EACH {
            peer.send(note(round * STEP + number)).await.expect("the server sends");
        }
    }
    let mut peer = bench.accept().await;
    peer.send(note(ROUNDS * STEP)).await.expect("the server sends");
    let (mut epoch, mut round, mut expected) = (0, None, 0);
    loop {
        match stream.recv().await.expect("it is open").expect("it goes on") {
            Transition::Connected { epoch: new } => {
                assert!(new > epoch, "epoch {new} follows {epoch}");
                epoch = new;
                expected = 0;
            }
            Transition::Disconnected { epoch: old } => {
                assert_eq!(old, epoch, "the link that ended is another one");
                round = round.map(|round: u32| round + 1);
            }
            Transition::Message(message) => {
                let number = bench.incoming(&message).number;
                let of = number / STEP;
                assert!(round.is_none_or(|round| of >= round), "message {number} is of an old link");
                assert_eq!(number % STEP, expected, "epoch {epoch} has a hole");
                round = Some(of);
                expected += 1;
                if of == ROUNDS {
                    return Ok(());
                }
            }
        }
    }
}

/// Messages reach the server in order over all links, and no message twice.
pub(super) async fn messages_to_the_server_keep_their_order_across_links<B: Bench>(bench: Arc<B>) -> Verdict {
    let connection = builder(&bench).build().expect("the settings work");
    let sender = connection.sender();
    let writing = async {
        for number in 1.. {
            let sent = sender.send(bench.outgoing(note(number))).await;
            assert!(sent.is_ok(), "message {number} is not accepted");
            if number % 8 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    let serving = async {
        let mut latest = 0;
        for _ in 0..ROUNDS {
            let mut peer = bench.accept().await;
            for _ in 0..EACH {
                let number = heard(&mut peer).await.number;
                assert!(number > latest, "message {number} follows {latest}");
                latest = number;
            }
        }
    };
    tokio::select! {
        () = serving => {}
        () = writing => {}
    }
    Ok(())
}
