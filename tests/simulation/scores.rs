//! The scores of the heartbeat on a steady path, learning on the main link
//! or with scouts.
//!
//! | | main: the listed timeouts | main: any timeout | scouts: both |
//! |---|---|---|---|
//! | drops while learning | ≤ 2, mean ≤ 1.2 | ≤ 3, mean ≤ 1.4 | 0 |
//! | drops after, outside rechecks | 0 | 0 | 0, rechecks included |
//! | settled interval / timeout | 0.72–0.95, median ≥ 0.88 | ≥ 94 % of them there, none below 0.64 | 0.80–0.95, median ≥ 0.88 |
//! | time to settle | ≤ 6 timeouts + 10 min | | ≤ 5 timeouts + 2 min |
//! | 1 % of beats lost and sent again | the same | the same | the same |

use crate::record::{DAY, When};
use crate::runs::{Mode, Run, Summary, check, listed, print_runs, run_all, unseen};

const LOSS: f64 = 0.01;

#[test]
fn the_listed_timeouts_are_learned_within_the_scores() {
    // Long enough for the first rechecks, a week after settling.
    let runs = run_all(listed(Mode::Main, 0.0, 1, 9 * DAY));
    judge_listed("listed timeouts, 9 days", &runs);
}

#[test]
fn the_listed_timeouts_are_learned_though_beats_are_lost() {
    let runs = run_all(listed(Mode::Main, LOSS, 1, 2 * DAY));
    judge_listed("listed timeouts, 1 % of beats lost, 2 days", &runs);
}

#[test]
fn unseen_timeouts_are_learned_within_the_scores() {
    let runs = run_all(unseen(Mode::Main, 100, 1, 0.0, 2 * DAY));
    judge_unseen("100 unseen timeouts (seed 1), 2 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn the_listed_timeouts_are_learned_within_the_scores_over_56_days() {
    let runs = run_all(listed(Mode::Main, 0.0, 1, 56 * DAY));
    judge_listed("listed timeouts, 56 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn the_listed_timeouts_are_learned_though_beats_are_lost_over_56_days() {
    let runs = run_all(listed(Mode::Main, LOSS, 5, 56 * DAY));
    judge_listed("listed timeouts with 5 seeds each, 1 % of beats lost, 56 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn a_thousand_unseen_timeouts_are_learned_within_the_scores_over_56_days() {
    for seed in [1, 2] {
        let runs = run_all(unseen(Mode::Main, 1_000, seed, 0.0, 56 * DAY));
        judge_unseen(&format!("1,000 unseen timeouts (seed {seed}), 56 days"), &runs);
    }
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn a_thousand_unseen_timeouts_are_learned_though_beats_are_lost() {
    let runs = run_all(unseen(Mode::Main, 1_000, 3, LOSS, 56 * DAY));
    judge_unseen("1,000 unseen timeouts (seed 3), 1 % of beats lost, 56 days", &runs);
}

#[test]
fn scouts_learn_the_listed_timeouts_without_a_drop() {
    let runs = run_all(listed(Mode::Scout, 0.0, 1, 3 * DAY));
    judge_scouts("scouts, listed timeouts, 3 days", &runs);
}

#[test]
fn scouts_learn_unseen_timeouts_without_a_drop_though_beats_are_lost() {
    let runs = run_all(unseen(Mode::Scout, 100, 4, LOSS, 2 * DAY));
    judge_scouts("scouts, 100 unseen timeouts (seed 4), 1 % of beats lost, 2 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn scouts_learn_all_timeouts_without_a_drop_over_56_days() {
    let runs = run_all(listed(Mode::Scout, 0.0, 1, 56 * DAY));
    judge_scouts("scouts, listed timeouts, 56 days", &runs);
    let runs = run_all(listed(Mode::Scout, LOSS, 5, 56 * DAY));
    judge_scouts("scouts, listed timeouts with 5 seeds each, 1 % of beats lost, 56 days", &runs);
    let runs = run_all(unseen(Mode::Scout, 1_000, 1, 0.0, 56 * DAY));
    judge_scouts("scouts, 1,000 unseen timeouts (seed 1), 56 days", &runs);
    let runs = run_all(unseen(Mode::Scout, 1_000, 3, LOSS, 56 * DAY));
    judge_scouts("scouts, 1,000 unseen timeouts (seed 3), 1 % of beats lost, 56 days", &runs);
}

fn judge_listed(title: &str, runs: &[Run]) {
    println!("\n{title}");
    print_runs(runs);
    let summary = Summary::of(runs);
    println!("{summary:?}");
    let mut failures = Vec::new();
    for run in runs {
        check(&mut failures, run, "at most 2 drops while learning", run.record.count(When::Learning) <= 2);
        check(&mut failures, run, "no drop outside rechecks", run.record.count(When::Otherwise) == 0);
        check(&mut failures, run, "the interval lies in the band", run.in_the_band());
        check(&mut failures, run, "it settles in time", run.settles_in_time());
    }
    assert!(failures.is_empty(), "{title}:\n{}", failures.join("\n"));
    assert!(summary.mean_drops <= 1.2, "{title}: {summary:?}");
    assert!(summary.median >= 0.88, "{title}: {summary:?}");
}

fn judge_unseen(title: &str, runs: &[Run]) {
    println!("\n{title}");
    let summary = Summary::of(runs);
    println!("{summary:?}");
    let mut failures = Vec::new();
    for run in runs {
        check(&mut failures, run, "at most 3 drops while learning", run.record.count(When::Learning) <= 3);
        check(&mut failures, run, "no drop outside rechecks", run.record.count(When::Otherwise) == 0);
        check(&mut failures, run, "the interval is not below 0.64", run.ratio() >= 0.64);
        check(&mut failures, run, "the interval is below the timeout", run.ratio() < 1.0);
        check(&mut failures, run, "it settles in time", run.settles_in_time());
    }
    assert!(failures.is_empty(), "{title}:\n{}", failures.join("\n"));
    assert!(summary.mean_drops <= 1.4, "{title}: {summary:?}");
    assert!(summary.in_the_band >= 0.94, "{title}: {summary:?}");
    assert!(summary.median >= 0.88, "{title}: {summary:?}");
}

fn judge_scouts(title: &str, runs: &[Run]) {
    println!("\n{title}");
    if runs.len() < 100 {
        print_runs(runs);
    }
    let summary = Summary::of(runs);
    println!("{summary:?}");
    let mut failures = Vec::new();
    for run in runs {
        check(&mut failures, run, "no drop at all", run.record.drops.is_empty());
        check(&mut failures, run, "the interval is below the timeout", run.ratio() < 0.95);
        check(&mut failures, run, "it settles in time", run.settles_in_time());
    }
    assert!(failures.is_empty(), "{title}:\n{}", failures.join("\n"));
    assert!(summary.in_the_band >= 0.98, "{title}: {summary:?}");
    assert!(summary.median >= 0.88, "{title}: {summary:?}");
}
