//! Five misses, fast: what is a beat, what is a miss, what is a death, and at
//! which instant.

mod deadlines;
mod due;
mod misses;
mod probes;
