//! The store of one machine: one SQLite file, and a journal beside it while it is in use.
//!
//! A commit is one [record](journal) at the end of the journal and one sync; what it has is counted
//! in memory ([`fresh`]). Now and then everything in the journal is [folded](fold) into the database
//! in one transaction, by a thread of its own. The database holds few and large things instead of many
//! small ones, because at hundreds of thousands of events a second a row and three index entries for
//! each are too much: the events as they were sent in packed [segments], their keys in sorted tables
//! ([`seen`]), a row for each [run](runs), and statistics by hour and day ([`slots`]).

mod append;
mod backup;
mod bytes;
mod cells;
mod core;
mod dictionary;
mod directory;
mod fold;
mod fresh;
mod history;
mod journal;
mod lock;
mod questions;
mod retention;
mod runs;
mod schema;
mod seen;
mod segments;
mod slots;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use swamp_ident::Timestamp;

use self::core::Core;
use self::fold::FoldThread;
use super::{
    Cardinality, Group, Outcome, Point, Retention, RunCounts, RunCursor, RunEvents, RunSummary,
    SlowCall, Store, StoreSize,
};
use crate::dimension::Dimension;
use crate::error::CollectorError;
use crate::event::{Event, ProjectId};
use crate::keys::{Directory, KeyId, Project, StoredKey};
use crate::query::{Interval, Query};

pub use backup::backup;
pub use directory::SqliteDirectory;

/// The name of the file in the data directory.
const FILE: &str = "collector.db";

/// The store in one SQLite file.
pub struct SqliteStore {
    core: Arc<Core>,
    thread: Mutex<FoldThread>,
    directory: SqliteDirectory,
    _lock: File,
}

impl SqliteStore {
    /// Opens the store in a directory, or makes one there.
    pub fn open(directory: &Path) -> Result<Self, CollectorError> {
        let lock = lock::take(directory)?;
        let path = directory.join(FILE);
        let core = Arc::new(Core::open(&path, directory)?);
        let store = Self {
            thread: Mutex::new(FoldThread::start(&core)?),
            directory: SqliteDirectory::new(schema::open_again(&path)?),
            core,
            _lock: lock,
        };
        directory::make_default_project(&store)?;
        Ok(store)
    }

    fn stop(&self) {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).stop(&self.core);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Store for SqliteStore {
    fn append_all(&self, parts: &[&[Event]]) -> Result<Vec<Outcome>, CollectorError> {
        self.core.append(parts)
    }

    fn groups(&self, query: &Query, by: &[Dimension]) -> Result<Vec<Group>, CollectorError> {
        self.core.groups(query, by)
    }

    fn series(
        &self,
        query: &Query,
        interval: Interval,
        by: &[Dimension],
    ) -> Result<Vec<Point>, CollectorError> {
        self.core.series(query, interval, by)
    }

    fn run_counts(&self, query: &Query) -> Result<Option<RunCounts>, CollectorError> {
        self.core.run_counts(query)
    }

    fn runs(
        &self,
        query: &Query,
        after: Option<&RunCursor>,
        limit: usize,
    ) -> Result<Vec<RunSummary>, CollectorError> {
        self.core.runs(query, after, limit)
    }

    fn run(&self, project: ProjectId, id: &str) -> Result<Option<RunEvents>, CollectorError> {
        self.core.run(project, id)
    }

    fn slowest(&self, query: &Query, limit: usize) -> Result<Vec<SlowCall>, CollectorError> {
        self.core.slowest(query, limit)
    }

    fn values(
        &self,
        project: ProjectId,
        dimension: Dimension,
    ) -> Result<Vec<String>, CollectorError> {
        Ok(self.core.counted().dictionary.texts(project, dimension))
    }

    fn cardinality(&self, project: ProjectId) -> Result<Vec<Cardinality>, CollectorError> {
        Ok(self.core.counted().dictionary.cardinality(project))
    }

    fn export(
        &self,
        query: &Query,
        show: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), CollectorError> {
        self.core.export(query, show)
    }

    fn retain(&self, retention: Retention, now: Timestamp) -> Result<u64, CollectorError> {
        self.core.retain(retention, now)
    }

    fn ready(&self) -> Result<(), CollectorError> {
        self.core.read(core::applied).map(|_| ())
    }

    fn size(&self) -> Result<StoreSize, CollectorError> {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut log = self.core.path.clone().into_os_string();
        log.push("-wal");
        let directory = self.core.path.parent().unwrap_or_else(|| Path::new("."));
        let journal = journal::files_in(directory)?;
        let journal: u64 = journal.iter().map(|file| length(file)).sum();
        let bytes = length(&self.core.path) + length(Path::new(&log)) + journal;
        Ok(StoreSize { events: self.core.events()?, bytes })
    }

    fn backup(&self, to: &Path) -> Result<(), CollectorError> {
        backup::copy(&self.core.path, to)
    }

    fn close(&self) -> Result<(), CollectorError> {
        self.stop();
        self.core.finish()
    }
}

impl Directory for SqliteStore {
    fn create_project(&self, name: &str, now: Timestamp) -> Result<Project, CollectorError> {
        self.directory.create_project(name, now)
    }

    fn projects(&self) -> Result<Vec<Project>, CollectorError> {
        self.directory.projects()
    }

    fn insert_key(&self, key: &StoredKey) -> Result<(), CollectorError> {
        self.directory.insert_key(key)
    }

    fn find_key(&self, id: &KeyId) -> Result<Option<StoredKey>, CollectorError> {
        self.directory.find_key(id)
    }

    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError> {
        self.directory.keys()
    }

    fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<(), CollectorError> {
        self.directory.revoke_key(id, now)
    }
}
