//! What every driver promises, asked of every driver, in real places.
//!
//! `suite` holds the promises; a driver's own module holds what only it can do wrong.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod docker;
#[allow(dead_code, reason = "shared with other tests, which use the rest")]
#[path = "../places/mod.rs"]
mod places;
mod raw;
mod ssh;
mod suite;
