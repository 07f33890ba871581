//! An outbox as a plain list of all messages that were ever accepted, searched
//! anew for every answer.

use longlink::outbox::{Bounds, Outcome};

/// An outbox remembers so many beats that are under way.
const BEATS: usize = 32;

/// No message counts more.
const HEAVIEST: usize = u32::MAX as usize;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Waiting,
    Taken,
    Given,
    Delivered,
    MaybeSent,
    NotSent,
}

struct Known {
    weight: usize,
    /// Somebody waits to be told its fate.
    ticket: bool,
    /// That somebody was told.
    told: bool,
    fate: Fate,
}

pub(super) struct Model {
    bounds: Bounds,
    /// By their number, which is the message itself.
    known: Vec<Known>,
    flushed: u64,
    closed: bool,
    reserved: usize,
    reserved_weight: u128,
    /// The beats under way on this link, and how many messages each was sent
    /// after.
    beats: Vec<(u64, u64)>,
    /// Beats before those, of which nothing is remembered.
    forgotten: usize,
}

impl Model {
    pub(super) fn new(bounds: Bounds) -> Model {
        Model {
            bounds,
            known: Vec::new(),
            flushed: 0,
            closed: false,
            reserved: 0,
            reserved_weight: 0,
            beats: Vec::new(),
            forgotten: 0,
        }
    }

    // What is done.

    pub(super) fn next_message(&self) -> u32 {
        u32::try_from(self.known.len()).expect("there are few messages")
    }

    /// Keeps a place, where there is room, and tells what it counts.
    pub(super) fn reserve(&mut self, weight: Option<usize>) -> Option<usize> {
        let counts = weight.unwrap_or(self.bounds.bytes / self.bounds.messages).min(HEAVIEST);
        let has_room = self.has_room();
        if has_room {
            self.reserved += 1;
            self.reserved_weight += counts as u128;
        }
        has_room.then_some(counts)
    }

    pub(super) fn release(&mut self, counts: usize) {
        self.reserved -= 1;
        self.reserved_weight -= counts as u128;
    }

    pub(super) fn push(&mut self, weight: usize, ticket: bool) -> Option<u64> {
        let number = self.accepted();
        (!self.closed).then(|| {
            self.known.push(Known { weight: weight.min(HEAVIEST), ticket, told: false, fate: Fate::Waiting });
            number
        })
    }

    pub(super) fn take(&mut self, most: usize) -> usize {
        self.turn(Fate::Waiting, Fate::Taken, most)
    }

    pub(super) fn put_back(&mut self) {
        self.turn(Fate::Taken, Fate::Waiting, usize::MAX);
    }

    /// A link took these.
    pub(super) fn write(&mut self, messages: &[u32], weight: usize) {
        let first = self.known.iter().position(|known| known.fate == Fate::Taken).unwrap_or_default();
        let weighed = self.known[first..].iter().take(messages.len());
        assert_eq!(weight, weighed.map(|known| known.weight).sum::<usize>(), "each weighs what it weighed");
        let in_order = messages.iter().zip(first as u32..).all(|(message, number)| *message == number);
        assert!(in_order, "{messages:?} are not those from {first} on");
        self.turn(Fate::Taken, Fate::Given, messages.len());
    }

    pub(super) fn beat(&mut self, token: u64) {
        if self.beats.len() == BEATS {
            self.beats.remove(0);
            self.forgotten += 1;
        }
        self.beats.push((token, self.given()));
    }

    /// This beat was answered, and so were those before it.
    pub(super) fn answer(&mut self, token: u64) {
        if let Some(at) = self.beats.iter().position(|(sent, _)| *sent == token) {
            self.forgotten = 0;
            self.answer_at(at);
        }
    }

    /// The oldest beat under way was answered.
    pub(super) fn answer_unnamed(&mut self) {
        if self.forgotten > 0 {
            self.forgotten -= 1;
        } else if !self.beats.is_empty() {
            self.answer_at(0);
        }
    }

    pub(super) fn flush(&mut self) {
        self.flushed = self.given();
    }

    pub(super) fn deliver_flushed(&mut self) {
        self.settle_below(self.flushed, Fate::Delivered);
    }

    pub(super) fn doubt_flushed(&mut self) {
        self.settle_below(self.flushed, Fate::MaybeSent);
    }

    pub(super) fn goodbye_answered(&mut self) {
        self.flush();
        self.deliver_flushed();
    }

    /// How many are maybe sent by that.
    pub(super) fn link_ended(&mut self) -> u64 {
        self.beats.clear();
        self.forgotten = 0;
        self.flush();
        self.settle_below(self.given(), Fate::MaybeSent)
    }

    pub(super) fn forget_tickets(&mut self, unwanted: impl Fn(&u32) -> bool) {
        for (number, known) in (0..).zip(&mut self.known) {
            known.ticket &= !(known.fate == Fate::Waiting || known.fate == Fate::Taken) || !unwanted(&number);
        }
    }

