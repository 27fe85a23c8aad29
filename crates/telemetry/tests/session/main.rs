//! Sessions from outside: events in, files out.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod calls;
mod commands;
mod endings;
mod faults;
mod nesting;
mod properties;
mod recovery;
mod schema;
mod support;
