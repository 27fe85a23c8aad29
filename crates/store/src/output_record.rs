//! Output records: what is written down about one run of a method.

use std::path::Path;

use serde_json::Value;
use swamp_ident::{
    DataId, DataName, DefinitionId, MethodName, OutputId, RunId, Status, StepName, Timestamp,
    WorkflowId,
};
use swamp_yaml::Document;

use crate::error::{Result, StoreError};
use crate::fields::{Fields, Record, Tags, tags_value};

/// A data version in a record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataArtifact {
    /// The version's id.
    pub data_id: DataId,
    /// The item's name.
    pub name: DataName,
    /// The version's number.
    pub version: u64,
    /// The version's tags.
    pub tags: Tags,
}

impl DataArtifact {
    /// In the order of the file.
    pub fn to_value(&self) -> Value {
        Record::default()
            .put("dataId", self.data_id.as_str())
            .put("name", self.name.as_str())
            .put("version", self.version)
            .put("tags", tags_value(&self.tags))
            .done()
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            data_id: DataId::new(fields.required_text("dataId")?),
            name: DataName::new(fields.required_text("name")?),
            version: fields.required_number("version")?,
            tags: fields.tags("tags")?,
        })
    }

    /// Many of them, as a JSON list.
    pub(crate) fn list_value(artifacts: &[Self]) -> Value {
        artifacts.iter().map(Self::to_value).collect()
    }
}

/// Where a method run came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Hash of the stored definition.
    pub definition_hash: String,
    /// Version of the model type.
    pub model_version: String,
    /// The step that ran it; `None` for a direct run.
    pub workflow: Option<StepProvenance>,
}

/// The step of a workflow run that ran a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepProvenance {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// The run.
    pub workflow_run_id: RunId,
    /// The step, after expansion.
    pub step_name: StepName,
}

impl Provenance {
    /// `manual` or `workflow`.
    pub const fn triggered_by(&self) -> &'static str {
        if self.workflow.is_some() { "workflow" } else { "manual" }
    }

    fn to_value(&self) -> Value {
        let step = self.workflow.as_ref();
        Record::default()
            .put("definitionHash", self.definition_hash.as_str())
            .put("modelVersion", self.model_version.as_str())
            .put("triggeredBy", self.triggered_by())
            .put_some("workflowId", step.map(|step| step.workflow_id.as_str()))
            .put_some("workflowRunId", step.map(|step| step.workflow_run_id.as_str()))
            .put_some("stepName", step.map(|step| step.step_name.as_str()))
            .done()
    }

    fn read(fields: &Fields<'_>) -> Result<Self> {
        let workflow = match (fields.text("triggeredBy")?, fields.text("workflowId")?) {
            (Some("workflow"), workflow_id) => Some(StepProvenance {
                workflow_id: WorkflowId::new(workflow_id.unwrap_or_default()),
                workflow_run_id: RunId::new(fields.text("workflowRunId")?.unwrap_or_default()),
                step_name: StepName::new(fields.text("stepName")?.unwrap_or_default()),
            }),
            _ => None,
        };
        Ok(Self {
            definition_hash: fields.text("definitionHash")?.unwrap_or_default().to_owned(),
            model_version: fields.text("modelVersion")?.unwrap_or_default().to_owned(),
            workflow,
        })
    }
}

/// Why a method run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputError {
    /// The error's text.
    pub message: String,
    /// A trace, in records of other programs.
    pub stack: Option<String>,
}

/// The record of one method run.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputRecord {
    /// The run's id.
    pub id: OutputId,
    /// The definition.
    pub definition_id: DefinitionId,
    /// The method.
    pub method_name: MethodName,
    /// How far it came. `Skipped` does not occur.
    pub status: Status,
    /// When it started.
    pub started_at: Timestamp,
    /// How often it was tried again.
    pub retry_count: u64,
    /// Where it came from.
    pub provenance: Provenance,
    /// What it wrote; empty when it failed.
    pub artifacts: Vec<DataArtifact>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<OutputError>,
    /// Its log, relative to the repository.
    pub log_file: Option<String>,
}

/// The statuses of records of any kind.
pub(crate) const STATUSES: [Status; 6] = [
    Status::Pending,
    Status::Running,
    Status::Succeeded,
    Status::Failed,
    Status::Skipped,
    Status::Cancelled,
];

impl OutputRecord {
    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        let artifacts = Record::default()
            .put("dataArtifacts", DataArtifact::list_value(&self.artifacts))
            .done();
        let error = self.error.as_ref().map(|error| {
            Record::default()
                .put("message", error.message.as_str())
                .put_some("stack", error.stack.as_deref())
                .done()
        });
        Record::default()
            .put("id", self.id.as_str())
            .put("definitionId", self.definition_id.as_str())
            .put("methodName", self.method_name.as_str())
            .put("status", self.status.as_str())
            .put("startedAt", self.started_at.to_string())
            .put("retryCount", self.retry_count)
            .put("provenance", self.provenance.to_value())
            .put("artifacts", artifacts)
            .put_some("completedAt", self.completed_at.map(String::from))
            .put_some("durationMs", self.duration_ms)
            .put_some("error", error)
            .put_some("logFile", self.log_file.as_deref())
            .done()
    }

    /// Reads the text of the file at `path`. Keys we do not know are ignored.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(text).map_err(StoreError::yaml(path))?;
        let fields = Fields::of(path, &document)?;
        let artifacts = match fields.nested("artifacts")? {
            Some(artifacts) => artifacts
                .list("dataArtifacts")?
                .iter()
                .map(DataArtifact::read)
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        let error = match fields.nested("error")? {
            Some(error) => Some(OutputError {
                message: error.text("message")?.unwrap_or_default().to_owned(),
                stack: error.text("stack")?.map(str::to_owned),
            }),
            None => None,
        };
        Ok(Self {
            id: OutputId::new(fields.required_text("id")?),
            definition_id: DefinitionId::new(fields.required_text("definitionId")?),
            method_name: MethodName::new(fields.required_text("methodName")?),
            status: fields.required_word("status", STATUSES, |status| status.as_str())?,
            started_at: fields.required_time("startedAt")?,
            retry_count: fields.number("retryCount")?.unwrap_or(0),
            provenance: Provenance::read(&fields.required_nested("provenance")?)?,
            artifacts,
            completed_at: fields.time("completedAt")?,
            duration_ms: fields.number("durationMs")?,
            error,
            log_file: fields.text("logFile")?.map(str::to_owned),
        })
    }
}
