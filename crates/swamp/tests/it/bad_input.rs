//! Mistakes in files and arguments: one clear message, nothing written.
