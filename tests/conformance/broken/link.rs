//! A link with a bug.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use longlink::transport::{Frame, Link, Traffic};
use longlink::{LinkEnd, Token};
use tokio::task::AbortHandle;

use super::{Bug, Left, lock};

pub struct BrokenLink<L: Link> {
    /// `None` for a link that leads nowhere, or that lingers elsewhere.
    inner: Option<L>,
    bug: Bug,
    left: Arc<Mutex<Left<L>>>,
    /// Messages that were taken and not given to the inner link yet.
    queue: VecDeque<L::Outgoing>,
    /// The message that the next message overtakes.
    held: Option<L::Outgoing>,
    /// The frames that a reading task has read, if there is one.
    hoard: Option<Hoard<L>>,
    /// Frames that come before the frames of the inner link.
    ahead: VecDeque<Result<Frame<L::Incoming>, LinkEnd>>,
    last: Option<L::Incoming>,
    count: usize,
    fat: u64,
    forgot: bool,
}

type Frames<L> = VecDeque<Result<Frame<<L as Link>::Incoming>, LinkEnd>>;

struct Hoard<L: Link> {
    link: Arc<Mutex<L>>,
    read: Arc<Mutex<(Frames<L>, Option<Waker>)>>,
    task: AbortHandle,
}

