//! The engine: what a method run needs from outside, and the doors to everything it can do.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use swamp_driver::{Cancel, Drivers};
use swamp_events::{ArtifactRef, DriverUse, Emitter, EnvUse};
use swamp_expr::{Context, DocumentPath, EnvSource, PathItem, SecretSource, for_each_template};
use swamp_ident::{Clock, DriverOrigin, IdSource};
use swamp_secret::Redactor;
use swamp_store::{
    DataStore, Definition, Definitions, LockOwner, OutputStore, RepoPaths, Repository, StoreError,
};
use swamp_vault::SecretStore;

use crate::evaluate;
use crate::outcome::{MethodFailure, MethodRun};
use crate::reports::{self, ReportInfo, ReportOwner};
use crate::request::{Call, MethodRequest};
use crate::runner::{self, Run};
use crate::secrets::{Sealed, SecretBag};
use crate::sources::RepositorySource;
use crate::types::TypeRegistry;
use crate::validate::{self, ValidateOptions, Validation};

/// What an engine is made of. Nothing else reaches it from outside.
#[derive(Clone)]
pub struct EngineParts {
    /// The repository.
    pub repository: Repository,
    /// The model types.
    pub types: TypeRegistry,
    /// The execution drivers.
    pub drivers: Drivers,
    /// Answers `env` in expressions.
    pub env: Arc<dyn EnvSource + Send + Sync>,
    /// Answers `vault.get` in expressions, and takes sensitive data.
    pub secrets: Arc<dyn SecretStore>,
    /// Learns of every secret there is to be kept out of texts.
    pub redactor: Redactor,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// Tells everything to stop.
    pub cancel: Cancel,
    /// Who takes locks.
    pub lock_owner: LockOwner,
    /// Environment variables that every command gets.
    pub command_env: Vec<(String, String)>,
}

/// Runs methods. Shared by all threads of a run; remembers what it has read.
pub struct Engine {
    parts: EngineParts,
    source: RepositorySource,
    outputs: OutputStore,
    secrets: SecretBag,
}

/// A definition that was evaluated and whose evaluated copy was written.
#[derive(Clone, Debug)]
pub struct EvaluatedCopy {
    /// The definition with evaluated fields, as written.
    pub definition: Definition,
    /// Whether it held expressions.
    pub had_expressions: bool,
    /// The file, absolute.
    pub path: PathBuf,
}

impl Engine {
    /// An engine. Reads nothing yet.
    pub fn new(parts: EngineParts) -> Self {
        let paths = parts.repository.paths().clone();
        let source = RepositorySource {
            definitions: parts.repository.definitions(),
            data: DataStore::new(paths.clone()),
        };
        let secrets = SecretBag::new(
            Arc::clone(&parts.secrets),
            parts.redactor.clone(),
            Arc::clone(&parts.ids),
        );
        Self { parts, source, outputs: OutputStore::new(paths), secrets }
    }

    /// What it is made of.
    pub const fn parts(&self) -> &EngineParts {
        &self.parts
    }

    /// The repository's definitions. What was read is remembered.
    pub const fn definitions(&self) -> &Definitions {
        &self.source.definitions
    }

    /// The repository's data.
    pub const fn data(&self) -> &DataStore {
        &self.source.data
    }

    /// The repository's output records.
    pub const fn outputs(&self) -> &OutputStore {
        &self.outputs
    }

    /// The definition with this name, else with this id.
    pub fn find_definition(&self, name_or_id: &str) -> Result<Definition, StoreError> {
        self.definitions().find(name_or_id)
    }

    pub(crate) fn paths(&self) -> &RepoPaths {
        self.parts.repository.paths()
    }

    /// The driver of a call for which no workflow and no command line asks for one, as written.
    pub fn driver_without_workflow(&self, definition: Option<&Definition>) -> DriverUse {
        if let Some(name) = definition.and_then(|definition| definition.driver.clone()) {
            return DriverUse { name, origin: DriverOrigin::Definition };
        }
        match self.parts.repository.marker().default_driver() {
            Some((name, _)) => DriverUse { name: name.into(), origin: DriverOrigin::Repository },
            None => DriverUse { name: Drivers::default_name(), origin: DriverOrigin::Default },
        }
    }

