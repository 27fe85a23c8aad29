//! Delivery against a real HTTP server: what arrives, what stays, what is remembered.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "the server is shared with the end-to-end tests")]

mod answers;
mod body;
mod bounds;
mod faults;
mod keys;
mod server;
mod spool;
