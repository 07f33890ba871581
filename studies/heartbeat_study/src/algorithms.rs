//! Who is compared, and a run of each in one network.

use std::time::Duration;

use longlink::keeper::Config;
use longlink::{Heartbeat, Probing};

use crate::models::{Every, FiveSlowMisses, Mars, MicroG, Model, MozillaPush};
use crate::record::Record;
use crate::world::client::Client;
use crate::world::longlink::Longlink;
use crate::world::{Nature, World};

/// The longest gap that longlink may try here, as in its scores.
pub const MAX: Duration = Duration::from_secs(7200);
/// A client that has not noticed by then that its path is dead never will.
const NEVER: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    LonglinkMain,
    LonglinkScout,
    LonglinkPassive,
    /// As it comes, with gaps of at most 285 s.
    LonglinkDefault,
    Fixed30,
    Fixed60,
    Mars,
    MozillaPush,
    MicroG,
    FiveSlowMisses,
}

impl Algorithm {
    pub const ALL: [Algorithm; 10] = [
        Algorithm::LonglinkMain,
        Algorithm::LonglinkScout,
        Algorithm::LonglinkPassive,
        Algorithm::LonglinkDefault,
        Algorithm::Fixed30,
        Algorithm::Fixed60,
        Algorithm::Mars,
        Algorithm::MozillaPush,
        Algorithm::MicroG,
        Algorithm::FiveSlowMisses,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::LonglinkMain => "longlink-main",
            Algorithm::LonglinkScout => "longlink-scout",
            Algorithm::LonglinkPassive => "longlink-passive",
            Algorithm::LonglinkDefault => "longlink-default",
            Algorithm::Fixed30 => "fixed-30s",
            Algorithm::Fixed60 => "fixed-60s",
            Algorithm::Mars => "mars",
            Algorithm::MozillaPush => "mozilla-push",
            Algorithm::MicroG => "microg",
            Algorithm::FiveSlowMisses => "five-slow-misses",
        }
    }

    /// Whether it belongs to the comparison; what does not is shown beside it.
    pub fn is_compared(self) -> bool {
        self != Algorithm::LonglinkDefault
    }

    /// The keeper's heartbeat; `None` for a model of somebody else's.
    pub fn heartbeat(self) -> Option<Heartbeat> {
        let probing = |probing| Some(Heartbeat::adaptive().max(MAX).probing(probing));
        match self {
            Algorithm::LonglinkMain => probing(Probing::Main),
            Algorithm::LonglinkScout => probing(Probing::Scout),
            Algorithm::LonglinkPassive => probing(Probing::Passive),
            Algorithm::LonglinkDefault => Some(Heartbeat::adaptive()),
            Algorithm::Fixed30
            | Algorithm::Fixed60
            | Algorithm::Mars
            | Algorithm::MozillaPush
            | Algorithm::MicroG
            | Algorithm::FiveSlowMisses => None,
        }
    }

    /// Whether it changes its ways in the networks of this study. Passive
    /// learning does not: an idle application teaches it nothing.
    pub fn learns(self) -> bool {
        match self {
            Algorithm::LonglinkMain
            | Algorithm::LonglinkScout
            | Algorithm::LonglinkDefault
            | Algorithm::Mars
            | Algorithm::MozillaPush
            | Algorithm::MicroG => true,
            Algorithm::LonglinkPassive
            | Algorithm::Fixed30
            | Algorithm::Fixed60
            | Algorithm::FiveSlowMisses => false,
        }
    }

    /// Runs it for `trial.length`, and on to see how long it takes to notice
    /// that its path is dead, if it is to die.
    pub fn run(self, nature: &Nature, trial: &Trial, seed: u64) -> Outcome {
        match self {
            Algorithm::LonglinkMain
            | Algorithm::LonglinkScout
            | Algorithm::LonglinkPassive
            | Algorithm::LonglinkDefault => {
                let mut config = Config::default();
                config.heartbeat = self.heartbeat().unwrap_or_default();
                trial.run(nature, Longlink::new(config, nature.beat, seed), seed)
            }
            Algorithm::Fixed30 => trial.run(nature, Model::new(Every::thirty_seconds()), seed),
            Algorithm::Fixed60 => trial.run(nature, Model::new(Every::sixty_seconds()), seed),
            Algorithm::Mars => trial.run(nature, Model::new(Mars::default()), seed),
            Algorithm::MozillaPush => trial.run(nature, Model::new(MozillaPush::default()), seed),
            Algorithm::MicroG => trial.run(nature, Model::new(MicroG::default()), seed),
            Algorithm::FiveSlowMisses => trial.run(nature, Model::new(FiveSlowMisses::default()), seed),
        }
    }
}

/// How long a run is, and what happens after it.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// The first part of it, told apart.
    pub learns: Duration,
    /// All of it.
    pub length: Duration,
    /// The path dies so long after `length`, without a word.
    pub dies_after: Option<Duration>,
    /// Whether the intervals are noted.
    pub traced: bool,
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Up to the end of the trial's first part.
    pub learning: Record,
    /// Up to its end.
    pub record: Record,
    /// From the death of the path until it was noticed; `None` if no link was
    /// there to die, or nothing died.
    pub noticed: Option<Duration>,
}

impl Trial {
    pub fn of(length: Duration) -> Trial {
        Trial { learns: Duration::ZERO, length, dies_after: None, traced: false }
    }

    fn run<C: Client>(&self, nature: &Nature, client: C, seed: u64) -> Outcome {
        let death = self.dies_after.map(|after| self.length + after);
        let mut nature = nature.clone();
        if let Some(death) = death {
            nature.outages.push((death, NEVER * 2));
        }
        let world = World::new(&nature, client, seed);
        let mut world = if self.traced { world.tracing() } else { world };
        world.run_to(self.learns);
        let learning = world.record();
        world.run_to(self.length);
        let record = world.record();
        let noticed = death.and_then(|death| {
            world.run_to(death);
            let has_link = world.has_link();
            has_link.then(|| {
                world.run_until_lost(death + NEVER);
                world.now() - death
            })
        });
        Outcome { learning, record, noticed }
    }
}
