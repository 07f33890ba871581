//! The faults, drawn from the seed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use longlink::testing::{Cut, Direction, Newcomers};

use crate::chance::Chance;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// A RST that way.
    Reset(Direction),
    /// A cut behind so many bytes, most often in the middle of a message.
    CutAfter { way: Direction, bytes: u64, cut: Cut },
    /// One way of the stream ends.
    HalfClose(Direction),
    /// Everything is held up for a while.
    Stall { way: Direction, lasts: Duration },
    /// Everything is lost until the client has noticed.
    BlackHole(Direction),
    /// The link is cut, and those that follow meet this for a while.
    NoWay { met: Newcomers, lasts: Duration },
    /// The server crashes and comes back at another place.
    Restart { down: Duration },
    /// The server ends the stream with a FIN.
    ServerFin,
    /// The server says goodbye.
    ServerGoodbye { code: u16 },
    /// The server neither reads nor writes on this link any more.
    ServerFreezes,
    /// The server does not read for a while.
    ServerStalls { lasts: Duration },
    /// The link is cut, and the next logins are refused.
    LoginRefused { times: u32 },
    /// The link is cut, and the next login is not answered.
    LoginIgnored,
    /// The network is told to be gone, and to be back; in between the link is
    /// cut, or not.
    Offline { lasts: Duration, cut: bool },
    /// The machine sleeps for too long to go on as if nothing was.
    LongSleep,
    /// The application pauses.
    Pause { lasts: Duration },
    /// The application wants another link.
    ReconnectNow,
    /// Only what comes along.
    Nothing,
}

/// The news that comes along with a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Companion {
    ReaderStalls(Duration),
    Latency(Direction, Duration),
    Probe,
    NetworkChanged,
    Woke,
    ShortSleep(Duration),
    Background,
    Foreground,
    /// Other settings of the heartbeat.
    Update,
}

/// One round: what the two sides have to say in it, what goes wrong, and how
/// long it is calm afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub from_client: u64,
    pub from_server: u64,
    pub fault: Fault,
    pub companion: Option<Companion>,
    /// How long messages flow before the fault.
    pub before: Duration,
    pub calm: Duration,
}

const WAYS: [Direction; 3] = [Direction::ToClient, Direction::ToServer, Direction::Both];
const ONE_WAY: [Direction; 2] = [Direction::ToClient, Direction::ToServer];

fn millis(chance: &mut Chance, low: u64, high: u64) -> Duration {
    chance.log_between(Duration::from_millis(low), Duration::from_millis(high))
}

impl Fault {
    fn draw(chance: &mut Chance) -> Fault {
        match chance.below(1_000) {
            0..170 => Fault::Reset(if chance.happens(0.9) {
                chance.pick(&[Direction::ToClient, Direction::Both])
            } else {
                Direction::ToServer
            }),
            170..430 => Fault::CutAfter {
                way: chance.pick(&ONE_WAY),
                bytes: chance.log_between(Duration::from_nanos(1), Duration::from_nanos(4_000)).as_nanos()
                    as u64
                    - 1,
                cut: chance.pick(&[Cut::Fin, Cut::Reset]),
            },
            430..500 => Fault::HalfClose(chance.pick(&WAYS)),
            500..570 => Fault::Stall { way: chance.pick(&WAYS), lasts: millis(chance, 1, 40) },
            570..610 => Fault::BlackHole(chance.pick(&WAYS)),
            610..670 => Fault::NoWay {
                met: chance.pick(&[Newcomers::Refused, Newcomers::Closed]),
                lasts: millis(chance, 1, 40),
            },
            670..680 => Fault::NoWay { met: Newcomers::Unanswered, lasts: millis(chance, 1, 40) },
            680..720 => Fault::Restart { down: millis(chance, 1, 20) },
            720..780 => Fault::ServerFin,
            780..830 => {
                Fault::ServerGoodbye { code: chance.pick(&[1001, 1001, 1011, 1011, 1012, 1013, 4000, 4900]) }
            }
            830..845 => Fault::ServerFreezes,
            845..865 => Fault::ServerStalls { lasts: millis(chance, 1, 60) },
            865..885 => Fault::LoginRefused { times: 1 + chance.below(3) as u32 },
            885..890 => Fault::LoginIgnored,
            890..910 => Fault::Offline { lasts: millis(chance, 1, 60), cut: chance.happens(0.6) },
            910..920 => Fault::LongSleep,
            920..950 => Fault::Pause { lasts: millis(chance, 1, 30) },
            950..970 => Fault::ReconnectNow,
            _ => Fault::Nothing,
        }
    }

