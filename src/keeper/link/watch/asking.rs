//! Beats and probes that go out: by the pace, or ahead of it on request.

use super::request::Request;
use super::{BeatRow, Confirming, EarlyBeat, EarlyKind, Watch, WatchAction, WatchState};
use crate::keeper::moment::Moment;
use crate::keeper::names::{Token, Tokens};

impl Watch {
    /// Brings a beat, or a probe, forward to `at`. On a link that cannot be
    /// asked it is never due.
    pub(super) fn bring_forward(&mut self, at: Moment, kind: EarlyKind) {
        self.ahead = Some(match self.ahead {
            Some(ahead) => EarlyBeat { at: ahead.at.min(at), kind: ahead.kind.max(kind) },
            None => EarlyBeat { at, kind },
        });
    }

    /// Probes at once, unless a probe is under way.
    pub(in crate::keeper) fn probe(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        if !self.can_ask() || self.is_probing() {
            return WatchAction::Wait;
        }
        if self.stalled.is_some() {
            self.bring_forward(now, EarlyKind::Probe);
            return WatchAction::Wait;
        }
        self.ahead = None;
        let gap = self.gap(now);
        self.phase = WatchState::Probing { deadline: now + self.probe_deadline() };
        self.spoiled = true;
        WatchAction::Beat { token: self.send_beat(tokens, now), gap }
    }

    /// Drops a probe that is under way or planned: its silence would say
    /// nothing.
    pub(in crate::keeper) fn call_off_probe(&mut self) {
        if self.is_probing() {
            self.phase = WatchState::Quiet;
        }
        self.ahead = self.ahead.filter(|ahead| !ahead.is_probe());
    }

    /// Beats at once, unless an answer is waited for already. For a link whose
    /// beats are answered.
    pub(in crate::keeper) fn ask_unless_asked(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        if matches!(self.phase, WatchState::Quiet) { self.ask(tokens, now, false) } else { WatchAction::Wait }
    }

    /// Beats at once so that the messages before are confirmed. If a beat is
    /// under way for the same reason, another follows it.
    pub(in crate::keeper) fn confirm(&mut self, tokens: &mut Tokens, now: Moment) -> WatchAction {
        if !self.can_ask() {
            return WatchAction::Wait;
        }
        if let Some(confirming) = &mut self.confirming {
            confirming.again = true;
            return WatchAction::Wait;
        }
        let step = self.ask(tokens, now, false);
        if let WatchAction::Beat { token, .. } = step {
            self.confirming = Some(Confirming { token, again: false });
        }
        step
    }

    /// Sends a beat, and starts a row of them if none is under way.
    pub(super) fn ask(&mut self, tokens: &mut Tokens, now: Moment, is_try: bool) -> WatchAction {
        if self.is_behind(now) {
            // The beat that is asked for is the first to notice that the process stood still.
            self.spoil();
        }
        let gap = self.gap(now);
        if matches!(self.phase, WatchState::Quiet) {
            // The path may have forgotten the flow before our last message already.
            let longest = gap.max(self.ended);
            let asked =
                BeatRow { gap: longest, is_try, spoiled: self.is_spoiled(), requested: false, lost: false };
            self.phase = WatchState::Asking { asked, missed: 0, deadline: now + self.deadline(0) };
        }
        WatchAction::Beat { token: self.send_beat(tokens, now), gap }
    }

    /// The peer's reply has not come: the usual row of beats shows whether the
    /// link still lives.
    pub(super) fn ask_after_request(
        &mut self,
        request: Request,
        tokens: &mut Tokens,
        now: Moment,
    ) -> WatchAction {
        // The gap that the reply would have ended; messages of ours meanwhile have
        // made it shorter.
        let ended = self.ended;
        let gap = self.gap(now).saturating_sub(self.patience()).max(ended);
        let step = self.ask(tokens, now, gap >= request.silence);
        if let WatchState::Asking { asked, .. } = &mut self.phase {
            // The gap is longer where the request itself came late in a silence: then
            // the path may have forgotten the flow before the request.
            asked.gap = gap.min(request.silence).max(ended);
            asked.requested = true;
        }
        step
    }

    pub(super) fn send_beat(&mut self, tokens: &mut Tokens, now: Moment) -> Token {
        let token = tokens.next();
        self.beaten = now;
        self.put_out(now);
        self.acknowledged = None;
        self.request = None;
        self.unanswered.note(token, now);
        self.ask_path_later(now);
        token
    }
}
