//! Storing what a method produced.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use swamp_events::{Emitter, EventKind, Notice};
use swamp_ident::{DataId, DataName, IdSource, Phase, SpecName};
use swamp_store::{
    Content, DataOwner, DataStore, Definition, ItemKey, Lifetime, NewVersion, Retention, SpanError,
    StoreError, Tags,
};
use swamp_vault::VaultError;

use super::sensitive::{self, Producer};
use super::stop::Stop;
use crate::method::Produced;
use crate::outcome::StoredArtifact;
use crate::reports::artifact_of;
use crate::request::{Call, DataOverride, MethodRequest, StepCall};
use crate::schema::join;
use crate::secrets::SecretBag;
use crate::types::{ModelType, OutputKind, OutputSpec};

/// Tags that say what an item is; nobody's own tags replace them.
const RESERVED: [&str; 3] = ["type", "specName", "modelName"];

/// Writes the data of one call.
pub(super) struct Saver<'a> {
    pub(super) data: &'a DataStore,
    pub(super) ids: &'a dyn IdSource,
    pub(super) emitter: &'a Emitter,
    pub(super) secrets: &'a SecretBag,
    pub(super) request: &'a MethodRequest,
    pub(super) definition: &'a Definition,
    pub(super) model_type: &'a ModelType,
    /// The definition's tags, evaluated.
    pub(super) definition_tags: &'a serde_json::Map<String, Value>,
    pub(super) policies: Policies,
    pub(super) suffixes: BTreeMap<SpecName, String>,
}

/// How the data of each output is kept, with what the step changes about it.
pub(super) type Policies = BTreeMap<SpecName, (Lifetime, Retention)>;

/// Reads how each output is kept.
pub(super) fn policies(
    model_type: &ModelType,
    overrides: &[DataOverride],
) -> Result<Policies, (SpecName, SpanError)> {
    let mut policies = Policies::new();
    for output in &model_type.outputs {
        let (lifetime, collection) = match output {
            OutputSpec::Resource(spec) => (&spec.lifetime, &spec.garbage_collection),
            OutputSpec::File(spec) => (&spec.lifetime, &spec.garbage_collection),
        };
        let own: Vec<&DataOverride> =
            overrides.iter().filter(|item| item.spec == *output.name()).collect();
        let lifetime = own.iter().rev().find_map(|item| item.lifetime.as_ref()).unwrap_or(lifetime);
        let collection = own
            .iter()
            .rev()
            .find_map(|item| item.garbage_collection.as_ref())
            .unwrap_or(collection);
        let wrong = |error| (output.name().clone(), error);
        let lifetime = Lifetime::parse(lifetime).map_err(wrong)?;
        let collection = Retention::parse(collection).map_err(wrong)?;
        policies.insert(output.name().clone(), (lifetime, collection));
    }
    Ok(policies)
}

