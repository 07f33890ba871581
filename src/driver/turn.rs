//! One turn of the driver.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Driver;
use super::board::{Finish, Tally};
use super::desk::Orders;
use super::reports::Report;
use crate::contain::{contain, drop_contained};
use crate::keeper::{Failure, Input, LinkEnd, Messages, NetworkStatus, Opened, State};
use crate::transport::{Confirms, Transport};

/// Messages that one turn takes from the outbox.
const BATCH: usize = 256;

/// Capacity that an idle buffer may keep.
const KEPT: usize = 16;

impl<T: Transport> Driver<T> {
    /// Does what there is to do now. What waits on the link is read before
    /// any deadline is looked at: a process that was frozen must not call a
    /// link dead whose answer is there.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.now = None;
        Tally::add(&self.board.tally.wake_ups, 1);
        let mut again = self.news(cx);
        self.take_answers(cx);
        again |= self.take_reports(cx);
        again |= self.read(cx);
        let rang = self.timer(cx);
        if self.is_finished() {
            // Whatever was ordered meanwhile comes too late.
            return Poll::Ready(());
        }
        let (orders, more) = self.take_orders(cx);
        if orders.abandoned {
            self.finish(Finish::Closed);
            return Poll::Ready(());
        }
        self.obey(orders);
        again |= self.write(cx) && more;
        self.end_broken(cx);
        self.advance_closing();
        if self.is_finished() {
            return Poll::Ready(());
        }
        self.publish();
        if rang && !again {
            self.shrink();
        }
        again |= self.set_alarm(cx);
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Passes on what the host calls the network that it is on at the start.
    pub(super) fn name_network(&mut self) {
        let Some(watch) = &mut self.network else { return };
        match contain(|| watch.key()) {
            Ok(Some(name)) => {
                let now = self.now();
                self.keeper.handle(Input::NetworkNamed { network: &name }, now);
            }
            Ok(None) => {}
            Err(_) => {
                self.count_panic();
                drop_contained(self.network.take());
            }
        }
    }

    /// Passes on what the host says of the network. Returns whether there may
    /// be more.
    fn news(&mut self, cx: &mut Context<'_>) -> bool {
        /// Changes in one turn.
        const TURN: usize = 16;
        for _ in 0..TURN {
            let Some(watch) = &mut self.network else { return false };
            match contain(|| watch.poll_change(cx)) {
                Ok(Poll::Ready(change)) => {
                    let now = self.now();
                    if let Some(name) = change.key.filter(|_| change.status != NetworkStatus::Offline) {
                        self.keeper.handle(Input::NetworkNamed { network: &name }, now);
                        self.execute();
                    }
                    self.keeper.handle(Input::Network(change.status), now);
                    self.execute();
                }
                Ok(Poll::Pending) => return false,
                Err(_) => self.lose_network(),
            }
        }
        true
    }

    /// The source of news broke. Nobody will say any more that the network is
    /// back, so nobody may go on believing that it is gone.
    pub(super) fn lose_network(&mut self) {
        self.count_panic();
        drop_contained(self.network.take());
        let now = self.now();
        self.keeper.handle(Input::Network(NetworkStatus::Changed), now);
        self.execute();
    }

