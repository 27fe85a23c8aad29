//! Which runs a query means, asked of a row in memory and, in SQL, of those in the database.

use super::super::dictionary::Dictionary;
use super::Run;
use crate::dimension::Dimension;
use crate::query::Query;

/// The filters of a query that are about properties of runs.
pub(in super::super) struct RunSieve {
    filters: Vec<(RunProperty, Vec<u32>)>,
    /// Whether the query has others too.
    pub(in super::super) is_partial: bool,
}

#[derive(Clone, Copy)]
enum RunProperty {
    Workflow,
    Status,
    Platform,
    Agent,
}

impl RunProperty {
    const fn of(dimension: Dimension) -> Option<Self> {
        match dimension {
            Dimension::Workflow => Some(Self::Workflow),
            Dimension::Status => Some(Self::Status),
            Dimension::Platform => Some(Self::Platform),
            Dimension::Agent => Some(Self::Agent),
            _ => None,
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Status => "status",
            Self::Platform => "platform",
            Self::Agent => "agent",
        }
    }

    const fn value(self, run: &Run) -> u32 {
        match self {
            Self::Workflow => run.workflow,
            Self::Status => run.status,
            Self::Platform => run.platform,
            Self::Agent => run.agent,
        }
    }
}

impl RunSieve {
    pub(in super::super) fn new(dictionary: &Dictionary, query: &Query) -> Self {
        let mut sieve = Self { filters: Vec::new(), is_partial: false };
        for filter in &query.filters {
            let Some(property) = RunProperty::of(filter.dimension) else {
                sieve.is_partial = true;
                continue;
            };
            let find = |text: &String| dictionary.find(query.project, filter.dimension, text);
            sieve.filters.push((property, filter.values.iter().filter_map(find).collect()));
        }
        sieve
    }

    pub(super) fn passes(&self, run: &Run) -> bool {
        self.filters.iter().all(|(property, numbers)| numbers.contains(&property.value(run)))
    }

    /// The same in SQL; numbers need no quoting.
    pub(super) fn condition(&self) -> String {
        let one = |(property, numbers): &(RunProperty, Vec<u32>)| {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!(" AND {} IN ({})", property.column(), numbers.join(", "))
        };
        self.filters.iter().map(one).collect()
    }
}
