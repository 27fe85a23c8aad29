//! Random workflows: every method that began has one entry.
