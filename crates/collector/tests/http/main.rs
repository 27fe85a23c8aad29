//! The collector over real connections: what it answers, and what it does with clients that do not
//! behave.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "there is nobody outside of a test binary to reach anything")]

mod addresses;
mod bodies;
mod client;
mod dice;
mod framing;
mod ingest;
mod keys;
mod login;
mod malformed;
mod metrics;
mod slow;
mod tls;