impl<L> BrokenLink<L>
where
    L: Link<Incoming: Clone, Outgoing: Clone>,
{
    pub(super) fn new(inner: L, bug: Bug, left: Arc<Mutex<Left<L>>>) -> BrokenLink<L> {
        let mut ahead = VecDeque::new();
        let mut queue = VecDeque::new();
        if bug == Bug::DeliversOld {
            ahead.extend(lock(&left).incoming.take().map(|old| Ok(Frame::Message(old))));
        }
        if bug == Bug::SendsOld {
            queue.extend(lock(&left).outgoing.clone());
        }
        let mut link = BrokenLink {
            inner: Some(inner),
            bug,
            left,
            queue,
            held: None,
            hoard: None,
            ahead,
            last: None,
            count: 0,
            fat: 0,
            forgot: false,
        };
        if bug == Bug::ReadsEverything {
            link.hoard = link.inner.take().map(hoard);
        }
        link
    }

    pub(super) fn nothing(bug: Bug) -> BrokenLink<L> {
        BrokenLink {
            inner: None,
            bug,
            left: Arc::default(),
            queue: VecDeque::new(),
            held: None,
            hoard: None,
            ahead: VecDeque::new(),
            last: None,
            count: 0,
            fat: 0,
            forgot: false,
        }
    }

    /// Runs `with` on the inner link; `None` where there is none.
    fn inner<R>(&mut self, with: impl FnOnce(&mut L) -> R) -> Option<R> {
        match (&mut self.inner, &self.hoard) {
            (Some(inner), _) => Some(with(inner)),
            (None, Some(hoard)) => Some(with(&mut lock(&hoard.link))),
            (None, None) => None,
        }
    }

    /// Gives the waiting messages to the inner link.
    fn poll_give(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        while !self.queue.is_empty() {
            ready!(self.inner(|inner| inner.poll_ready(cx)).unwrap_or(Poll::Pending))?;
            let message = self.queue.pop_front().expect("it is not empty");
            self.inner(|inner| inner.start_send(message)).unwrap_or(Ok(()))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<L::Incoming>, LinkEnd>> {
        if let Some(ahead) = self.ahead.pop_front() {
            return Poll::Ready(ahead);
        }
        if let Some(hoard) = &self.hoard {
            let mut read = lock(&hoard.read);
            read.1 = Some(cx.waker().clone());
            return read.0.pop_front().map_or(Poll::Pending, Poll::Ready);
        }
        let mut nobody = Context::from_waker(Waker::noop());
        let cx = if self.bug == Bug::ForgetsReader { &mut nobody } else { cx };
        self.inner(|inner| inner.poll_next(cx)).unwrap_or(Poll::Pending)
    }
}

/// Reads all frames, though nobody asks for them.
fn hoard<L: Link>(link: L) -> Hoard<L> {
    let link = Arc::new(Mutex::new(link));
    let read = Arc::new(Mutex::new((VecDeque::new(), None::<Waker>)));
    let (from, to) = (Arc::clone(&link), Arc::clone(&read));
    let task = tokio::spawn(async move {
        loop {
            let frame = std::future::poll_fn(|cx| lock(&from).poll_next(cx)).await;
            let over = frame.is_err();
            let waker = {
                let mut read = lock(&to);
                read.0.push_back(frame);
                read.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
            if over {
                return;
            }
        }
    });
    Hoard { link, read, task: task.abort_handle() }
}

impl<L> Link for BrokenLink<L>
where
    L: Link<Incoming: Clone, Outgoing: Clone>,
{
    type Incoming = L::Incoming;
    type Outgoing = L::Outgoing;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<L::Incoming>, LinkEnd>> {
        let frame = ready!(self.poll_frame(cx));
        match frame {
            Ok(Frame::Message(message)) => {
                self.count += 1;
                self.last = Some(message.clone());
                if self.bug == Bug::DeliversOld {
                    lock(&self.left).incoming = Some(message.clone());
                }
                if self.bug == Bug::DeliversTwice && self.count == 2 {
                    self.ahead.push_back(Ok(Frame::Message(message.clone())));
                }
                if self.bug == Bug::ReadsOutOfOrder && self.count.is_multiple_of(10) {
                    let next = ready!(self.poll_frame(cx));
                    self.ahead.push_back(Ok(Frame::Message(message)));
                    return Poll::Ready(next);
                }
                Poll::Ready(Ok(Frame::Message(message)))
            }
            Ok(Frame::Pong(Some(Token(token)))) if self.bug == Bug::WrongToken => {
                Poll::Ready(Ok(Frame::Pong(Some(Token(token + 1)))))
            }
            Ok(Frame::Pong(_)) if self.bug == Bug::DropsAnswers => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ok(frame) => Poll::Ready(Ok(frame)),
            Err(end) => match (self.bug, self.last.take()) {
                (Bug::SaysEof, _) => Poll::Ready(Err(LinkEnd::Eof)),
                (Bug::SaysProtocol, _) => Poll::Ready(Err(LinkEnd::Protocol("it ended".to_owned()))),
                (Bug::SwallowsEnds, _) => Poll::Pending,
                (Bug::RepeatsTheLast, Some(last)) => {
                    self.ahead.push_back(Err(end));
                    Poll::Ready(Ok(Frame::Message(last)))
                }
                _ => Poll::Ready(Err(end)),
            },
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        match self.bug {
            Bug::TakesEverything => return Poll::Ready(Ok(())),
            Bug::FlushForgets | Bug::GoodbyeForgets if self.queue.len() < 64 => return Poll::Ready(Ok(())),
            _ => {}
        }
        let mut nobody = Context::from_waker(Waker::noop());
        let cx = if self.bug == Bug::ForgetsWriter { &mut nobody } else { cx };
        ready!(self.poll_give(cx))?;
        self.inner(|inner| inner.poll_ready(cx)).unwrap_or(Poll::Pending)
    }

    fn start_send(&mut self, message: L::Outgoing) -> Result<(), LinkEnd> {
        self.count += 1;
        match self.bug {
            Bug::SendsOutOfOrder if self.count.is_multiple_of(10) => {
                self.held = Some(message);
                return Ok(());
            }
            Bug::SendsOutOfOrder => self.queue.extend(self.held.take()),
            Bug::TakesEverything | Bug::FlushForgets | Bug::GoodbyeForgets => {
                self.queue.push_back(message);
                return Ok(());
            }
            Bug::SendsTwice if self.count.is_multiple_of(5) => self.queue.push_back(message.clone()),
            Bug::SendsOld => {
                lock(&self.left).outgoing.get_or_insert_with(|| message.clone());
            }
            _ => {}
        }
        self.inner(|inner| inner.start_send(message)).unwrap_or(Ok(()))
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        match self.bug {
            Bug::ForgetsBeats => {
                let mut nobody = Context::from_waker(Waker::noop());
                if self.inner(|inner| inner.poll_ready(&mut nobody)).is_none_or(|ready| ready.is_pending()) {
                    return Ok(());
                }
            }
            Bug::AnswersItself => self.ahead.push_back(Ok(Frame::Pong(Some(token)))),
            Bug::FatBeats => self.fat += 11,
            _ => {}
        }
        self.inner(|inner| inner.start_beat(token)).unwrap_or(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let mut nobody = Context::from_waker(Waker::noop());
        match self.bug {
            Bug::IgnoresPings if self.count == 0 => return Poll::Ready(Ok(())),
            Bug::FlushForgets => {
                let given = self.poll_give(cx);
                if given.is_pending() && !std::mem::replace(&mut self.forgot, true) {
                    self.queue.pop_front();
                }
                ready!(given)?;
            }
            Bug::SendsOutOfOrder => self.queue.extend(self.held.take()),
            Bug::HearsItself => self.ahead.push_back(Ok(Frame::Alive)),
            _ => {}
        }
        let cx = if self.bug == Bug::ForgetsWriter { &mut nobody } else { cx };
        ready!(self.poll_give(cx))?;
        self.inner(|inner| inner.poll_flush(cx)).unwrap_or(Poll::Pending)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        match self.bug {
            Bug::GoodbyeForgets => self.queue.clear(),
            _ => ready!(self.poll_give(cx))?,
        }
        self.inner(|inner| inner.poll_close(cx)).unwrap_or(Poll::Pending)
    }

    fn traffic(&self) -> Option<Traffic> {
        let mut traffic = self.inner.as_ref().and_then(L::traffic)?;
        traffic.sent += self.fat;
        Some(traffic)
    }
}

impl<L: Link> Drop for BrokenLink<L> {
    fn drop(&mut self) {
        if let Some(hoard) = &self.hoard {
            hoard.task.abort();
        }
        if self.bug == Bug::Lingers
            && let Some(inner) = self.inner.take()
        {
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(inner);
            });
        }
    }
}
