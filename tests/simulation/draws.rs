//! Random schedules.

use std::io;
use std::time::Duration;

use longlink::keeper::{Config, Learned, PathFacts, Recalled, RouteFacts};
use longlink::{
    Activity, Beat, Failure, Growth, Heartbeat, LinkEnd, NetworkStatus, Probing, Reconnect, Retry, Setback,
};

use crate::chance::Chance;
use crate::schedules::{Advance, Answer, Said, Schedule, Settings, Step, Which};

/// The default, which no schedule changes.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(15);

/// The schedule that belongs to a seed.
pub fn schedule(seed: u64, length: usize) -> Schedule {
    let mut chance = Chance::new(seed);
    let settings = settings(&mut chance);
    // Some live long, some fall apart at once.
    let mood = Mood {
        opens: chance.pick(&[1.0, 0.9, 0.4]),
        answers: chance.pick(&[0.9, 0.5, 0.05]),
        mischief: chance.pick(&[0.02, 0.15, 0.5]),
        closes: chance.pick(&[0.0, 0.01, 0.1]),
    };
    let steps = (0..length).map(|_| step(&mut chance, &mood)).collect();
    Schedule { seed, settings, steps }
}

struct Mood {
    opens: f64,
    answers: f64,
    mischief: f64,
    closes: f64,
}

fn settings(chance: &mut Chance) -> Settings {
    let mut scale = 1.0;
    let heartbeat = match chance.below(11) {
        0 => Heartbeat::prompt(),
        1 => Heartbeat::frugal(),
        2 => Heartbeat::off(),
        3 => {
            scale = chance.pick(&[1.0 / 20.0, 1.0 / 3.0, 4.0]);
            Heartbeat::adaptive().scaled(scale)
        }
        4 => Heartbeat::adaptive().probing(Probing::Passive),
        8 | 9 => Heartbeat::adaptive().probing(Probing::Scout).max(chance.pick(&[60, 7200]).seconds()),
        10 => {
            scale = 1.0 / 20.0;
            Heartbeat::adaptive().scaled(scale).probing(Probing::Scout)
        }
        5 => {
            let growth = [Growth::Factor(1.5), Growth::Step(Duration::from_secs(60))];
            Heartbeat::adaptive().growth(chance.pick(&growth))
        }
        _ => Heartbeat::adaptive().max(chance.pick(&[285, 7200]).seconds()),
    };
    let heartbeat = heartbeat.misses(chance.pick(&[5, 5, 5, 1, 2, 16]));
    let reconnect = match chance.below(10) {
        8 => Reconnect::default().classify(|_, _| Retry::After(Duration::MAX)),
        9 => Reconnect::default().classify(|refusal, usual| match refusal {
            Setback::Unanswered => Retry::Between { low: Duration::MAX, high: Duration::ZERO },
            _ => usual,
        }),
        0 => Reconnect::eager(),
        1 => Reconnect::default().scaled(1.0 / 20.0),
        2 => Reconnect::default().attempts(3),
        3 => Reconnect::default().delays(|| [Duration::ZERO, Duration::from_secs(1)]),
        4 => Reconnect::default().delays(|| std::iter::repeat(Duration::ZERO)),
        _ => Reconnect::default(),
    };
    let mut config = Config::default();
    config.heartbeat = heartbeat;
    config.reconnect = reconnect;
    config.overlap = !chance.happens(0.1);
    config.silence_limit = chance.happens(0.2).then(|| chance.pick(&[30, 3600]).seconds());
    config.heartbeat.check().expect("the settings are sound");
    config.reconnect.check().expect("the settings are sound");
    Settings { config, attempt_deadline: ATTEMPT_DEADLINE, scale }
}

fn step(chance: &mut Chance, mood: &Mood) -> Step {
    let mischief = chance.happens(mood.mischief);
    let advance = if mischief { odd_advance(chance) } else { usual_advance(chance) };
    let input = if chance.happens(mood.closes) {
        Said::Close
    } else if chance.happens(mood.mischief) {
        odd_input(chance)
    } else {
        usual_input(chance, mood)
    };
    Step { advance, input }
}

