//! Messages of the server by itself.

use std::time::Duration;

use super::nature::Traffic;
use crate::chance::Chance;

/// When the server has something to say next.
pub struct Speech<'a> {
    traffic: &'a Traffic,
    chance: Chance,
    next: Option<Duration>,
    spoken: usize,
}

impl<'a> Speech<'a> {
    pub fn new(traffic: &'a Traffic, seed: u64) -> Speech<'a> {
        // Its own chance: what is said changes nothing else in the world.
        let mut speech = Speech { traffic, chance: Chance::new(seed.rotate_left(32)), next: None, spoken: 0 };
        speech.next = speech.after(Duration::ZERO);
        speech
    }

    pub fn due(&self) -> Option<Duration> {
        self.next
    }

    pub fn spoken(&mut self) {
        self.spoken += 1;
        self.next = self.next.and_then(|last| self.after(last));
    }

    fn after(&mut self, last: Duration) -> Option<Duration> {
        match self.traffic {
            Traffic::None => None,
            Traffic::At(times) => times.get(self.spoken).copied(),
            Traffic::Poisson(mean) => Some(last + mean.mul_f64(-(1.0 - self.chance.unit()).ln())),
        }
    }
}
