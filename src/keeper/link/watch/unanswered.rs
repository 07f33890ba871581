//! Beats whose answers can still be matched.

use crate::keeper::moment::Moment;
use crate::keeper::names::Token;

/// How many beats are remembered.
const REMEMBERED: usize = 6;

/// The last beats that were sent and not answered, newest first.
#[derive(Debug, Default)]
pub(super) struct Unanswered([Option<(Token, Moment)>; REMEMBERED]);

impl Unanswered {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// A beat was sent. The oldest makes room.
    pub(super) fn note(&mut self, token: Token, sent: Moment) {
        self.0.rotate_right(1);
        self.0[0] = Some((token, sent));
    }

    /// When the beat of this token was sent, if it is remembered. Answers come
    /// in order: an older beat was answered or never will be.
    pub(super) fn take(&mut self, token: Token) -> Option<Moment> {
        let found = self.0.iter().position(|beat| beat.is_some_and(|(sent, _)| sent == token))?;
        let (_, sent) = self.0[found]?;
        self.0[found..].fill(None);
        Some(sent)
    }

    /// When the beat was sent that an answer without a token means: a
    /// measurement only while one beat alone can be meant.
    pub(super) fn take_only(&mut self) -> Option<Moment> {
        let mut sent = self.0.iter().flatten();
        let only = match (sent.next(), sent.next()) {
            (Some(&(_, sent)), None) => Some(sent),
            (Some(_), Some(_)) | (None, _) => None,
        };
        self.0.fill(None);
        only
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(secs)
    }

    #[test]
    fn an_answer_takes_its_beat_and_all_that_are_older() {
        let mut beats = Unanswered::default();
        for secs in 1..=3 {
            beats.note(Token(secs), at(secs));
        }
        assert_eq!(beats.take(Token(2)), Some(at(2)));
        assert_eq!(beats.take(Token(1)), None);
        assert_eq!(beats.take(Token(3)), Some(at(3)));
        assert!(beats.is_empty());
    }

    #[test]
    fn a_nameless_answer_measures_only_while_one_beat_can_be_meant() {
        let mut beats = Unanswered::default();
        beats.note(Token(1), at(1));
        assert_eq!(beats.take_only(), Some(at(1)));
        beats.note(Token(2), at(2));
        beats.note(Token(3), at(3));
        assert_eq!(beats.take_only(), None);
        assert!(beats.is_empty());
    }

    #[test]
    fn only_the_last_few_are_remembered() {
        let mut beats = Unanswered::default();
        for secs in 1..=7 {
            beats.note(Token(secs), at(secs));
        }
        assert_eq!(beats.take(Token(1)), None);
        assert_eq!(beats.take(Token(2)), Some(at(2)));
    }
}