fn usual_advance(chance: &mut Chance) -> Advance {
    match chance.below(4) {
        0 => Advance::Stay,
        1 => Advance::Run(Duration::from_millis(chance.below(200))),
        2 => Advance::ToTimer,
        _ => Advance::Run(span(chance)),
    }
}

fn odd_advance(chance: &mut Chance) -> Advance {
    let by = span(chance);
    match chance.below(4) {
        0 => Advance::Freeze(by),
        1 => Advance::LateTimer(by),
        2 => Advance::Suspend(by),
        _ => Advance::Run(by * 10),
    }
}

/// From a millisecond to three hours.
fn span(chance: &mut Chance) -> Duration {
    chance.log_between(Duration::from_millis(1), Duration::from_secs(3 * 3600))
}

fn usual_input(chance: &mut Chance, mood: &Mood) -> Said {
    match chance.below(9) {
        6 => Said::Opened(Which::ScoutOpening, Beat::Ping, Duration::from_millis(chance.below(1_000))),
        7 if chance.happens(mood.answers) => Said::Answered(Which::Scout, Answer::Last),
        7 => Said::Ended(Which::Scout, end(chance, 0.02)),
        8 => Said::Message(Which::Main),
        0 | 1 if chance.happens(mood.opens) => {
            Said::Opened(Which::Opening, beat(chance), Duration::from_millis(chance.below(3_000)))
        }
        0 | 1 => {
            let dialled = chance.happens(0.5).then(|| Duration::from_millis(chance.below(3_000)));
            Said::OpenFailed(Which::Opening, failure(chance, 0.01), dialled)
        }
        2 if chance.happens(mood.answers) => Said::Answered(Which::Main, Answer::Last),
        3 => Said::Opened(Which::Opening, beat(chance), Duration::from_millis(chance.below(3_000))),
        2 => Said::Timeout,
        4 if chance.happens(mood.answers) => Said::Heard(Which::Main),
        4 => Said::Sent(Which::Main),
        _ if chance.happens(0.3) => Said::Ended(Which::Main, end(chance, 0.02)),
        _ if chance.happens(0.3) => Said::Confirm,
        _ if chance.happens(0.1) => Said::Resume,
        _ => Said::Heard(Which::Main),
    }
}

fn odd_input(chance: &mut Chance) -> Said {
    let which = match chance.below(9) {
        8 => Which::Unissued,
        6 => Which::ScoutOpening,
        7 => Which::Scout,
        0 | 1 => Which::Any(chance.next()),
        2 => Which::Opening,
        3 => Which::Retiring,
        _ => Which::Main,
    };
    match chance.below(31) {
        30 => Said::Replace,
        18 => Said::Named(chance.below(3)),
        19 => Said::Recalled(chance.below(3), recalled(chance)),
        20 => Said::Message(which),
        21 | 22 => Said::Activity(chance.pick(&[Activity::Foreground, Activity::Background])),
        23 => Said::Update(Box::new(settings(chance))),
        0 => Said::ProbeNow,
        1 => Said::ReconnectNow,
        2 => Said::Opened(which, beat(chance), span(chance)),
        3 => Said::OpenFailed(which, failure(chance, 0.05), None),
        4 => Said::Heard(which),
        5 => {
            let unknown = [Answer::Older(chance.next()), Answer::Unknown, Answer::Unnamed];
            Said::Answered(which, chance.pick(&unknown))
        }
        6 => Said::Sent(which),
        7 => Said::Ended(which, end(chance, 0.05)),
        8 | 9 => Said::Stalled(which),
        10 | 11 => Said::Resumed(which),
        12 => Said::Path(which, PathFacts::new(chance.below(3), span(chance))),
        13 => Said::Route(
            which,
            RouteFacts::new(chance.happens(0.5), chance.pick(&[None, Some(true), Some(false)])),
        ),
        14 => Said::Network(NetworkStatus::Online),
        15 => Said::Network(NetworkStatus::Offline),
        16 => Said::Network(NetworkStatus::Changed),
        24 => Said::Network(NetworkStatus::Woke),
        25 => Said::Pause,
        26 | 27 => Said::Resume,
        17 => Said::Dialled(which, Duration::from_millis(chance.below(3_000))),
        _ => Said::Timeout,
    }
}

