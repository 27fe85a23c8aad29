//! What a JSON document says besides its result: uses of environment variables.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use swamp_events::{EventKind, EventSink, RunEvent};

/// Collects the environment warnings of a run for the `warnings` field of its document.
#[derive(Debug, Default)]
pub(crate) struct EnvWarnings(Mutex<Vec<Value>>);

impl EventSink for EnvWarnings {
    fn accept(&self, event: &Arc<RunEvent>) {
        if let EventKind::EnvWarning { model, uses } = &event.kind {
            let uses: Vec<Value> =
                uses.iter().map(|env| json!({"path": env.path, "envVar": env.variable})).collect();
            let warning =
                json!({"warning": "env_var_usage", "modelName": model.as_str(), "envVars": uses});
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
        }
    }
}

impl EnvWarnings {
    /// What was collected, once.
    pub(crate) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
