//! The suite can fail: transports with one bug each, and the cases that catch
//! the bug.

mod link;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use longlink::LinkEnd;
use longlink::testing::conformance::{self, Bench, Case, Fault, InOf, Note, OutOf};
use longlink::transport::{Attempt, ConnectError, Link, MessageTooBig, Transport};

use crate::in_memory::InMemory;
use link::BrokenLink;

/// The bug of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// Every tenth message overtakes the one before it, going out.
    SendsOutOfOrder,
    /// Every tenth message overtakes the one before it, coming in.
    ReadsOutOfOrder,
    /// The second message comes twice.
    DeliversTwice,
    /// The link is always ready, and keeps messages that it cannot send.
    TakesEverything,
    /// The link reads in a task of its own and keeps messages that nobody asks for.
    ReadsEverything,
    /// A beat is lost while messages wait.
    ForgetsBeats,
    /// Messages that a flush could not write are gone.
    FlushForgets,
    /// The goodbye overtakes messages that were not flushed.
    GoodbyeForgets,
    /// Every end is an end of stream.
    SaysEof,
    /// Every end is a broken protocol.
    SaysProtocol,
    /// The link never reports an end.
    SwallowsEnds,
    /// At the end the last message comes once more.
    RepeatsTheLast,
    /// The answers name other beats.
    WrongToken,
    /// The link drops the answers to beats.
    DropsAnswers,
    /// Beats are larger than necessary.
    FatBeats,
    /// The peer's pings stay unanswered.
    IgnoresPings,
    /// The link answers its own beats.
    AnswersItself,
    /// The link takes its own writes for signs of life.
    HearsItself,
    /// Messages of any length pass.
    NoLimit,
    /// A message of exactly the limit is refused.
    LimitTooLow,
    /// Messages that an old link had not delivered come over the next link.
    DeliversOld,
    /// The first message of an old link goes out over the next link again.
    SendsOld,
    /// A task is left behind.
    LeaksTask,
    /// A socket is left behind.
    LeaksSocket,
    /// Attempts go on though nobody waits for them.
    DialsOn,
    /// A reader gets no wake-up.
    ForgetsReader,
    /// A writer gets no wake-up.
    ForgetsWriter,
    /// A dropped link stays for a while.
    Lingers,
    /// A refused attempt is a link that never says anything.
    OpensNothing,
    /// A message whose acceptance is not waited for is sent twice.
    SendsTwice,
}

/// A bench whose transport has a bug.
struct Spoiled<B> {
    inner: B,
    bug: Bug,
}

impl<B: Bench> Bench for Spoiled<B>
where
    InOf<B>: Clone + Sync,
    OutOf<B>: Clone + Sync,
{
    type Transport = Broken<B::Transport>;
    type Peer = B::Peer;

    fn transport(&self) -> Broken<B::Transport> {
        let inner = Arc::new(self.inner.transport());
        Broken { inner, bug: self.bug, limit: self.limit(), left: Arc::default() }
    }

    async fn accept(&self) -> B::Peer {
        self.inner.accept().await
    }

    fn outgoing(&self, note: Note) -> OutOf<B> {
        self.inner.outgoing(note)
    }

    fn incoming(&self, message: &InOf<B>) -> Note {
        self.inner.incoming(message)
    }

    fn make(&self, fault: Fault) -> bool {
        self.inner.make(fault)
    }

    fn restore(&self) {
        self.inner.restore();
    }

    fn closing(&self) -> LinkEnd {
        self.inner.closing()
    }

    fn limit(&self) -> Option<usize> {
        match self.bug {
            Bug::NoLimit => Some(1_000),
            _ => self.inner.limit(),
        }
    }
}

/// A transport with a bug.
struct Broken<T: Transport> {
    inner: Arc<T>,
    bug: Bug,
    limit: Option<usize>,
    left: Arc<Mutex<Left<T::Link>>>,
}

/// Messages that links leave to later links.
struct Left<L: Link> {
    incoming: Option<L::Incoming>,
    outgoing: Option<L::Outgoing>,
}

