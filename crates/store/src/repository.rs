//! Finding and opening a repository.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use swamp_ident::{IdSource, RepoId};

use crate::error::{Result, StoreError};
use crate::{Definitions, LockOwner, Locks, Marker, RepoPaths, WorkflowFiles};

/// An opened repository: its place and its marker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repository {
    paths: RepoPaths,
    marker: Marker,
    definitions: Definitions,
    workflows_dir: Option<PathBuf>,
}

impl Repository {
    /// The directory a command means, absolute: the `--repo-dir` option, else a non-empty
    /// `SWAMP_REPO_DIR`, else the working directory. There is no search upwards.
    pub fn directory(option: Option<&Path>, variable: Option<&str>, cwd: &Path) -> PathBuf {
        let named = option.or_else(|| variable.filter(|text| !text.is_empty()).map(Path::new));
        absolute(named.unwrap_or(Path::new("")), cwd)
    }

    /// Finds and opens, see [`Repository::directory`].
    pub fn discover(option: Option<&Path>, variable: Option<&str>, cwd: &Path) -> Result<Self> {
        Self::open(&Self::directory(option, variable, cwd))
    }

    /// Opens the repository at `directory`, an absolute path, which must hold a readable marker.
    pub fn open(directory: &Path) -> Result<Self> {
        let paths = RepoPaths::new(directory);
        let marker = Marker::read(&paths.marker())?
            .ok_or_else(|| StoreError::NotARepository { path: directory.to_owned() })?;
        let definitions = Definitions::new(paths.clone());
        Ok(Self { paths, marker, definitions, workflows_dir: None })
    }

    /// Looks for extension workflows in `directory` (from `SWAMP_WORKFLOWS_DIR`), whatever the
    /// marker says.
    #[must_use]
    pub fn with_workflows_dir(mut self, directory: Option<&str>) -> Self {
        self.workflows_dir =
            directory.filter(|text| !text.is_empty()).map(|text| self.root().join(text));
        self
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
        if let Some(id) = self.marker.repo_id() {
            return Ok(id);
        }
        let path = self.paths.marker();
        // Two processes that both find no id must end with the same one. Whoever writes replaces
        // the file, so the second to get the lock has locked the old one and reads the new one.
        let guard = File::open(&path).map_err(StoreError::io("read", &path))?;
        guard.lock().map_err(StoreError::io("lock", &path))?;
        if let Some(marker) = Marker::read(&path)? {
            self.marker = marker;
        }
        if self.marker.repo_id().is_none() {
            let id = RepoId::from(ids.uuid());
            let change = ("repoId", Some(Value::from(id.as_str())));
            self.marker = Marker::update(&path, &[change])?;
        }
        self.marker.repo_id().ok_or_else(|| {
            StoreError::invalid(&path, None, "'repoId' must be a text; remove it to get a new one")
        })
    }

    /// Changes keys of the marker; `None` removes one. Lines of other keys stay as they are, with
    /// their comments.
    pub fn change_marker(&mut self, changes: &[swamp_yaml::KeyChange<'_>]) -> Result<()> {
        self.marker = Marker::update(&self.paths.marker(), changes)?;
        Ok(())
    }

    /// The definitions. What one clone has read, all of them remember.
    pub fn definitions(&self) -> Definitions {
        self.definitions.clone()
    }

    /// The workflow files.
    pub fn workflow_files(&self) -> WorkflowFiles {
        let extensions = self.workflows_dir.clone().unwrap_or_else(|| {
            self.root().join(self.marker.text("workflowsDir").unwrap_or("extensions/workflows"))
        });
        WorkflowFiles::new(self.paths.clone(), vec![extensions])
    }

    /// The locks, taken in the name of `owner`.
    pub fn locks(&self, owner: LockOwner) -> Locks {
        Locks::new(self.paths.clone(), owner)
    }
}

/// `path` as seen from `cwd`, without `.` and `..`; symbolic links stay.
pub(crate) fn absolute(path: &Path, cwd: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in cwd.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::fs;

    use swamp_ident::RandomIds;

    use super::*;

    #[test]
    fn the_option_beats_the_variable_beats_the_working_directory() {
        let cwd = Path::new("/srv/here");
        for (option, variable, want) in [
            (None, None, "/srv/here"),
            (None, Some(""), "/srv/here"),
            (None, Some(".."), "/srv"),
            (Some("x/./y/../z"), Some("no"), "/srv/here/x/z"),
            (Some("/abs"), None, "/abs"),
            (Some(""), Some("no"), "/srv/here"),
            (Some("../../../.."), None, "/"),
        ] {
            let found = Repository::directory(option.map(Path::new), variable, cwd);
            assert_eq!(found, Path::new(want), "{option:?} {variable:?}");
        }
    }

    #[test]
    fn only_a_marker_file_makes_a_repository() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let message = Repository::open(root).unwrap_err().to_string();
        assert!(message.starts_with(&format!("Not a swamp repository: {}. ", root.display())));
        fs::create_dir(root.join(".swamp.yaml")).unwrap();
        assert!(matches!(Repository::open(root), Err(StoreError::NotARepository { .. })));
        fs::remove_dir(root.join(".swamp.yaml")).unwrap();
        fs::write(root.join(".swamp.yaml"), "{}").unwrap();
        assert_eq!(Repository::open(root).unwrap().root(), root);
        let below_a_file = root.join(".swamp.yaml/x");
        assert!(matches!(Repository::open(&below_a_file), Err(StoreError::NotARepository { .. })));
    }

    #[test]
    fn an_id_is_added_once_and_comments_survive() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".swamp.yaml");
        fs::write(&path, "# hand-made\ntools: []  # none yet\n").unwrap();
        let mut repository = Repository::open(directory.path()).unwrap();
        let mut other = repository.clone();
        let id = repository.ensure_id(&RandomIds).unwrap();
        assert_eq!(other.ensure_id(&RandomIds).unwrap(), id);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("# hand-made\ntools: []  # none yet\nrepoId: {id}\n")
        );
        assert_eq!(Repository::open(directory.path()).unwrap().marker().repo_id(), Some(id));
    }

    #[test]
    fn processes_that_add_an_id_at_the_same_time_agree() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".swamp.yaml"), "{}").unwrap();
        let repository = Repository::open(directory.path()).unwrap();
        let ids: Vec<RepoId> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let mut repository = repository.clone();
                    scope.spawn(move || repository.ensure_id(&RandomIds).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}
