//! A method that is called directly: with the model's lock, and a log of its own.

use std::fs;
use std::path::{Path, PathBuf};

use swamp_events::{Emitter, EventKind};
use swamp_ident::Phase;
use swamp_store::{LockInfo, LockNotice, ModelLocks, Result, StoreError};

use super::Run;
use super::stop::Stop;
use super::target::Target;
use crate::engine::Engine;
use crate::outcome::{MethodFailure, MethodRun};
use crate::request::MethodRequest;
use crate::sources::model_key;

/// Calls a method from begin to end.
pub(crate) fn call(
    engine: &Engine,
    request: &MethodRequest,
    emitter: &Emitter,
) -> std::result::Result<MethodRun, Box<MethodFailure>> {
    let outcome = locked_call(engine, request, emitter);
    // That it was stopped is no failure of the method's own, and said first.
    if let (Err(error), Some(cause)) = (&outcome, engine.parts().cancel.cause())
        && error.failure.category == cause.category()
    {
        emitter.emit(EventKind::Cancelled { cause });
    }
    emitter.emit(match &outcome {
        Ok(run) => EventKind::StepCompleted {
            artifacts: run.artifacts.iter().map(|saved| saved.artifact.clone()).collect(),
        },
        Err(error) => EventKind::StepFailed {
            failure: error.failure.clone(),
            allowed: false,
            call: Some(error.call.clone()),
        },
    });
    outcome
}

fn locked_call(
    engine: &Engine,
    request: &MethodRequest,
    emitter: &Emitter,
) -> std::result::Result<MethodRun, Box<MethodFailure>> {
    // A call that cannot be made leaves no trace: no lock, no log.
    let Ok(target) = Target::resolve(engine.definitions(), &engine.parts().types, request) else {
        return Run::new(engine, request, emitter, None).run();
    };
    let opened = open_log(engine, &target, emitter);
    let stopped = |error: &StoreError, log: Option<PathBuf>| {
        let stop = Stop::store(error, Phase::BeforeMethod);
        Run::new(engine, request, emitter, log).fail(stop)
    };
    let log = opened.map_err(|error| stopped(&error, None))?;
    // The definition is looked at again under the lock: it may have changed while we waited.
    let lock = take_lock(engine, &target, emitter);
    let lock = lock.map_err(|error| stopped(&error, Some(log.clone())))?;
    let outcome = Run::new(engine, request, emitter, Some(log)).run();
    drop(lock);
    outcome
}

/// Creates the run log, empty, and tells where it is.
fn open_log(engine: &Engine, target: &Target, emitter: &Emitter) -> Result<PathBuf> {
    let definition = &target.definition;
    let now = emitter.now().wall;
    let (type_name, method) = (&definition.type_name, &target.method.name);
    let path = engine.outputs().log_path(type_name, method, &definition.id, now);
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
    fs::write(&path, "").map_err(StoreError::io("write", &path))?;
    emitter.emit(EventKind::LogOpened { path: path.clone() });
    Ok(path)
}

fn take_lock(engine: &Engine, target: &Target, emitter: &Emitter) -> Result<ModelLocks> {
    let parts = engine.parts();
    let key = model_key(&target.definition);
    let mut notice = |notice: LockNotice| {
        emitter.emit(EventKind::Warning { message: describe_lock_notice(&notice) });
    };
    let stop = || parts.cancel.is_cancelled();
    parts.repository.locks(parts.lock_owner.clone()).models(&[key], &mut notice, &stop)
}

/// A notice about waiting for locks, as one line for people.
pub fn describe_lock_notice(notice: &LockNotice) -> String {
    let holder = |info: &Option<LockInfo>| match info {
        Some(info) => format!("{} (pid {})", info.holder, info.pid),
        None => "somebody".to_owned(),
    };
    match notice {
        LockNotice::GlobalHeld(info) => {
            let holder = holder(info);
            format!("Global lock held by {holder}: waiting for a structural command to finish")
        }
        LockNotice::GlobalReleased => "Global lock released: going on".to_owned(),
        LockNotice::GlobalStale(info) => {
            format!("Global lock held by {} is stale: going on", holder(info))
        }
        LockNotice::ModelHeld(key, info) => {
            let (type_name, id, holder) = (&key.type_name, &key.id, holder(info));
            format!("Model {type_name}/{id} is in use by {holder}: waiting")
        }
        LockNotice::ModelsHeld(count) => {
            format!("Waiting for {count} per-model lock(s) to be released")
        }
        LockNotice::ModelsReleased => "Per-model locks released: going on".to_owned(),
    }
}
