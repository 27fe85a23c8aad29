//! Garbage collection: first a plan, then the deed, so that a dry run counts the same.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use swamp_ident::Timestamp;

use super::DataStore;
use super::delete::remove;
use super::item::ItemKey;
use super::layout::{self, TEMPORARY_LATEST, TEMPORARY_VERSION};
use super::metadata::Metadata;
use super::read::{StoredVersion, load};
use super::span::{Lifetime, Retention};
use crate::error::{Result, StoreError};

/// Temporary files older than this were left behind by a process that died. A stream that is still
/// being written may be hours old.
const STALE_TEMPORARY: Duration = Duration::from_hours(24);

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
        let expired = |value: fn(&ExpiredItem) -> u64| self.expired.iter().map(value).sum::<u64>();
        let pruned = |value: fn(&PrunedVersions) -> u64| self.pruned.iter().map(value).sum::<u64>();
        GcReport {
            items: self.expired.len() as u64,
            versions: expired(|item| item.versions) + pruned(|item| item.versions.len() as u64),
            bytes: expired(|item| item.bytes) + pruned(|item| item.bytes),
            ..GcReport::default()
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.expired.is_empty() && self.pruned.is_empty()
    }
}

impl DataStore {
    /// Finds out what can go at the time `now`.
    pub fn plan_collection(&self, now: Timestamp) -> Result<GcPlan> {
        let mut plan = GcPlan::default();
        for model in self.models()? {
            for key in self.items(&model)? {
                match self.newest(&key) {
                    Ok(Some(newest)) => self.plan_item(&newest, now, &mut plan)?,
                    Ok(None) => {}
                    Err(error) => plan.warnings.push(error),
                }
            }
        }
        Ok(plan)
    }

    fn plan_item(&self, newest: &StoredVersion, now: Timestamp, plan: &mut GcPlan) -> Result<()> {
        let key = &newest.key;
        let item = self.item_dir(key)?;
        let numbers = layout::version_numbers(&item)?;
        let bytes = |numbers: &[u64]| {
            numbers.iter().map(|number| layout::version_bytes(&item.join(number.to_string()))).sum()
        };
        if let Some(reason) = self.expiry(&newest.metadata, now) {
            plan.expired.push(ExpiredItem {
                key: key.clone(),
                reason,
                versions: numbers.len() as u64,
                bytes: bytes(&numbers),
            });
            return Ok(());
        }
        let mut versions = match newest.metadata.garbage_collection {
            Retention::Newest(count) => {
                let excess =
                    numbers.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
                numbers.into_iter().take(excess).collect()
            }
            Retention::YoungerThan(span) => {
                let oldest = now.plus_millis(-span.as_millis());
                let mut old = Vec::new();
                for number in numbers {
                    match load(key, &item, number) {
                        Ok(Some(version)) if version.metadata.created_at < oldest => {
                            old.push(number);
                        }
                        Ok(_) => {}
                        Err(error) => plan.warnings.push(error),
                    }
                }
                old
            }
        };
        versions.retain(|number| *number != newest.metadata.version);
        if !versions.is_empty() {
            let bytes = bytes(&versions);
            plan.pruned.push(PrunedVersions { key: key.clone(), versions, bytes });
        }
        Ok(())
    }

    fn expiry(&self, newest: &Metadata, now: Timestamp) -> Option<ExpiryReason> {
        if newest.deleted {
            return None;
        }
        match newest.lifetime {
            Lifetime::For(span) => {
                let end = newest.created_at.plus_millis(span.as_millis());
                (end < now).then_some(ExpiryReason::Duration)
            }
            Lifetime::Job | Lifetime::Workflow => {
                let workflow = newest.owner.workflow_id.as_ref()?;
                let run = newest.owner.workflow_run_id.as_ref()?;
                let record = self.paths().run_record(workflow, run);
                (!record.exists()).then_some(ExpiryReason::Run)
            }
            Lifetime::Infinite | Lifetime::Ephemeral => None,
        }
    }

    /// Removes what the plan says, and temporary files of processes that died.
    pub fn collect(&self, plan: &GcPlan) -> Result<GcReport> {
        let mut report = plan.totals();
        for item in &plan.expired {
            self.delete(&item.key)?;
        }
        for item in &plan.pruned {
            self.remove_versions(&item.key, &item.versions)?;
        }
        for model in self.models()? {
            for key in self.items(&model)? {
                if let Ok(item) = self.item_dir(&key) {
                    remove_stale_temporaries(&item)?;
                }
            }
        }
        (report.wal_pages, report.wal_pages_checkpointed) = self.catalog().checkpoint();
        Ok(report)
    }
}

fn remove_stale_temporaries(item: &Path) -> Result<()> {
    for name in layout::names(item)? {
        if !name.starts_with(TEMPORARY_VERSION) && !name.starts_with(TEMPORARY_LATEST) {
            continue;
        }
        let path = item.join(name);
        let age = fs::symlink_metadata(&path)
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age > STALE_TEMPORARY) {
            if path.is_dir() {
                remove(&path)?;
            } else {
                let _ = fs::remove_file(&path);
            }
        }
    }
    Ok(())
}