impl<L: Link> Default for Left<L> {
    fn default() -> Left<L> {
        Left { incoming: None, outgoing: None }
    }
}

#[async_trait]
impl<T: Transport> Transport for Broken<T>
where
    T::Link: Link<Incoming: Clone, Outgoing: Clone>,
{
    type Link = BrokenLink<T::Link>;

    async fn connect(&self, attempt: &Attempt) -> Result<BrokenLink<T::Link>, ConnectError> {
        match self.bug {
            Bug::LeaksTask => drop(tokio::spawn(std::future::pending::<()>())),
            Bug::LeaksSocket => std::mem::forget(std::net::UdpSocket::bind("127.0.0.1:0")),
            _ => {}
        }
        let inner = if self.bug == Bug::DialsOn {
            let place = Arc::new(Mutex::new(None));
            let (inner, attempt, opened) = (Arc::clone(&self.inner), attempt.clone(), Arc::clone(&place));
            tokio::spawn(async move {
                let link = inner.connect(&attempt).await;
                *lock(&opened) = Some(link);
                while lock(&opened).is_some() {
                    tokio::time::sleep(MOMENT).await;
                }
            });
            loop {
                tokio::time::sleep(MOMENT).await;
                if let Some(link) = lock(&place).take() {
                    break link;
                }
            }
        } else {
            self.inner.connect(attempt).await
        };
        match (inner, self.bug) {
            (Err(_), Bug::OpensNothing) => Ok(BrokenLink::nothing(self.bug)),
            (inner, _) => Ok(BrokenLink::new(inner?, self.bug, Arc::clone(&self.left))),
        }
    }

    fn size(&self, message: &<T::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        let size = self.inner.size(message)?;
        match (self.bug, self.limit) {
            (Bug::LimitTooLow, Some(limit)) if size >= limit => Err(MessageTooBig::new(size, limit)),
            _ => Ok(size),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time between two looks of an attempt that goes on by itself.
const MOMENT: Duration = Duration::from_millis(1);
/// Longer than any case that finds the bug by waiting.
const HANGS: Duration = Duration::from_millis(700);
/// Resources that are given back at all are given back in this time.
const CLEANUP: Duration = Duration::from_millis(300);
/// All other cases find the bug without waiting for long.
const LONG: Duration = Duration::from_secs(60);

fn limit(words: &str) -> Duration {
    if words == "never comes" { HANGS } else { LONG }
}

fn case(name: &str) -> Case {
    Case::named(name).expect("the suite has this case")
}

/// One test for each bug and the case that catches it, with the words of the
/// panic.
macro_rules! caught {
    ($($bench:ident { $($bug:ident: $case:ident = $words:literal;)+ })+) => {
        $($(
            #[test]
            #[should_panic = $words]
            fn $case() {
                let bench = async || benches::$bench(Bug::$bug).await;
                conformance::run_within(limit($words), CLEANUP, bench, case(stringify!($case)));
            }
        )+)+
    };
}

mod benches {
    use longlink::Tcp;
    use tokio_util::codec::LinesCodec;

    use super::{Bug, InMemory, Spoiled};
    use crate::streams::{self, Streams};

    type Lines = Streams<Tcp<LinesCodec, String>>;

    pub async fn memory(bug: Bug) -> Spoiled<InMemory> {
        Spoiled { inner: InMemory::new(), bug }
    }

    pub async fn tcp(bug: Bug) -> Spoiled<Lines> {
        Spoiled { inner: streams::tcp().await, bug }
    }

    pub async fn tls(bug: Bug) -> Spoiled<Lines> {
        Spoiled { inner: streams::tls().await, bug }
    }
}

caught! {
    memory {
        SendsOutOfOrder: messages_keep_their_order_to_the_server = "order, on the way to the server";
        ReadsOutOfOrder: messages_keep_their_order_from_the_server = "order, on the way to the client";
        SendsTwice: messages_cross_in_both_directions_at_once = "order, there and back";
        TakesEverything: a_server_that_does_not_read_stops_the_writer = "backpressure: the link takes";
        ReadsEverything: a_reader_that_does_not_read_stops_the_server = "backpressure: the server sends";
        ForgetsBeats: beats_are_taken_while_messages_wait = "never comes";
        GoodbyeForgets: our_goodbye_comes_behind_all_messages = "the link ended where a message was to come";
        SaysEof: the_server_s_goodbye_comes_behind_all_messages = "assertion";
        SendsOutOfOrder: a_connection_says_goodbye_behind_all_messages = "the goodbye comes last";
        SaysProtocol: a_connection_comes_back_after_the_server_s_goodbye = "assertion";
        Lingers: a_dropped_link_ends_at_once = "never comes";
        RepeatsTheLast: a_fin_ends_the_link = "nothing comes behind a cut";
        SaysProtocol: a_reset_ends_the_link = "Reset ended the link with Protocol";
        SwallowsEnds: a_server_that_stops_is_reconnected_to = "never comes";
        WrongToken: a_beat_is_small_and_is_answered = "the answer names another beat";
        IgnoresPings: a_ping_of_the_server_is_answered_with_the_next_flush = "never comes";
        IgnoresPings: a_connection_answers_the_server_s_pings_by_itself = "never comes";
        HearsItself: a_busy_writer_into_a_black_hole_is_declared_dead = "never comes";
        AnswersItself: a_black_hole_from_the_server_is_noticed = "never comes";
        NoLimit: a_longer_message_is_refused = "is accepted";
        NoLimit: a_longer_message_of_the_server_ends_the_link = "came to Ok";
        DeliversOld: no_message_of_an_old_link_follows_one_of_a_newer = "is of an old link";
        SendsOld: messages_to_the_server_keep_their_order_across_links = "follows";
        DialsOn: a_dropped_connect_leaves_nothing = "something leaked";
        FlushForgets: a_dropped_flush_loses_nothing = "nothing is lost under pressure";
        SendsTwice: a_dropped_send_has_sent_nothing = "what was sent is what was accepted";
        SendsTwice: a_dropped_confirmed_send_has_sent_nothing = "what was sent is what was accepted";
        DeliversTwice: a_dropped_wait_of_a_login_loses_nothing = "nothing is lost with a login's dropped wait";
        FlushForgets: a_dropped_send_of_a_login_sends_once_or_not_at_all = "nothing is lost with a login's dropped send";
        GoodbyeForgets: a_dropped_goodbye_goes_on = "the link ended where a message was to come";
        LeaksTask: a_dropped_wait_changes_nothing = "something leaked";
        LeaksSocket: a_dropped_recv_loses_nothing = "something leaked";
        Lingers: a_dropped_close_goes_on = "something leaked";
        Lingers: a_dropped_connection_ends_everything = "never comes";
        ForgetsReader: a_reader_is_woken_for_everything = "never comes";
        ForgetsWriter: a_writer_is_woken_when_there_is_room = "never comes";
        OpensNothing: a_refused_attempt_is_an_error = "nobody listens, and a link opens";
        DialsOn: a_silent_server_does_not_hold_an_attempt = "something leaked";
        AnswersItself: a_black_hole_to_the_server_is_noticed = "never comes";
        DropsAnswers: beats_of_an_idle_connection_are_answered = "never comes";
    }
    tcp {
        RepeatsTheLast: a_half_close_ends_the_link = "nothing comes behind a cut";
        RepeatsTheLast: a_message_cut_by_a_fin_is_dropped = "nothing comes behind a cut";
        SaysEof: a_message_cut_by_a_reset_is_dropped = "ended the link with Eof";
        LimitTooLow: the_longest_message_passes = "a message of just the limit is refused";
    }
    tls {
        SaysEof: an_alert_of_ours_ends_the_link = "ended the link with Eof";
        SaysEof: an_alert_of_the_server_s_ends_the_link = "ended the link with Eof";
    }
}

#[test]
#[should_panic = "a beat takes"]
fn fat_beats_are_caught() {
    let bench = async || benches::tcp(Bug::FatBeats).await;
    conformance::run_within(LONG, CLEANUP, bench, case("a_beat_is_small_and_is_answered"));
}
