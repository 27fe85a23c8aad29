//! End-to-end tests: everything here drives the real binary.
//!
//! One binary for all of them, one file per command or topic, so that linking is paid once.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(unreachable_pub, reason = "there is nobody outside of a test binary to reach anything")]
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the names of our own files are known to the letter"
)]

mod bad_input;
mod changing;
mod choosing;
mod collector;
mod collector_clickhouse;
mod collector_clients;
mod collector_faults;
mod command_line;
mod command_words;
mod conformance;
mod delivered;
mod deploy;
mod docker;
mod doctor;
mod driver_resolution;
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the suite of stores, which uses all of it"
)]
#[path = "../../../collector/tests/conformance/engines.rs"]
mod engines;
mod env_expressions;
mod environment;
mod export;
mod failing_jobs;
mod failure_table;
mod fan_out;
mod file_modes;
mod flush;
mod flush_tls;
mod interop;
mod killed;
mod leaks;
mod looking;
mod names;
mod opt_outs;
mod output_modes;
mod panics;
#[allow(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "../../../driver/tests/places/mod.rs"]
mod places;
mod planted;
mod random_plans;
mod schemas;
mod shell;
mod show;
mod ssh;
mod stats;
mod stopping;
mod telemetry_commands;
mod telemetry_faults;
#[expect(dead_code, reason = "shared with the tests of the telemetry crate, which use all of it")]
#[path = "../../../telemetry/tests/delivery/server.rs"]
mod telemetry_server;
mod terminal;
mod vaults;
