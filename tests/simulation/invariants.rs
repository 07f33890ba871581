//! Rules that hold for all inputs: tens of thousands of random schedules, each
//! checked after every step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::draws::schedule;
use crate::play::{Coverage, Play, STATES};
use crate::schedules::{Said, Schedule};

#[test]
fn twenty_thousand_random_schedules_break_no_invariant() {
    check_schedules(0, 20_000, 60);
}

#[test]
#[ignore = "takes a minute; run it in release"]
fn three_hundred_thousand_random_schedules_break_no_invariant() {
    check_schedules(1_000_000, 200_000, 60);
    check_schedules(2_000_000, 100_000, 300);
}

/// For as many seconds as `LONGLINK_FUZZ_SECONDS` says, 60 if it says nothing,
/// from a seed that `LONGLINK_FUZZ_SEED` may set.
#[test]
#[ignore = "runs for as long as it is told to"]
fn random_schedules_break_no_invariant_for_as_long_as_asked() {
    let told = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = told("LONGLINK_FUZZ_SECONDS").unwrap_or(60);
    let first = told("LONGLINK_FUZZ_SEED").unwrap_or(100_000_000);
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    let mut coverage = Coverage::default();
    let mut seed = first;
    while std::time::Instant::now() < end {
        // Most are short, and some very long.
        let length = [30, 60, 120, 1_000][(seed % 4) as usize];
        let schedule = schedule(seed, length);
        if guarded(&schedule, &mut coverage).is_err() {
            fail(&schedule);
        }
        seed += 1;
    }
    println!("{} schedules", seed - first);
    print_coverage(&coverage);
}

#[test]
fn the_same_seed_and_inputs_give_the_same_outputs() {
    for seed in 5_000_000..5_000_200 {
        let schedule = schedule(seed, 80);
        assert_eq!(log_of(&schedule), log_of(&schedule), "seed {seed}");
    }
}

fn check_schedules(first: u64, count: u64, length: usize) {
    let mut coverage = Coverage::default();
    for seed in first..first + count {
        let schedule = schedule(seed, length);
        if guarded(&schedule, &mut coverage).is_err() {
            fail(&schedule);
        }
    }
    print_coverage(&coverage);
    for (state, met) in STATES.iter().zip(&coverage) {
        for (kind, times) in Said::KINDS.iter().zip(met) {
            assert!(*times > 0, "{kind} never came while {state}");
        }
    }
}

fn print_coverage(coverage: &Coverage) {
    for (state, met) in STATES.iter().zip(coverage) {
        let least = met.iter().min().expect("there are inputs");
        println!("{state}: {} inputs, the rarest kind {least} times", met.iter().sum::<u64>());
    }
}

/// Plays a schedule, up to the first rule that does not hold. A panic of the
/// keeper breaks a rule too.
fn guarded(schedule: &Schedule, coverage: &mut Coverage) -> Result<(), String> {
    let played = catch_unwind(AssertUnwindSafe(|| Play::new(schedule, false).all(coverage)));
    played.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        Err(format!("panicked: {}", words.unwrap_or_default()))
    })
}

/// All that went in and came out.
fn log_of(schedule: &Schedule) -> Vec<String> {
    let mut play = Play::new(schedule, true);
    let _ = catch_unwind(AssertUnwindSafe(|| play.all(&mut Coverage::default())));
    play.into_log()
}

/// Leaves out all steps without which it fails too, and tells the rest.
fn fail(schedule: &Schedule) -> ! {
    let mut short = schedule.clone();
    let mut broken = String::new();
    let mut unused = Coverage::default();
    let mut chunk = short.steps.len().div_ceil(2);
    loop {
        let mut at = 0;
        while at < short.steps.len() {
            let mut shorter = short.clone();
            shorter.steps.drain(at..(at + chunk).min(short.steps.len()));
            match guarded(&shorter, &mut unused) {
                Err(still) => {
                    short = shorter;
                    broken = still;
                }
                Ok(()) => at += chunk,
            }
        }
        if chunk == 1 {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    let steps: Vec<String> = short.steps.iter().map(|step| format!("  {step:?}")).collect();
    let log = log_of(&short);
    let log: Vec<String> = log.iter().rev().take(60).rev().map(|line| format!("  {line}")).collect();
    panic!(
        "seed {}: {}\nsettings: {:?}\nsteps, as few as fail:\n{}\nwhat happened:\n{}",
        schedule.seed,
        broken,
        schedule.settings.config,
        steps.join("\n"),
        log.join("\n")
    );
}
