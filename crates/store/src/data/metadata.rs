//! What is known about one version of a data item: the file `metadata.yaml` beside its content.

use std::path::Path;

use serde_json::Value;
use swamp_ident::{
    DataId, DataName, JobName, RunId, StepName, Timestamp, WorkflowId, WorkflowName,
};
use swamp_yaml::Document;

use super::metadata_quick;
use super::span::{Lifetime, Retention};
use crate::error::{Result, StoreError};
use crate::fields::{Fields, Record, Tags, tags_value};

/// Who may write further versions of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnerKind {
    /// A model's methods; the reference is the model's id.
    ModelMethod,
    /// A step of a workflow.
    WorkflowStep,
    /// A person.
    Manual,
}

impl OwnerKind {
    const ALL: [Self; 3] = [Self::ModelMethod, Self::WorkflowStep, Self::Manual];

    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelMethod => "model-method",
            Self::WorkflowStep => "workflow-step",
            Self::Manual => "manual",
        }
    }
}

/// The owner of an item and where the version came from (`ownerDefinition`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOwner {
    /// The kind of owner.
    pub kind: OwnerKind,
    /// Which one.
    pub reference: String,
    /// Hash of the definition at the time.
    pub definition_hash: Option<String>,
    /// The workflow, if a run wrote it and said so.
    pub workflow_id: Option<WorkflowId>,
    /// The run that wrote it.
    pub workflow_run_id: Option<RunId>,
    /// The name of the run's workflow.
    pub workflow_name: Option<WorkflowName>,
    /// The job that wrote it.
    pub job_name: Option<JobName>,
    /// The step that wrote it.
    pub step_name: Option<StepName>,
    /// How it came about, such as `step-output`.
    pub source: Option<String>,
}

impl DataOwner {
    /// The owner of what the methods of a model write, outside workflows.
    pub fn model(id: impl Into<String>) -> Self {
        Self {
            kind: OwnerKind::ModelMethod,
            reference: id.into(),
            definition_hash: None,
            workflow_id: None,
            workflow_run_id: None,
            workflow_name: None,
            job_name: None,
            step_name: None,
            source: None,
        }
    }

    /// Whether the other is the same owner, wherever the version came from.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.reference == other.reference
    }

    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        Record::default()
            .put("ownerType", self.kind.as_str())
            .put("ownerRef", self.reference.as_str())
            .put_some("definitionHash", self.definition_hash.as_deref())
            .put_some("workflowId", self.workflow_id.as_ref().map(WorkflowId::as_str))
            .put_some("workflowRunId", self.workflow_run_id.as_ref().map(RunId::as_str))
            .put_some("workflowName", self.workflow_name.as_ref().map(WorkflowName::as_str))
            .put_some("jobName", self.job_name.as_ref().map(JobName::as_str))
            .put_some("stepName", self.step_name.as_ref().map(StepName::as_str))
            .put_some("source", self.source.as_deref())
            .done()
    }

    fn read(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            kind: fields.required_word("ownerType", OwnerKind::ALL, |kind| kind.as_str())?,
            reference: fields.required_text("ownerRef")?.to_owned(),
            definition_hash: fields.text("definitionHash")?.map(str::to_owned),
            workflow_id: fields.text("workflowId")?.map(WorkflowId::new),
            workflow_run_id: fields.text("workflowRunId")?.map(RunId::new),
            workflow_name: fields.text("workflowName")?.map(WorkflowName::new),
            job_name: fields.text("jobName")?.map(JobName::new),
            step_name: fields.text("stepName")?.map(StepName::new),
            source: fields.text("source")?.map(str::to_owned),
        })
    }
}

