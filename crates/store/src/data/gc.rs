//! Garbage collection: first a plan, then the deed, so that a dry run counts the same.

use swamp_ident::Timestamp;

use super::DataStore;
use super::item::ItemKey;
use crate::error::{Result, StoreError};

/// Why an item is collected as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryReason {
    /// Its lifetime has passed since the newest version.
    Duration,
    /// It lived as long as the record of a run, which is gone.
    Run,
}

impl ExpiryReason {
    /// The word used in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duration => "duration-expired",
            Self::Run => "workflow-run-deleted",
        }
    }
}

/// An item to be removed with all its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredItem {
    /// The item.
    pub key: ItemKey,
    /// Why.
    pub reason: ExpiryReason,
    /// How many versions it has.
    pub versions: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// Versions to be removed of an item that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedVersions {
    /// The item.
    pub key: ItemKey,
    /// Their numbers, ascending.
    pub versions: Vec<u64>,
    /// Bytes of their files.
    pub bytes: u64,
}

/// What a collection would remove.
#[derive(Debug, Default)]
pub struct GcPlan {
    /// Items that go as a whole.
    pub expired: Vec<ExpiredItem>,
    /// Single versions that go.
    pub pruned: Vec<PrunedVersions>,
    /// Items and versions that could not be read; they stay.
    pub warnings: Vec<StoreError>,
}

/// What a collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Items removed as a whole.
    pub items: u64,
    /// Versions removed, those of removed items included.
    pub versions: u64,
    /// Bytes of the removed files.
    pub bytes: u64,
    /// Pages in the catalog's write-ahead log before it was emptied.
    pub wal_pages: u64,
    /// Pages of them written back.
    pub wal_pages_checkpointed: u64,
}

impl GcPlan {
    /// What [`DataStore::collect`] will report for this plan, apart from the catalog's pages.
    pub fn totals(&self) -> GcReport {
        todo!()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.expired.is_empty() && self.pruned.is_empty()
    }
}

impl DataStore {
    /// Finds out what can go at the time `now`.
    pub fn plan_collection(&self, now: Timestamp) -> Result<GcPlan> {
        let _ = now;
        todo!()
    }

    /// Removes what the plan says.
    pub fn collect(&self, plan: &GcPlan) -> Result<GcReport> {
        let _ = plan;
        todo!()
    }
}
