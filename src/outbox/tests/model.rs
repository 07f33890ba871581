//! An outbox and its links as plain lists, searched anew for every answer.

use super::super::{Bounds, Outcome};
use crate::{LinkId, Token};

/// A link remembers so many beats that are under way.
const BEATS: usize = 32;

/// A copy is told from its message by so much.
pub(super) const COPY: u32 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Waiting,
    Departs(LinkId),
    Taken(LinkId),
    Delivered,
    MaybeSent,
    NotSent,
}

struct Known {
    size: u64,
    /// Somebody waits for the outcome.
    ticket: bool,
    told: bool,
    fate: Fate,
    /// Flushed by its link, or reported.
    left: bool,
}

struct Link {
    id: LinkId,
    epoch: u64,
    /// In the order in which the link took them.
    took: Vec<u32>,
    flushed: usize,
    /// The beats under way, and how many messages each was sent after.
    beats: Vec<(Token, usize)>,
    /// Earlier beats, of which nothing is remembered.
    forgotten: usize,
}

pub(super) struct Model {
    bounds: Bounds,
    /// By number, which is the message itself.
    known: Vec<Known>,
    links: Vec<Link>,
    closed: bool,
    /// The size that each reserved place counts.
    places: Vec<u64>,
    uncopied: u64,
    /// Spare copies that were not handed out.
    spare: Vec<u32>,
}

/// Whether message `number` can be copied.
pub(super) fn can_be_copied(number: u32) -> bool {
    number % 13 != 5
}

impl Model {
    pub(super) fn new(bounds: Bounds) -> Model {
        Model {
            bounds,
            known: Vec::new(),
            links: Vec::new(),
            closed: false,
            places: Vec::new(),
            uncopied: 0,
            spare: Vec::new(),
        }
    }

    // Commands.

    pub(super) fn next_message(&self) -> u32 {
        u32::try_from(self.known.len()).unwrap()
    }

