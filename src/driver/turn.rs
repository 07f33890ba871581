//! One turn of the driver.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::Driver;
use super::status::{Counters, DriverEnd};
use crate::State;
use crate::keeper::Input;
use crate::transport::Transport;

/// Capacity that an idle buffer may keep.
const KEPT: usize = 16;

impl<T: Transport> Driver<T> {
    /// Does everything that can be done now. Received bytes are read before the
    /// driver looks at a deadline: a process that was frozen must not declare a
    /// link dead whose answer has arrived.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.now = None;
        self.again = false;
        Counters::add(&self.status.tally.wake_ups, 1);
        // The alarm is polled before reading uses up the task's budget.
        let rang = self.alarm.rang(cx);
        self.take_news(cx);
        self.take_answers(cx);
        self.take_reports(cx);
        self.read(cx);
        self.timer(rang);
        if self.is_finished() {
            // The driver has finished: commands that came meanwhile are too late.
            return Poll::Ready(());
        }
        let (commands, more) = self.take_commands(cx);
        if commands.abandoned {
            self.finish(DriverEnd::Closed);
            return Poll::Ready(());
        }
        self.obey(commands);
        self.again |= self.write(cx) && more;
        self.end_broken(cx);
        self.advance_closing();
        if self.is_finished() {
            return Poll::Ready(());
        }
        self.publish();
        if rang && !self.again {
            self.shrink();
        }
        let due = self.set_alarm(cx);
        if self.again || due || self.links.want_flush() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells the keeper that a deadline has come. While a link went unread, the
    /// deadline waits for one turn.
    fn timer(&mut self, rang: bool) {
        let waits = self.unread.is_some() && !std::mem::take(&mut self.deadline_waited);
        self.deadline_waited = waits;
        if self.is_finished() || waits || (!rang && self.now.is_none()) {
            return;
        }
        let now = self.now();
        if rang {
            self.detach(now);
            self.tell_dropped(false);
        }
        if self.keeper.poll_timeout().is_some_and(|due| due <= now) {
            self.keeper.handle(Input::Timeout, now);
            self.touched = true;
            self.execute();
        }
    }

    /// Publishes statistics and state, if they have changed.
    fn publish(&mut self) {
        if std::mem::take(&mut self.touched) {
            let now = self.now();
            let kept = self.keeper.state();
            let connected = matches!(kept, State::Connected { .. });
            let state = if self.closing.is_some() { State::Closing } else { kept };
            self.status.show_stats(self.keeper.stats(now), connected, now);
            self.status.show_state(state);
        }
    }

    /// Sets the alarm to the next deadline. Returns whether the deadline has come.
    fn set_alarm(&mut self, cx: &mut Context<'_>) -> bool {
        let keeper = self.keeper.poll_timeout();
        let closing = self.closing.as_ref().map(|closing| closing.next_deadline());
        let Some(due) = keeper.into_iter().chain(closing).min() else { return false };
        let passing = || keeper == Some(due) && self.keeper.expects_answer();
        self.alarm.set(self.status.clock.instant(due), passing, cx)
    }

    /// Frees buffers that a burst has left allocated. Called when the alarm rings in
    /// an otherwise calm turn, about once a beat. The buffers that a beat needs
    /// are kept.
    fn shrink(&mut self) {
        self.inbox.shrink();
        if self.arrived.messages.capacity() > KEPT {
            self.arrived.messages = VecDeque::new();
        }
        if self.pongs.capacity() > KEPT {
            self.pongs = Vec::new();
        }
        self.flights.shrink();
        self.notices.shrink(KEPT);
        self.with_outbox(|state, _| state.outbox.shrink());
    }

    pub(super) fn count_panic(&self) {
        Counters::add(&self.status.tally.panics, 1);
    }
}
