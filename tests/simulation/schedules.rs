//! Schedules of inputs. A schedule names links by their part in play, not by
//! id, so that a part of it is a schedule too and a failing one can be made
//! shorter.

use std::time::Duration;

use longlink::keeper::{Config, Dialled, Input, Opened, PathFacts, Recalled, RouteFacts};
use longlink::testing::VirtualKeeper;
use longlink::{Activity, Beat, Failure, LinkEnd, LinkId, NetworkStatus, Token};

/// A keeper's settings and all that happens to it.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    pub settings: Settings,
    pub steps: Vec<Step>,
}

/// A keeper's settings, and what is known of them beside.
#[derive(Clone, Debug)]
pub struct Settings {
    pub config: Config,
    /// The longest time of an attempt.
    pub attempt_deadline: Duration,
    /// The least time between two timers that they may lead to, against 1 by
    /// default.
    pub scale: f64,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub advance: Advance,
    pub input: Said,
}

/// How time goes on before an input.
#[derive(Clone, Copy, Debug)]
pub enum Advance {
    /// Not at all.
    Stay,
    /// By this much, each timer at its time.
    Run(Duration),
    /// To the next timer, which is then handled on time.
    ToTimer,
    /// By this much, with no timer handled.
    Freeze(Duration),
    /// To this much after the next timer, which is then handled late.
    LateTimer(Duration),
    /// The same, but the machine is suspended for that time.
    Suspend(Duration),
}

/// Which link an input speaks of.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The one in use.
    Main,
    /// The one being opened.
    Opening,
    /// The one saying goodbye.
    Retiring,
    /// A scout that is being opened, or the first that is open.
    ScoutOpening,
    Scout,
    /// Any that ever was, gone or not.
    Any(u64),
    /// One that was never asked for.
    Unissued,
}

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Last,
    Older(u64),
    Unknown,
    Unnamed,
}

#[derive(Clone, Debug)]
pub enum Said {
    ProbeNow,
    ReconnectNow,
    Replace,
    Close,
    Confirm,
    Opened(Which, Beat, Duration),
    OpenFailed(Which, Failure, Option<Duration>),
    Heard(Which),
    Answered(Which, Answer),
    Sent(Which),
    Ended(Which, LinkEnd),
    Stalled(Which),
    Resumed(Which),
    Path(Which, PathFacts),
    Route(Which, RouteFacts),
    Network(NetworkStatus),
    Named(u64),
    Recalled(u64, Recalled),
    Message(Which),
    Activity(Activity),
    Update(Box<Settings>),
    Pause,
    Resume,
    /// A timeout, whether or not one is due.
    Timeout,
    Dialled(Which, Duration),
}

impl Said {
    pub const KINDS: [&str; 28] = [
        "probe_now",
        "reconnect_now",
        "close",
        "confirm",
        "opened",
        "open_failed",
        "heard",
        "answered",
        "sent",
        "ended",
        "stalled",
        "resumed",
        "path",
        "route",
        "online",
        "offline",
        "changed",
        "timeout",
        "named",
        "recalled",
        "message",
        "activity",
        "update",
        "dialled",
        "woke",
        "pause",
        "resume",
        "replace",
    ];

