//! What the fuzzer found worth keeping, played again without a fuzzer.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

/// Plays all files of a target's corpus; a corpus that is empty or away is a
/// failure, too.
fn replay(target: &str, plays: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in &files {
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| plays(&bytes))) {
            eprintln!("in {}", file.display());
            panic::resume_unwind(panic);
        }
    }
    println!("{target}: {} files", files.len());
}

#[test]
fn no_schedule_of_the_corpus_breaks_a_rule_of_the_keeper() {
    replay("keeper", longlink_fuzz::keeper);
}

#[test]
fn the_outbox_agrees_with_a_list_over_the_whole_corpus() {
    replay("outbox", longlink_fuzz::outbox);
}