impl Saver<'_> {
    /// Stores one item and tells of it.
    pub(super) fn save(&self, produced: Produced) -> Result<StoredArtifact, Stop> {
        let failed = |error: StoreError| Stop::store(&error, Phase::AfterMethod);
        let (spec, name, kind) = match &produced {
            Produced::Resource { spec, name, .. } => (spec, name, OutputKind::Resource),
            Produced::File { spec, name, .. } => (spec, name, OutputKind::File),
        };
        let output = self.output(spec, kind).map_err(failed)?;
        let name = match self.suffixes.get(spec) {
            Some(suffix) => DataName::new(format!("{name}-{suffix}")),
            None => name.clone(),
        };
        let (content, attributes) = match produced {
            Produced::File { content, .. } => (self.secrets.redactor().redact_bytes(content), None),
            Produced::Resource { attributes, free_form, .. } => {
                if !free_form {
                    self.compare_with_schema(output, &name, &attributes);
                }
                let attributes = self
                    .resource(output, attributes)
                    .map_err(|error| Stop::vault(&error, Phase::AfterMethod))?;
                (attributes.to_string().into_bytes(), Some(attributes))
            }
        };
        let (content_type, streaming) = match output {
            OutputSpec::Resource(_) => ("application/json", false),
            OutputSpec::File(spec) => (spec.content_type.as_str(), spec.streaming),
        };
        let (lifetime, garbage_collection) =
            self.policies.get(output.name()).copied().ok_or_else(|| {
                failed(StoreError::Usage(format!("output '{}' has no policy", output.name())))
            })?;
        let version = NewVersion {
            key: ItemKey::new(self.definition.type_name.clone(), self.definition.id.clone(), name),
            id: DataId::from(self.ids.uuid()),
            content_type: content_type.to_owned(),
            lifetime,
            garbage_collection,
            streaming,
            tags: self.tags(output),
            owner: self.owner(),
            created_at: self.emitter.now().wall,
        };
        let stored = self.data.write(&version, Content::Bytes(&content)).map_err(failed)?;
        let saved = StoredArtifact {
            artifact: artifact_of(&stored),
            path: stored.directory.clone(),
            spec: output.name().clone(),
            kind,
            attributes,
            version: stored,
        };
        let (path, artifact) = (saved.path.clone(), saved.artifact.clone());
        self.emitter.emit(EventKind::DataSaved { path, artifact });
        Ok(saved)
    }

    fn output(&self, spec: &SpecName, kind: OutputKind) -> Result<&OutputSpec, StoreError> {
        let found = self.model_type.output(spec).filter(|output| output.kind() == kind);
        found.ok_or_else(|| {
            let kind = kind.as_str();
            let declared: Vec<&str> = self
                .model_type
                .outputs
                .iter()
                .filter(|output| output.kind().as_str() == kind)
                .map(|output| output.name().as_str())
                .collect();
            let declared =
                if declared.is_empty() { "(none)".to_owned() } else { declared.join(", ") };
            StoreError::Usage(format!(
                "Undeclared {kind} spec '{spec}' in model '{}'. Declared {kind} specs: {declared}",
                self.model_type.name
            ))
        })
    }

    /// Tells of a resource that does not fit its schema. It is stored all the same.
    fn compare_with_schema(
        &self,
        output: &OutputSpec,
        name: &DataName,
        attributes: &serde_json::Map<String, Value>,
    ) {
        let OutputSpec::Resource(spec) = output else { return };
        let problems = spec.schema.check(&Value::Object(attributes.clone()));
        if !problems.is_empty() {
            let (spec, name, error) = (spec.name.clone(), name.clone(), join(&problems));
            let notice = Notice::SchemaMismatch { spec, name, error };
            self.emitter.emit(EventKind::MethodNotice(notice));
        }
    }

    /// What is stored of a resource: secrets redacted, sensitive fields in a vault.
    fn resource(
        &self,
        output: &OutputSpec,
        mut attributes: Map<String, Value>,
    ) -> Result<Value, VaultError> {
        let OutputSpec::Resource(spec) = output else { return Ok(Value::Object(attributes)) };
        let producer = Producer {
            definition: self.definition,
            method: &self.request.method,
            suffix: self.suffixes.get(&spec.name).map(String::as_str),
        };
        let set_aside = sensitive::set_aside(&mut attributes, spec, &producer, self.secrets)?;
        let mut attributes = Value::Object(attributes);
        self.secrets.redactor().redact_json(&mut attributes);
        // A reference names vault and key and nothing else, whatever these words are elsewhere.
        sensitive::refer(&mut attributes, &set_aside);
        for item in &set_aside {
            self.emitter.emit(EventKind::MethodNotice(item.notice()));
        }
        Ok(attributes)
    }

    fn tags(&self, output: &OutputSpec) -> Tags {
        let mut tags = Tags::new();
        tags.insert("type".to_owned(), output.kind().as_str().to_owned());
        let mut add = |key: &str, value: &str| {
            if !RESERVED.contains(&key) {
                tags.insert(key.to_owned(), value.to_owned());
            }
        };
        for (key, value) in self.definition_tags {
            match value {
                Value::String(text) => add(key, text),
                other => add(key, &other.to_string()),
            }
        }
        let spec_tags = match output {
            OutputSpec::Resource(spec) => &spec.tags,
            OutputSpec::File(spec) => &spec.tags,
        };
        for (key, value) in spec_tags {
            add(key, value);
        }
        tags.insert("specName".to_owned(), output.name().to_string());
        tags.insert("modelName".to_owned(), self.definition.name.to_string());
        let mut add = |key: &str, value: &str| {
            if !RESERVED.contains(&key) {
                tags.insert(key.to_owned(), value.to_owned());
            }
        };
        if let Some(step) = self.step() {
            for (key, value) in &step.workflow_tags {
                add(key, value);
            }
            add("source", "step-output");
            add("workflow", step.workflow.as_str());
            add("workflowRunId", step.run_id.as_str());
            add("job", step.job.as_str());
            add("step", step.step.as_str());
        }
        let overrides = self.request.overrides.iter();
        let own = overrides.filter(|item| item.spec == *output.name()).flat_map(|item| &item.tags);
        for (key, value) in self.request.tags.iter().chain(own) {
            add(key, value);
        }
        tags
    }

    const fn step(&self) -> Option<&StepCall> {
        match &self.request.call {
            Call::Direct { .. } => None,
            Call::Step(step) => Some(step),
        }
    }

    fn owner(&self) -> DataOwner {
        let owner = DataOwner::model(self.definition.id.as_str());
        let Some(step) = self.step() else { return owner };
        DataOwner {
            workflow_run_id: Some(step.run_id.clone()),
            workflow_name: Some(step.workflow.clone()),
            job_name: Some(step.job.clone()),
            step_name: Some(step.step.clone()),
            source: Some("step-output".to_owned()),
            ..owner
        }
    }
}
