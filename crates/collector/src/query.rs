//! What can be asked of a store.

use swamp_ident::Timestamp;

use crate::dimension::Dimension;
use crate::event::ProjectId;

/// Milliseconds in an hour.
pub const HOUR: i64 = 3_600_000;

/// Milliseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// A stretch of time: from `since`, inclusive, to `until`, exclusive.
///
/// Statistics are kept by the hour, so a store answers for all hours the range touches;
/// [`to_hours`](Self::to_hours) says which these are. Lists of runs and exports are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The beginning; open if `None`.
    pub since: Option<Timestamp>,
    /// The end; open if `None`.
    pub until: Option<Timestamp>,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { since: None, until: None };

    /// The range with both ends moved outward to full hours.
    #[must_use]
    pub fn to_hours(self) -> Self {
        let down = |time: Timestamp| time.as_millis().div_euclid(HOUR) * HOUR;
        Self {
            since: self.since.map(|since| Timestamp::from_millis(down(since))),
            until: self
                .until
                .map(|until| Timestamp::from_millis(down(until.plus_millis(HOUR - 1)))),
        }
    }

    /// The range of the same length that ends where this one begins; `None` if this one has no
    /// beginning. An open end counts as `now`.
    pub fn before(self, now: Timestamp) -> Option<Self> {
        let since = self.since?;
        let until = self.until.unwrap_or(now);
        let length = until.as_millis().saturating_sub(since.as_millis()).max(HOUR);
        Some(Self { since: Some(since.plus_millis(-length)), until: Some(since) })
    }

    /// Whether a time lies in the range.
    pub fn contains(self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// Values one of which a dimension must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The dimension.
    pub dimension: Dimension,
    /// The values; the empty text stands for "none".
    pub values: Vec<String>,
}

/// Which events a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose.
    pub project: ProjectId,
    /// When they started.
    pub range: TimeRange,
    /// What they must be; all of these.
    pub filters: Vec<Filter>,
}

impl Query {
    /// All events of a project.
    pub const fn all(project: ProjectId) -> Self {
        Self { project, range: TimeRange::ALL, filters: Vec::new() }
    }

    /// The same question about another time.
    #[must_use]
    pub fn during(&self, range: TimeRange) -> Self {
        Self { range, ..self.clone() }
    }
}

/// The length of the stretches of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// One hour.
    Hour,
    /// One day, in UTC.
    Day,
}

impl Interval {
    /// The length in milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// The beginning of the stretch that a time lies in.
    pub const fn start(self, time: Timestamp) -> Timestamp {
        let millis = self.millis();
        Timestamp::from_millis(time.as_millis().div_euclid(millis) * millis)
    }
}
