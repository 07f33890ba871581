//! Schedules of inputs. A schedule names links by their part in play, not by
//! id, so that a part of it is a schedule too and a failing one can be made
//! shorter.

use std::time::Duration;

use longlink::keeper::{
    Activity, Beat, Config, Dialled, Failure, Keeper, LinkEnd, LinkId, Moment, NetworkStatus, Opened,
    PathFacts, Recalled, RouteFacts, Token,
};

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
    /// What an attempt may take.
    pub attempt_deadline: Duration,
    /// The least time between two timers that they may lead to, against 1 by
    /// default.
    pub scale: f64,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub advance: Advance,
    pub input: Input,
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
pub enum Input {
    ProbeNow,
    ReconnectNow,
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

impl Input {
    pub const KINDS: [&str; 27] = [
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
    ];

    /// Its place in [`Input::KINDS`].
    pub fn kind(&self) -> usize {
        match self {
            Input::ProbeNow => 0,
            Input::ReconnectNow => 1,
            Input::Close => 2,
            Input::Confirm => 3,
            Input::Opened(..) => 4,
            Input::OpenFailed(..) => 5,
            Input::Heard(_) => 6,
            Input::Answered(..) => 7,
            Input::Sent(_) => 8,
            Input::Ended(..) => 9,
            Input::Stalled(_) => 10,
            Input::Resumed(_) => 11,
            Input::Path(..) => 12,
            Input::Route(..) => 13,
            Input::Network(NetworkStatus::Online) => 14,
            Input::Network(NetworkStatus::Offline) => 15,
            Input::Network(NetworkStatus::Changed) => 16,
            Input::Network(NetworkStatus::Woke) => 24,
            Input::Network(_) => unreachable!("no other status is drawn"),
            Input::Pause => 25,
            Input::Resume => 26,
            Input::Timeout => 17,
            Input::Named(_) => 18,
            Input::Recalled(..) => 19,
            Input::Message(_) => 20,
            Input::Activity(_) => 21,
            Input::Update(_) => 22,
            Input::Dialled(..) => 23,
        }
    }

    /// The link that it speaks of, if it speaks of one.
    pub fn which(&self) -> Option<Which> {
        match self {
            Input::Opened(which, ..)
            | Input::OpenFailed(which, ..)
            | Input::Dialled(which, _)
            | Input::Heard(which)
            | Input::Answered(which, _)
            | Input::Sent(which)
            | Input::Ended(which, _)
            | Input::Stalled(which)
            | Input::Resumed(which)
            | Input::Path(which, _)
            | Input::Route(which, _)
            | Input::Message(which) => Some(*which),
            Input::ProbeNow
            | Input::ReconnectNow
            | Input::Close
            | Input::Confirm
            | Input::Network(_)
            | Input::Named(_)
            | Input::Recalled(..)
            | Input::Activity(_)
            | Input::Update(_)
            | Input::Pause
            | Input::Resume
            | Input::Timeout => None,
        }
    }

    /// Tells it to a keeper: of `link`, where it speaks of one, whose beat
    /// `token` is answered.
    pub fn tell(&self, keeper: &mut Keeper, link: LinkId, token: Option<Token>, now: Moment) {
        match self {
            Input::ProbeNow => keeper.probe_now(now),
            Input::ReconnectNow => keeper.reconnect_now(now),
            Input::Close => keeper.close(now),
            Input::Confirm => keeper.confirm(now),
            Input::Opened(_, beat, took) => keeper.handle_opened(link, opened(*beat, *took), now),
            Input::OpenFailed(_, failure, took) => {
                keeper.handle_open_failed(link, failure.clone(), took.map(dialled), now);
            }
            Input::Dialled(_, took) => keeper.handle_dialled(link, dialled(*took), now),
            Input::Heard(_) => keeper.handle_heard(link, now),
            Input::Answered(..) => keeper.handle_answered(link, token, now),
            Input::Sent(_) => keeper.handle_sent(link, now),
            Input::Ended(_, end) => keeper.handle_ended(link, end.clone(), now),
            Input::Stalled(_) => keeper.handle_stalled(link, now),
            Input::Resumed(_) => keeper.handle_resumed(link, now),
            Input::Path(_, facts) => keeper.handle_path(link, *facts, now),
            Input::Route(_, facts) => keeper.handle_route(link, *facts, now),
            Input::Network(status) => keeper.handle_network(*status, now),
            Input::Named(name) => keeper.handle_network_named(&format!("network {name}"), now),
            Input::Recalled(name, recalled) => {
                let network = format!("network {name}");
                keeper.handle_recalled(Some(&network), Some(recalled.clone()), now);
            }
            Input::Message(_) => keeper.handle_message(link, now),
            Input::Activity(activity) => keeper.set_activity(*activity, now),
            Input::Update(settings) => keeper.update(settings.config.clone(), now),
            Input::Pause => keeper.pause(now),
            Input::Resume => keeper.resume(now),
            Input::Timeout => keeper.handle_timeout(now),
        }
    }
}

/// What is reported of a link that was opened: some tell of their path, and
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
