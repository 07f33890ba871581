//! The time of a return, and the part of it that the keeper chose to wait.

use std::time::{Duration, Instant};

use longlink::{Cause, Detection, Event};

use crate::hiccups;
use crate::lab::client::Client;
use crate::uplinks::Deed;

/// News is let to settle for this long before a link is probed.
pub const SETTLES: Duration = Duration::from_millis(250);
/// Probes that news asks for are this far apart.
pub const BURST: Duration = Duration::from_secs(2);
/// From the kernel's event to the first byte, beside the keeper's own waits.
pub const ALLOWED: Duration = Duration::from_millis(500);
/// Where the process stood still for longer than this the kernel's own threads
/// may have, too: what is sent on a link that they have not made ready yet is
/// dropped, …
const BUSY: Duration = Duration::from_millis(50);
/// … and ARP asks again after a second.
const REPEATED: Duration = Duration::from_millis(1100);

/// Takes in news until a byte came in on the link in use that was sent after
/// `deed`; it may be a new one. Tells the figures, and asserts that what the
/// keeper did not choose to wait is within [`ALLOWED`]. Returns what it did: for
/// a burst to settle, for a probe's answer, for a drawn delay.
pub fn until_heard(client: &mut Client, deed: Deed, limit: Duration) -> Duration {
    let at = client.find("a byte after the event", limit, |events| {
        let mut asked = false;
        events.iter().filter(|(at, _)| *at >= deed.begun).find_map(|(at, event)| match event {
            Event::Connected { .. } => Some(*at),
            Event::BeatSent { .. } => {
                asked = true;
                None
            }
            Event::BeatAnswered { .. } if asked => Some(*at),
            _ => None,
        })
    });
    let waited = waited(&client.events, deed.done, at);
    let took = at.saturating_duration_since(deed.done);
    let hiccups = hiccups::between(deed.done, at);
    client.say(format_args!(
        "first byte {took:.0?} after the event: {waited:.0?} waited by choice, {:.0?} not ({hiccups:.0?} stood still)",
        took.saturating_sub(waited)
    ));
    let busy = if hiccups > BUSY { REPEATED } else { Duration::ZERO };
    assert!(took <= waited + ALLOWED + hiccups + busy, "{took:?}, of which {waited:?} by choice");
    waited
}

/// How much of the time between two moments the keeper waited by choice, as
/// its events tell.
fn waited(events: &[(Instant, Event)], from: Instant, to: Instant) -> Duration {
    let mut spans: Vec<(Instant, Instant)> = Vec::new();
    let mut delay: Option<(Instant, Instant)> = None;
    let mut asked: Option<Instant> = None;
    for (at, event) in events.iter().filter(|(at, _)| *at <= to) {
        match event {
            Event::ReconnectScheduled { delay: wait, .. } => delay = Some((*at, *at + *wait)),
            Event::ReconnectAdvanced { delay: wait, .. } => {
                spans.extend(delay.map(|(since, due)| (since, due.min(*at))));
                delay = Some((*at, *at + *wait));
            }
            Event::Connecting { .. } => {
                // Later than it was due it is not by choice.
                spans.extend(delay.take().map(|(since, due)| (since, due.min(*at))));
            }
            Event::NetworkOnline | Event::NetworkChanged => {
                let settles = if *event == Event::NetworkChanged { SETTLES } else { Duration::ZERO };
                spans.push((*at, (*at + settles).max(asked.map_or(*at, |asked| asked + BURST))));
            }
            Event::BeatSent { .. } => asked = Some(*at),
            Event::Connected { .. } => asked = None,
            Event::Disconnected { detection: Detection::ProbeUnanswered, .. } => {
                spans.extend(asked.map(|asked| (asked, *at)));
            }
            _ => {}
        }
    }
    spans.sort();
    let (mut total, mut past) = (Duration::ZERO, from);
    for (start, end) in spans {
        let (start, end) = (start.max(past), end.min(to));
        total += end.saturating_duration_since(start);
        past = past.max(end);
    }
    total
}

/// Sends messages to and fro for so long, and asserts that the link is not
/// lost meanwhile.
pub fn flow(client: &mut Client, time: Duration) {
    let lost = client.account.lost.len();
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {
        client.round_trip();
        client.pass(Duration::from_millis(50));
    }
    assert_eq!(client.account.lost.len(), lost, "a link that works was dropped: {:#?}", client.account);
}

/// Takes in news until an event that `wanted` takes was told since a moment;
/// gives the moment when it was.
pub fn until_told(
    client: &mut Client,
    what: &str,
    since: Instant,
    limit: Duration,
    wanted: impl Fn(&Event) -> bool,
) -> Instant {
    client.find(what, limit, |events| {
        events.iter().find(|(at, event)| *at >= since && wanted(event)).map(|(at, _)| *at)
    })
}

/// Takes in news until the link is lost for what was done, and asserts that it
/// was so at once, but for what the keeper lets a burst settle.
pub fn until_abandoned(client: &mut Client, deed: Deed, limit: Duration) {
    let ended = until_told(client, "the link is abandoned", deed.begun, limit, is_loss);
    let took = ended.saturating_duration_since(deed.done);
    client.say(format_args!("abandoned {took:.0?} after the event"));
    assert!(took <= SETTLES + ALLOWED + hiccups::between(deed.done, ended), "{took:?}");
    assert_eq!(client.account.lost.last().map(|loss| &loss.detection), Some(&Detection::AddressGone));
    let wanted = |event: &Event| matches!(event, Event::Diagnosed { cause: Cause::AddressGone, .. });
    until_told(client, "the cause", deed.begun, limit, wanted);
}

/// How many events that `wanted` takes were told after `since`.
pub fn count(client: &Client, since: Instant, wanted: impl Fn(&Event) -> bool) -> usize {
    client.events.iter().filter(|(at, event)| *at >= since && wanted(event)).count()
}

pub fn is_offline(event: &Event) -> bool {
    matches!(event, Event::NetworkOffline)
}

pub fn is_loss(event: &Event) -> bool {
    matches!(event, Event::Disconnected { .. })
}
