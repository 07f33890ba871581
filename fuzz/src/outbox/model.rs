//! An outbox as a plain list of all messages that were ever accepted, searched
//! anew for every answer.

use longlink::outbox::Bounds;
use longlink::{LinkId, Outcome};

/// A link remembers so many beats that are under way.
const BEATS: usize = 32;

/// No message counts more.
const LARGEST: usize = u32::MAX as usize;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Waiting,
    Taken(LinkId),
    Given(LinkId),
    Delivered,
    MaybeSent,
    NotSent,
}

struct Known {
    size: usize,
    /// Somebody waits to be told its fate.
    ticket: bool,
    /// That somebody was told.
    told: bool,
    fate: Fate,
    /// A link has flushed it, or its end was reported.
    left: bool,
}

/// One link that lives.
struct Flight {
    link: LinkId,
    /// In the order in which it took them.
    took: Vec<u32>,
    flushed: usize,
    /// The beats under way, and how many messages each was sent after.
    beats: Vec<(u64, usize)>,
    /// Beats before those, of which nothing is remembered.
    forgotten: usize,
}

pub(super) struct Model {
    bounds: Bounds,
    /// By their number, which is the message itself.
    known: Vec<Known>,
    flights: Vec<Flight>,
    closed: bool,
    reserved: usize,
    reserved_bytes: u128,
}

impl Model {
    pub(super) fn new(bounds: Bounds) -> Model {
        Model {
            bounds,
            known: Vec::new(),
            flights: Vec::new(),
            closed: false,
            reserved: 0,
            reserved_bytes: 0,
        }
    }

    // Commands.

    pub(super) fn next_message(&self) -> u32 {
        u32::try_from(self.known.len()).expect("there are few messages")
    }

    /// Keeps a place, where there is room, and tells what it counts.
    pub(super) fn reserve(&mut self, size: Option<usize>) -> Option<usize> {
        let counts = size.unwrap_or(self.bounds.bytes / self.bounds.messages).min(LARGEST);
        let has_room = self.has_room();
        if has_room {
            self.reserved += 1;
            self.reserved_bytes += counts as u128;
        }
        has_room.then_some(counts)
    }

    pub(super) fn release(&mut self, counts: usize) {
        self.reserved -= 1;
        self.reserved_bytes -= counts as u128;
    }

    pub(super) fn push(&mut self, size: usize, ticket: bool) -> Option<u64> {
        let number = self.accepted();
        (!self.closed).then(|| {
            let size = size.min(LARGEST);
            self.known.push(Known { size, ticket, told: false, fate: Fate::Waiting, left: false });
            number
        })
    }

    pub(super) fn begin(&mut self, link: LinkId) {
        self.flights.push(Flight { link, took: Vec::new(), flushed: 0, beats: Vec::new(), forgotten: 0 });
    }

    /// So many that `most` are taken for the link in all.
    pub(super) fn take(&mut self, link: LinkId, most: usize) {
        if self.flight(link).is_some() {
            self.put_back(link);
            self.turn(Fate::Waiting, Fate::Taken(link), most);
        }
    }

    pub(super) fn put_back(&mut self, link: LinkId) {
        self.turn(Fate::Taken(link), Fate::Waiting, usize::MAX);
    }

    /// The link took this one. Returns whether somebody asks about it.
    pub(super) fn write(&mut self, link: LinkId, message: u32, size: usize) -> bool {
        let first = self.known.iter().position(|known| known.fate == Fate::Taken(link));
        assert_eq!(first, Some(message as usize), "the first of those taken");
        let known = &mut self.known[message as usize];
        assert_eq!(size, known.size, "its size is what it was");
        known.fate = Fate::Given(link);
        let ticket = known.ticket;
        self.flight(link).expect("it lives").took.push(message);
        ticket
    }

    pub(super) fn beat(&mut self, link: LinkId, token: u64) {
        let Some(flight) = self.flight(link) else { return };
        if flight.beats.len() == BEATS {
            flight.beats.remove(0);
            flight.forgotten += 1;
        }
        flight.beats.push((token, flight.took.len()));
    }

    /// This beat was answered on the link, and so were those before it.
    pub(super) fn answer(&mut self, link: LinkId, token: u64) {
        let Some(flight) = self.flight(link) else { return };
        if let Some(at) = flight.beats.iter().position(|(sent, _)| *sent == token) {
            flight.forgotten = 0;
            self.answer_at(link, at);
        }
    }

    /// The oldest beat under way on the link was answered.
    pub(super) fn answer_unnamed(&mut self, link: LinkId) {
        let Some(flight) = self.flight(link) else { return };
        if flight.forgotten > 0 {
            flight.forgotten -= 1;
        } else if !flight.beats.is_empty() {
            self.answer_at(link, 0);
        }
    }

    pub(super) fn flush(&mut self, link: LinkId) {
        let Some(flight) = self.flight(link) else { return };
        flight.flushed = flight.took.len();
        for message in flight.took.clone() {
            self.known[message as usize].left = true;
        }
    }

