//! The link in use: its inputs, and the actions of its watch.

use super::Keeper;
use super::loss::Loss;
use crate::keeper::end::{Failure, LinkEnd};
use crate::keeper::event::{Detection, Event};
use crate::keeper::facts::PathFacts;
use crate::keeper::input::Messages;
use crate::keeper::link::{InboundKind, PathKnowledge, ReplyMeaning, Role, Stall, Watch, WatchAction};
use crate::keeper::moment::Moment;
use crate::keeper::names::{LinkId, Token, Tokens};
use crate::keeper::output::Output;
use crate::keeper::path::{self, Observation};

impl Keeper {
    /// A batch came in. The watch hears it once, then its answers are matched to
    /// their beats.
    pub(super) fn read(&mut self, link: LinkId, messages: Messages, answers: &[Option<Token>], now: Moment) {
        let known =
            PathKnowledge { proven: self.path.books().proven(), peer_replies: self.path.peer_replies };
        let Some(main) = self.links.main_as_mut(link) else { return self.scout_heard(link, now) };
        let sound = match messages {
            Messages::BeforeAnswers => InboundKind::Message,
            Messages::None | Messages::AfterAnswers => InboundKind::Bytes,
        };
        let read = main.read(sound, known, now);
        if messages != Messages::None {
            main.message = now;
        }
        if let Some(gap) = read.survived {
            if read.answered || gap > known.proven {
                self.learn(Observation::Survived { gap, proof: read.proof }, now);
            }
            self.main_survived(gap);
        }
        match read.shown {
            ReplyMeaning::Nothing => {}
            ReplyMeaning::Trust(trusted) => self.path.peer_replies = trusted,
            ReplyMeaning::Forgotten(gap) => {
                self.learn(Observation::Forgotten { gap }, now);
            }
        }
        self.believe_scouts(now);
        if read.fresh {
            self.schedule.news.heard(None, &self.config.heartbeat, now);
        }
        for token in answers {
            self.answered(link, *token, now);
        }
    }

    fn answered(&mut self, link: LinkId, token: Option<Token>, now: Moment) {
        let Some(main) = self.links.main_as_mut(link) else { return };
        let matched = main.watch.match_answer(token, now);
        self.emit(Event::BeatAnswered { link, rtt: matched.rtt });
        if matched.again {
            self.with_watch(now, |watch, tokens| watch.confirm(tokens, now));
        }
    }

    pub(super) fn sent(&mut self, link: LinkId, now: Moment) {
        if let Some(main) = self.links.main_as_mut(link) {
            main.watch.send(now);
        }
    }

    pub(super) fn stalled(&mut self, link: LinkId, now: Moment) {
        if let Some(main) = self.links.main_as_mut(link)
            && main.stall.is_none()
        {
            main.stall = Some(Stall { since: now, told: false });
            main.watch.stall(now);
            self.disturb_scouts();
        }
    }

    pub(super) fn read_again(&mut self, link: LinkId, now: Moment) {
        if let Some(main) = self.links.main_as_mut(link)
            && main.stall.take().is_some()
        {
            main.watch.resume(now);
            main.message = now;
        }
    }

    pub(super) fn ended(&mut self, link: LinkId, end: LinkEnd, now: Moment) {
        match self.links.role(link) {
            Some(Role::Main(main)) => {
                let death = path::of_end(&main.watch.silence(now), &end);
                self.lose(Loss::of(Detection::Ended(end)).with_death(death), now);
            }
            Some(Role::Draining(_)) => self.links.forget(link),
            Some(Role::Next(_)) => {
                self.open_failed(link, Failure::Ended(end), None, now);
            }
            Some(Role::Scout(_)) => self.scout_ended(link, &end, now),
            None => {}
        }
    }

    pub(super) fn told_path(&mut self, link: LinkId, facts: Option<PathFacts>, now: Moment) {
        if self.links.main_as_mut(link).is_some() {
            self.with_watch(now, |watch, tokens| watch.path(facts, tokens, now));
        }
    }

    /// Calls the watch of the link in use and carries out its action.
    pub(super) fn with_watch(
        &mut self,
        now: Moment,
        act: impl FnOnce(&mut Watch, &mut Tokens) -> WatchAction,
    ) {
        let Some((link, main)) = self.links.main_mut() else { return };
        match act(&mut main.watch, &mut self.tokens) {
            WatchAction::Wait => {}
            WatchAction::AskPath => self.outputs.push_back(Output::AskPath { link }),
            WatchAction::Beat { token, gap } => {
                self.tally.beats_sent += 1;
                self.outputs.push_back(Output::Beat { link, token });
                self.emit(Event::BeatSent { link, gap });
            }
            WatchAction::Missed { consecutive, token } => {
                self.tally.misses += 1;
                self.tally.beats_sent += 1;
                self.emit(Event::BeatMissed { link, consecutive });
                self.outputs.push_back(Output::Beat { link, token });
            }
            WatchAction::Dead { detection, asked, acknowledged } => {
                if let Detection::Unanswered { beats } = detection {
                    self.tally.misses += 1;
                    self.emit(Event::BeatMissed { link, consecutive: beats });
                }
                let stuck = acknowledged == Some(true) && self.path.is_stuck(asked, now);
                let death = asked.filter(|_| !stuck).and_then(path::of_silence);
                let gap = asked.map(|asked| asked.gap);
                self.lose(Loss { gap, acknowledged, ..Loss::of(detection).with_death(death) }, now);
            }
        }
    }
}
