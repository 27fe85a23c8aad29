//! The locks a run holds from before its inputs are looked at to its end.

use std::collections::{BTreeSet, HashSet};

use swamp_events::{Emitter, EventKind};
use swamp_expr::Template;
use swamp_ident::WorkflowId;
use swamp_model::Engine;
use swamp_store::{GlobalLock, LockNotice, ModelKey, ModelLocks, StoreError};

use crate::error::WorkflowError;
use crate::library::Library;
use crate::schema::{Task, Workflow};

/// Locks that are released when this is dropped.
#[expect(dead_code, reason = "held, not looked at")]
pub(super) enum Held {
    /// Of the models that are called.
    Models(ModelLocks),
    /// Of everything.
    Global(GlobalLock),
}

/// The models a workflow and those nested in it call, as far as they can be known from the files.
#[derive(Debug, Default)]
struct References {
    models: BTreeSet<String>,
    /// Whether some reference is only known when it is evaluated.
    dynamic: bool,
    seen: HashSet<WorkflowId>,
}

impl References {
    fn gather(&mut self, library: &Library<'_>, workflow: &Workflow) {
        if !self.seen.insert(workflow.id.clone()) {
            return;
        }
        for step in workflow.jobs.iter().flat_map(|job| &job.steps) {
            match &step.task {
                Task::ModelMethod { model, .. } if Template::is_template(model) => {
                    self.dynamic = true;
                }
                Task::ModelMethod { model, .. } => drop(self.models.insert(model.clone())),
                Task::Workflow { workflow, .. } if Template::is_template(workflow) => {
                    self.dynamic = true;
                }
                Task::Workflow { workflow, .. } => {
                    // One that cannot be loaded fails its step.
                    if let Ok(nested) = library.load(workflow) {
                        self.gather(library, &nested.workflow);
                    }
                }
            }
        }
    }
}

/// Takes the locks of all models that a workflow and those nested in it call, in a fixed order; the
/// global lock if that cannot be known. `stop` is asked while waiting.
pub(super) fn take(
    engine: &Engine,
    library: &Library<'_>,
    workflow: &Workflow,
    emitter: &Emitter,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Held>, WorkflowError> {
    let mut references = References::default();
    references.gather(library, workflow);
    let parts = engine.parts();
    let locks = parts.repository.locks(parts.lock_owner.clone());
    let mut notice = |notice: LockNotice| {
        if let Some(message) = in_words(&notice) {
            emitter.emit(EventKind::Warning { message });
        }
    };
    let taken = if references.dynamic {
        locks.global(&mut notice, stop).map(|lock| Some(Held::Global(lock)))
    } else {
        let mut keys: Vec<ModelKey> = references
            .models
            .iter()
            .filter_map(|model| engine.find_definition(model).ok())
            .map(|definition| ModelKey {
                type_name: definition.type_name.clone(),
                id: definition.id.clone(),
            })
            .collect();
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return Ok(None);
        }
        locks.models(&keys, &mut notice, stop).map(|locks| Some(Held::Models(locks)))
    };
    taken.map_err(|error| match (error, parts.cancel.cause()) {
        (StoreError::LockInterrupted { .. }, Some(cause)) => WorkflowError::Cancelled(cause),
        (error, _) => WorkflowError::Store(error),
    })
}

fn in_words(notice: &LockNotice) -> Option<String> {
    match notice {
        LockNotice::GlobalHeld(by) => {
            let who = by.as_ref().map_or_else(
                || "another process".to_owned(),
                |by| format!("{} (process {})", by.holder, by.pid),
            );
            Some(format!("waiting for a command of {who} that changes the repository"))
        }
        LockNotice::ModelsHeld(count) => {
            Some(format!("waiting for {count} running method(s) to end"))
        }
        LockNotice::ModelHeld(key, by) => {
            let who = by
                .as_ref()
                .map_or_else(String::new, |by| format!(" of {} (process {})", by.holder, by.pid));
            Some(format!("waiting for a run{who} that uses model {}", key.id))
        }
        LockNotice::GlobalStale(_) | LockNotice::GlobalReleased | LockNotice::ModelsReleased => {
            None
        }
    }
}
