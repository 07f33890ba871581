//! `Monitor`: it starts, says nothing while nothing happens, and leaves
//! nothing behind.
#![cfg(feature = "network-monitor")]

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use longlink::network::{Monitor, Network, NetworkWatch};

fn next(watch: &mut Box<dyn NetworkWatch>) -> Poll<longlink::network::NetworkChange> {
    watch.poll_change(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_monitor_needs_a_runtime() {
    let error = Monitor::start().unwrap_err();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test]
async fn a_monitor_is_silent_while_nothing_happens() {
    let monitor = Monitor::start().unwrap();
    let mut watch = monitor.watch();
    let first = next(&mut watch);
    println!("{monitor:?}: {first:?}, {:?}", watch.key());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(next(&mut watch), Poll::Pending);
}

/// Prints what it tells, for as long as it is told to.
#[tokio::test]
#[ignore = "for use by hand: LISTEN=seconds"]
async fn listen() {
    let seconds = std::env::var("LISTEN").unwrap().parse().unwrap();
    let monitor = Monitor::start().unwrap();
    let mut watch = monitor.watch();
    let begun = std::time::Instant::now();
    println!("starts on {:?}", watch.key());
    let end = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(end);
    loop {
        tokio::select! {
            change = std::future::poll_fn(|cx| watch.poll_change(cx)) => println!("{:?} {change:?}", begun.elapsed()),
            () = &mut end => break,
        }
    }
}
