//! How much memory is taken.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Runs `what`.
///
/// # Panics
///
/// If at any time it holds more than `most` bytes beyond what is held now. One
/// at a time: memory is the whole process's.
pub fn within<T>(most: usize, what: impl FnOnce() -> T) -> T {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = what();
    let held = MEMORY.peak_usage().saturating_sub(before);
    assert!(held <= most, "{held} bytes were held, of {most} at most");
    result
}
