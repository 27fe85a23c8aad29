//! Building the engine from the surroundings of the process.

use std::path::PathBuf;
use std::sync::Arc;

use swamp_driver::{Cancel, Drivers};
use swamp_expr::EnvSource;
use swamp_model::{Engine, EngineParts, TypeRegistry};
use swamp_store::Repository;
use swamp_vault::{Surroundings, Vaults};

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

/// The directory for sockets of this user.
pub(crate) fn runtime_dir(cx: &Cx<'_>) -> PathBuf {
    match cx.environment.os("XDG_RUNTIME_DIR") {
        Some(directory) => PathBuf::from(directory).join("swamp"),
        None => PathBuf::from(format!("/tmp/swamp-{}", rustix::process::geteuid().as_raw())),
    }
}

/// An engine that stops when the switch is thrown.
pub(crate) fn with_cancel(cx: &Cx<'_>, repository: Repository, cancel: Cancel) -> Engine {
    let pid = std::process::id();
    let stop = {
        let cancel = cancel.clone();
        Arc::new(move || cancel.is_cancelled())
    };
    let secrets = Arc::new(Vaults::new(Surroundings { stop, ..surroundings(cx, &repository) }));
    let drivers = Drivers::builtin(swamp_driver::Surroundings {
        repository: repository.marker().repo_id(),
        runtime_dir: Some(runtime_dir(cx)),
    });
    Engine::new(EngineParts {
        repository,
        types: TypeRegistry::builtin(),
        drivers,
        env: Arc::new(ProcessEnvironment),
        secrets,
        redactor: cx.redactor.clone(),
        clock: Arc::clone(&cx.clock),
        ids: Arc::clone(&cx.ids),
        cancel,
        lock_owner: cx.lock_owner(),
        command_env: vec![("SWAMP_LOCK_HOLDER_PID".to_owned(), pid.to_string())],
    })
}

/// What vaults know about the world.
pub(crate) fn surroundings(cx: &Cx<'_>, repository: &Repository) -> Surroundings {
    let outside = cx.environment.os("SWAMP_VAULT_DIRS").unwrap_or_default();
    Surroundings {
        root: repository.root().to_owned(),
        home: cx.environment.os("HOME").map(Into::into),
        env: Arc::new(ProcessEnvironment),
        outside: std::env::split_paths(&outside).filter(|path| path.is_absolute()).collect(),
        stop: Arc::new(|| false),
        default_vault: repository.marker().text("defaultVault").map(str::to_owned),
    }
}