    /// The name that it is counted by.
    fn name(self) -> &'static str {
        match self {
            Fault::Reset(_) => "reset",
            Fault::CutAfter { cut: Cut::Fin, .. } => "cut by fin",
            Fault::CutAfter { cut: Cut::Reset, .. } => "cut by reset",
            Fault::HalfClose(_) => "half-close",
            Fault::Stall { .. } => "stall",
            Fault::BlackHole(_) => "black hole",
            Fault::NoWay { met: Newcomers::Refused, .. } => "refused",
            Fault::NoWay { met: Newcomers::Closed, .. } => "closed at once",
            Fault::NoWay { met: Newcomers::Unanswered | Newcomers::Connected, .. } => "unanswered",
            Fault::Restart { .. } => "restart",
            Fault::ServerFin => "server's fin",
            Fault::ServerGoodbye { .. } => "goodbye",
            Fault::ServerFreezes => "server frozen",
            Fault::ServerStalls { .. } => "server slow",
            Fault::LoginRefused { .. } => "login refused",
            Fault::LoginIgnored => "login ignored",
            Fault::Offline { .. } => "offline",
            Fault::LongSleep => "long sleep",
            Fault::Pause { .. } => "pause",
            Fault::ReconnectNow => "reconnect_now",
            Fault::Nothing => "none",
        }
    }
}

impl Companion {
    fn draw(chance: &mut Chance) -> Companion {
        match chance.below(10) {
            0..3 => Companion::ReaderStalls(millis(chance, 1, 40)),
            3 => Companion::Latency(chance.pick(&WAYS), millis(chance, 1, 4)),
            4 => Companion::Probe,
            5 => Companion::NetworkChanged,
            6 => Companion::Woke,
            7 => Companion::ShortSleep(millis(chance, 10, 1_000)),
            8 => chance.pick(&[Companion::Background, Companion::Foreground]),
            _ => Companion::Update,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Companion::ReaderStalls(_) => "reader stalled",
            Companion::Latency(..) => "latency",
            Companion::Probe => "probe_now",
            Companion::NetworkChanged => "network changed",
            Companion::Woke => "woke",
            Companion::ShortSleep(_) => "short sleep",
            Companion::Background | Companion::Foreground => "activity",
            Companion::Update => "update",
        }
    }
}

impl Round {
    /// A round in which each side says about so many messages.
    pub fn draw(chance: &mut Chance, messages: u64) -> Round {
        let share = |chance: &mut Chance| chance.below(2 * messages + 1);
        Round {
            from_client: share(chance),
            from_server: share(chance),
            fault: Fault::draw(chance),
            companion: chance.happens(0.3).then(|| Companion::draw(chance)),
            before: if chance.happens(0.5) { millis(chance, 1, 8) } else { Duration::ZERO },
            calm: if chance.happens(0.05) { millis(chance, 20, 160) } else { Duration::ZERO },
        }
    }
}

/// How many faults of each kind there were.
#[derive(Clone, Debug, Default)]
pub struct Faults(BTreeMap<&'static str, u64>);

impl Faults {
    pub fn count(&mut self, round: &Round) {
        if round.fault != Fault::Nothing {
            *self.0.entry(round.fault.name()).or_default() += 1;
        }
        if let Some(companion) = round.companion {
            *self.0.entry(companion.name()).or_default() += 1;
        }
    }

    pub fn add(&mut self, more: &Faults) {
        for (name, count) in &more.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<_> = self.0.iter().collect();
        kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), **name));
        let kinds: Vec<_> = kinds.iter().map(|(name, count)| format!("{count} {name}")).collect();
        write!(f, "{} faults ({})", self.sum(), kinds.join(", "))
    }
}
