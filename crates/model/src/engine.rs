//! The engine: what a method run needs from outside, and the doors to everything it can do.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use swamp_driver::{Cancel, Drivers};
use swamp_events::{ArtifactRef, Emitter, EnvUse};
use swamp_expr::{Context, EnvSource, SecretSource};
use swamp_ident::{Clock, IdSource};
use swamp_store::{Definition, LockOwner, Repository, StoreError};

use crate::outcome::{MethodFailure, MethodRun};
use crate::reports::{ReportInfo, ReportOwner};
use crate::request::MethodRequest;
use crate::types::TypeRegistry;
use crate::validate::{ValidateOptions, Validation};

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
    /// Answers `vault.get` in expressions.
    pub secrets: Arc<dyn SecretSource + Send + Sync>,
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

/// Runs methods. Shared by all threads of a run.
pub struct Engine {
    parts: EngineParts,
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
        Self { parts }
    }

    /// What it is made of.
    pub const fn parts(&self) -> &EngineParts {
        &self.parts
    }

    /// The definition with this name, else with this id. Remembered from one call to the next;
    /// read again when its file has changed.
    pub fn find_definition(&self, name_or_id: &str) -> Result<Arc<Definition>, StoreError> {
        let _ = name_or_id;
        todo!()
    }

    /// Runs one method of one definition. Emits `ModelResolved`, `EnvWarning`, `Preparing`,
    /// `MethodExecuting`, `MethodOutput`, `MethodNotice`, `MethodFinished`, `DataSaved` and
    /// `Report…`. What ends the step (`StepCompleted`, `StepFailed`) is the caller's to tell, and
    /// so are locks the caller's to hold.
    pub fn run_method(
        &self,
        request: &MethodRequest,
        emitter: &Emitter,
    ) -> Result<MethodRun, MethodFailure> {
        let _ = (request, emitter);
        todo!()
    }

    /// A direct call from begin to end: takes the model's lock, opens a run log (`LogOpened`), runs
    /// the method and tells how it ended (`StepCompleted`, `StepFailed`). The caller should give up
    /// its emitter and wait for its consumers before it reads the run log.
    pub fn call_method(
        &self,
        request: &MethodRequest,
        emitter: &Emitter,
    ) -> Result<MethodRun, MethodFailure> {
        let _ = (request, emitter);
        todo!()
    }

    /// What expressions outside definitions see of the repository: `data`, `file`, `model`, `env`
    /// and `vault`. Add `inputs` and the like with [`Context::with`].
    pub fn context(&self) -> Context<'_> {
        todo!()
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
        let _ = (owner, report, markdown, json);
        todo!()
    }

    /// Evaluates a definition and writes the evaluated copy. What cannot be evaluated stays text.
    pub fn evaluate(&self, name_or_id: &str) -> Result<EvaluatedCopy, StoreError> {
        let _ = name_or_id;
        todo!()
    }

    /// Evaluates all definitions, those that others refer to first. A cycle is an error.
    pub fn evaluate_all(&self) -> Result<Vec<EvaluatedCopy>, StoreError> {
        todo!()
    }

    /// Looks at a definition without running it.
    pub fn validate(
        &self,
        name_or_id: &str,
        options: &ValidateOptions,
    ) -> Result<Validation, StoreError> {
        let _ = (name_or_id, options);
        todo!()
    }

    /// Looks at every definition file without running anything.
    pub fn validate_all(&self, options: &ValidateOptions) -> Result<Vec<Validation>, StoreError> {
        let _ = options;
        todo!()
    }

    /// The uses of environment variables in a definition.
    pub fn env_uses(&self, definition: &Definition) -> Vec<EnvUse> {
        let _ = definition;
        todo!()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("repository", &self.parts.repository).finish_non_exhaustive()
    }
}
