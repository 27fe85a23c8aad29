//! Run records: one file per run of a workflow, at
//! `.swamp/workflow-runs/<workflow id>/workflow-run-<run id>.yaml`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use swamp_ident::{JobName, RunId, Status, StepName, Timestamp, WorkflowId, WorkflowName};
use swamp_yaml::Document;

use crate::error::{Result, StoreError};
use crate::fields::{Fields, Record, Tags, tags_value};
use crate::output_record::{DataArtifact, STATUSES};

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// The step's name after expansion.
    pub step_name: StepName,
    /// How far it came.
    pub status: Status,
    /// When it started; absent when it was skipped or not reached.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it gave, as the step's kind defines it.
    pub output: Option<Value>,
    /// The data it wrote; `None` leaves the key out.
    pub data_artifacts: Option<Vec<DataArtifact>>,
    /// Whether its failure was allowed.
    pub allowed_failure: bool,
}

impl StepRecord {
    fn to_value(&self) -> Value {
        Record::default()
            .put("stepName", self.step_name.as_str())
            .put("status", self.status.as_str())
            .put_some("startedAt", self.started_at.map(String::from))
            .put_some("completedAt", self.completed_at.map(String::from))
            .put_some("error", self.error.as_deref())
            .put_some("output", self.output.clone())
            .put_some("dataArtifacts", self.data_artifacts.as_deref().map(DataArtifact::list_value))
            .put_some("allowedFailure", self.allowed_failure.then_some(true))
            .done()
    }

    fn read(fields: &Fields<'_>) -> Result<Self> {
        let data_artifacts = match fields.value("dataArtifacts") {
            None => None,
            Some(_) => Some(
                fields
                    .list("dataArtifacts")?
                    .iter()
                    .map(DataArtifact::read)
                    .collect::<Result<_>>()?,
            ),
        };
        Ok(Self {
            step_name: StepName::new(fields.required_text("stepName")?),
            status: status(fields)?,
            started_at: fields.time("startedAt")?,
            completed_at: fields.time("completedAt")?,
            error: fields.text("error")?.map(str::to_owned),
            output: fields.value("output").cloned(),
            data_artifacts,
            allowed_failure: fields.boolean("allowedFailure")?.unwrap_or(false),
        })
    }
}

/// One job of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// The job's name.
    pub job_name: JobName,
    /// How far it came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why the job itself failed, where that is no failure of one of its steps. Written as `error`
    /// before `steps`.
    pub error: Option<String>,
    /// Its steps, in the order of the workflow file.
    pub steps: Vec<StepRecord>,
}

impl JobRecord {
    fn to_value(&self) -> Value {
        Record::default()
            .put("jobName", self.job_name.as_str())
            .put("status", self.status.as_str())
            .put_some("startedAt", self.started_at.map(String::from))
            .put_some("completedAt", self.completed_at.map(String::from))
            .put_some("error", self.error.as_deref())
            .put("steps", self.steps.iter().map(StepRecord::to_value).collect::<Value>())
            .done()
    }

    fn read(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            job_name: JobName::new(fields.required_text("jobName")?),
            status: status(fields)?,
            started_at: fields.time("startedAt")?,
            completed_at: fields.time("completedAt")?,
            error: fields.text("error")?.map(str::to_owned),
            steps: fields.list("steps")?.iter().map(StepRecord::read).collect::<Result<_>>()?,
        })
    }
}

/// The record of one run of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run.
    pub id: RunId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its name at the time.
    pub workflow_name: WorkflowName,
    /// How far the run came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why the run itself failed, where that is no failure of one of its steps. Written as `error`
    /// before `jobs`.
    pub error: Option<String>,
    /// Its jobs, in the order of the workflow file.
    pub jobs: Vec<JobRecord>,
    /// The workflow's tags overlaid with those of the command.
    pub tags: Tags,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
}

impl RunRecord {
    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        Record::default()
            .put("id", self.id.as_str())
            .put("workflowId", self.workflow_id.as_str())
            .put("workflowName", self.workflow_name.as_str())
            .put("status", self.status.as_str())
            .put_some("startedAt", self.started_at.map(String::from))
            .put_some("completedAt", self.completed_at.map(String::from))
            .put_some("error", self.error.as_deref())
            .put("jobs", self.jobs.iter().map(JobRecord::to_value).collect::<Value>())
            .put("tags", tags_value(&self.tags))
            .put_some("logFile", self.log_file.as_deref())
            .done()
    }

    /// Reads the text of the file at `path`. Keys we do not know are ignored.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(text).map_err(StoreError::yaml(path))?;
        let fields = Fields::of(path, &document)?;
        let RunSummary {
            id,
            workflow_id,
            workflow_name,
            status,
            started_at,
            completed_at,
            tags,
            log_file,
            ..
        } = RunSummary::read(path, &fields)?;
        let jobs = fields.list("jobs")?.iter().map(JobRecord::read).collect::<Result<_>>()?;
        Ok(Self {
            id,
            workflow_id,
            workflow_name,
            status,
            started_at,
            completed_at,
            error: fields.text("error")?.map(str::to_owned),
            jobs,
            tags,
            log_file,
        })
    }

    /// This run without its jobs.
    pub fn summary(&self, path: PathBuf) -> RunSummary {
        RunSummary {
            id: self.id.clone(),
            workflow_id: self.workflow_id.clone(),
            workflow_name: self.workflow_name.clone(),
            status: self.status,
            started_at: self.started_at,
            completed_at: self.completed_at,
            tags: self.tags.clone(),
            log_file: self.log_file.clone(),
            path,
        }
    }
}

