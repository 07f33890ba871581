//! The link in use: what is heard on it, how it is lost, what that teaches.

use std::time::Duration;

use super::Keeper;
use super::news::Offline;
use super::opening::OFFLINE_RHYTHM;
use super::roles::Main;
use crate::keeper::heartbeat::{Evidence, Lesson, Pace};
use crate::keeper::reconnect::Ending;
use crate::keeper::verdict::{self, Inquest};
use crate::keeper::watch::{Asked, Sound, Step, Watch, Word};
use crate::keeper::{Activity, Cause, Dialled, Event, Ground, LinkId, Moment, Output, Seen};

/// A server that seems stuck twice within this may not be.
const STUCK_AGAIN: Duration = Duration::from_secs(2 * 24 * 3600);
/// A peer that was asked to speak so often in a row, never did, and answers
/// beats all the same is not asked again on this link.
const NEVER_SPEAKS: u32 = 3;
/// A gap is the same once more within this part of it: what we send meanwhile
/// makes it a little shorter.
const AGAIN: f64 = 0.1;

/// How a link was lost, and what is known of it.
#[derive(Debug)]
pub(super) struct Loss {
    seen: Seen,
    /// The idle time that the end is judged by, where that is not the time
    /// since the last byte.
    gap: Option<Duration>,
    /// What it says about the idle timeout if the path still works, and
    /// whether the gap was a try.
    evidence: Option<(Evidence, bool)>,
    /// Whether the peer's system is known to have received all that was sent.
    acknowledged: Option<bool>,
}

impl Loss {
    /// Nothing is known beside how it was noticed.
    pub(super) fn of(seen: Seen) -> Loss {
        Loss { seen, gap: None, evidence: None, acknowledged: None }
    }

    /// With what it says about idleness.
    pub(super) fn with_evidence(self, evidence: Option<(Evidence, bool)>) -> Loss {
        let gap = evidence.map(|(evidence, _)| evidence.gap());
        Loss { gap: self.gap.or(gap), evidence, ..self }
    }
}

impl Keeper {
    /// Notes that something came in; false if `link` is not the one in use.
    pub(super) fn hear(&mut self, link: LinkId, sound: Sound, now: Moment) -> bool {
        let (trusts, proven) = (self.peer_keeps_its_word, self.prober.proven());
        let Some(main) = self.main_mut(link) else { return false };
        main.heard = true;
        main.shaken = None;
        // What waits behind a stalled reader, or while the process stands still,
        // may have waited for long.
        let fresh = main.stall.is_none() && !main.watch.is_behind(now);
        // The request was void, so that a beat took the word's place: its
        // answer shows that the path carries what we send, and no more.
        let in_place = main.answers_after
            && trusts
            && main.watch.asked().is_some_and(|asked| {
                let tries = asked.chosen || asked.gap > proven;
                tries && !asked.promised
            });
        let mut heard = main.watch.hear(sound, now);
        heard.survived = heard.survived.filter(|_| !in_place);
        let kept_before = main.kept_its_word;
        main.kept_its_word |= heard.word == Some(Word::Kept);
        if let Some(gap) = heard.survived
            && (heard.answered || gap > self.prober.proven())
        {
            self.learn(Evidence::Survived { gap, proof: heard.proof }, now);
        }
        if let Some(gap) = heard.survived.filter(|_| self.offline.is_none()) {
            self.main_survived(gap);
        }
        if let Some(word) = heard.word {
            self.weigh_word(link, word, kept_before, now);
        }
        self.believe_scouts(now);
        if (fresh && self.disprove_offline(None, now)) || heard.answered {
            self.renew_pace(now);
        }
        true
    }

    /// What became of what the peer was asked to say, if it had done so
    /// `before` on this link.
    fn weigh_word(&mut self, link: LinkId, word: Word, before: bool, now: Moment) {
        let Some(main) = self.main_mut(link) else { return };
        let forgotten = match word {
            Word::Kept => {
                main.broke_its_word = None;
                self.peer_keeps_its_word = true;
                None
            }
            // Once it may have been lost or late as any packet: it is asked
            // again for the same gap, which costs no link.
            Word::Broken(gap) if before => {
                let last = main.broke_its_word.take();
                let again = last.is_some_and(|last| gap.abs_diff(last) <= last.mul_f64(AGAIN));
                main.broke_its_word = (!again).then_some(gap);
                again.then_some(gap)
            }
            // And for the shortest gap where it has never spoken.
            Word::Broken(_) => {
                main.words_missing += 1;
                main.answers_after = main.words_missing < NEVER_SPEAKS;
                self.peer_keeps_its_word = false;
                None
            }
            Word::HeldUp(gap) => Some(gap),
        };
        if let Some(gap) = forgotten {
            self.learn(Evidence::Forgotten { gap }, now);
            self.tell_interval(now);
        }
    }

