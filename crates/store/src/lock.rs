//! Locks.

use swamp_ident::{DefinitionId, TypeName};

use crate::{RepoPaths, Result};

/// Who takes locks.
#[derive(Clone, Debug)]
pub struct LockOwner {
    /// `user@host`.
    pub holder: String,
    /// The machine.
    pub hostname: String,
    /// Our process.
    pub pid: u32,
    /// The process whose model locks do not stand in our way, because it started us
    /// (`SWAMP_LOCK_HOLDER_PID`).
    pub nested_in: Option<u32>,
}

/// Names the lock of one model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey {
    /// The model's type.
    pub type_name: TypeName,
    /// The model's id.
    pub id: DefinitionId,
}

/// A lock that is taken, as its file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// `user@host`.
    pub holder: String,
    /// The holder's process.
    pub pid: u32,
}

/// Something to tell the user while locks are awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockNotice {
    /// A structural command is at work; we wait.
    GlobalHeld(LockInfo),
    /// The structural command is done.
    GlobalReleased,
    /// The global lock's owner is gone; we go on.
    GlobalStale(LockInfo),
    /// Methods are running; the structural command waits for this many model locks.
    ModelsHeld(usize),
    /// No model lock is left.
    ModelsReleased,
}

/// The locks of one repository.
#[derive(Clone, Debug)]
pub struct Locks {
    paths: RepoPaths,
    owner: LockOwner,
}

/// Model locks that are ours until this is dropped.
#[derive(Debug)]
pub struct ModelLocks(());

/// The global lock, ours until this is dropped.
#[derive(Debug)]
pub struct GlobalLock(());

impl Locks {
    /// The locks of the repository at `paths`, taken in the name of `owner`.
    pub fn new(paths: RepoPaths, owner: LockOwner) -> Self {
        Self { paths, owner }
    }

    /// Takes the locks of some models: sorted, each once. Waits for structural commands first.
    /// `stop` is asked between tries.
    pub fn models(
        &self,
        keys: &[ModelKey],
        notice: &mut dyn FnMut(LockNotice),
        stop: &dyn Fn() -> bool,
    ) -> Result<ModelLocks> {
        let _ = (&self.paths, &self.owner, keys, notice, stop);
        todo!()
    }

    /// Takes the lock of structural commands, after waiting for model locks to be released.
    pub fn global(
        &self,
        notice: &mut dyn FnMut(LockNotice),
        stop: &dyn Fn() -> bool,
    ) -> Result<GlobalLock> {
        let _ = (notice, stop);
        todo!()
    }
}
