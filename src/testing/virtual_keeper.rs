//! The keeper alone, in virtual time.

mod links;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::links::{VirtualLink, VirtualRole};

use self::links::VirtualLinks;
use crate::keeper::{Config, Finish, Input, Keeper, Messages, Moment, Opened, Output, PathFacts, RouteFacts};
use crate::{Failure, KeeperStats, LinkEnd, LinkId, State, Token};

/// More timeouts than this within [`AT_ONCE`] count as a mistake of the keeper:
/// each timeout leads to the next at once.
const MOST_AT_ONCE: u32 = 1_000;
/// Instants that are closer to each other count as one for [`MOST_AT_ONCE`].
const AT_ONCE: Duration = Duration::from_micros(1);

/// A [`Keeper`] and its present instant: for simulations, fuzzers and tests of
/// the keeper's decisions, without a runtime, sockets and waiting.
///
/// A virtual keeper does the duties of every driver, and nothing else:
///
/// * It carries the time. [`tell`](VirtualKeeper::tell) gives an input at
///   this instant. Time stands still until a method moves it.
///   [`pass`](VirtualKeeper::pass) goes from deadline to deadline, each handled
///   at its own instant. [`freeze`](VirtualKeeper::freeze) and
///   [`suspend`](VirtualKeeper::suspend) handle none.
/// * It answers the keeper's questions to the system ([`Output::AskPath`],
///   [`Output::AskRoute`]) at once. Default: the system does not know.
/// * It knows the present links ([`VirtualLink`]).
///
/// You are the peer and the network: take the outputs, and tell their results.
/// Drain the outputs ([`poll_output`](VirtualKeeper::poll_output)) after each
/// input and before time goes on; `pass` and
/// [`next_output_by`](VirtualKeeper::next_output_by) do so. A simulation with an
/// order of events of its own asks for the [`deadline`](VirtualKeeper::deadline)
/// and goes there with [`freeze_until`](VirtualKeeper::freeze_until).
///
/// A virtual keeper allocates only a list of the present links and keeps no log.
/// So tens of thousands can live at once, and one can live for years.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use longlink::{Beat, Event, State};
/// use longlink::keeper::{Config, Dialled, Input, Opened, Output};
/// use longlink::testing::VirtualKeeper;
///
/// const RTT: Duration = Duration::from_millis(50);
/// let opened = Opened::new(Beat::Ping, Dialled::new(RTT, None), 3 * RTT);
///
/// let mut keeper = VirtualKeeper::new(Config::default(), 7);
/// keeper.tell(Input::Start);
/// keeper.pass(3 * RTT, |_, _| {});
/// let first = keeper.open(opened);
///
/// // For an hour the peer answers each beat at once.
/// let mut beats = 0;
/// keeper.pass(Duration::from_secs(3600), |keeper, output| {
///     if let Output::Beat { link, token } = output {
///         keeper.answer(link, Some(token));
///         beats += 1;
///     }
/// });
/// assert!(beats > 0);
/// assert_eq!(keeper.state(), State::Connected { epoch: 1 });
///
/// // Then the path dies without a word. The keeper notices within minutes.
/// let end = keeper.now() + Duration::from_secs(600);
/// while let Some(output) = keeper.next_output_by(end) {
///     if let Output::Emit(Event::Disconnected { .. }) = output {
///         break;
///     }
/// }
/// assert!(keeper.now() < end);
/// assert!(keeper.main().is_none());
///
/// // And the next attempt works.
/// while keeper.opening().is_none() {
///     assert!(keeper.next_output_by(end).is_some());
/// }
/// let second = keeper.open(opened);
/// while keeper.poll_output().is_some() {}
/// assert!(second > first);
/// assert_eq!(keeper.state(), State::Connected { epoch: 2 });
/// assert_eq!(keeper.stats().reconnects, 1);
/// ```
#[derive(Debug)]
pub struct VirtualKeeper {
    keeper: Keeper,
    now: Moment,
    links: VirtualLinks,
    finished: Option<Finish>,
    path: Option<PathFacts>,
    route: Option<RouteFacts>,
    answers_questions: bool,
    /// An instant, and the count of timeouts at once since then.
    hot: (Moment, u32),
}

