//! What can go wrong in a collector, and what to do about it.

use std::io;
use std::path::PathBuf;

/// What can go wrong in a collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Another process has the store open.
    #[error(
        "{path} is in use by another collector (process {holder}); stop it first, or give this one its own --data directory",
        path = path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other process, as far as it can be told.
        holder: String,
    },
    /// The store's file is not what it was when it was written.
    #[error(
        "The store {path} is damaged: {what}. Nothing was changed. Restore a copy made by `swamp collector backup`, or move the file away to begin anew",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The store was written by a later version.
    #[error(
        "The store {path} was written by a later version of swamp (format {found}, this one knows {known}); use that version",
        path = path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The disk is full.
    #[error("The disk of the store is full; make room, then send again")]
    Full,
    /// Something that a request named does not exist.
    #[error("{what} {name:?} does not exist{hint}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do, beginning with punctuation.
        hint: &'static str,
    },
    /// Something of that name exists.
    #[error("{what} {name:?} exists already")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A text cannot be what it is meant to be.
    #[error("{0}")]
    Invalid(String),
    /// The database refused.
    #[error("The store failed: {0}")]
    Store(String),
    /// A file or socket refused.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done.
        what: String,
        /// Why it could not.
        error: io::Error,
    },
    /// The collector is stopping.
    #[error("The collector is stopping; send again later")]
    Stopping,
}

impl CollectorError {
    /// A file or socket refused while `what` was to be done.
    pub fn io(what: impl Into<String>, error: io::Error) -> Self {
        Self::Io { what: what.into(), error }
    }
}
