//! What lies on disk is what the original reads and writes.
