//! Where times and fresh identifiers come from, so that tests can pin them.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::Timestamp;

/// One reading of both clocks: `wall` for people and files, `mono` for durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock; may jump when the machine's clock is set.
    pub wall: Timestamp,
    /// Time since an arbitrary start that is fixed for the process; never goes backwards.
    pub mono: Duration,
}

impl Moment {
    /// Whole milliseconds from `earlier` to this moment, by the monotonic clock.
    pub fn millis_since(&self, earlier: &Self) -> u64 {
        u64::try_from(self.mono.saturating_sub(earlier.mono).as_millis()).unwrap_or(u64::MAX)
    }
}

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Reads both clocks.
    fn now(&self) -> Moment;
}

/// A source of fresh identifiers.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// A version 4 UUID that was never handed out before.
    fn uuid(&self) -> Uuid;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            wall: Timestamp::from_millis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)),
            mono: self.start.elapsed(),
        }
    }
}

/// Identifiers from the operating system's random numbers.
#[derive(Debug, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}
