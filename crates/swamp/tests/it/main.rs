//! End-to-end tests: everything here drives the real binary.
//!
//! One binary for all of them, one file per command or topic, so that linking is paid once.

mod conformance;
