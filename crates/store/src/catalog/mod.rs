//! The catalog: an index of all data versions in one `SQLite` file, shared with the other
//! implementation.
//!
//! The files are the truth; the catalog only saves a query from reading all of them. It is kept up
//! to date lazily: a write appends one line to a list of [`changes`] (about a microsecond, where
//! updating the database and its eight indexes takes thirty), and a query first applies the lines
//! that are new. A repository whose catalog nobody ever queried has neither.
//!
//! | State of the catalog | What a query does |
//! |---|---|
//! | there is none, or it is incomplete, damaged or of another version | builds it from the files |
//! | complete but for listed changes | looks at the files of these, updates their rows |
//! | cannot be written (read-only, disk full) | builds one in memory, just for itself |
//!
//! No state of it makes a write fail. The other implementation takes `populated` in the table
//! `catalog_meta` as a promise that every version has its row, and knows nothing of our list; while
//! there are changes in it, the promise is therefore taken back ([`changes::Changes`]).

mod apply;
mod changes;
mod query;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::data::{DataStore, ItemKey};
use crate::error::{Result, StoreError};
use crate::paths::RepoPaths;

pub(crate) use changes::Change;
use changes::Changes;
pub use query::{QueryResult, RecordPredicate};

/// The catalog of one repository.
#[derive(Debug)]
pub(crate) struct Catalog {
    path: PathBuf,
    changes: Changes,
    /// Opened by the first query and kept.
    connection: Mutex<Option<Connection>>,
}

impl Catalog {
    pub(crate) fn new(paths: &RepoPaths) -> Self {
        let path = paths.catalog();
        Self { changes: Changes::new(&path), path, connection: Mutex::new(None) }
    }

    /// Remembers that an item changed. Call it after the change is visible in the files: whoever
    /// builds the catalog at the same time either sees the change or finds it in the list.
    pub(crate) fn note(&self, key: &ItemKey, change: Change) {
        self.changes.note(key, change);
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empties the write-ahead log; gives its pages and how many were written back.
    pub(crate) fn checkpoint(&self) -> (u64, u64) {
        if !self.path.exists() {
            return (0, 0);
        }
        let pages = Connection::open(&self.path).and_then(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })
        });
        // Without a write-ahead log SQLite answers -1.
        pages.map_or((0, 0), |(all, written)| {
            (u64::try_from(all).unwrap_or(0), u64::try_from(written).unwrap_or(0))
        })
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        self.changes.close();
    }
}

impl DataStore {
    /// Tells the catalog at the end of a process's work what it did, if that is quickly done.
    pub(crate) fn close_catalog(&self) {
        let catalog = self.catalog();
        *catalog.connection() = None;
        if !catalog.changes.close() || !catalog.changes.are_few() {
            return;
        }
        if let Ok(mut connection) = schema::open_existing(&catalog.path) {
            // A failure leaves the list as it is, for the next query.
            let _ = apply::catch_up(self, &mut connection, &catalog.changes);
        }
    }

    /// Runs `search` on a catalog that has everything. `warnings` gets what could not be read.
    fn with_catalog<T>(
        &self,
        warnings: &mut Vec<StoreError>,
        search: impl Fn(&Connection, &mut Vec<StoreError>) -> Result<T, Fault>,
    ) -> Result<T> {
        let catalog = self.catalog();
        let mut slot = catalog.connection();
        // Twice: a damaged catalog is removed and built again.
        for _ in 0..2 {
            let found = self.current(&mut slot).and_then(|connection| search(connection, warnings));
            match found {
                Ok(found) => {
                    if let Some(connection) = &*slot {
                        warnings.extend(self.unreadable(connection)?);
                    }
                    return Ok(found);
                }
                Err(Fault::Store(error)) => return Err(error),
                Err(Fault::Catalog(error)) => {
                    *slot = None;
                    warnings.clear();
                    if !schema::is_damaged(&error) || schema::remove(&catalog.path).is_err() {
                        break;
                    }
                }
            }
        }
        drop(slot);
        let mut connection = schema::in_memory().map_err(StoreError::Catalog)?;
        let found = apply::rebuild(self, &mut connection, None)
            .and_then(|()| search(&connection, warnings))
            .map_err(Fault::into_store)?;
        warnings.extend(self.unreadable(&connection)?);
        Ok(found)
    }

    /// The catalog in the file, made current.
    fn current<'a>(&self, slot: &'a mut Option<Connection>) -> Result<&'a Connection, Fault> {
        let catalog = self.catalog();
        let mut connection = match slot.take() {
            // Somebody may have removed the file, which an open connection would not notice.
            Some(connection) if catalog.path.exists() => connection,
            _ => schema::open(&catalog.path)?,
        };
        if !apply::catch_up(self, &mut connection, &catalog.changes)? {
            apply::rebuild(self, &mut connection, Some(&catalog.changes))?;
        }
        Ok(slot.insert(connection))
    }

    /// The files that could not be read when the catalog was built and still cannot.
    fn unreadable(&self, connection: &Connection) -> Result<Vec<StoreError>> {
        let keys = apply::unreadable(connection).map_err(StoreError::Catalog)?;
        let mut warnings = Vec::new();
        for (key, version) in keys {
            match self.version(&key, version) {
                // Put right meanwhile: the next query has it.
                Ok(_) => self.catalog().note(&key, Change::Item),
                Err(error) => warnings.push(error),
            }
        }
        Ok(warnings)
    }
}

/// Why something about the catalog failed: its database, which can be built again, or the files.
#[derive(Debug)]
enum Fault {
    Catalog(rusqlite::Error),
    Store(StoreError),
}

impl Fault {
    fn into_store(self) -> StoreError {
        match self {
            Self::Catalog(error) => StoreError::Catalog(error),
            Self::Store(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Catalog(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A file beside the database, named like it with `suffix` added.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
