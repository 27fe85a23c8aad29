//! Output records: one file per run of a method, at
//! `.swamp/outputs/<type>/<method>/<definition id>-<time>.yaml`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use swamp_ident::{
    DataId, DataName, DefinitionId, MethodName, OutputId, RunId, Status, StepName, Timestamp,
    TypeName, WorkflowId,
};
use swamp_yaml::Document;

use crate::atomic;
use crate::definitions::BrokenFile;
use crate::error::{Result, StoreError};
use crate::fields::{Fields, Record, Tags, tags_value};
use crate::lookup::{IdPrefix, Lookup};
use crate::paths::RepoPaths;

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

/// An output record and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOutput {
    /// The model's type, from the place of the file.
    pub type_name: TypeName,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub record: OutputRecord,
}

/// Many output records.
#[derive(Debug, Default)]
pub struct OutputListing {
    /// Newest first.
    pub outputs: Vec<StoredOutput>,
    /// Files that could not be read.
    pub broken: Vec<BrokenFile>,
}

/// Reads and writes output records.
#[derive(Clone, Debug)]
pub struct OutputStore {
    paths: RepoPaths,
    /// The newest unbroken row of times used in file names, by definition and method.
    /// When hundreds of runs start within a few milliseconds, their file names run ahead of the
    /// clock, and looking for the next free one each time would take longer and longer.
    used: Arc<Mutex<HashMap<(DefinitionId, MethodName), Row>>>,
}

/// An unbroken row of milliseconds: from and to.
type Row = (Timestamp, Timestamp);

/// A record's file, before it is read.
struct Place {
    type_name: TypeName,
    path: PathBuf,
}

impl OutputStore {
    /// The records of the repository at `paths`.
    pub fn new(paths: RepoPaths) -> Self {
        Self { paths, used: Arc::default() }
    }

    /// Writes the record of a run that starts; gives its file. Runs that start in the same
    /// millisecond get files of their own.
    pub fn create(&self, type_name: &TypeName, record: &OutputRecord) -> Result<PathBuf> {
        let text = swamp_yaml::to_string(&record.to_value());
        let (definition, method) = (&record.definition_id, &record.method_name);
        let mut wanted = record.started_at;
        loop {
            let stamp = self.free_stamp(definition, method, wanted);
            let path = self.file(type_name, method, definition, stamp, "yaml");
            // The look is cheaper than a try; the try is what counts.
            if !path.exists() && atomic::write_new(&path, text.as_bytes())? {
                return Ok(path);
            }
            wanted = stamp.plus_millis(1);
        }
    }

    /// The time for the name of a record's file: `wanted`, or the first millisecond after it that
    /// this process has not used. Nobody reads it but to sort.
    fn free_stamp(
        &self,
        definition: &DefinitionId,
        method: &MethodName,
        wanted: Timestamp,
    ) -> Timestamp {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = used
            .entry((definition.clone(), method.clone()))
            .or_insert((wanted, wanted.plus_millis(-1)));
        if wanted < *from {
            // The clock went back; the file tells whether the name is free.
            return wanted;
        }
        if wanted > *to {
            *from = wanted;
            *to = wanted;
        } else {
            *to = to.plus_millis(1);
        }
        *to
    }

    /// Writes the record again.
    pub fn update(&self, path: &Path, record: &OutputRecord) -> Result<()> {
        atomic::write_quick(path, swamp_yaml::to_string(&record.to_value()).as_bytes())
    }

    /// Where the log of a direct run that starts at `started_at` belongs.
    pub fn log_path(
        &self,
        type_name: &TypeName,
        method: &MethodName,
        definition: &DefinitionId,
        started_at: Timestamp,
    ) -> PathBuf {
        self.file(type_name, method, definition, started_at, "log")
    }

    fn file(
        &self,
        type_name: &TypeName,
        method: &MethodName,
        definition: &DefinitionId,
        stamp: Timestamp,
        extension: &str,
    ) -> PathBuf {
        let mut path = self.paths.method_outputs(type_name, method);
        path.push(format!("{definition}-{}.{extension}", stamp.file_stamp()));
        path
    }

    /// All records.
    pub fn list(&self) -> Result<OutputListing> {
        let mut listing = OutputListing::default();
        for place in self.places(|_| true)? {
            match place.read() {
                Ok(Some(output)) => listing.outputs.push(output),
                Ok(None) => {}
                Err(broken) => listing.broken.push(broken),
            }
        }
        // Runs of the same millisecond: the file names tell which came first.
        listing.outputs.sort_by(|a, b| {
            (b.record.started_at, b.path.file_name())
                .cmp(&(a.record.started_at, a.path.file_name()))
        });
        Ok(listing)
    }

