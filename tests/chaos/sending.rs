//! The client's side of what goes out: in every way that there is.

use std::sync::{Arc, Mutex};

use futures::stream::{FuturesUnordered, StreamExt};
use longlink::{Confirmation, Outcome, Sender, TrySendError};
use tokio::sync::{Semaphore, mpsc};

use crate::chance::Chance;
use crate::ledger::{Accepted, Fate};
use crate::message::{from_client, read_client};
use crate::wire::Wire;

/// The accepted messages, and their outcomes.
#[derive(Debug, Default)]
pub struct Accounts {
    pub accepted: Vec<Accepted>,
    pub outcomes: Vec<(u64, Fate)>,
    /// Sends that were given up while they waited, and those that found no
    /// room.
    pub withdrawn: u64,
    /// Numbers handed out so far.
    next: u64,
}

/// The state shared with those who look on.
#[derive(Clone, Default)]
pub struct Outgoing {
    accounts: Arc<Mutex<Accounts>>,
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SendKind {
    Plain,
    Confirmed,
    /// Confirmed, and nobody waits for it.
    Forgotten,
    Try,
    Permit,
    /// Given up after so many looks at it, if it has not come to anything.
    GivenUp(u64),
    /// A place that is waited for, or kept, and given back.
    PlaceGivenBack(u64),
}

impl SendKind {
    fn draw(chance: &mut Chance) -> SendKind {
        match chance.below(100) {
            0..30 => SendKind::Plain,
            30..62 => SendKind::Confirmed,
            62..65 => SendKind::Forgotten,
            65..80 => SendKind::Try,
            80..88 => SendKind::Permit,
            88..96 => SendKind::GivenUp(1 + chance.below(3)),
            _ => SendKind::PlaceGivenBack(1 + chance.below(3)),
        }
    }
}

impl Outgoing {
    pub fn look<R>(&self, look: impl FnOnce(&mut Accounts) -> R) -> R {
        look(&mut self.accounts.lock().unwrap())
    }

    pub fn accepted(&self) -> u64 {
        self.look(|accounts| accounts.accepted.len() as u64)
    }

    fn next_number(&self) -> u64 {
        self.look(|accounts| {
            accounts.next += 1;
            accounts.next - 1
        })
    }

    /// Sends one message for each permit of `quota`, until the connection is
    /// closed; with `only_confirmed` permits left in it none whose outcome is
    /// not asked for.
    pub async fn send_all<W: Wire>(
        self,
        sender: Sender<W::Message>,
        quota: Arc<Quota>,
        mut chance: Chance,
        confirmations: mpsc::UnboundedSender<(u64, Confirmation<W::Message>)>,
    ) {
        loop {
            let permit = quota.messages.acquire().await.expect("it is never closed");
            permit.forget();
            // Until one is accepted: those that came to nothing count for
            // nothing.
            let mut way = SendKind::draw(&mut chance);
            loop {
                if quota.only_confirmed() {
                    way = SendKind::Confirmed;
                }
                let number = self.next_number();
                match self.offer::<W>(&sender, number, way, &confirmations).await {
                    Some(true) => break,
                    Some(false) => self.look(|accounts| accounts.withdrawn += 1),
                    None => return,
                }
                way = SendKind::draw(&mut chance);
                if matches!(way, SendKind::Try | SendKind::GivenUp(_) | SendKind::PlaceGivenBack(_)) {
                    way = SendKind::Plain;
                }
            }
        }
    }

    /// Offers a message once. Whether it was accepted; `None` if nothing is
    /// accepted any more.
    async fn offer<W: Wire>(
        &self,
        sender: &Sender<W::Message>,
        number: u64,
        way: SendKind,
        confirmations: &mpsc::UnboundedSender<(u64, Confirmation<W::Message>)>,
    ) -> Option<bool> {
        let message = || W::message(from_client(number));
        let confirmed = way == SendKind::Confirmed;
        match way {
            SendKind::Plain => sender.send(message()).await.ok()?,
            SendKind::Confirmed => {
                let confirmation = sender.send_confirmed(message()).await.ok()?;
                // Noted before its outcome can be.
                self.accept(number, true);
                let _ = confirmations.send((number, confirmation));
                return Some(true);
            }
            SendKind::Forgotten => drop(sender.send_confirmed(message()).await.ok()?),
            SendKind::Try => match sender.try_send(message()) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => return Some(false),
                Err(_) => return None,
            },
            SendKind::Permit => sender.reserve().await.ok()?.send(message()).ok()?,
            SendKind::GivenUp(looks) => match look_at(sender.send(message()), looks).await {
                Some(sent) => sent.ok()?,
                None => return Some(false),
            },
            SendKind::PlaceGivenBack(looks) => {
                if let Some(place) = look_at(sender.reserve(), looks).await {
                    drop(place.ok()?);
                }
                return Some(false);
            }
        }
        self.accept(number, confirmed);
        Some(true)
    }

    fn accept(&self, number: u64, confirmed: bool) {
        self.look(|accounts| accounts.accepted.push(Accepted { number, confirmed }));
    }

    /// Waits for all outcomes.
    pub async fn wait_for_outcomes<W: Wire>(
        self,
        mut confirmations: mpsc::UnboundedReceiver<(u64, Confirmation<W::Message>)>,
    ) {
        let mut waiting = FuturesUnordered::new();
        let mut more = true;
        loop {
            tokio::select! {
                confirmation = confirmations.recv(), if more => match confirmation {
                    Some((number, confirmation)) => {
                        waiting.push(async move { (number, confirmation.await) });
                    }
                    None => more = false,
                },
                Some((number, outcome)) = waiting.next() => self.settle::<W>(number, outcome),
                else => return,
            }
        }
    }

    fn settle<W: Wire>(&self, number: u64, outcome: Outcome<W::Message>) {
        let fate = match &outcome {
            Outcome::Delivered => Fate::Delivered,
            Outcome::NotSent(_) => Fate::NotSent,
            Outcome::MaybeSent(_) => Fate::MaybeSent,
        };
        if let Some(message) = outcome.into_message() {
            assert_eq!(read_client(W::text(&message)), Some(number), "another message came back");
        }
        self.look(|accounts| accounts.outcomes.push((number, fate)));
    }
}

/// How many messages may be sent.
pub struct Quota {
    pub messages: Semaphore,
    only_confirmed: std::sync::atomic::AtomicBool,
}

impl Quota {
    pub fn new() -> Quota {
        Quota { messages: Semaphore::new(0), only_confirmed: false.into() }
    }

    /// From here on every message is sent with a confirmation.
    pub fn confirm_all(&self) {
        self.only_confirmed.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    fn only_confirmed(&self) -> bool {
        self.only_confirmed.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Polls `future` so many times at most, and drops it then.
async fn look_at<F: Future>(future: F, looks: u64) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 0..looks {
        if let std::task::Poll::Ready(output) = futures::poll!(future.as_mut()) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}