    pub(super) fn refuse_more(&mut self) {
        self.closed = true;
    }

    /// Those that are handed back at once, in order.
    pub(super) fn close(&mut self) -> Vec<u32> {
        self.closed = true;
        let mut plain = Vec::new();
        for (number, known) in (0..).zip(&mut self.known).filter(|(_, known)| known.fate == Fate::Waiting) {
            known.fate = Fate::NotSent;
            if !known.ticket {
                plain.push(number);
            }
        }
        plain
    }

    /// Somebody is told what became of a message.
    pub(super) fn settle(&mut self, ticket: u32, outcome: Outcome<u32>) {
        let known = &mut self.known[ticket as usize];
        assert!(known.ticket && !known.told, "nobody asked about {ticket}, or it was told");
        known.told = true;
        let fate = match outcome {
            Outcome::Delivered => Fate::Delivered,
            Outcome::MaybeSent(message) => {
                assert_eq!(message, ticket);
                Fate::MaybeSent
            }
            Outcome::NotSent(message) => {
                assert_eq!(message, ticket);
                Fate::NotSent
            }
        };
        assert_eq!(fate, known.fate, "the fate of {ticket}");
    }

    // What is asked.

    pub(super) fn has_room(&self) -> bool {
        let holds = |known: &&Known| match known.fate {
            Fate::Waiting | Fate::Taken => true,
            Fate::Given => known.ticket,
            Fate::Delivered | Fate::MaybeSent | Fate::NotSent => false,
        };
        let held = self.known.iter().filter(holds);
        let weight = held.clone().map(|known| known.weight as u128).sum::<u128>() + self.reserved_weight;
        !self.closed
            && held.count() + self.reserved < self.bounds.messages
            && weight < self.bounds.bytes as u128
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn waiting(&self) -> usize {
        self.count(Fate::Waiting)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.known.len() as u64
    }

    pub(super) fn given(&self) -> u64 {
        let given = [Fate::Given, Fate::Delivered, Fate::MaybeSent].map(|fate| self.count(fate));
        given.iter().sum::<usize>() as u64
    }

    pub(super) fn drained(&self) -> u64 {
        self.flushed
    }

    pub(super) fn unconfirmed(&self) -> usize {
        self.known.iter().filter(|known| known.fate == Fate::Given && known.ticket).count()
    }

    pub(super) fn wants_confirmation(&self, below: u64) -> bool {
        let to_give = |known: &Known| matches!(known.fate, Fate::Waiting | Fate::Taken);
        (0..below).zip(&self.known).any(|(_, known)| known.ticket && to_give(known))
    }

    /// Everybody who can be told was.
    pub(super) fn all_settled(&self) {
        for (number, known) in self.known.iter().enumerate() {
            let open = matches!(known.fate, Fate::Waiting | Fate::Taken | Fate::Given);
            assert!(!known.ticket || known.told != open, "{number} is {:?}", known.fate);
        }
    }

    /// Accepted is what waits, is with the driver, is given to a link, or has
    /// an outcome; and these follow each other in the order of the list.
    pub(super) fn adds_up(&self) {
        let place = |known: &Known| match known.fate {
            Fate::Delivered | Fate::MaybeSent => 0,
            Fate::Given => 1,
            Fate::Taken => 2,
            Fate::Waiting | Fate::NotSent => 3,
        };
        assert!(self.known.iter().is_sorted_by_key(place), "one was overtaken");
    }

    /// Every message has an outcome.
    pub(super) fn is_over(&self) {
        let outcomes = [Fate::Delivered, Fate::MaybeSent, Fate::NotSent].map(|fate| self.count(fate));
        assert_eq!(outcomes.iter().sum::<usize>(), self.known.len());
        assert_eq!((self.reserved, self.reserved_weight), (0, 0));
    }

    fn answer_at(&mut self, at: usize) {
        let covers = self.beats.drain(..=at).next_back().map_or(0, |(_, given)| given);
        self.settle_below(covers, Fate::Delivered);
    }

    /// Those below `number` that a link took have this fate now; how many.
    fn settle_below(&mut self, number: u64, fate: Fate) -> u64 {
        let below = (0..number).zip(&mut self.known).filter(|(_, known)| known.fate == Fate::Given);
        below.map(|(_, known)| known.fate = fate).count() as u64
    }

    /// The first `most` of one fate have another now; how many.
    fn turn(&mut self, from: Fate, to: Fate, most: usize) -> usize {
        let first = self.known.iter_mut().filter(|known| known.fate == from).take(most);
        first.map(|known| known.fate = to).count()
    }

    fn count(&self, fate: Fate) -> usize {
        self.known.iter().filter(|known| known.fate == fate).count()
    }
}
