//! What can go wrong with the files of a repository.

use std::io;
use std::path::{Path, PathBuf};

use swamp_yaml::{Position, YamlError};

/// Short for results of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A failure of the store. Its text names the file, the place in it when there is one, and what
/// the user can do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`, `create directory`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file's content is not what it has to be.
    #[error("{}{}: {message}", path.display(), place(*position))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where in it, if one place can be named.
        position: Option<Position>,
        /// What is wrong and what is wanted.
        message: String,
    },
    /// The directory has no marker.
    #[error(
        "Not a swamp repository: {}. To initialize a new repository, run 'swamp repo init', or specify an existing repository with 'swamp <command> --repo-dir /path/to/repo'.",
        path.display()
    )]
    NotARepository {
        /// The directory, absolute.
        path: PathBuf,
    },
    /// `repo upgrade` on a directory without a marker.
    #[error("Not a swamp repository: {}. Run 'swamp repo init' first.", path.display())]
    NothingToUpgrade {
        /// The directory, absolute.
        path: PathBuf,
    },
    /// `repo init` on a directory that has a marker.
    #[error(
        "Repository already initialized at {} (tools: {tools}). To change the enrolled tools, run: swamp repo upgrade --tool <tool>. To reinitialize from scratch, run: swamp repo init --force --tool <tool>",
        path.display()
    )]
    AlreadyInitialized {
        /// The repository.
        path: PathBuf,
        /// Its enrolled tools, joined with commas, or `none`.
        tools: String,
    },
    /// A lock stayed taken for as long as we were willing to wait.
    #[error("Lock \"{}\" held by {holder} (pid {pid}) — timed out after {waited_ms}ms", path.display())]
    LockTimeout {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as `user@host`.
        holder: String,
        /// The holder's process.
        pid: u32,
        /// How long we waited, in milliseconds.
        waited_ms: u64,
    },
    /// The lock belongs to the run that started this command, and is held until we have ended.
    #[error(
        "Lock \"{}\" is held by the run that started this command; a method cannot run a model whose lock its own run holds",
        path.display()
    )]
    LockHeldByParent {
        /// The lock file.
        path: PathBuf,
    },
    /// Waiting for a lock was interrupted by a request to stop.
    #[error("stopped while waiting for lock \"{}\"", path.display())]
    LockInterrupted {
        /// The lock file.
        path: PathBuf,
    },
    /// No definition has that name or id.
    #[error("Model not found: {0}")]
    ModelNotFound(String),
    /// No usable definition has that name or id, but a broken file mentions it.
    #[error("Model not found: {name}. A file that mentions it cannot be read: {error}")]
    ModelUnreadable {
        /// The name or id that was asked for.
        name: String,
        /// What is wrong with the file.
        error: Box<Self>,
    },
    /// A definition of that name exists already.
    #[error("Model already exists: {0}")]
    ModelExists(String),
    /// No workflow has that name or id.
    #[error("Workflow not found: {0}")]
    WorkflowNotFound(String),
    /// No readable workflow file has that name or id, but a broken one mentions it.
    #[error("Workflow not found: {name}. A file that mentions it cannot be read: {error}")]
    WorkflowUnreadable {
        /// The name or id that was asked for.
        name: String,
        /// What is wrong with the file.
        error: Box<Self>,
    },
    /// A name, id or type that cannot be used; the text says why.
    #[error("{0}")]
    BadName(String),
    /// Data of that name belongs to somebody else.
    #[error(
        "Ownership validation failed for \"{name}\": existing owner \"{existing}\" does not match new owner \"{new}\""
    )]
    Ownership {
        /// The data item.
        name: String,
        /// Its owner, as `kind:reference`.
        existing: String,
        /// Who wanted to write.
        new: String,
    },
    /// The catalog could not be searched, not even a temporary one in memory.
    #[error("cannot search the data catalog: {0}")]
    Catalog(#[source] rusqlite::Error),
    /// Any other mistake in what was asked for; the text says what to do instead.
    #[error("{0}")]
    Usage(String),
    /// A path leads out of the repository through a symbolic link.
    #[error("{} leads out of the repository through a symbolic link", path.display())]
    OutsideRepository {
        /// The path as found.
        path: PathBuf,
    },
}

fn place(position: Option<Position>) -> String {
    position.map_or_else(String::new, |position| format!(":{position}"))
}

impl StoreError {
    /// Wraps an I/O error: `.map_err(StoreError::io("read", path))`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Wraps a YAML error of the file at `path`.
    pub fn yaml(path: &Path) -> impl FnOnce(YamlError) -> Self {
        let path = path.to_owned();
        move |error| Self::Invalid { path, position: error.position, message: error.message }
    }

    /// A file whose content is wrong at `position`.
    pub fn invalid(path: &Path, position: Option<Position>, message: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), position, message: message.into() }
    }
}
