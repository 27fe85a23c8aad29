//! Building the engine from the surroundings of the process.

use std::sync::Arc;

use swamp_driver::{Cancel, Drivers};
use swamp_expr::{EnvSource, SecretError, SecretSource};
use swamp_model::{Engine, EngineParts, TypeRegistry};
use swamp_store::Repository;

use crate::cx::Cx;
use crate::ending::CommandError;

/// The environment as expressions see it.
#[derive(Debug)]
struct ProcessEnvironment;

impl EnvSource for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn names(&self) -> Vec<String> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names.collect()
    }
}

/// Answers every question for a secret: this version has no vaults.
#[derive(Debug)]
struct NoVaults;

impl SecretSource for NoVaults {
    fn get(&self, vault: &str, _key: &str) -> Result<String, SecretError> {
        Err(SecretError(format!(
            "Vault '{vault}' not found: this version of swamp reads no vaults yet."
        )))
    }
}

/// An engine that nobody tells to stop.
pub(crate) fn build(cx: &Cx<'_>, repository: Repository) -> Result<Engine, CommandError> {
    Ok(with_cancel(cx, repository, cancel()?))
}

/// A switch to tell runs to stop.
pub(crate) fn cancel() -> Result<Cancel, CommandError> {
    Cancel::new().map_err(|error| {
        CommandError::internal(format!("Cannot prepare for being stopped: {error}"))
    })
}

/// An engine that stops when the switch is thrown.
pub(crate) fn with_cancel(cx: &Cx<'_>, repository: Repository, cancel: Cancel) -> Engine {
    let pid = std::process::id();
    Engine::new(EngineParts {
        repository,
        types: TypeRegistry::builtin(),
        drivers: Drivers::builtin(),
        env: Arc::new(ProcessEnvironment),
        secrets: Arc::new(NoVaults),
        clock: Arc::clone(&cx.clock),
        ids: Arc::clone(&cx.ids),
        cancel,
        lock_owner: cx.lock_owner(),
        command_env: vec![("SWAMP_LOCK_HOLDER_PID".to_owned(), pid.to_string())],
    })
}