    /// Its place in [`Said::KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Said::ProbeNow => 0,
            Said::ReconnectNow => 1,
            Said::Close => 2,
            Said::Confirm => 3,
            Said::Opened(..) => 4,
            Said::OpenFailed(..) => 5,
            Said::Heard(_) => 6,
            Said::Answered(..) => 7,
            Said::Sent(_) => 8,
            Said::Ended(..) => 9,
            Said::Stalled(_) => 10,
            Said::Resumed(_) => 11,
            Said::Path(..) => 12,
            Said::Route(..) => 13,
            Said::Network(NetworkStatus::Online) => 14,
            Said::Network(NetworkStatus::Offline) => 15,
            Said::Network(NetworkStatus::Changed) => 16,
            Said::Network(NetworkStatus::Woke) => 24,
            Said::Network(_) => unreachable!("no other status is drawn"),
            Said::Pause => 25,
            Said::Resume => 26,
            Said::Replace => 27,
            Said::Timeout => 17,
            Said::Named(_) => 18,
            Said::Recalled(..) => 19,
            Said::Message(_) => 20,
            Said::Activity(_) => 21,
            Said::Update(_) => 22,
            Said::Dialled(..) => 23,
        }
    }

    /// The link that it speaks of, if it speaks of one.
    pub fn which(&self) -> Option<Which> {
        match self {
            Said::Opened(which, ..)
            | Said::OpenFailed(which, ..)
            | Said::Dialled(which, _)
            | Said::Heard(which)
            | Said::Answered(which, _)
            | Said::Sent(which)
            | Said::Ended(which, _)
            | Said::Stalled(which)
            | Said::Resumed(which)
            | Said::Path(which, _)
            | Said::Route(which, _)
            | Said::Message(which) => Some(*which),
            Said::ProbeNow
            | Said::ReconnectNow
            | Said::Replace
            | Said::Close
            | Said::Confirm
            | Said::Network(_)
            | Said::Named(_)
            | Said::Recalled(..)
            | Said::Activity(_)
            | Said::Update(_)
            | Said::Pause
            | Said::Resume
            | Said::Timeout => None,
        }
    }

    /// Tells it to a keeper: of `link`, where it speaks of one, whose beat
    /// `token` is answered.
    pub fn tell(&self, keeper: &mut VirtualKeeper, link: LinkId, token: Option<Token>) {
        match self {
            Said::ProbeNow => keeper.tell(Input::Probe),
            Said::ReconnectNow => keeper.tell(Input::Reconnect),
            Said::Replace => keeper.tell(Input::Replace),
            Said::Close => keeper.tell(Input::Close),
            Said::Confirm => keeper.tell(Input::Confirm),
            Said::Opened(_, beat, took) => {
                keeper.tell(Input::Opened { link, opened: opened(*beat, *took) });
            }
            Said::OpenFailed(_, failure, took) => {
                let (failure, dialled) = (failure.clone(), took.map(dialled));
                keeper.tell(Input::OpenFailed { link, failure, dialled });
            }
            Said::Dialled(_, took) => keeper.tell(Input::Dialled { link, dialled: dialled(*took) }),
            Said::Heard(_) => keeper.hear(link),
            Said::Answered(..) => keeper.answer(link, token),
            Said::Sent(_) => keeper.tell(Input::Sent { link }),
            Said::Ended(_, end) => keeper.tell(Input::Ended { link, end: end.clone() }),
            Said::Stalled(_) => keeper.tell(Input::Stalled { link }),
            Said::Resumed(_) => keeper.tell(Input::ReadAgain { link }),
            Said::Path(_, facts) => keeper.tell(Input::Path { link, facts: Some(*facts) }),
            Said::Route(_, facts) => keeper.tell(Input::Route { link, facts: Some(*facts) }),
            Said::Network(status) => keeper.tell(Input::Network(*status)),
            Said::Named(name) => keeper.tell(Input::NetworkNamed { network: &format!("network {name}") }),
            Said::Recalled(name, recalled) => {
                let (network, recalled) = (format!("network {name}"), Some(recalled.clone()));
                keeper.tell(Input::Recalled { network: Some(&network), recalled });
            }
            Said::Message(_) => keeper.message(link),
            Said::Activity(activity) => keeper.tell(Input::Activity(*activity)),
            Said::Update(settings) => keeper.tell(Input::Update(Box::new(settings.config.clone()))),
            Said::Pause => keeper.tell(Input::Pause),
            Said::Resume => keeper.tell(Input::Resume),
            Said::Timeout => keeper.tell(Input::Timeout),
        }
    }
}

/// The facts about a link that was opened: some links tell of their path, and
/// some have a peer that can be asked to speak.
pub fn opened(beat: Beat, took: Duration) -> Opened {
    let mut opened = Opened::new(beat, dialled(took), took);
    opened.tells_path = took.as_millis().is_multiple_of(2);
    opened.answers_after = took.as_millis().is_multiple_of(3);
    opened
}

fn dialled(took: Duration) -> Dialled {
    Dialled::new(took, None)
}
