//! An allocator that counts: for a test program that includes this file.
#![allow(dead_code, reason = "not every test asks for each count")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

/// The bytes that all threads hold together.
static ALL: AtomicI64 = AtomicI64::new(0);

thread_local! {
    static OWN: Cell<Counts> = const { Cell::new(Counts { held: 0, allocations: 0 }) };
}

/// The allocations of one thread.
#[derive(Clone, Copy)]
struct Counts {
    held: i64,
    allocations: u64,
}

/// Bytes that this thread has allocated, less those that it has given back.
pub fn held() -> i64 {
    OWN.with(Cell::get).held
}

/// How often this thread has allocated.
pub fn allocations() -> u64 {
    OWN.with(Cell::get).allocations
}

/// Bytes that were allocated and not given back, by all threads.
pub fn held_by_all() -> i64 {
    ALL.load(Ordering::Relaxed)
}

struct Counting;

fn count(bytes: i64, allocations: u64) {
    ALL.fetch_add(bytes, Ordering::Relaxed);
    // After a thread's end there is nothing to count for.
    let _ = OWN.try_with(|own| {
        let before = own.get();
        own.set(Counts { held: before.held + bytes, allocations: before.allocations + allocations });
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64, 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64), 0);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