    /// Takes what link tasks report. What an abandoned link says does not
    /// count. Returns whether there may be more.
    fn take_reports(&mut self, cx: &mut Context<'_>) -> bool {
        /// Reports in one turn: others have their turn, however much comes in
        /// on a link that is closing.
        const TURN: usize = 256;
        for _ in 0..TURN {
            let take_messages = !self.refresh_room(cx).is_none();
            let Poll::Ready((link, report)) = self.reports.poll_next(take_messages, cx) else {
                return false;
            };
            match report {
                Report::Message(message, weight) => {
                    if self.tasks.knows(link) {
                        self.arrived.push_back(message);
                        self.arrived_bytes = self.arrived_bytes.saturating_add(weight);
                        self.deliver(Some(cx.waker()));
                    } else {
                        // It was read while its link was abandoned: behind the
                        // link's end there is no place for it.
                        drop_contained(message);
                        Tally::add(&self.board.tally.messages_in, 1);
                        self.count_dropped(1);
                    }
                }
                Report::Answered(token) => self.flights.answered(link, token),
                Report::Opened(mut session) => {
                    if !self.tasks.ended(link) {
                        drop_contained(session);
                        continue;
                    }
                    let opened = contain(|| {
                        let beat = session.beat();
                        // The link is asked once.
                        session.set_beat(beat);
                        let took = session.attempt().elapsed();
                        Opened {
                            tells_path: session.tells_path(),
                            answers_after: session.answers_after(),
                            vouched: session.is_vouched_for(),
                            ..Opened::new(beat, session.dialled(), took)
                        }
                    });
                    let now = self.now();
                    match opened {
                        Ok(opened) => {
                            self.opened.push((link, session));
                            self.keeper.handle(Input::Opened { link, opened }, now);
                        }
                        Err(_) => {
                            drop_contained(session);
                            self.count_panic();
                            self.keeper.handle(
                                Input::OpenFailed { link, failure: Failure::Panicked, dialled: None },
                                now,
                            );
                        }
                    }
                    self.execute();
                }
                Report::Dialled(dialled) => {
                    if self.tasks.knows(link) {
                        let now = self.now();
                        self.keeper.handle(Input::Dialled { link, dialled }, now);
                        self.execute();
                    }
                }
                Report::Failed { error, dialled } => {
                    if !self.tasks.ended(link) {
                        continue;
                    }
                    let failure = error.failure().clone();
                    if failure == Failure::Panicked {
                        self.count_panic();
                    }
                    self.last_error = Some(Arc::new(error));
                    let now = self.now();
                    self.keeper.handle(Input::OpenFailed { link, failure, dialled }, now);
                    self.execute();
                }
                Report::ScoutFailed { failure, dialled } => {
                    if self.tasks.ended(link) {
                        if failure == Failure::Panicked {
                            self.count_panic();
                        }
                        let now = self.now();
                        self.keeper.handle(Input::OpenFailed { link, failure, dialled }, now);
                        self.execute();
                    }
                }
                Report::ScoutOpened(opened) => {
                    if self.tasks.knows(link) {
                        let now = self.now();
                        self.keeper.handle(Input::Opened { link, opened }, now);
                        self.execute();
                    }
                }
                Report::ScoutHeard => {
                    let now = self.now();
                    self.keeper.handle(Input::Read { link, messages: Messages::None, answers: &[] }, now);
                    self.execute();
                }
                Report::ScoutAnswered(token) => {
                    let now = self.now();
                    self.keeper
                        .handle(Input::Read { link, messages: Messages::None, answers: &[token] }, now);
                    self.execute();
                }
                Report::Ended(end) => {
                    if self.tasks.ended(link) {
                        self.retired(link, end);
                    }
                }
            }
        }
        true
    }

    /// Lets the keeper act if a deadline has come. Returns whether the alarm
    /// rang.
    fn timer(&mut self, cx: &mut Context<'_>) -> bool {
        if self.is_finished() {
            return false;
        }
        let rang = self.alarm.rang(cx);
        if !rang && self.now.is_none() {
            return false;
        }
        let now = self.now();
        if rang {
            self.park(now);
            self.tell_dropped(false);
        }
        if self.keeper.poll_timeout().is_some_and(|due| due <= now) {
            self.keeper.handle(Input::Timeout, now);
            self.touched = true;
            self.execute();
        }
        rang
    }

