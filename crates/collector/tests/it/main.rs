//! The collector as a whole: stores, and the HTTP side over real connections.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "modules of a test program have no outside")]

mod events;
mod store_conformance;
mod stores;