    /// The newest record of a definition. Files that cannot be read are passed over.
    pub fn latest(&self, definition: &DefinitionId) -> Result<Option<StoredOutput>> {
        let mut places = self.places(|name| belongs_to(name, definition))?;
        // The time is the end of the name, and the beginning is the same for all.
        places.sort_by(|a, b| b.path.file_name().cmp(&a.path.file_name()));
        Ok(places.into_iter().find_map(|place| place.read().ok().flatten()))
    }

    /// The record whose id begins with `prefix`: at least three hexadecimal digits, dashes not
    /// counted. Other texts find nothing.
    pub fn find(&self, prefix: &str) -> Result<Lookup<StoredOutput>> {
        let Some(prefix) = IdPrefix::parse(prefix) else {
            return Ok(Lookup::None);
        };
        let mut found: Vec<StoredOutput> = Vec::new();
        for place in self.places(|_| true)? {
            if place.may_match(&prefix)
                && let Ok(Some(output)) = place.read()
                && prefix.matches(output.record.id.as_str())
            {
                found.push(output);
            }
        }
        if found.len() > 1 {
            let mut ids: Vec<_> =
                found.iter().map(|output| output.record.id.as_str().to_owned()).collect();
            ids.sort_unstable();
            return Ok(Lookup::Ambiguous(ids));
        }
        Ok(found.pop().map_or(Lookup::None, Lookup::One))
    }

    /// Removes records and logs of a definition; gives how many records there were.
    pub fn delete_all(&self, definition: &DefinitionId) -> Result<usize> {
        let mut records = 0;
        let mut files = Vec::new();
        find_files(&self.paths.outputs(), &mut Vec::new(), &mut |_, path| {
            if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
                belongs_to(name, definition)
                    && (has_extension(&path, "yaml") || has_extension(&path, "log"))
            }) {
                files.push(path);
            }
        })?;
        for path in files {
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            records += usize::from(has_extension(&path, "yaml"));
        }
        Ok(records)
    }

    fn places(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        find_files(&self.paths.outputs(), &mut Vec::new(), &mut |segments, path| {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
            // The last directory is the method, the ones before are the type.
            if let Some((_method, type_segments)) = segments.split_last()
                && !type_segments.is_empty()
                && has_extension(&path, "yaml")
                && !name.starts_with('.')
                && wanted(name)
            {
                let type_name = TypeName::normalised(&type_segments.join("/"));
                places.push(Place { type_name, path });
            }
        })?;
        Ok(places)
    }
}

impl Place {
    /// Whether the record's id can begin with `prefix`, judged by the first line, where we and the
    /// other implementation write it.
    fn may_match(&self, prefix: &IdPrefix) -> bool {
        let text = fs::read(&self.path).unwrap_or_default();
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match str::from_utf8(line).ok().and_then(|line| line.strip_prefix("id: ")) {
            Some(id) => prefix.matches(id.trim().trim_matches(['\'', '"'])),
            None => true,
        }
    }

    fn read(&self) -> Result<Option<StoredOutput>, BrokenFile> {
        read_record(&self.path, |text| OutputRecord::parse(&self.path, text)).map(|record| {
            record.map(|record| StoredOutput {
                type_name: self.type_name.clone(),
                path: self.path.clone(),
                record,
            })
        })
    }
}

/// Reads a record's file; `None` if it vanished.
pub(crate) fn read_record<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T>,
) -> Result<Option<T>, BrokenFile> {
    let broken = |error| BrokenFile { path: path.to_owned(), error };
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).map(Some).map_err(broken),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(StoreError::io("read", path)(error))),
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

fn belongs_to(name: &str, definition: &DefinitionId) -> bool {
    name.strip_prefix(definition.as_str()).is_some_and(|rest| rest.starts_with('-'))
}

/// Every file below `directory`, with the directories that lead to it.
fn find_files(
    directory: &Path,
    segments: &mut Vec<String>,
    found: &mut dyn FnMut(&[String], PathBuf),
) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(StoreError::io("read directory", directory))?,
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("read directory", directory))?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if let Ok(name) = entry.file_name().into_string() {
                    segments.push(name);
                    find_files(&entry.path(), segments, found)?;
                    segments.pop();
                }
            }
            Ok(kind) if kind.is_file() => found(segments, entry.path()),
            _ => {}
        }
    }
    Ok(())
}
