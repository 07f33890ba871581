//! What goes out, in order, and what became of it.
