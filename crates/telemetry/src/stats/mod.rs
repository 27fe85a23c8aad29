//! What the entries of a spool say together.
//!
//! Two views of the same entries, collected in one pass. [`Summary`] counts commands and options,
//! in the shape the original prints. [`Calls`] looks at method calls only, wherever they were made,
//! and says for each model type, driver, method, step and workflow how many there were, how many
//! failed and how long they took.

mod calls;
mod files;
mod summary;

pub use crate::facts::{Dimension, UnknownDimension};
pub use calls::{ByDriver, ByMethod, ByModelType, ByStep, ByWorkflow, CallStats, Calls, Group};
pub(crate) use files::is_entry;
pub use files::{Period, Read, read};
pub use summary::Summary;

use swamp_wire::TelemetryEntry;

/// Collects entries one by one; memory grows with the number of groups and eight bytes for each
/// call and view, not with the entries.
#[derive(Debug, Default)]
pub struct Statistics {
    summary: summary::Builder,
    calls: calls::Builder,
}

impl Statistics {
    /// Looks at one more entry.
    pub fn add(&mut self, entry: &TelemetryEntry) {
        self.summary.add(entry);
        self.calls.add(entry);
    }

    /// Commands and options. `days` is passed on as it was asked for.
    pub fn summary(&self, days: f64) -> Summary {
        self.summary.finish(days)
    }

    /// Method calls.
    pub fn calls(&self) -> Calls {
        self.calls.finish()
    }
}
