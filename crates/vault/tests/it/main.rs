//! Vaults on a real disk, with real programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod around;
mod exec;
mod files;
mod local;
mod places;