    /// Lets the watch of the link in use do something and carries it out.
    pub(super) fn with_watch(&mut self, now: Moment, act: impl FnOnce(&mut Watch) -> Step) {
        let Some((link, main)) = self.main_mut_any() else { return };
        match act(&mut main.watch) {
            Step::Wait => {}
            Step::Beat { token, gap } => {
                self.tally.beats_sent += 1;
                self.outputs.push_back(Output::Beat { link, token });
                self.emit(Event::BeatSent { link, gap });
            }
            Step::Missed { consecutive, token } => {
                self.tally.misses += 1;
                self.tally.beats_sent += 1;
                self.emit(Event::BeatMissed { link, consecutive });
                self.outputs.push_back(Output::Beat { link, token });
            }
            Step::Dead { seen, asked, acknowledged } => {
                if let Seen::Unanswered { beats } = seen {
                    self.tally.misses += 1;
                    self.emit(Event::BeatMissed { link, consecutive: beats });
                }
                let stuck = acknowledged == Some(true) && self.is_stuck(asked, now);
                let evidence = asked.filter(|_| !stuck).and_then(verdict::evidence_of_silence);
                let gap = asked.map(|asked| asked.gap);
                self.lose(Loss { gap, acknowledged, ..Loss::of(seen).with_evidence(evidence) }, now);
            }
        }
    }

    /// Whether a peer whose system has received all that it was asked is
    /// stuck. As a rule it is, and the path has not forgotten the link. But a
    /// router that takes up again what it forgot lets our beats through, too,
    /// while their answers wait behind what it dropped: so not when it happens
    /// again within two days.
    fn is_stuck(&mut self, asked: Option<Asked>, now: Moment) -> bool {
        let Some(asked) = asked else { return true };
        let within = self.config.heartbeat.unit(STUCK_AGAIN);
        let again = self.stuck.is_some_and(|last| now.since(last) <= within);
        if again && self.prober.is_idleness(asked.gap, now) {
            return false;
        }
        self.stuck = Some(now);
        true
    }