/// What `metadata.yaml` says about one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// This version's own id. Marks of deletion and renaming keep their predecessor's.
    pub id: DataId,
    /// The item's name.
    pub name: DataName,
    /// The version's number, from 1.
    pub version: u64,
    /// The media type of the content.
    pub content_type: String,
    /// How long the item lives.
    pub lifetime: Lifetime,
    /// Which versions of the item are kept.
    pub garbage_collection: Retention,
    /// Whether the content was written while the method ran.
    pub streaming: bool,
    /// Labels; `type` is always among them.
    pub tags: Tags,
    /// Who owns the item, and where this version came from.
    pub owner: DataOwner,
    /// When this version was made.
    pub created_at: Timestamp,
    /// Bytes of content; absent in marks and in files of other programs.
    pub size: Option<u64>,
    /// SHA-256 of the content in lower-case hexadecimal digits.
    pub checksum: Option<String>,
    /// Whether this version says that the item is deleted.
    pub deleted: bool,
    /// Where the item went, on the mark a renaming leaves.
    pub renamed_to: Option<DataName>,
}

impl Metadata {
    /// The tag that says what kind of data this is: `resource`, `file`, `report`, …
    pub fn data_type(&self) -> &str {
        self.tag("type")
    }

    /// The tag with the name of the output specification, or an empty text.
    pub fn spec_name(&self) -> &str {
        self.tag("specName")
    }

    /// The tag with the name the model had, or an empty text.
    pub fn model_name(&self) -> &str {
        self.tag("modelName")
    }

    fn tag(&self, key: &str) -> &str {
        self.tags.get(key).map_or("", String::as_str)
    }

    /// In the order of the file, absent keys left out.
    pub fn to_value(&self) -> Value {
        Record::default()
            .put("id", self.id.as_str())
            .put("name", self.name.as_str())
            .put("version", self.version)
            .put("contentType", self.content_type.as_str())
            .put("lifetime", self.lifetime.to_string())
            .put("garbageCollection", self.garbage_collection.to_value())
            .put("streaming", self.streaming)
            .put("tags", tags_value(&self.tags))
            .put("ownerDefinition", self.owner.to_value())
            .put("createdAt", self.created_at.to_string())
            .put_some("size", self.size)
            .put_some("checksum", self.checksum.as_deref())
            .put_some("lifecycle", self.deleted.then_some("deleted"))
            .put_some("renamedTo", self.renamed_to.as_ref().map(DataName::as_str))
            .done()
    }

    /// Reads the text of the file at `path`. Keys we do not know are ignored.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        match metadata_quick::parse(text) {
            Some(metadata) => Ok(metadata),
            None => Self::parse_general(path, text),
        }
    }

    /// What [`Metadata::parse`] does with a text that is not laid out as programs do it.
    pub(super) fn parse_general(path: &Path, text: &str) -> Result<Self> {
        let document = Document::parse(text).map_err(StoreError::yaml(path))?;
        let fields = Fields::of(path, &document)?;
        let version = match fields.required_number("version")? {
            0 => return Err(fields.wrong("version", "has to be at least 1")),
            version => version,
        };
        let lifetime = Lifetime::parse(fields.required_text("lifetime")?)
            .map_err(|error| fields.wrong("lifetime", format_args!("is not valid: {error}")))?;
        let garbage_collection =
            Retention::parse(fields.value("garbageCollection").unwrap_or(&Value::Null)).map_err(
                |error| fields.wrong("garbageCollection", format_args!("is not valid: {error}")),
            )?;
        let tags = fields.tags("tags")?;
        if !tags.contains_key("type") {
            return Err(fields.wrong("tags", "must have the tag `type`"));
        }
        let deleted = match fields.text("lifecycle")? {
            None | Some("active") => false,
            Some("deleted") => true,
            Some(_) => return Err(fields.wrong("lifecycle", "has to be active or deleted")),
        };
        Ok(Self {
            id: DataId::new(fields.required_text("id")?),
            name: DataName::new(fields.required_text("name")?),
            version,
            content_type: fields.required_text("contentType")?.to_owned(),
            lifetime,
            garbage_collection,
            streaming: fields.boolean("streaming")?.unwrap_or(false),
            tags,
            owner: DataOwner::read(&fields.required_nested("ownerDefinition")?)?,
            created_at: fields.required_time("createdAt")?,
            size: fields.number("size")?,
            checksum: fields.text("checksum")?.map(str::to_owned),
            deleted,
            renamed_to: fields.text("renamedTo")?.map(DataName::new),
        })
    }

    /// The text of the file.
    pub(crate) fn to_yaml(&self) -> String {
        swamp_yaml::to_string(&self.to_value())
    }
}
