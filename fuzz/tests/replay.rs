//! Seeds written by hand and what the fuzzer found worth keeping, played again without a fuzzer.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One at a time: memory is counted for the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Plays all files of a target's seeds and corpus; a directory that is empty or
/// away is a failure, too.
fn replay(target: &str, plays: fn(&[u8])) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for kind in ["seeds", "corpus"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
        let entries =
            fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut files: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} is empty", directory.display());
        for file in &files {
            let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| plays(&bytes))) {
                eprintln!("in {}", file.display());
                panic::resume_unwind(panic);
            }
        }
        println!("{target}: {} of the {kind}", files.len());
    }
}

#[test]
fn no_schedule_of_the_corpus_breaks_a_rule_of_the_keeper() {
    replay("keeper", longlink_fuzz::keeper);
}

#[test]
fn the_outbox_agrees_with_a_list_over_the_whole_corpus() {
    replay("outbox", longlink_fuzz::outbox);
}

#[test]
fn no_answer_of_the_corpus_breaks_the_upgrade_or_what_follows_it() {
    replay("upgrade", longlink_fuzz::upgrade);
}

#[test]
fn tcp_reads_from_the_corpus_what_a_plain_reader_reads() {
    replay("tcp", longlink_fuzz::tcp);
}