/// A run without its jobs: what listings need. Reading it does not cost more for a run of ten
/// thousand steps.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub id: RunId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Its name at the time.
    pub workflow_name: WorkflowName,
    /// How far the run came.
    pub status: Status,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// The workflow's tags overlaid with those of the command.
    pub tags: Tags,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
    /// The record's file.
    pub path: PathBuf,
}

impl RunSummary {
    /// Reads what is not below `jobs` in the text of the file at `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let outline = without_block(text, "jobs:");
        let document = Document::parse(&outline)
            // The text is not laid out as programs write it. Read all of it, also for the sake of
            // line numbers in errors.
            .or_else(|_| Document::parse(text))
            .map_err(StoreError::yaml(path))?;
        Self::read(path, &Fields::of(path, &document)?)
    }

    fn read(path: &Path, fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: RunId::new(fields.required_text("id")?),
            workflow_id: WorkflowId::new(fields.required_text("workflowId")?),
            workflow_name: WorkflowName::new(fields.required_text("workflowName")?),
            status: status(fields)?,
            started_at: fields.time("startedAt")?,
            completed_at: fields.time("completedAt")?,
            tags: fields.tags("tags")?,
            log_file: fields.text("logFile")?.map(str::to_owned),
            path: path.to_owned(),
        })
    }
}

fn status(fields: &Fields<'_>) -> Result<Status> {
    fields.required_word("status", STATUSES, |status| status.as_str())
}

/// The text of a block mapping without one of its entries: the line that is or begins with `key`
/// and the indented lines after it.
fn without_block(text: &str, key: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        // Sequences may stand below their key without being indented.
        let continues = line.starts_with([' ', '-', '\n', '\r']);
        inside = (inside && continues) || line.starts_with(key);
        if !inside {
            kept.push_str(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
id: 5b98b7d2-0000-4000-8000-000000000001
workflowId: b27f440d-9abd-4dee-883f-4609b61cbd25
workflowName: gauge
status: failed
startedAt: '2026-11-22T10:00:00.000Z'
completedAt: '2026-11-22T10:00:01.500Z'
error: job j failed
jobs:
  - jobName: j
    status: failed
    startedAt: '2026-11-22T10:00:00.100Z'
    completedAt: '2026-11-22T10:00:01.400Z'
    error: two steps have one name
    steps:
      - stepName: read
        status: failed
        startedAt: '2026-11-22T10:00:00.200Z'
        completedAt: '2026-11-22T10:00:01.300Z'
        error: |-
          two
          lines
        allowedFailure: true
      - stepName: later
        status: pending
      - stepName: skipped
        status: skipped
        completedAt: '2026-11-22T10:00:01.300Z'
      - stepName: good
        status: succeeded
        startedAt: '2026-11-22T10:00:00.200Z'
        completedAt: '2026-11-22T10:00:01.300Z'
        output:
          type: model_method
          resources: {}
          tags:
            note: not the run's
        dataArtifacts:
          - dataId: 25a88f8c-05e1-42aa-b8ec-0b87d8d2c980
            name: result
            version: 3
            tags:
              type: resource
tags:
  team: infra
logFile: .swamp/workflow-runs/x/workflow-run-y.log
";

    fn path() -> &'static Path {
        Path::new("run.yaml")
    }

    #[test]
    fn a_record_survives_reading_and_writing() {
        let record = RunRecord::parse(path(), TEXT).unwrap();
        assert_eq!(swamp_yaml::to_string(&record.to_value()), TEXT);
        assert_eq!(record.jobs[0].steps.len(), 4);
    }

    #[test]
    fn the_summary_is_read_without_the_jobs() {
        let record = RunRecord::parse(path(), TEXT).unwrap();
        let want = record.summary(path().to_owned());
        assert_eq!(RunSummary::parse(path(), TEXT).unwrap(), want);
        // What is below `jobs` is not looked at.
        let damaged = TEXT.replace("stepName: read", "stepName: [");
        assert_eq!(RunSummary::parse(path(), &damaged).unwrap(), want);
        assert!(RunRecord::parse(path(), &damaged).is_err());
    }

    #[test]
    fn other_layouts_are_read_too() {
        let value = RunRecord::parse(path(), TEXT).unwrap().to_value();
        let want = RunSummary::parse(path(), TEXT).unwrap();
        let unindented = TEXT.replace("\n  - jobName", "\n- jobName");
        for text in [value.to_string(), format!("---\n{unindented}")] {
            assert_eq!(RunSummary::parse(path(), &text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn tags_may_be_missing() {
        let text = TEXT.replace("tags:\n  team: infra\n", "");
        assert!(RunRecord::parse(path(), &text).unwrap().tags.is_empty());
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (from, to, want) in [
            (
                "status: failed\nstarted",
                "status: odd\nstarted",
                "run.yaml:4:9: `status` is \"odd\"",
            ),
            (
                "'2026-11-22T10:00:00.000Z'",
                "2026-11-22T10:00:00.000Z",
                "run.yaml:5:12: `startedAt`",
            ),
            ("stepName: later", "step: later", "`stepName` is missing"),
            ("workflowName: gauge\n", "", "`workflowName` is missing"),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT);
            let error = RunRecord::parse(path(), &text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
