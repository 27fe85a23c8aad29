//! Workflows on a real engine, with real commands, in repositories of their own.

mod conditions;
mod failures;
mod fan_out;
mod looking;
mod nesting;
mod repo;
mod runs;
mod stopping;