    /// Takes the application's orders, and a batch of its messages if there
    /// is a link to write them to. Returns whether more of them wait.
    fn take_orders(&mut self, cx: &mut Context<'_>) -> (Orders, bool) {
        let writes = self.main.as_ref().filter(|main| main.broken.is_none()).map(|main| main.id);
        let waker = cx.waker();
        self.at_desk(|state, flights| {
            if let Some(link) = writes
                && flights.is_idle(link)
            {
                flights.take(link, BATCH, &mut state.outbox);
            }
            match &mut state.driver {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            // Without a link, or behind others, a message is no reason to
            // wake. Those that wait behind what departs are more to write
            // once that is gone.
            state.wants_messages = writes.is_some() && state.outbox.is_empty();
            let more = writes.is_some() && !state.outbox.is_empty();
            (std::mem::take(&mut state.orders), more)
        })
    }

    fn obey(&mut self, orders: Orders) {
        if orders.close {
            self.begin_closing();
        }
        if self.closing.is_some() {
            // Nothing is worth a new link any more.
            return;
        }
        if let Some(activity) = orders.activity {
            let now = self.now();
            self.keeper.handle(Input::Activity(activity), now);
            self.execute();
        }
        if let Some(update) = orders.update {
            let now = self.now();
            let config = update.applied_to(self.keeper.config());
            self.keeper.handle(Input::Update(Box::new(config)), now);
            self.execute();
        }
        match orders.pause {
            Some(true) => {
                let now = self.now();
                self.keeper.handle(Input::Pause, now);
                self.execute();
            }
            Some(false) => {
                let now = self.now();
                self.keeper.handle(Input::Resume, now);
                self.execute();
            }
            None => {}
        }
        if orders.reconnect {
            let now = self.now();
            self.keeper.handle(Input::Reconnect, now);
            self.execute();
        }
        if orders.probe {
            let now = self.now();
            self.keeper.handle(Input::Probe, now);
            self.execute();
        }
    }

    /// Writes what was taken, asks for it to be confirmed where somebody
    /// waits for that, and flushes once for all. Returns whether all that was
    /// taken was given to the link.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let asked = self.main.as_ref().is_some_and(|main| {
            main.confirms == Confirms::Answer && self.flights.wants_confirmation(main.id)
        });
        let gave = self.give(cx);
        if gave > 0 && asked {
            let now = self.now();
            self.keeper.handle(Input::Confirm, now);
            self.execute();
        }
        self.flush(cx);
        // The keeper may have answered what was sent with a beat.
        self.flush(cx);
        let blocked = self.main.as_ref().is_some_and(|main| !self.flights.is_idle(main.id));
        if blocked || self.flights.has_news() {
            self.at_desk(|state, _| state.wants_messages &= !blocked);
        }
        !blocked
    }

    /// Ends a link that can no longer be written to, once what it still has
    /// to say was read.
    fn end_broken(&mut self, cx: &mut Context<'_>) {
        let Some(main) = &mut self.main else { return };
        let Some(end) = main.broken.take() else { return };
        let end = if end == LinkEnd::Panicked { end } else { self.read_last_words(cx).unwrap_or(end) };
        self.end_main(end);
    }

    /// The link in use ended by itself.
    pub(super) fn end_main(&mut self, end: LinkEnd) {
        let Some(main) = &self.main else { return };
        let id = main.id;
        if end == LinkEnd::Panicked {
            self.count_panic();
        }
        self.drop_main();
        let now = self.now();
        self.keeper.handle(Input::Ended { link: id, end }, now);
        self.execute();
        self.tell_doubtful();
    }

    /// Shows figures and state, if anything has changed.
    fn publish(&mut self) {
        if std::mem::take(&mut self.touched) {
            let now = self.now();
            let kept = self.keeper.state();
            let connected = matches!(kept, State::Connected { .. });
            let state = if self.closing.is_some() { State::Closing } else { kept };
            self.board.show_figures(self.keeper.figures(now), connected, now);
            self.board.show_state(state);
        }
    }

    /// Sets the alarm to the next deadline. Returns whether it has come.
    fn set_alarm(&mut self, cx: &mut Context<'_>) -> bool {
        let keeper = self.keeper.poll_timeout();
        let closing = self.closing.as_ref().map(|closing| closing.next_deadline());
        let Some(due) = keeper.into_iter().chain(closing).min() else { return false };
        let passing = keeper == Some(due) && self.keeper.expects_answer();
        self.alarm.set(self.board.clock.instant(due), passing, cx)
    }

    /// Frees what a burst has left allocated. Called when an alarm rings in
    /// an otherwise calm turn, about once a beat. What a beat itself needs is
    /// kept.
    fn shrink(&mut self) {
        self.inbox.shrink();
        if self.arrived.is_empty() && self.arrived.capacity() > KEPT {
            self.arrived = VecDeque::new();
        }
        if self.pongs.capacity() > KEPT {
            self.pongs = Vec::new();
        }
        self.flights.shrink();
        self.notices.shrink(KEPT);
        self.at_desk(|state, _| state.outbox.shrink());
    }

    pub(super) fn count_panic(&self) {
        Tally::add(&self.board.tally.panics, 1);
    }
}
