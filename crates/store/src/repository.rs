//! Finding and opening a repository.

use std::path::{Path, PathBuf};

use swamp_ident::{IdSource, RepoId};

use crate::{Definitions, LockOwner, Locks, Marker, RepoPaths, Result, WorkflowFiles};

/// An opened repository: its place and its marker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repository {
    paths: RepoPaths,
    marker: Marker,
}

impl Repository {
    /// The directory a command means, absolute: the `--repo-dir` option, else a non-empty
    /// `SWAMP_REPO_DIR`, else the working directory. There is no search upwards.
    pub fn directory(option: Option<&Path>, variable: Option<&str>, cwd: &Path) -> PathBuf {
        let _ = (option, variable, cwd);
        todo!()
    }

    /// Finds and opens, see [`Repository::directory`].
    pub fn discover(option: Option<&Path>, variable: Option<&str>, cwd: &Path) -> Result<Self> {
        Self::open(&Self::directory(option, variable, cwd))
    }

    /// Opens the repository at `directory`, which must hold a readable marker.
    pub fn open(directory: &Path) -> Result<Self> {
        let _ = directory;
        todo!()
    }

    /// The repository directory, absolute.
    pub fn root(&self) -> &Path {
        self.paths.root()
    }

    /// Where everything is.
    pub fn paths(&self) -> &RepoPaths {
        &self.paths
    }

    /// The marker as read when the repository was opened.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// The repository's id; one is made and added to the marker when it has none. The marker's
    /// other lines, with their comments, stay as they are.
    pub fn ensure_id(&mut self, ids: &dyn IdSource) -> Result<RepoId> {
        let _ = ids;
        todo!()
    }

    /// The definitions.
    pub fn definitions(&self) -> Definitions {
        Definitions::new(self.paths.clone())
    }

    /// The workflow files.
    pub fn workflow_files(&self) -> WorkflowFiles {
        todo!()
    }

    /// The locks, taken in the name of `owner`.
    pub fn locks(&self, owner: LockOwner) -> Locks {
        Locks::new(self.paths.clone(), owner)
    }
}
