//! Finding data items: by model, or by the workflow run that wrote them.

use std::collections::HashMap;

use swamp_ident::{DefinitionId, JobName, ModelName, RunId, StepName, TypeName};
use swamp_store::{
    DataStore, ItemKey, Repository, RunRecord, RunStore, StepRecord, StoreError, StoredVersion,
};
use swamp_workflow::{Workflow, load};

use crate::ending::CommandError;

/// Whose data.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// The definition's id.
    pub(crate) id: DefinitionId,
    /// Its name.
    pub(crate) name: ModelName,
    /// Its type.
    pub(crate) type_name: TypeName,
}

impl Owner {
    /// The model with this name or id.
    pub(crate) fn find(repository: &Repository, name_or_id: &str) -> Result<Self, StoreError> {
        let definition = repository.definitions().find(name_or_id)?;
        Ok(Self { id: definition.id, name: definition.name, type_name: definition.type_name })
    }

    /// One of its items.
    pub(crate) fn item(&self, name: &str) -> ItemKey {
        ItemKey::new(self.type_name.clone(), self.id.clone(), name.into())
    }
}

/// An item that a step of a run wrote.
#[derive(Debug)]
pub(crate) struct RunItem {
    /// The version that the step wrote.
    pub(crate) stored: StoredVersion,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// The job.
    pub(crate) job: JobName,
    /// The step.
    pub(crate) step: StepName,
}

/// A run and what its steps wrote.
#[derive(Debug)]
pub(crate) struct RunData {
    /// The workflow.
    pub(crate) workflow: Workflow,
    /// The run's record.
    pub(crate) run: RunRecord,
    /// What is left of what it wrote, in the order of the steps.
    pub(crate) items: Vec<RunItem>,
}

/// The data of a run of a workflow: of the one named, else of the latest.
pub(crate) fn of_run(
    repository: &Repository,
    data: &DataStore,
    workflow: &str,
    run: Option<&str>,
) -> Result<RunData, CommandError> {
    let workflow = load(repository, workflow)?.workflow;
    let runs = RunStore::new(repository.paths().clone());
    let record = match run {
        Some(id) => runs.load(&workflow.id, &RunId::new(id))?.ok_or_else(|| {
            CommandError::user(format!(
                "Workflow run not found: Run \"{id}\" not found for workflow: {}",
                workflow.name
            ))
        })?,
        None => runs.latest(&workflow.id)?.ok_or_else(|| {
            CommandError::user(format!(
                "Workflow run not found: no runs for workflow: {}",
                workflow.name
            ))
        })?,
    };
    let mut owners = HashMap::new();
    let mut items = Vec::new();
    for job in &record.jobs {
        for step in &job.steps {
            for artifact in step.data_artifacts.iter().flatten() {
                let tagged = artifact.tags.get("modelName").map(String::as_str);
                let Some(name) = tagged.or_else(|| model_of(step)) else { continue };
                let owner = owners
                    .entry(name.to_owned())
                    .or_insert_with(|| Owner::find(repository, name).ok());
                // The definition, or this version, may be gone by now.
                let Some(owner) = owner else { continue };
                let key = owner.item(artifact.name.as_str());
                let Some(stored) = data.version(&key, artifact.version)? else { continue };
                items.push(RunItem {
                    stored,
                    owner: owner.clone(),
                    job: job.job_name.clone(),
                    step: step.step_name.clone(),
                });
            }
        }
    }
    Ok(RunData { workflow, run: record, items })
}

/// The model a step called, as far as its record says.
fn model_of(step: &StepRecord) -> Option<&str> {
    step.output.as_ref()?.get("model")?.as_str()
}

/// The groups that listings show data in: logs, files, resources, plain data, then the others by
/// name.
pub(crate) fn group_rank(kind: &str) -> (usize, &str) {
    let rank = ["log", "file", "resource", "data"].iter().position(|known| *known == kind);
    (rank.unwrap_or(4), kind)
}

/// A number of bytes for people: `17B`, `1.2KB`, `3.4MB`.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let number = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes}B"),
        1024..1_048_576 => format!("{:.1}KB", number / 1024.0),
        _ => format!("{:.1}MB", number / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_an_order() {
        let mut kinds = ["report", "resource", "data", "custom", "log", "file"];
        kinds.sort_by_key(|kind| group_rank(kind));
        assert_eq!(kinds, ["log", "file", "resource", "data", "custom", "report"]);
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, want) in [(0, "0B"), (1023, "1023B"), (1536, "1.5KB"), (5 << 20, "5.0MB")] {
            assert_eq!(size(bytes), want);
        }
    }
}