    /// The heartbeat's settings or what the application says of itself have
    /// changed.
    pub(super) fn apply_heartbeat(&mut self, now: Moment) {
        let background = self.in_background();
        let heartbeat = self.config.heartbeat.clone();
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.set_heartbeat(&heartbeat, background);
        }
        self.renew_pace(now);
        self.tell_interval(now);
        self.plan_scouts(now);
    }

    pub(super) fn in_background(&self) -> bool {
        self.activity == Some(Activity::Background)
    }

    /// No message came within the application's limit. A process that slept
    /// or froze gives the peer the limit once more.
    pub(super) fn message_overdue(&mut self, due: Moment, now: Moment) {
        let Some((_, main)) = self.main_mut_any() else { return };
        if main.watch.is_late(due, now) {
            main.message = now;
        } else {
            self.lose(Loss::of(Seen::NoMessage), now);
        }
    }

    /// The path may be another now.
    pub(super) fn migrate(&mut self) {
        if let Some((link, _)) = self.main() {
            self.outputs.push_back(Output::Migrate { link });
        }
    }

    /// The link in use is gone: drop it, tell, and see how to come back. The
    /// one way in which a link is lost.
    pub(super) fn lose(&mut self, loss: Loss, now: Moment) {
        let Loss { seen, gap, evidence, acknowledged } = loss;
        let Some((link, main)) = self.take_main(now) else { return };
        let by_peer = matches!(seen, Seen::Ended(_));
        self.scouts_after_loss(main.scout_came.filter(|_| by_peer), now);
        if !by_peer {
            self.outputs.push_back(Output::Abandon { link });
        }
        let gap = gap.unwrap_or_else(|| main.watch.gap(now));
        let (evidence, chosen) =
            evidence.map_or((None, false), |(evidence, chosen)| (Some(evidence), chosen));
        let alone = chosen
            || evidence.is_some() && self.prober.near_failed(gap)
            || matches!(seen, Seen::ProbeUnanswered | Seen::AddressGone | Seen::Slept | Seen::Asked);
        let (proved, vouched) = (self.has_proved(&main, now), main.vouched);
        self.tell_loss(link, &main, seen.clone(), gap, now);
        match verdict::known_at_once(&seen, acknowledged.filter(|_| evidence.is_none())) {
            Some((cause, ground)) => self.emit(Event::Diagnosed { link, cause, evidence: ground }),
            None => {
                self.inquest = Some(Inquest {
                    link,
                    local: main.local,
                    rtt: main.watch.rtt(),
                    dial: main.dial,
                    evidence,
                    otherwise: verdict::otherwise(&seen, acknowledged),
                    unacknowledged: acknowledged == Some(false),
                    spoiled: self.is_cut_off().then_some(Ground::NetworkEvent).or(main.shaken),
                });
            }
        }
        let asked = seen == Seen::Asked;
        let ending = Ending { seen: &seen, proved, vouched, alone };
        let wait = self.backoff.after_end(ending, &mut self.dice);
        if asked && wait.is_ok() {
            self.open(now);
        } else {
            self.wait_or_give_up(wait, now);
        }
    }

    /// The link was in use for long enough, and something came in.
    pub(super) fn has_proved(&self, main: &Main, now: Moment) -> bool {
        main.heard && now.since(main.since) >= self.config.reconnect.stable
    }

    pub(super) fn tell_loss(&mut self, link: LinkId, main: &Main, seen: Seen, gap: Duration, now: Moment) {
        let (epoch, uptime) = (main.epoch, now.since(main.since));
        self.emit(Event::Disconnected { link, epoch, seen, gap, uptime });
    }

    // Evidence.

    /// The first dial after a death shows what it was.
    pub(super) fn conclude(&mut self, dialled: Option<Dialled>, now: Moment) {
        let Some(inquest) = self.inquest.take() else { return };
        let mut finding = inquest.conclude(dialled, |at_one| self.config.heartbeat.unit(at_one));
        if let Some(evidence) = finding.evidence {
            let known = (self.prober.proven(), self.prober.failed());
            if self.learn(evidence, now) || (self.prober.proven(), self.prober.failed()) != known {
                finding.cause = Cause::IdleExpiry;
            }
        }
        let Inquest { link, .. } = inquest;
        let ground = finding.ground_for(inquest.unacknowledged);
        self.emit(Event::Diagnosed { link, cause: finding.cause, evidence: ground });
        self.tell_interval(now);
    }

    /// Feeds the prober, unless the network is gone; true if the observation
    /// was taken for idle expiry.
    pub(super) fn learn(&mut self, evidence: Evidence, now: Moment) -> bool {
        if self.is_cut_off() {
            return false;
        }
        let expiry = matches!(evidence, Evidence::Expired { gap } if self.prober.is_idleness(gap, now));
        let known = self.prober.failed();
        let lesson = self.prober.learn(evidence, now);
        match lesson {
            Some(Lesson::Learned { proven, failed }) => {
                self.emit(Event::IdleTimeoutLearned { proven, failed });
            }
            Some(Lesson::Shrank { failed }) => {
                self.main_proven_at_most(self.prober.proven());
                self.emit(Event::IdleTimeoutShrank { failed });
            }
            None => {}
        }
        if lesson.is_some() || matches!(evidence, Evidence::Survived { .. }) {
            self.tell_interval(now);
        }
        self.remember(evidence, known, now);
        self.plan_scouts(now);
        expiry || lesson.is_some()
    }

    pub(super) fn tell_interval(&mut self, now: Moment) {
        let interval = self.prober.interval(now).unwrap_or_default();
        if interval != self.told_interval {
            self.told_interval = interval;
            self.emit(Event::IntervalChanged { interval, proven: self.prober.proven() });
        }
    }

    pub(super) fn next_pace(&mut self, now: Moment) -> Option<Pace> {
        // What ends a silence that is spoiled teaches nothing: a try that costs
        // the link there is made again on the next, and so for ever.
        let spoiled = self.main().is_some_and(|(_, main)| main.watch.is_spoiled());
        let pace = match spoiled {
            true => self.prober.pace_without_tries(&mut self.dice, now)?,
            false => self.prober.pace(&mut self.dice, now)?,
        };
        let minute = self.config.heartbeat.unit(OFFLINE_RHYTHM);
        Some(match self.offline {
            None => pace,
            Some(Offline { disproved: false, .. }) => Pace { after: minute, chosen: false },
            // The path works, and may have the timeout that it had.
            Some(Offline { disproved: true, .. }) => Pace { after: pace.after.min(minute), chosen: false },
        })
    }

    pub(super) fn renew_pace(&mut self, now: Moment) {
        let pace = self.next_pace(now);
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.set_pace(pace, now);
        }
        self.ask_peer_to_speak(now);
    }

    /// Has the peer speak first at the end of a gap that is tried, where it
    /// can be asked to. At first after the shortest gap of all, which shows
    /// whether it does what it is asked.
    pub(super) fn ask_peer_to_speak(&mut self, now: Moment) {
        let least = self.config.heartbeat.min;
        let known = self.peer_keeps_its_word;
        let Some((link, main)) = self.main_mut_any().filter(|(_, main)| main.answers_after) else { return };
        let Some(gap) = main.watch.may_be_promised() else { return };
        let silence = if known { gap } else { gap.min(least) };
        main.watch.promise(silence, now);
        self.tally.beats_sent += 1;
        self.outputs.push_back(Output::AskAfter { link, silence });
    }
}
