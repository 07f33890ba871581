//! Chaos: one connection after the other, over real sockets, through
//! thousands of faults that one seed draws. Then every message is accounted
//! for, and nothing is left behind.
//!
//! Between a client (`session`, `sending`, `reading`) and a `server` of the
//! test's own stands [`longlink::testing::Proxy`]. Both sides send numbered
//! messages, in every way that there is, while `faults` happen: cuts by RST,
//! FIN and in the middle of a message, half-closes, stalls, black holes,
//! refused and silent dials, refused logins, restarts, goodbyes, a server that
//! hangs, news of the network, pauses, a clock that jumps, a reader that
//! stalls. The heartbeat and the backoff run in milliseconds. What `ledger`
//! proves of every connection, exactly:
//!
//! - accepted = delivered + not sent + maybe, message by message: what was
//!   called delivered arrived, what was called not sent did not, and whatever
//!   arrived did so once;
//! - order is kept both ways, within a link and across links, and there is no
//!   gap within one;
//! - nothing is lost before an end that the server made in an orderly way;
//! - `book`: epochs count up, and the events add up to the figures;
//! - every fault ends with a link in use;
//! - tasks, descriptors and memory are back where they were (`holdings`), and
//!   the driver was not woken without end.
//!
//! `cargo test` does a little of it. The whole, 100,000 messages each way for
//! each of two seeds, the odd one over WebSocket, the even one over TCP where
//! the feature `tcp` is on:
//!
//! ```text
//! cargo test --release --features tcp --test chaos -- --ignored --nocapture
//! ```
//!
//! | variable | | default |
//! |---|---|---|
//! | `LONGLINK_CHAOS_SEED` | the first seed | 1 |
//! | `LONGLINK_CHAOS_RUNS` | how many seeds | 2 |
//! | `LONGLINK_CHAOS_MESSAGES` | messages each way for each of them | 100,000 |
//!
//! All chance comes from the seed. What real sockets and the scheduler add
//! cannot be repeated, so a seed that fails once may have to run several
//! times to fail again.

mod book;
#[allow(dead_code, reason = "the simulation uses more of it")]
#[path = "../simulation/chance.rs"]
mod chance;
mod faults;
#[path = "../support/heap.rs"]
mod heap;
mod holdings;
mod ledger;
mod message;
mod reading;
mod sending;
mod server;
mod session;
mod wire;

use std::time::Instant;

use chance::Chance;
use faults::Faults;
use holdings::{Holdings, alone};
use ledger::Totals;
use session::{Ending, PATIENCE, Plan};
use wire::Wire;

/// Messages each way in the whole of it.
const ALL: u64 = 100_000;
/// Messages each way for each of two seeds in `cargo test`.
const SOME: u64 = 1_000;
/// Messages each way in a round, on average.
const SHARE: u64 = 40;
/// Connections for each seed.
const CONNECTIONS: u64 = 10;
/// The most that may be held beyond the holdings before the first.
const SLACK: i64 = 4 * 1024;

#[test]
fn a_short_soak_leaves_every_message_accounted_for_and_nothing_behind() {
    soak(1, 2, SOME);
}

#[test]
#[ignore = "minutes"]
fn a_soak_leaves_every_message_accounted_for_and_nothing_behind() {
    soak(told("SEED", 1), told("RUNS", 2), told("MESSAGES", ALL));
}

fn told(name: &str, default: u64) -> u64 {
    let name = format!("LONGLINK_CHAOS_{name}");
    match std::env::var(&name) {
        Ok(value) => value.replace([',', '_'], "").parse().unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => default,
    }
}

fn soak(first: u64, runs: u64, messages: u64) {
    let _alone = alone();
    for seed in first..first + runs {
        // The client, the server and what is between share two threads.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let line = match seed % 2 {
            #[cfg(feature = "tcp")]
            0 => runtime.block_on(run::<wire::OverTcp>(seed, messages)),
            _ => runtime.block_on(run::<wire::OverWebSocket>(seed, messages)),
        };
        println!("{line}");
    }
}

/// One seed, from the first connection to the last.
async fn run<W: Wire>(seed: u64, messages: u64) -> String {
    println!(
        "seed {seed}: LONGLINK_CHAOS_SEED={seed} LONGLINK_CHAOS_RUNS=1 LONGLINK_CHAOS_MESSAGES={messages}"
    );
    let began = Instant::now();
    let mut chance = Chance::new(seed);
    let (mut totals, mut faults) = (Totals::default(), Faults::default());
    let (mut attempts, mut withdrawn, mut dropped, mut wake_ups) = (0, 0, 0, 0);
    // A few messages make the things that a process makes once and keeps.
    let nothing = Holdings::now();
    let first = Plan::draw(&mut Chance::new(seed), (SHARE, SHARE), SHARE, Ending::Calm);
    tokio::spawn(session::run::<W>(first)).await.unwrap();
    let before = Holdings::settle(nothing, PATIENCE).await;
    assert!(before.is_as(nothing), "{before:?}, {nothing:?} before it began");
    let mut more = 0;
    for number in 0..CONNECTIONS {
        let last = number + 1 == CONNECTIONS;
        let each = messages / CONNECTIONS;
        // The last one sends the messages that the others left unsent.
        let share = if last { (messages - totals.accepted, messages - totals.sent) } else { (each, each) };
        let ending = if last { Ending::Calm } else { Ending::ALL[number as usize % Ending::ALL.len()] };
        let plan = Plan::draw(&mut chance, share, SHARE, ending);
        let report = tokio::spawn(session::run::<W>(plan)).await;
        let report = report.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        totals.add(report.totals);
        faults.add(&report.faults);
        attempts += report.attempts;
        withdrawn += report.withdrawn;
        dropped += report.dropped;
        wake_ups += report.wake_ups;
        drop(report);
        let after = Holdings::settle(before, PATIENCE).await;
        println!("{number} {ending:?} {:.1} s {after:?}", began.elapsed().as_secs_f64());
        assert!(after.is_as(before), "{after:?}, {before:?} before it began");
        more = after.bytes - before.bytes;
        assert!(more <= SLACK, "{more} bytes more than before the first");
    }
    assert_eq!((totals.accepted, totals.sent), (messages, messages));
    let Totals { links, accepted, delivered, not_sent, maybe, maybe_arrived, sent, read } = totals;
    format!(
        "seed {seed} {}: {faults}; {links} links, {attempts} attempts; out: {accepted} accepted = {delivered} delivered \
         + {not_sent} not sent + {maybe} maybe ({maybe_arrived} arrived), {withdrawn} withdrawn; in: {sent} sent, \
         {read} read, {dropped} dropped; {wake_ups} wake-ups; {more} bytes more than before; {:.1} s",
        W::NAME,
        began.elapsed().as_secs_f64(),
    )
}
