//! Workflows on a real engine, with real commands, in repositories of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conditions;
mod failures;
mod fan_out;
mod looking;
mod nesting;
mod repo;
mod runs;
mod stopping;