    /// Runs one method of one definition. Emits `ModelResolved`, `EnvWarning`, `Preparing`,
    /// `MethodExecuting`, `MethodOutput`, `MethodNotice`, `MethodFinished`, `DataSaved` and
    /// `Report…`. What ends the step (`StepCompleted`, `StepFailed`) is the caller's to tell, and
    /// so are locks the caller's to hold.
    pub fn run_method(
        &self,
        request: &MethodRequest,
        emitter: &Emitter,
    ) -> Result<MethodRun, Box<MethodFailure>> {
        let log_file = match &request.call {
            Call::Direct { .. } => None,
            Call::Step(step) => Some(step.log_file.clone()),
        };
        Run::new(self, request, emitter, log_file).run()
    }

    /// A direct call from begin to end: takes the model's lock, opens a run log (`LogOpened`), runs
    /// the method and tells how it ended (`StepCompleted`, `StepFailed`). The caller should give up
    /// its emitter and wait for its consumers before it reads the run log.
    pub fn call_method(
        &self,
        request: &MethodRequest,
        emitter: &Emitter,
    ) -> Result<MethodRun, Box<MethodFailure>> {
        runner::call_directly(self, request, emitter)
    }

    /// What expressions outside definitions see of the repository while something runs: `data`,
    /// `file`, `model`, `env` and `vault`. Secrets are stand-ins; [`Engine::mask`] what may hold one
    /// before it is shown. Add `inputs` and the like with [`Context::with`].
    pub fn context(&self) -> Context<'_> {
        self.context_with(&self.secrets)
    }

    /// Likewise for looking at something that does not run: no secret is fetched, so no command of a
    /// vault runs.
    pub fn sealed_context(&self) -> Context<'_> {
        self.context_with(&Sealed)
    }

    /// A text without secrets.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.secrets.mask(text)
    }

    pub(crate) const fn secrets(&self) -> &SecretBag {
        &self.secrets
    }

    pub(crate) const fn source(&self) -> &RepositorySource {
        &self.source
    }

    /// Likewise, with secrets from elsewhere.
    pub(crate) fn context_with<'a>(&'a self, secrets: &'a dyn SecretSource) -> Context<'a> {
        Context::new()
            .with_data(&self.source)
            .with_models(&self.source)
            .with_env(&*self.parts.env)
            .with_secrets(secrets)
    }

    /// Stores a report: its Markdown and its JSON, as two data items of its owner, and gives them in
    /// this order.
    pub fn save_report(
        &self,
        owner: &ReportOwner,
        report: &ReportInfo,
        markdown: &str,
        json: &Value,
    ) -> Result<Vec<ArtifactRef>, StoreError> {
        let now = self.parts.clock.now().wall;
        reports::save(self.data(), &*self.parts.ids, now, owner, report, markdown, json)
    }

    /// Evaluates a definition and writes the evaluated copy. What cannot be evaluated stays text.
    pub fn evaluate(&self, name_or_id: &str) -> Result<EvaluatedCopy, StoreError> {
        evaluate::one(self, name_or_id)
    }

    /// Evaluates all definitions, those that others refer to first. A cycle is an error.
    pub fn evaluate_all(&self) -> Result<Vec<EvaluatedCopy>, StoreError> {
        evaluate::all(self)
    }

    /// Looks at a definition without running it.
    pub fn validate(
        &self,
        name_or_id: &str,
        options: &ValidateOptions,
    ) -> Result<Validation, StoreError> {
        validate::one(self, name_or_id, options)
    }

    /// Looks at every definition file without running anything.
    pub fn validate_all(&self, options: &ValidateOptions) -> Result<Vec<Validation>, StoreError> {
        validate::all(self, options)
    }

    /// The uses of environment variables in the global arguments and methods of a definition, in
    /// the order of the file.
    pub fn env_uses(&self, definition: &Definition) -> Vec<EnvUse> {
        env_uses(definition)
    }
}

fn env_uses(definition: &Definition) -> Vec<EnvUse> {
    let mut uses = Vec::new();
    for (key, fields) in
        [("globalArguments", &definition.global_arguments), ("methods", &definition.methods)]
    {
        for (name, value) in fields {
            for_each_template(value, &mut |path, template| {
                let Ok(template) = template else { return };
                let top = [key, name].map(|key| PathItem::Key(key.to_owned()));
                let path = DocumentPath(top.into_iter().chain(path.0.iter().cloned()).collect());
                for variable in template.references().env {
                    let variable = variable.name.unwrap_or_else(|| "*".to_owned());
                    uses.push(EnvUse { path: path.to_string(), variable });
                }
            });
        }
    }
    uses
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("repository", &self.parts.repository).finish_non_exhaustive()
    }
}