impl VirtualKeeper {
    /// A keeper at [`Moment::ORIGIN`] that waits for [`Input::Start`]. All
    /// chance comes from `seed`.
    ///
    /// The keeper takes `config` as it is; check it first ([`Config::check`]).
    pub fn new(config: Config, seed: u64) -> VirtualKeeper {
        VirtualKeeper {
            keeper: Keeper::new(config, seed, Moment::ORIGIN),
            now: Moment::ORIGIN,
            links: VirtualLinks::default(),
            finished: None,
            path: None,
            route: None,
            answers_questions: true,
            hot: (Moment::ORIGIN, 0),
        }
    }

    // Inputs and outputs.

    /// Gives the keeper an input at this instant.
    pub fn tell(&mut self, input: Input<'_>) {
        self.links.told(&input);
        self.keeper.handle(input, self.now);
    }

    /// Returns the next output at this instant; `None` if there is no more.
    ///
    /// A question among the outputs is answered already.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.keeper.poll_output()?;
        self.links.asked(&output, self.now);
        if let Output::Finish(finish) = &output {
            self.finished = Some(finish.clone());
        }
        if self.answers_questions {
            if let Output::AskPath { link } = output {
                self.tell(Input::Path { link, facts: self.path });
            } else if let Output::AskRoute { link } = output {
                self.tell(Input::Route { link, facts: self.route });
            }
        }
        Some(output)
    }

    /// Returns the next output that comes by `end`, and handles the deadlines
    /// before it. Afterwards the time is the output's instant, or `end` if there
    /// is none.
    ///
    /// # Panics
    ///
    /// As [`VirtualKeeper::to_deadline_by`].
    pub fn next_output_by(&mut self, end: Moment) -> Option<Output> {
        loop {
            let output = self.poll_output();
            if output.is_some() || !self.to_deadline_by(end) {
                return output;
            }
        }
    }

    /// Lets this much time pass. Gives each output meanwhile to `peer`, at its
    /// own instant.
    ///
    /// # Panics
    ///
    /// As [`VirtualKeeper::to_deadline_by`].
    pub fn pass(&mut self, time: Duration, mut peer: impl FnMut(&mut VirtualKeeper, Output)) {
        let end = self.now + time;
        while let Some(output) = self.next_output_by(end) {
            peer(self, output);
        }
    }

    // Time.

    /// Returns the present instant, which never goes back.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Returns the next deadline; `None` if there is none until the next input.
    pub fn deadline(&self) -> Option<Moment> {
        self.keeper.poll_timeout()
    }

    /// Goes to the next deadline and handles it. Does nothing if there is none.
    /// Returns whether there was one.
    ///
    /// # Panics
    ///
    /// As [`VirtualKeeper::to_deadline_by`].
    pub fn to_deadline(&mut self) -> bool {
        self.deadline().is_some_and(|at| self.to_deadline_by(at))
    }

    /// Goes to the next deadline and handles it, if the deadline comes by `end`;
    /// otherwise goes to `end`. Returns whether there was one. Drain the outputs
    /// before.
    ///
    /// # Panics
    ///
    /// If the keeper runs hot: deadlines follow each other and time does not go
    /// on. The mistake is in the keeper, or in a peer that causes the deadlines.
    pub fn to_deadline_by(&mut self, end: Moment) -> bool {
        let due = self.deadline().filter(|&at| at <= end);
        self.freeze_until(due.unwrap_or(end));
        if due.is_none() {
            return false;
        }
        if self.now.since(self.hot.0) >= AT_ONCE {
            self.hot = (self.now, 0);
        }
        self.hot.1 += 1;
        assert!(self.hot.1 <= MOST_AT_ONCE, "the keeper runs hot at {:?}", self.now.elapsed());
        self.tell(Input::Timeout);
        true
    }

    /// Lets this much time pass and handles no deadline: the process is frozen.
    pub fn freeze(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Goes to `at` and handles no deadline. Does nothing if `at` is past.
    pub fn freeze_until(&mut self, at: Moment) {
        self.freeze(at.since(self.now));
    }

    /// The machine sleeps for this long, and no deadline is handled. The keeper
    /// can tell a sleep from a frozen process ([`Moment::slept_since`]).
    pub fn suspend(&mut self, time: Duration) {
        let asleep = self.now.slept_since(Moment::ORIGIN);
        self.now = Moment::new(self.now.elapsed() - asleep, asleep + time);
    }

    // The state of the keeper.

    /// Returns the keeper itself, for all other questions.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Returns the state of the connection.
    pub fn state(&self) -> State {
        self.keeper.state()
    }

    /// Returns the statistics up to now: counts, and values that were learned.
    pub fn stats(&self) -> KeeperStats {
        self.keeper.stats(self.now)
    }

    /// Returns how the keeper finished; `None` if it has not.
    pub fn finished(&self) -> Option<&Finish> {
        self.finished.as_ref()
    }

    /// Returns all present links, in the order in which the keeper asked for them.
    pub fn links(&self) -> &[VirtualLink] {
        self.links.all()
    }

    /// Returns the link in use.
    pub fn main(&self) -> Option<VirtualLink> {
        self.links.with(VirtualRole::Main).next()
    }

    /// Returns the link that is being opened for use.
    pub fn opening(&self) -> Option<VirtualLink> {
        self.links.with(VirtualRole::Opening).next()
    }

    /// Returns the scouts that are out, in the order in which they were sent.
    pub fn scouts(&self) -> impl Iterator<Item = VirtualLink> + '_ {
        self.links.with(VirtualRole::Scout)
    }

    /// Returns the links on which goodbye was said, scouts among them.
    pub fn draining(&self) -> impl Iterator<Item = VirtualLink> + '_ {
        self.links.with(VirtualRole::Draining)
    }

    // Deeds of the peer, at this instant.

    /// The attempt under way succeeds. Returns its link.
    ///
    /// # Panics
    ///
    /// If no attempt is under way.
    pub fn open(&mut self, opened: Opened) -> LinkId {
        let link = self.opening().expect("an attempt is under way").link;
        self.tell(Input::Opened { link, opened });
        link
    }

    /// The attempt under way fails, and its path was never there. Returns its
    /// link.
    ///
    /// # Panics
    ///
    /// If no attempt is under way.
    pub fn fail(&mut self, failure: Failure) -> LinkId {
        let link = self.opening().expect("an attempt is under way").link;
        self.tell(Input::OpenFailed { link, failure, dialled: None });
        link
    }

    /// The link in use ends by itself. Returns its id.
    ///
    /// # Panics
    ///
    /// If no link is in use.
    pub fn end(&mut self, end: LinkEnd) -> LinkId {
        let link = self.main().expect("a link is in use").link;
        self.tell(Input::Ended { link, end });
        link
    }

    /// A sign of life comes in on a link: neither a message nor an answer.
    pub fn hear(&mut self, link: LinkId) {
        self.tell(Input::Read { link, messages: Messages::None, answers: &[] });
    }

    /// A message comes in on a link.
    pub fn message(&mut self, link: LinkId) {
        self.tell(Input::Read { link, messages: Messages::BeforeAnswers, answers: &[] });
    }

    /// An answer to a beat comes in on a link; `None` if the answer does not name
    /// the beat.
    pub fn answer(&mut self, link: LinkId, token: Option<Token>) {
        self.tell(Input::Read { link, messages: Messages::None, answers: &[token] });
    }

    // Answers of the system to the keeper's questions.

    /// Sets the facts that the system knows of the path under a link, from now
    /// on. Default: `None`, the system does not know.
    pub fn set_path_facts(&mut self, facts: Option<PathFacts>) {
        self.path = facts;
    }

    /// Sets the facts that the system knows of the route to a link's peer, from
    /// now on. Default: `None`, the system does not know.
    pub fn set_route_facts(&mut self, facts: Option<RouteFacts>) {
        self.route = facts;
    }

    /// Leaves the keeper's questions to the code that takes the outputs: for tests
    /// of a driver that answers late, or never.
    pub fn leave_questions_open(&mut self) {
        self.answers_questions = false;
    }
}