    pub(super) fn reserve(&mut self, size: Option<usize>) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.places.push(size.unwrap_or(self.bounds.bytes / self.bounds.messages) as u64);
        }
        has_room
    }

    pub(super) fn release(&mut self, at: usize) {
        self.places.swap_remove(at);
    }

    pub(super) fn push(&mut self, size: usize, ticket: bool) -> Option<u64> {
        let number = self.accepted();
        (!self.closed).then(|| {
            let size = size as u64;
            self.known.push(Known { size, ticket, told: false, fate: Fate::Waiting, left: false });
            number
        })
    }

    pub(super) fn begin(&mut self, id: LinkId, epoch: u64) {
        let (took, beats) = (Vec::new(), Vec::new());
        self.links.push(Link { id, epoch, took, flushed: 0, beats, forgotten: 0 });
    }

    pub(super) fn put_back(&mut self, link: LinkId) {
        self.known.iter_mut().filter(|known| known.fate == Fate::Departs(link)).for_each(|known| {
            known.fate = Fate::Waiting;
        });
    }

    pub(super) fn take(&mut self, link: LinkId, most: usize) {
        if self.is_known(link) {
            self.put_back(link);
            let waiting = self.known.iter_mut().filter(|known| known.fate == Fate::Waiting);
            waiting.take(most).for_each(|known| known.fate = Fate::Departs(link));
        }
    }

    /// The next message that the link gets, and its size.
    pub(super) fn next(&mut self, link: LinkId) -> Option<(u32, usize)> {
        loop {
            let at = self.known.iter().position(|known| known.fate == Fate::Departs(link))?;
            let known = &mut self.known[at];
            let number = at as u32;
            if known.ticket && !can_be_copied(number) {
                known.fate = Fate::NotSent;
                known.left = true;
                self.uncopied += 1;
                continue;
            }
            known.fate = Fate::Taken(link);
            let size = known.size as usize;
            self.link(link)?.took.push(number);
            return Some((number, size));
        }
    }

    pub(super) fn beat(&mut self, link: LinkId, token: Token) {
        let Some(link) = self.link(link) else { return };
        if link.beats.len() == BEATS {
            link.beats.remove(0);
            link.forgotten += 1;
        }
        link.beats.push((token, link.took.len()));
    }

    /// This beat of the link was answered, and so were those before it.
    pub(super) fn answer(&mut self, id: LinkId, token: Option<Token>) {
        let Some(link) = self.link(id) else { return };
        let at = match token {
            None if link.forgotten > 0 => {
                link.forgotten -= 1;
                return;
            }
            None => 0,
            Some(token) => match link.beats.iter().position(|(sent, _)| *sent == token) {
                Some(at) => at,
                None => return,
            },
        };
        link.forgotten = 0;
        if at < link.beats.len() {
            let (_, after) = link.beats[at];
            link.beats.drain(..=at);
            self.settle(id, after, Fate::Delivered);
        }
    }

    pub(super) fn flush(&mut self, id: LinkId) {
        let Some(link) = self.link(id) else { return };
        link.flushed = link.took.len();
        for number in link.took.clone() {
            self.known[number as usize].left = true;
        }
    }

    pub(super) fn deliver_flushed(&mut self, id: LinkId) {
        let flushed = self.link(id).map_or(0, |link| link.flushed);
        self.settle(id, flushed, Fate::Delivered);
    }

    pub(super) fn doubt_flushed(&mut self, id: LinkId) {
        let flushed = self.link(id).map_or(0, |link| link.flushed);
        self.settle(id, flushed, Fate::MaybeSent);
    }

    pub(super) fn goodbye_answered(&mut self, id: LinkId) {
        self.flush(id);
        self.deliver_flushed(id);
    }

    /// The link's epoch, and how many messages are maybe sent by its end.
    pub(super) fn end(&mut self, id: LinkId) -> Option<(u64, u64)> {
        let epoch = self.link(id)?.epoch;
        self.put_back(id);
        self.flush(id);
        let maybe_sent = self.known.iter().filter(|known| known.fate == Fate::Taken(id)).count();
        self.doubt_flushed(id);
        self.links.retain(|link| link.id != id);
        Some((epoch, maybe_sent as u64))
    }

    /// The tickets that are removed.
    pub(super) fn forget(&mut self, unwanted: impl Fn(&u32) -> bool) -> Vec<u32> {
        let known = (0..).zip(&mut self.known);
        let forgotten =
            known.filter(|(number, known)| known.fate == Fate::Waiting && known.ticket && unwanted(number));
        forgotten
            .map(|(number, known)| {
                known.ticket = false;
                number
            })
            .collect()
    }

    pub(super) fn refuse_more(&mut self) {
        self.closed = true;
    }

    /// The messages that are handed back at once, in order.
    pub(super) fn close(&mut self) -> Vec<u32> {
        self.closed = true;
        let waiting = (0..).zip(&mut self.known).filter(|(_, known)| known.fate == Fate::Waiting);
        let back: Vec<(u32, bool)> = waiting
            .map(|(number, known)| {
                known.fate = Fate::NotSent;
                (number, known.ticket)
            })
            .collect();
        back.into_iter().filter(|(_, ticket)| !ticket).map(|(number, _)| number).collect()
    }

    /// Tells somebody the outcome of a message.
    pub(super) fn tell(&mut self, ticket: u32, outcome: Outcome<u32>) {
        let known = &mut self.known[ticket as usize];
        assert!(known.ticket && !known.told, "nobody asked about {ticket}, or it was told");
        known.told = true;
        let expected = match known.fate {
            Fate::Delivered => {
                self.spare.push(ticket + COPY);
                Outcome::Delivered
            }
            Fate::MaybeSent => Outcome::MaybeSent(ticket + COPY),
            Fate::NotSent => Outcome::NotSent(ticket),
            fate @ (Fate::Waiting | Fate::Departs(_) | Fate::Taken(_)) => {
                panic!("{ticket} is {fate:?}, and {outcome} is told")
            }
        };
        assert_eq!(outcome, expected, "of {ticket}");
    }

    pub(super) fn hand_out(&mut self, copy: u32) {
        let at = self.spare.iter().position(|spare| *spare == copy);
        self.spare.remove(at.expect("this copy is spare, and only once"));
    }

    // Queries.

    pub(super) fn is_known(&self, link: LinkId) -> bool {
        self.links.iter().any(|known| known.id == link)
    }

    pub(super) fn has_room(&self) -> bool {
        let held = self.known.iter().filter(|known| Model::holds(known));
        let size = held.clone().map(|known| known.size).sum::<u64>() + self.places.iter().sum::<u64>();
        !self.closed
            && held.count() + self.places.len() < self.bounds.messages
            && size < self.bounds.bytes as u64
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.iter().all(|known| known.fate != Fate::Waiting)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.known.len() as u64
    }

    pub(super) fn drained(&self) -> u64 {
        self.known.iter().position(|known| !known.left).unwrap_or(self.known.len()) as u64
    }

    pub(super) fn is_settled(&self) -> bool {
        self.known.iter().all(|known| known.left && !Model::holds(known))
    }

    pub(super) fn unconfirmed(&self) -> usize {
        let asked = self.known.iter().filter(|known| known.ticket);
        asked.filter(|known| matches!(known.fate, Fate::Taken(_))).count()
    }

    pub(super) fn is_idle(&self, link: LinkId) -> bool {
        self.known.iter().all(|known| known.fate != Fate::Departs(link))
    }

    pub(super) fn wants_confirmation(&self, link: LinkId) -> bool {
        self.known.iter().any(|known| known.ticket && known.fate == Fate::Departs(link))
    }

    pub(super) fn uncopied(&mut self) -> u64 {
        std::mem::take(&mut self.uncopied)
    }

    /// Every outcome was told, and every spare copy was handed out.
    pub(super) fn all_told(&self) {
        for (number, known) in self.known.iter().enumerate() {
            let open = matches!(known.fate, Fate::Waiting | Fate::Departs(_) | Fate::Taken(_));
            assert!(!known.ticket || known.told != open, "{number} is {:?}", known.fate);
        }
        assert!(self.spare.is_empty(), "spare copies that were not handed out");
    }

    /// Every message has an outcome.
    pub(super) fn is_over(&self) -> bool {
        self.known.iter().all(|known| matches!(known.fate, Fate::Delivered | Fate::MaybeSent | Fate::NotSent))
    }

    fn holds(known: &Known) -> bool {
        match known.fate {
            Fate::Waiting | Fate::Departs(_) => true,
            Fate::Taken(_) => known.ticket,
            Fate::Delivered | Fate::MaybeSent | Fate::NotSent => false,
        }
    }

    fn link(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }

    /// Gives the open ones of the first `count` messages that the link took this
    /// fate.
    fn settle(&mut self, id: LinkId, count: usize, fate: Fate) {
        let Some(link) = self.links.iter().find(|link| link.id == id) else { return };
        for number in &link.took[..count] {
            let known = &mut self.known[*number as usize];
            if known.fate == Fate::Taken(id) {
                known.fate = fate;
            }
        }
    }
}
