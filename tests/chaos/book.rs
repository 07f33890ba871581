//! The connection's events: kept for a look back, and held against one
//! another and against its figures.

use std::collections::VecDeque;
use std::time::Instant;

use longlink::{Detection, Event, LinkEnd, Stats};

use crate::ledger::Used;

/// How many of the latest events are kept.
const KEPT: usize = 80;

/// The content of the events so far.
#[derive(Debug)]
pub struct Book {
    began: Instant,
    latest: VecDeque<String>,
    /// The links that were taken into use, in order.
    pub links: Vec<Used>,
    /// The last of them is in use.
    in_use: bool,
    /// The last that was left with a goodbye has not had its word on doubts.
    leaving: bool,
    tally: Tally,
    /// Everything that should not be.
    wrong: Vec<String>,
}

#[derive(Debug, Default)]
struct Tally {
    events: u64,
    attempts: u64,
    beats: u64,
    misses: u64,
    unanswered: u64,
    missing: u64,
    dropped: u64,
}

impl Book {
    pub fn new() -> Book {
        Book {
            began: Instant::now(),
            latest: VecDeque::new(),
            links: Vec::new(),
            in_use: false,
            leaving: false,
            tally: Tally::default(),
            wrong: Vec::new(),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.links.len() as u64
    }

    pub fn attempts(&self) -> u64 {
        self.tally.attempts
    }

    pub fn dropped(&self) -> u64 {
        self.tally.dropped
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(format!("{:9.3} s {event}", self.began.elapsed().as_secs_f64()));
        self.tally.events += 1;
        match event {
            Event::Connecting { .. } => self.tally.attempts += 1,
            Event::Connected { link, epoch, .. } => {
                if self.in_use || *epoch != self.epoch() + 1 {
                    self.wrong.push(format!("link {link} is connected as epoch {epoch}"));
                }
                if self.links.last().is_some_and(|last| last.link >= link.get()) {
                    self.wrong.push(format!("link {link} comes after a later one"));
                }
                self.in_use = true;
                self.links.push(Used { epoch: *epoch, link: link.get(), ..Used::default() });
            }
            Event::Disconnected { link, epoch, detection, .. } => {
                let last =
                    self.links.last_mut().filter(|last| last.epoch == *epoch && last.link == link.get());
                match last {
                    Some(last) if self.in_use => {
                        let ended =
                            matches!(detection, Detection::Ended(LinkEnd::Eof | LinkEnd::Closed { .. }));
                        last.ended_by_peer = ended;
                    }
                    Some(_) | None => self.wrong.push(format!("epoch {epoch} ends, which was not in use")),
                }
                self.in_use = false;
                self.leaving = matches!(detection, Detection::Paused | Detection::Closed);
                self.tally.unanswered += u64::from(matches!(detection, Detection::Unanswered { .. }));
            }
            Event::MaybeSent { count } => {
                // The doubts of a link that was left with a goodbye may be
                // told only once the next is in use.
                let before = usize::from(std::mem::take(&mut self.leaving) && self.in_use);
                let of = self.links.len().checked_sub(1 + before).and_then(|at| self.links.get_mut(at));
                match of {
                    Some(link) => link.maybe += count,
                    None => self.wrong.push(format!("{count} messages are in doubt without a link")),
                }
            }
            Event::BeatSent { .. } => self.tally.beats += 1,
            Event::BeatMissed { .. } => self.tally.misses += 1,
            Event::MessagesDropped { count } => self.tally.dropped += count,
            Event::EventsDropped { count } => self.tally.missing += count,
            Event::GaveUp { reason } => self.wrong.push(format!("it gave up: {reason}")),
            _ => {}
        }
    }

    /// Holds the events against the figures, where those are final, and gives
    /// what is wrong.
    pub fn judge(&mut self, stats: Option<&Stats>) -> Vec<String> {
        let mut wrong = std::mem::take(&mut self.wrong);
        let Some(stats) = stats else { return wrong };
        let tally = &self.tally;
        let mut same = |what: &str, told: u64, counted: u64| {
            if told != counted {
                wrong.push(format!("{what}: {told} by the events, {counted} by the figures"));
            }
        };
        same("events missing", tally.missing, stats.events_dropped);
        same("reconnects", self.links.len().saturating_sub(1) as u64, stats.keeper.reconnects);
        same("beats", tally.beats + tally.misses - tally.unanswered, stats.keeper.beats_sent);
        same("beats missed", tally.misses, stats.keeper.beats_missed);
        same("messages dropped", tally.dropped, stats.messages_dropped);
        same("panics", 0, stats.panics);
        // A driver that is woken for nothing, again and again, runs hot.
        let work = tally.events + stats.messages_sent + stats.messages_received;
        if stats.wake_ups > 20 * (work + 1) {
            wrong.push(format!("{} wake-ups for {work} events and messages", stats.wake_ups));
        }
        wrong
    }

    pub fn describe(&self) -> String {
        let events = self.latest.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
        format!("{:?}\nlast events:\n  {events}", self.tally)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longlink::transport::Attempt;

    use super::*;
    use crate::holdings::alone;

    fn connected(number: u32, epoch: u64) -> Event {
        Event::Connected { link: Attempt::standalone(number, None).link_id(), epoch, took: Duration::ZERO }
    }

    fn disconnected(number: u32, epoch: u64, detection: Detection) -> Event {
        let link = Attempt::standalone(number, None).link_id();
        Event::Disconnected { link, epoch, detection, gap: Duration::ZERO, uptime: Duration::ZERO }
    }

    fn book(events: &[Event]) -> Book {
        let mut book = Book::new();
        events.iter().for_each(|event| book.note(event));
        book
    }

    fn stats(reconnects: u64) -> Stats {
        let mut stats = Stats::default();
        stats.keeper.reconnects = reconnects;
        stats
    }

    #[test]
    fn doubts_belong_to_the_link_that_was_left() {
        let _alone = alone();
        let mut book = book(&[
            connected(1, 1),
            disconnected(1, 1, Detection::Ended(LinkEnd::Reset)),
            Event::MaybeSent { count: 3 },
            connected(4, 2),
            disconnected(4, 2, Detection::Paused),
            connected(5, 3),
            Event::MaybeSent { count: 4 },
            disconnected(5, 3, Detection::Closed),
            Event::MaybeSent { count: 5 },
        ]);
        assert_eq!(book.judge(Some(&stats(2))), Vec::<String>::new());
        assert_eq!(book.links.iter().map(|link| link.maybe).collect::<Vec<_>>(), [3, 4, 5]);
    }

    #[test]
    fn what_does_not_fit_is_noticed() {
        let _alone = alone();
        let reset = || Detection::Ended(LinkEnd::Reset);
        let wrong: [&[Event]; 5] = [
            &[connected(1, 1), connected(2, 2)],
            &[connected(1, 1), disconnected(1, 1, reset()), connected(2, 3)],
            &[connected(2, 1), disconnected(2, 1, reset()), connected(1, 2)],
            &[disconnected(1, 1, reset()), connected(2, 1), disconnected(2, 1, reset()), connected(3, 2)],
            &[Event::MaybeSent { count: 1 }, connected(1, 1), disconnected(1, 1, reset()), connected(2, 2)],
        ];
        for events in wrong {
            assert_eq!(book(events).judge(Some(&stats(1))).len(), 1, "{events:?}");
        }
        assert_eq!(book(&[]).judge(Some(&stats(1))).len(), 1);
    }
}
