//! A request with no entries in it, to see whether an address and a key are right.

use std::time::Duration;

use super::client::{Answer, Client, Target};

/// A body that every collector understands, and that leaves nothing behind.
const NO_EVENTS: &[u8] = br#"{"events":[]}"#;

/// Why entries would not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// No answer, and why.
    #[error("{0}")]
    NoAnswer(String),
    /// It wants a key and got none.
    #[error("it asks for a key (HTTP {0})")]
    NoKey(u16),
    /// It does not take this key.
    #[error("it does not take this key (HTTP {0})")]
    WrongKey(u16),
    /// It is a collector, but cannot take anything now.
    #[error("it takes nothing at the moment (HTTP {0})")]
    Unwell(u16),
    /// Whatever answers is no collector.
    #[error("what answers there is no collector (HTTP {0})")]
    NoCollector(u16),
}

/// Asks whether entries would be taken, for so long at most. Only an answer that a collector gives
/// counts: a page that says 200 to everything does not.
///
/// # Errors
///
/// If they would not.
pub fn check(target: &Target, timeout: Duration) -> Result<(), CheckError> {
    match Client::new(target, false).post(NO_EVENTS, timeout) {
        Answer::Accepted(_) => Ok(()),
        Answer::None(why) => Err(CheckError::NoAnswer(why)),
        Answer::Status(status, _) => Err(match (status, &target.key) {
            (401 | 403, None) => CheckError::NoKey(status),
            (401 | 403, Some(_)) => CheckError::WrongKey(status),
            (408 | 429 | 500..=599, _) => CheckError::Unwell(status),
            _ => CheckError::NoCollector(status),
        }),
    }
}
