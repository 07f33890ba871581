//! Inputs to the keeper, as a driver would report them.

use std::time::Duration;

use longlink::keeper::{Config, Dialled, Input, Messages, Opened, Output, PathFacts, RouteFacts};
use longlink::{Beat, Failure, LinkEnd, LinkId, NetworkStatus, Token};

use super::{LOGIN, RTT, Rig};

impl Rig {
    /// The attempt under way succeeds, at this instant.
    pub fn open(&mut self, beat: Beat) -> LinkId {
        self.open_as(|opened| opened.beat = beat)
    }

    /// The same, with more said of the link.
    pub fn open_as(&mut self, say: impl FnOnce(&mut Opened)) -> LinkId {
        let mut opened = Opened::new(Beat::Ping, Dialled::new(RTT, None), LOGIN);
        say(&mut opened);
        let link = self.keeper.open(opened);
        self.drain();
        link
    }

    /// The path of an attempt is there, at this instant.
    pub fn dialled(&mut self, link: LinkId, took: Duration) {
        self.tell(Input::Dialled { link, dialled: Dialled::new(took, None) });
    }

    /// A scout that is being opened is open, at this instant.
    pub fn open_scout(&mut self, link: LinkId) {
        self.open_scout_as(link, Beat::Ping);
    }

    pub fn open_scout_as(&mut self, link: LinkId, beat: Beat) {
        let dialled = Dialled::new(RTT, None);
        self.tell(Input::Opened { link, opened: Opened::new(beat, dialled, LOGIN) });
    }

    pub fn fail_scout(&mut self, link: LinkId, failure: Failure) {
        self.tell(Input::OpenFailed { link, failure, dialled: None });
    }

    /// A scout's last beat is answered.
    pub fn answer_scout(&mut self, link: LinkId) {
        let token = self.keeper.scouts().find(|scout| scout.link == link).and_then(|scout| scout.token);
        assert!(token.is_some(), "the scout has not beaten");
        self.read(link, Messages::None, &[token]);
    }

    pub fn end_scout(&mut self, link: LinkId, end: LinkEnd) {
        self.tell(Input::Ended { link, end });
    }

    /// The attempt under way fails, at this instant and without a dial.
    pub fn fail(&mut self, failure: Failure) {
        self.keeper.fail(failure);
        self.drain();
    }

    /// The link in use ends by itself, at this instant.
    pub fn end(&mut self, end: LinkEnd) {
        self.keeper.end(end);
        self.drain();
    }

    pub fn heard(&mut self) {
        self.heard_on(self.main());
    }

    pub fn message(&mut self) {
        self.read(self.main(), Messages::BeforeAnswers, &[]);
    }

    pub fn sent(&mut self) {
        let link = self.main();
        self.tell(Input::Sent { link });
    }

    /// The beat sent last is answered, at this instant. As the driver does it:
    /// what came in is reported first, and then what it was.
    pub fn answer(&mut self) {
        self.answer_all(&[self.token]);
    }

    /// The answers to beats that were sent earlier come in, all in one turn.
    pub fn answer_all(&mut self, tokens: &[Option<Token>]) {
        assert!(tokens.iter().all(Option::is_some), "no beat was sent");
        let link = self.main();
        self.read(link, Messages::None, tokens);
    }

    /// One batch comes in on a link, which may be gone.
    pub fn read(&mut self, link: LinkId, messages: Messages, answers: &[Option<Token>]) {
        self.tell(Input::Read { link, messages, answers });
    }

    /// Bytes come in on a link, which may be gone.
    pub fn heard_on(&mut self, link: LinkId) {
        self.read(link, Messages::None, &[]);
    }

    /// Anything that a driver may say, at this instant.
    pub fn tell(&mut self, input: Input<'_>) {
        self.keeper.tell(input);
        self.drain();
    }

    /// Other settings.
    pub fn update(&mut self, config: Config) {
        self.tell(Input::Update(Box::new(config)));
    }

    pub fn network(&mut self, status: NetworkStatus) {
        self.tell(Input::Network(status));
    }

    pub fn stalled(&mut self) {
        let link = self.main();
        self.tell(Input::Stalled { link });
    }

    pub fn resumed(&mut self) {
        let link = self.main();
        self.tell(Input::ReadAgain { link });
    }

    /// The system's way to the peer of the link in use.
    pub fn route(&mut self, facts: RouteFacts) {
        let link = self.main();
        self.tell(Input::Route { link, facts: Some(facts) });
    }

    /// The news of the network has settled, and the system says this.
    pub fn look(&mut self, facts: RouteFacts) {
        self.keeper.set_route_facts(Some(facts));
        self.until(|output| matches!(output, Output::AskRoute { .. }));
        self.keeper.set_route_facts(None);
    }

    /// The host names its network.
    pub fn named(&mut self, network: &str) {
        self.tell(Input::NetworkNamed { network });
    }

    pub fn address_gone(&mut self) {
        self.route(RouteFacts::new(false, None));
    }

    /// The system says that this many bytes are not acknowledged, the oldest
    /// for this long.
    pub fn unacknowledged(&mut self, bytes: u64, waiting: Duration) {
        let link = self.main();
        self.tell(Input::Path { link, facts: Some(PathFacts::new(bytes, waiting)) });
    }

    pub fn probe(&mut self) {
        self.tell(Input::Probe);
    }

    pub fn confirm(&mut self) {
        self.tell(Input::Confirm);
    }

    pub fn reconnect(&mut self) {
        self.tell(Input::Reconnect);
    }

    pub fn close(&mut self) {
        self.tell(Input::Close);
    }

    pub fn timeout(&mut self) {
        self.tell(Input::Timeout);
    }
}
