//! How a flush ended.

use std::fmt;

use swamp_ident::Timestamp;

use crate::spool::SpoolError;

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A file of the sender's own cannot be read or written.
    #[error("cannot use {what}: {source}")]
    File {
        /// Which.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlushResult {
    /// Nothing is left that could be sent.
    Done,
    /// No endpoint is set; only the bounds of the spool were seen to.
    NoEndpoint,
    /// Another process is at it.
    Busy,
    /// The time was up.
    OutOfTime,
    /// Telemetry was switched off meanwhile.
    SwitchedOff,
    /// It is too early to try again.
    TooEarly,
    /// The endpoint asked for a pause.
    Paused {
        /// Its status.
        status: u16,
    },
    /// The endpoint failed or refuses everything.
    Failed {
        /// Its status.
        status: u16,
    },
    /// The endpoint, the key or the way there is not right.
    Misconfigured {
        /// Its status.
        status: u16,
    },
    /// There was no answer.
    Unreachable(String),
}

impl FlushResult {
    /// Whether nothing is left to do.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Done | Self::NoEndpoint)
    }
}

impl fmt::Display for FlushResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("delivered"),
            Self::NoEndpoint => f.write_str("no endpoint is set"),
            Self::Busy => f.write_str("another process is sending"),
            Self::OutOfTime => f.write_str("the time was up"),
            Self::SwitchedOff => f.write_str("telemetry was switched off"),
            Self::TooEarly => f.write_str("it is too early to try again"),
            Self::Paused { status } => write!(f, "the endpoint asks for a pause (HTTP {status})"),
            Self::Failed { status } => write!(f, "the endpoint fails (HTTP {status})"),
            Self::Misconfigured { status: status @ (401 | 403) } => {
                write!(f, "the endpoint does not accept the key (HTTP {status})")
            }
            Self::Misconfigured { status: status @ 300..=399 } => {
                write!(f, "the endpoint redirects, which is not followed (HTTP {status})")
            }
            Self::Misconfigured { status: status @ 200..=299 } => {
                write!(f, "the endpoint is no collector (HTTP {status} instead of 202)")
            }
            Self::Misconfigured { status } => {
                write!(f, "the endpoint does not take entries (HTTP {status})")
            }
            Self::Unreachable(why) => write!(f, "the endpoint cannot be reached: {why}"),
        }
    }
}

/// What a flush did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlushReport {
    /// How it ended.
    pub result: FlushResult,
    /// Entries the collector took or had already.
    pub sent: u64,
    /// Entries that were set aside, because they are none or are refused.
    pub set_aside: u64,
    /// Entries that were given up: too many, too old, or not wanted.
    pub dropped: u64,
    /// Entries that wait.
    pub left: u64,
    /// Not before this time.
    pub next_try: Option<Timestamp>,
    /// What could not be done beside it, such as removing a file that was sent.
    pub fault: Option<String>,
}