    pub(super) fn deliver_flushed(&mut self, link: LinkId) {
        let flushed = self.flight(link).map_or(0, |flight| flight.flushed);
        self.settle_first(link, flushed, Fate::Delivered);
    }

    pub(super) fn doubt_flushed(&mut self, link: LinkId) {
        let flushed = self.flight(link).map_or(0, |flight| flight.flushed);
        self.settle_first(link, flushed, Fate::MaybeSent);
    }

    pub(super) fn goodbye_answered(&mut self, link: LinkId) {
        self.flush(link);
        self.deliver_flushed(link);
    }

    /// How many are maybe sent by that, if the link lived.
    pub(super) fn link_ended(&mut self, link: LinkId) -> Option<u64> {
        self.flight(link)?;
        self.put_back(link);
        self.flush(link);
        let maybe_sent = self.count(Fate::Given(link)) as u64;
        self.doubt_flushed(link);
        self.flights.retain(|flight| flight.link != link);
        Some(maybe_sent)
    }

    /// The tickets that are forgotten.
    pub(super) fn forget_tickets(&mut self, unwanted: impl Fn(&u32) -> bool) -> Vec<u32> {
        let mut forgotten = Vec::new();
        for (number, known) in (0..).zip(&mut self.known) {
            if known.ticket && known.fate == Fate::Waiting && unwanted(&number) {
                known.ticket = false;
                forgotten.push(number);
            }
        }
        forgotten
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

    // Queries.

    pub(super) fn has_room(&self) -> bool {
        let holds = |known: &&Known| match known.fate {
            Fate::Waiting | Fate::Taken(_) => true,
            Fate::Given(_) => known.ticket,
            Fate::Delivered | Fate::MaybeSent | Fate::NotSent => false,
        };
        let held = self.known.iter().filter(holds);
        let size = held.clone().map(|known| known.size as u128).sum::<u128>() + self.reserved_bytes;
        !self.closed
            && held.count() + self.reserved < self.bounds.messages
            && size < self.bounds.bytes as u128
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
        let given = |known: &&Known| matches!(known.fate, Fate::Given(_) | Fate::Delivered | Fate::MaybeSent);
        self.known.iter().filter(given).count() as u64
    }

    pub(super) fn drained(&self) -> u64 {
        self.known.iter().position(|known| !known.left).unwrap_or(self.known.len()) as u64
    }

    pub(super) fn is_settled(&self) -> bool {
        self.known.iter().all(|known| known.left) && self.unconfirmed() == 0
    }

    pub(super) fn unconfirmed(&self) -> usize {
        self.known.iter().filter(|known| matches!(known.fate, Fate::Given(_)) && known.ticket).count()
    }

    pub(super) fn is_idle(&self, link: LinkId) -> bool {
        self.count(Fate::Taken(link)) == 0
    }

    pub(super) fn wants_confirmation(&self, link: LinkId) -> bool {
        self.known.iter().any(|known| known.ticket && known.fate == Fate::Taken(link))
    }

    /// Everybody who can be told was.
    pub(super) fn all_settled(&self) {
        for (number, known) in self.known.iter().enumerate() {
            let open = matches!(known.fate, Fate::Waiting | Fate::Taken(_) | Fate::Given(_));
            assert!(!known.ticket || known.told != open, "{number} is {:?}", known.fate);
        }
    }

    /// Every message has an outcome.
    pub(super) fn is_over(&self) {
        let outcomes = [Fate::Delivered, Fate::MaybeSent, Fate::NotSent].map(|fate| self.count(fate));
        assert_eq!(outcomes.iter().sum::<usize>(), self.known.len());
        assert_eq!((self.reserved, self.reserved_bytes), (0, 0));
    }

    fn flight(&mut self, link: LinkId) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.link == link)
    }

    fn answer_at(&mut self, link: LinkId, at: usize) {
        let Some(flight) = self.flight(link) else { return };
        let covers = flight.beats.drain(..=at).next_back().map_or(0, |(_, after)| after);
        self.settle_first(link, covers, Fate::Delivered);
    }

    /// Of the first `count` that the link took, those whose fate is open have
    /// this one now.
    fn settle_first(&mut self, link: LinkId, count: usize, fate: Fate) {
        let Some(flight) = self.flights.iter().find(|flight| flight.link == link) else { return };
        for message in &flight.took[..count] {
            let known = &mut self.known[*message as usize];
            if known.fate == Fate::Given(link) {
                known.fate = fate;
            }
        }
    }

    /// The first `most` of one fate have another now.
    fn turn(&mut self, from: Fate, to: Fate, most: usize) {
        let first = self.known.iter_mut().filter(|known| known.fate == from).take(most);
        first.for_each(|known| known.fate = to);
    }

    fn count(&self, fate: Fate) -> usize {
        self.known.iter().filter(|known| known.fate == fate).count()
    }
}
