//! `NetworkHandle`: what the host says reaches every connection that watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use longlink::NetworkHandle;
use longlink::NetworkStatus::{self, Changed, Offline, Online, Woke};
use longlink::network::{Network, NetworkWatch};

/// All that waits for a watch.
fn drain(watch: &mut Box<dyn NetworkWatch>) -> Vec<(NetworkStatus, Option<String>)> {
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match watch.poll_change(&mut cx) {
        Poll::Ready(change) => Some((change.status, change.key)),
        Poll::Pending => None,
    })
    .collect()
}

fn statuses(watch: &mut Box<dyn NetworkWatch>) -> Vec<NetworkStatus> {
    drain(watch).into_iter().map(|(status, _)| status).collect()
}

#[test]
fn every_watch_gets_every_change_in_order() {
    let handle = NetworkHandle::new();
    let (mut first, mut second) = (handle.watch(), handle.watch());
    let clone = handle.clone();
    handle.set(Offline);
    clone.set_on(Online, "home");
    handle.set_on(Changed, "cafe");
    let all = [(Offline, None), (Online, Some("home".to_owned())), (Changed, Some("cafe".to_owned()))];
    assert_eq!(drain(&mut first), all);
    assert_eq!(drain(&mut second), all);
    assert_eq!(drain(&mut first), []);
}

#[test]
fn a_watch_begins_with_what_comes_after_it() {
    let handle = NetworkHandle::new();
    handle.set(Offline);
    handle.set(Online);
    let mut watch = handle.watch();
    assert_eq!(statuses(&mut watch), []);
    handle.set(Changed);
    assert_eq!(statuses(&mut watch), [Changed]);
}

#[test]
fn a_watch_that_begins_offline_is_told_so_first() {
    let handle = NetworkHandle::new();
    handle.set_on(Offline, "home");
    let mut watch = handle.watch();
    handle.set(Online);
    assert_eq!(drain(&mut watch), [(Offline, Some("home".to_owned())), (Online, None)]);
}

#[test]
fn a_backlog_is_bounded_and_keeps_the_latest() {
    let handle = NetworkHandle::new();
    let mut watch = handle.watch();
    for number in 0..100_000 {
        handle.set_on(Changed, number.to_string());
    }
    let waiting = drain(&mut watch);
    assert!(waiting.len() <= 8, "{} wait", waiting.len());
    assert_eq!(waiting.last(), Some(&(Changed, Some("99999".to_owned()))));
}

/// All bursts of up to nine changes and some long ones, each against what must be known after it:
/// the latest, and of what followed the last `Offline`, whether the network
/// came back and whether it changed.
#[test]
fn a_backlog_never_loses_that_the_network_was_away_and_came_back() {
    fn what_counts(changes: &[NetworkStatus]) -> (Option<NetworkStatus>, [bool; 4]) {
        let offline = changes.iter().rposition(|status| *status == Offline);
        let after = &changes[offline.map_or(0, |at| at + 1)..];
        let came = [Online, Changed, Woke].map(|status| after.contains(&status));
        (changes.last().copied(), [offline.is_some(), came[0], came[1], came[2]])
    }
    let kinds = [Offline, Online, Changed, Woke];
    let check = |burst: &[NetworkStatus]| {
        let handle = NetworkHandle::new();
        let mut watch = handle.watch();
        burst.iter().for_each(|status| handle.set(*status));
        let told = statuses(&mut watch);
        assert_eq!(what_counts(&told), what_counts(burst), "{burst:?} was told as {told:?}");
        assert!(told.len() <= 8);
        let stale = burst.len() == 9 && told[1..].contains(&Offline);
        assert!(
            !stale,
            "what came before the last `Offline` is outdated, but {burst:?} was told as {told:?}"
        );
        assert!(burst.len() > 8 || told == burst, "{burst:?} is no backlog, but was told as {told:?}");
    };
    for length in 0..=9 {
        for number in 0..3_usize.pow(length) {
            let burst: Vec<_> = (0..length).map(|digit| kinds[number / 3_usize.pow(digit) % 3]).collect();
            check(&burst);
        }
    }
    // Long ones, which are cut several times, with wakes among them.
    let mut mix = 1_usize;
    for length in (9..200).cycle().take(2_000) {
        let burst = (0..length).map(|_| {
            mix = mix.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            kinds[(mix >> 33) % 4]
        });
        check(&burst.collect::<Vec<_>>());
    }
}

#[test]
fn a_watch_begun_after_a_wake_is_told_that_the_network_is_gone() {
    let handle = NetworkHandle::new();
    handle.set(Offline);
    handle.set(Woke);
    assert_eq!(statuses(&mut handle.watch()), [Offline]);
}

#[test]
fn a_change_wakes_every_waiting_watch_and_none_that_is_gone() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Count(AtomicUsize::new(0)));
    let times = || woken.0.load(Ordering::Relaxed);
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);

    let handle = NetworkHandle::new();
    let (mut first, mut second) = (handle.watch(), handle.watch());
    assert!(first.poll_change(&mut cx).is_pending());
    assert!(second.poll_change(&mut cx).is_pending());
    handle.set(Online);
    assert_eq!(times(), 2);

    assert!(first.poll_change(&mut cx).is_ready());
    assert!(first.poll_change(&mut cx).is_pending());
    drop(second);
    handle.set(Offline);
    assert_eq!(times(), 3);
    drop(first);
    handle.set(Online);
    assert_eq!(times(), 3);
    drop(waker);
    assert_eq!(Arc::strong_count(&woken), 1, "no waker is kept for a watch that is gone");
}

#[tokio::test]
async fn a_waiting_task_is_told_and_a_watch_outlives_its_handle() {
    let handle = NetworkHandle::new();
    let mut watch = handle.watch();
    let task = tokio::spawn(async move {
        let change = std::future::poll_fn(|cx| watch.poll_change(cx)).await;
        (change.status, watch)
    });
    tokio::task::yield_now().await;
    handle.set(Changed);
    let (status, mut watch) = task.await.expect("no panic");
    assert_eq!(status, Changed);
    drop(handle);
    assert_eq!(statuses(&mut watch), []);
}

#[test]
fn a_watch_begins_with_the_last_name_of_the_network() {
    let handle = NetworkHandle::new();
    assert_eq!(handle.watch().key(), None);
    handle.set_on(Online, "home");
    handle.set(Changed);
    handle.set_on(Offline, "the one that went away");
    let mut watch = handle.watch();
    assert_eq!(watch.key().as_deref(), Some("home"));
    handle.set_on(Changed, "cafe");
    assert_eq!(handle.watch().key().as_deref(), Some("cafe"));
}

#[test]
fn a_name_outlives_the_change_that_brought_it() {
    let handle = NetworkHandle::new();
    let mut watch = handle.watch();
    handle.set_on(Changed, "home");
    handle.set_on(Online, "cafe");
    for _ in 0..10 {
        handle.set(Offline);
        handle.set(Online);
    }
    let news = drain(&mut watch);
    assert!(news.len() <= 8, "{news:?}");
    let last_name = news.iter().rev().find_map(|(_, name)| name.as_deref());
    assert_eq!(last_name, Some("cafe"), "{news:?}");
}
