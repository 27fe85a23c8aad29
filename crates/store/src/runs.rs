//! The run records of a repository: saving, finding, listing.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};

use swamp_ident::{RunId, WorkflowId};

use crate::atomic;
use crate::definitions::BrokenFile;
use crate::error::{Result, StoreError};
use crate::lookup::{IdPrefix, Lookup};
use crate::outputs::read_record;
use crate::paths::RepoPaths;
use crate::run_record::{RunRecord, RunSummary};

/// Many runs.
#[derive(Debug, Default)]
pub struct RunListing {
    /// Newest first; runs without a start come last.
    pub runs: Vec<RunSummary>,
    /// Files that could not be read.
    pub broken: Vec<BrokenFile>,
}

/// Reads and writes run records.
#[derive(Clone, Debug)]
pub struct RunStore {
    paths: RepoPaths,
}

impl RunStore {
    /// The records of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths }
    }

    /// Writes a record, over its earlier state if there is one; gives its file.
    pub fn save(&self, record: &RunRecord) -> Result<PathBuf> {
        let path = self.paths.run_record(&record.workflow_id, &record.id);
        atomic::write_quick(&path, swamp_yaml::to_string(&record.to_value()).as_bytes())?;
        Ok(path)
    }

    /// Reads a record; `None` if there is no such run of that workflow.
    pub fn load(&self, workflow: &WorkflowId, run: &RunId) -> Result<Option<RunRecord>> {
        if !is_file_name(workflow.as_str()) || !is_file_name(run.as_str()) {
            return Ok(None);
        }
        let path = self.paths.run_record(workflow, run);
        read_record(&path, |text| RunRecord::parse(&path, text)).map_err(|broken| broken.error)
    }

    /// The runs of a workflow.
    pub fn list(&self, workflow: &WorkflowId) -> Result<RunListing> {
        let mut listing = RunListing::default();
        add_runs(&self.directory(workflow), &mut listing)?;
        Ok(listing.sorted())
    }

    /// The runs of all workflows, also of deleted ones.
    pub fn list_all(&self) -> Result<RunListing> {
        let mut listing = RunListing::default();
        for directory in entries(&self.paths.workflow_runs())? {
            if directory.is_dir() {
                add_runs(&directory, &mut listing)?;
            }
        }
        Ok(listing.sorted())
    }

    /// The run of a workflow that started last. Files that cannot be read are passed over.
    pub fn latest(&self, workflow: &WorkflowId) -> Result<Option<RunRecord>> {
        for run in self.list(workflow)?.runs {
            if let Ok(Some(record)) =
                read_record(&run.path, |text| RunRecord::parse(&run.path, text))
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The run whose id begins with `prefix`: at least three hexadecimal digits, dashes not
    /// counted. Other texts find nothing.
    pub fn find(&self, prefix: &str) -> Result<Lookup<RunSummary>> {
        let Some(prefix) = IdPrefix::parse(prefix) else {
            return Ok(Lookup::None);
        };
        let mut found = Vec::new();
        for directory in entries(&self.paths.workflow_runs())? {
            if directory.is_dir() {
                // The file's name has the id: only what matches is read.
                found.extend(records(&directory)?.into_iter().filter(|(id, _)| prefix.matches(id)));
            }
        }
        if found.len() > 1 {
            let mut ids: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
            ids.sort_unstable();
            return Ok(Lookup::Ambiguous(ids));
        }
        let Some((_, path)) = found.pop() else {
            return Ok(Lookup::None);
        };
        let run = read_record(&path, |text| RunSummary::parse(&path, text))
            .map_err(|broken| broken.error)?;
        Ok(run.map_or(Lookup::None, Lookup::One))
    }

    /// Removes records and logs of a workflow; gives how many records there were.
    pub fn delete_all(&self, workflow: &WorkflowId) -> Result<usize> {
        if !is_file_name(workflow.as_str()) {
            return Ok(0);
        }
        let directory = self.directory(workflow);
        let count = records(&directory)?.len();
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &directory)(error))
            }
            _ => Ok(count),
        }
    }

    fn directory(&self, workflow: &WorkflowId) -> PathBuf {
        self.paths.workflow_runs().join(workflow.as_str())
    }
}

/// Ids may come from the command line; what is no file name is the id of nothing.
fn is_file_name(id: &str) -> bool {
    !id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\0'])
}

impl RunListing {
    fn sorted(mut self) -> Self {
        self.runs.sort_by(|a, b| {
            // Runs of the same millisecond have some order, and always the same.
            (Reverse(a.started_at), &a.id).cmp(&(Reverse(b.started_at), &b.id))
        });
        self
    }
}

fn add_runs(directory: &Path, listing: &mut RunListing) -> Result<()> {
    for (_, path) in records(directory)? {
        match read_record(&path, |text| RunSummary::parse(&path, text)) {
            Ok(Some(run)) => listing.runs.push(run),
            Ok(None) => {}
            Err(broken) => listing.broken.push(broken),
        }
    }
    Ok(())
}

/// The record files of a workflow's directory and the run ids in their names.
fn records(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    Ok(entries(directory)?
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let id = name.strip_prefix("workflow-run-")?.strip_suffix(".yaml")?.to_owned();
            Some((id, path))
        })
        .collect())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(StoreError::io("read directory", directory))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(StoreError::io("read directory", directory))?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}
