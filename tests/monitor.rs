//! `Monitor`: it starts, says nothing while nothing happens, and leaves
//! nothing behind.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use longlink::network::{Monitor, Network, NetworkChange, NetworkWatch};
use tokio::runtime::{Builder, Handle, Runtime};

/// Descriptors are the process's, so that these tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn next(watch: &mut Box<dyn NetworkWatch>) -> Poll<NetworkChange> {
    watch.poll_change(&mut Context::from_waker(Waker::noop()))
}

/// How many descriptors are open.
#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
fn descriptors() -> usize {
    0
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are as few descriptors and tasks as there were.
async fn until_back(before: (usize, usize)) {
    for _ in 0..1_000 {
        if (descriptors(), tasks()) == before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?} left of {before:?}", (descriptors(), tasks()));
}

#[test]
fn a_monitor_needs_a_runtime() {
    let error = Monitor::start().unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[test]
fn a_monitor_is_silent_while_nothing_happens() {
    let _alone = alone();
    runtime().block_on(async {
        let monitor = Monitor::start().unwrap();
        let mut watch = monitor.watch();
        // Offline first, on a host that is.
        let first = next(&mut watch);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let second = next(&mut watch);
        // A gateway whose address is learned meanwhile.
        let named = matches!(&second, Poll::Ready(change) if watch.key().is_none() && change.key.is_some());
        assert!(second.is_pending() || named, "{first:?}, {second:?}");
        assert_eq!(format!("{monitor:?}"), "Monitor { watches: true, .. }");
    });
}

#[test]
fn all_watches_of_a_network_are_told_the_same_name() {
    let _alone = alone();
    runtime().block_on(async {
        let monitor = Monitor::start().unwrap();
        let other = Monitor::start().unwrap();
        let mut names: Vec<_> = (0..3).map(|_| monitor.clone().watch().key()).collect();
        names.push(other.watch().key());
        names.dedup();
        assert_eq!(names.len(), 1, "{names:?}");
    });
}

#[test]
fn a_monitor_ends_with_its_last_clone_and_its_last_watch() {
    let _alone = alone();
    runtime().block_on(async {
        let before = (descriptors(), tasks());
        let monitor = Monitor::start().unwrap();
        assert_eq!(tasks(), before.1 + 1);
        // Where it looks only once it runs.
        tokio::time::sleep(Duration::from_millis(200)).await;
        #[cfg(target_os = "linux")]
        assert!(descriptors() > before.0);
        let with_one = (descriptors(), tasks());
        let watches: Vec<_> = (0..100).map(|_| monitor.clone().watch()).collect();
        assert_eq!((descriptors(), tasks()), with_one, "all share it");
        let clone = monitor.clone();
        drop(monitor);
        drop(watches);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!((descriptors(), tasks()), with_one, "a clone holds it");
        let watch = clone.watch();
        drop(clone);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!((descriptors(), tasks()), with_one, "a watch holds it");
        drop(watch);
        until_back(before).await;
    });
}

#[test]
fn a_thousand_monitors_leave_nothing_behind() {
    let _alone = alone();
    runtime().block_on(async {
        let before = (descriptors(), tasks());
        for _ in 0..1_000 {
            let watch = Monitor::start().unwrap().watch();
            tokio::task::yield_now().await;
            drop(watch);
            tokio::task::yield_now().await;
        }
        until_back(before).await;
    });
}

#[test]
fn a_runtime_that_shuts_down_takes_the_monitor_with_it() {
    let _alone = alone();
    // Tokio opens some descriptors once a process.
    drop(runtime());
    let before = descriptors();
    let first = runtime();
    let monitor = first.block_on(async { Monitor::start().unwrap() });
    let mut watch = monitor.watch();
    while next(&mut watch).is_ready() {}
    drop(first);
    assert_eq!(descriptors(), before);
    // No more news, and no harm, wherever it is asked.
    assert_eq!(format!("{monitor:?}"), "Monitor { watches: false, .. }");
    runtime().block_on(async {
        let mut late = monitor.watch();
        while next(&mut late).is_ready() {}
        let news = std::future::poll_fn(|cx| watch.poll_change(cx));
        let _ = tokio::time::timeout(Duration::from_millis(20), news).await;
    });
    drop((monitor, watch));
    assert_eq!(descriptors(), before);
}
