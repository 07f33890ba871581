//! What happens to the keeper: what a driver would report.

use std::time::Duration;

use longlink::keeper::{
    Beat, Dialled, Failure, LinkEnd, LinkId, NetworkStatus, Opened, PathFacts, RouteFacts, Timer, Token,
};

use super::{LOGIN, RTT, Rig};

impl Rig {
    /// The attempt under way succeeds, at this instant.
    pub fn open(&mut self, beat: Beat) -> LinkId {
        let link = self.opening.take().expect("an attempt is under way");
        let dialled = Dialled::new(RTT, None);
        self.keeper.handle_opened(link, Opened::new(beat, dialled, LOGIN), self.now);
        self.drain();
        link
    }

    /// The same, with more said of the link.
    pub fn open_as(&mut self, say: impl FnOnce(&mut Opened)) -> LinkId {
        let link = self.opening.take().expect("an attempt is under way");
        let dialled = Dialled::new(RTT, None);
        let mut opened = Opened::new(Beat::Ping, dialled, LOGIN);
        say(&mut opened);
        self.keeper.handle_opened(link, opened, self.now);
        self.drain();
        link
    }

    /// The path of an attempt is there, at this instant.
    pub fn dialled(&mut self, link: LinkId, took: Duration) {
        self.keeper.handle_dialled(link, Dialled::new(took, None), self.now);
        self.drain();
    }

    /// A scout that is being opened is open, at this instant.
    pub fn open_scout(&mut self, link: LinkId) {
        self.open_scout_as(link, Beat::Ping);
    }

    pub fn open_scout_as(&mut self, link: LinkId, beat: Beat) {
        let dialled = Dialled::new(RTT, None);
        self.keeper.handle_opened(link, Opened::new(beat, dialled, LOGIN), self.now);
        self.drain();
    }

    pub fn fail_scout(&mut self, link: LinkId, failure: Failure) {
        self.keeper.handle_open_failed(link, failure, None, self.now);
        self.scouts.retain(|scout| scout.link != link);
        self.drain();
    }

    /// A scout's last beat is answered.
    pub fn answer_scout(&mut self, link: LinkId) {
        let token = self.scouts.iter().find(|scout| scout.link == link).and_then(|scout| scout.token);
        assert!(token.is_some(), "the scout has not beaten");
        self.keeper.handle_answered(link, token, self.now);
        self.drain();
    }

    pub fn end_scout(&mut self, link: LinkId, end: LinkEnd) {
        self.keeper.handle_ended(link, end, self.now);
        self.scouts.retain(|scout| scout.link != link);
        self.drain();
    }

    /// The attempt under way fails, at this instant and without a dial.
    pub fn fail(&mut self, failure: Failure) {
        let link = self.opening.take().expect("an attempt is under way");
        self.keeper.handle_open_failed(link, failure, None, self.now);
        self.drain();
    }

    /// The link in use ends by itself, at this instant.
    pub fn end(&mut self, end: LinkEnd) {
        let link = self.main.take().expect("a link is in use");
        self.keeper.handle_ended(link, end, self.now);
        self.drain();
    }

    pub fn heard(&mut self) {
        let link = self.main();
        self.keeper.handle_heard(link, self.now);
        self.drain();
    }

    pub fn message(&mut self) {
        let link = self.main();
        self.keeper.handle_message(link, self.now);
        self.drain();
    }

    pub fn sent(&mut self) {
        let link = self.main();
        self.keeper.handle_sent(link, self.now);
        self.drain();
    }

    /// The beat sent last is answered, at this instant. As the driver does it:
    /// what came in is reported first, and then what it was.
    pub fn answer(&mut self) {
        self.answer_all(&[self.token]);
    }

    /// The answers to beats that were sent earlier come in, all in one turn.
    pub fn answer_all(&mut self, tokens: &[Option<Token>]) {
        let link = self.main();
        self.keeper.handle_heard(link, self.now);
        self.drain();
        for &token in tokens {
            assert!(token.is_some(), "no beat was sent");
            self.keeper.handle_answered(link, token, self.now);
            self.drain();
        }
    }

    pub fn network(&mut self, status: NetworkStatus) {
        self.keeper.handle_network(status, self.now);
        self.drain();
    }

    pub fn stalled(&mut self) {
        let link = self.main();
        self.keeper.handle_stalled(link, self.now);
        self.drain();
    }

    pub fn resumed(&mut self) {
        let link = self.main();
        self.keeper.handle_resumed(link, self.now);
        self.drain();
    }

    /// What the system says of the way to the peer of the link in use.
    pub fn route(&mut self, facts: RouteFacts) {
        let link = self.main();
        self.keeper.handle_route(link, facts, self.now);
        self.drain();
    }

    /// The news of the network has settled, and the system says this.
    pub fn look(&mut self, facts: RouteFacts) {
        for _ in 0..100 {
            let (at, timer) = self.keeper.poll_timeout().expect("a look is due");
            self.now = self.now + at.since(self.now);
            if timer == Timer::Network {
                self.route(facts);
                return self.timeout();
            }
            self.timeout();
        }
        panic!("no look is due");
    }

    /// The host names its network.
    pub fn named(&mut self, network: &str) {
        self.keeper.handle_network_named(network, self.now);
        self.drain();
    }

    pub fn address_gone(&mut self) {
        self.route(RouteFacts::new(false, None));
    }

    /// The system says that this many bytes are not acknowledged, the oldest
    /// for this long.
    pub fn unacknowledged(&mut self, bytes: u64, waiting: Duration) {
        let link = self.main();
        self.keeper.handle_path(link, PathFacts::new(bytes, waiting), self.now);
        self.drain();
    }

    pub fn probe(&mut self) {
        self.keeper.probe_now(self.now);
        self.drain();
    }

    pub fn confirm(&mut self) {
        self.keeper.confirm(self.now);
        self.drain();
    }

    pub fn reconnect(&mut self) {
        self.keeper.reconnect_now(self.now);
        self.drain();
    }

    pub fn close(&mut self) {
        self.keeper.close(self.now);
        self.drain();
    }

    pub fn timeout(&mut self) {
        self.keeper.handle_timeout(self.now);
        self.drain();
    }
}