/// Stored lessons, true or not.
fn recalled(chance: &mut Chance) -> Recalled {
    let mut learned = Learned::default();
    learned.proven = span(chance);
    learned.failed = chance.happens(0.7).then(|| learned.proven.mul_f64(1.0 + chance.unit()));
    learned.ambiguous = chance.happens(0.3);
    learned.recheck_in = chance.happens(0.5).then(|| span(chance) * 50);
    learned.rechecks_failed = chance.below(6) as u32;
    Recalled::new(learned, span(chance) * chance.below(200) as u32)
}

fn beat(chance: &mut Chance) -> Beat {
    match chance.below(12) {
        0 => Beat::Listen { longest_silence: chance.pick(&[1, 45, 300]).seconds() },
        1 => Beat::Every { interval: chance.pick(&[1, 41, 300]).seconds() },
        2 => Beat::KeepAlive { max_send_gap: chance.pick(&[1, 60, 600]).seconds() },
        _ => Beat::Ping,
    }
}

/// How a link ends; `finally` is how often for good.
fn end(chance: &mut Chance, finally: f64) -> LinkEnd {
    let last = [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409, 1002, 1009];
    if chance.happens(finally) {
        return LinkEnd::Closed { code: Some(chance.pick(&last)), reason: "enough".to_owned() };
    }
    match chance.below(10) {
        0..=2 => {
            let code = chance.pick(&[1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 3000, 4000, 4999]);
            LinkEnd::Closed { code: Some(code), reason: String::new() }
        }
        3 => LinkEnd::Closed { code: None, reason: String::new() },
        4 => LinkEnd::Closed { code: Some(chance.next() as u16), reason: "any".to_owned() },
        5 | 6 => LinkEnd::Eof,
        7 => LinkEnd::Reset,
        8 => LinkEnd::Io { kind: io::ErrorKind::Other, message: "other".to_owned() },
        _ => chance.pick(&[
            LinkEnd::Protocol("a reserved bit".to_owned()),
            LinkEnd::TooBig { size: 2, limit: 1 },
            LinkEnd::Panicked,
        ]),
    }
}

/// How an attempt fails; `finally` is how often for good.
fn failure(chance: &mut Chance, finally: f64) -> Failure {
    if chance.happens(finally) {
        let status = chance.pick(&[400, 401, 403, 404, 405, 407, 410, 426, 451, 501, 505]);
        return chance.pick(&[
            Failure::Stop,
            Failure::Hook { retry: false },
            Failure::Unauthorized,
            Failure::Http { status, retry_after: None, verified: true },
            Failure::Ended(LinkEnd::Closed { code: Some(1008), reason: String::new() }),
        ]);
    }
    let status = chance.pick(&[200, 403, 404, 408, 429, 500, 502, 503, 504, 520]);
    let retry_after = chance.happens(0.5).then(|| span(chance) * 2);
    let verified = status > 404 && chance.happens(0.5);
    chance.pick(&[
        Failure::Dns,
        Failure::Refused,
        Failure::Refused,
        Failure::Unreachable,
        Failure::TimedOut,
        Failure::Tls,
        Failure::Http { status, retry_after, verified },
        Failure::Protocol("no upgrade".to_owned()),
        Failure::Ended(LinkEnd::Eof),
        Failure::Ended(LinkEnd::Reset),
        Failure::Ended(LinkEnd::Closed { code: Some(1012), reason: String::new() }),
        Failure::Hook { retry: true },
        Failure::RetryAfter(retry_after.unwrap_or(Duration::ZERO)),
        Failure::Io { kind: io::ErrorKind::Other },
        Failure::Panicked,
    ])
}

trait Seconds {
    fn seconds(self) -> Duration;
}

impl Seconds for u64 {
    fn seconds(self) -> Duration {
        Duration::from_secs(self)
    }
}
