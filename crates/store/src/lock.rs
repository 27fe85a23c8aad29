//! Locks that two different programs can share, and that a dead owner never keeps.
//!
//! The other implementation knows one kind of lock: a JSON file that exists while the lock is
//! held, stale when its `pid` is gone or its `acquiredAt` is older than its `ttlMs`. We write the
//! same file, so that it sees and respects our locks, and we respect its files by the same rules.
//! Among ourselves the truth is the operating system's lock (`flock`) on that file: it goes when
//! its owner goes, however that happens, so nobody waits for a process that was killed.
//!
//! Two levels exist. A method run takes the lock of its model, a workflow run those of all its
//! models, in order. A command that changes the repository's structure takes the global lock, and
//! waits until no model lock is held; while it is held, nobody keeps a newly taken model lock.

mod file;
mod heartbeat;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swamp_ident::{DefinitionId, Timestamp, TypeName};

use self::file::{Attempt, LockFile, Seen};
use self::heartbeat::Heartbeat;
use crate::RepoPaths;
use crate::error::{Result, StoreError};

/// How long a lock is awaited.
const PATIENCE: Duration = Duration::from_mins(1);

/// The pause between two looks at a lock grows up to this.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Who takes locks.
#[derive(Clone, Debug)]
pub struct LockOwner {
    /// `user@host`.
    pub holder: String,
    /// The machine.
    pub hostname: String,
    /// Our process.
    pub pid: u32,
    /// The process whose model locks do not stand in the way of structural commands, because it
    /// started us (`SWAMP_LOCK_HOLDER_PID`).
    pub nested_in: Option<u32>,
}

impl LockOwner {
    /// This process. `user` is the login name if known, `nested_in` the value of
    /// `SWAMP_LOCK_HOLDER_PID` if there is one.
    pub fn current(user: Option<&str>, nested_in: Option<u32>) -> Self {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let user = user.filter(|user| !user.is_empty()).unwrap_or("unknown");
        let holder = format!("{user}@{hostname}");
        Self { holder, hostname, pid: std::process::id(), nested_in }
    }
}

/// Names the lock of one model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey {
    /// The model's type.
    pub type_name: TypeName,
    /// The model's id.
    pub id: DefinitionId,
}

/// A lock as its file tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// `user@host`.
    pub holder: String,
    /// The holder's machine.
    pub hostname: String,
    /// The holder's process.
    pub pid: u32,
    /// When it was taken or last confirmed.
    pub acquired_at: Timestamp,
    /// How long after that it counts, in milliseconds.
    pub ttl_ms: u64,
    /// Different for every lock ever taken.
    pub nonce: String,
}

impl LockInfo {
    /// The object as the file holds it.
    pub fn to_json(&self) -> Value {
        json!({
            "holder": self.holder,
            "hostname": self.hostname,
            "pid": self.pid,
            "acquiredAt": self.acquired_at.to_string(),
            "ttlMs": self.ttl_ms,
            "nonce": self.nonce,
        })
    }
}

/// Something to tell the user while locks are awaited. `None` stands for a holder that could not be
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockNotice {
    /// A structural command is at work; we wait.
    GlobalHeld(Option<LockInfo>),
    /// The structural command is done.
    GlobalReleased,
    /// The global lock's owner is gone; we removed it and go on.
    GlobalStale(Option<LockInfo>),
    /// Another run uses this model; we wait.
    ModelHeld(ModelKey, Option<LockInfo>),
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
    patience: Duration,
}

/// Model locks that are ours until this is dropped.
#[derive(Debug)]
pub struct ModelLocks(Held);

/// The global lock, ours until this is dropped.
#[derive(Debug)]
pub struct GlobalLock(Held);

/// Lock files and what keeps them fresh. The heartbeat comes first, so that it has ended when the
/// files are given up.
#[derive(Debug)]
struct Held {
    _heartbeat: Option<Heartbeat>,
    files: Arc<Vec<LockFile>>,
}

impl Held {
    fn new(files: Vec<LockFile>) -> Self {
        let files = Arc::new(files);
        let heartbeat = (!files.is_empty()).then(|| Heartbeat::start(Arc::clone(&files)));
        Self { _heartbeat: heartbeat.flatten(), files }
    }
}

impl ModelLocks {
    /// How many locks these are.
    pub fn len(&self) -> usize {
        self.0.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.files.is_empty()
    }
}

impl GlobalLock {
    /// The lock file.
    pub fn path(&self) -> Option<&Path> {
        self.0.files.first().map(LockFile::path)
    }
}

/// Waiting: whom to tell, and whether to stop.
struct Wait<'a> {
    notice: &'a mut dyn FnMut(LockNotice),
    stop: &'a dyn Fn() -> bool,
    pause: Duration,
}

impl Wait<'_> {
    /// Sleeps a little, longer each time. `false` if we are asked to stop.
    fn pause(&mut self) -> bool {
        if (self.stop)() {
            return false;
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        !(self.stop)()
    }
}

impl Locks {
    /// The locks of the repository at `paths`, taken in the name of `owner`.
    pub fn new(paths: RepoPaths, owner: LockOwner) -> Self {
        Self { paths, owner, patience: PATIENCE }
    }

    /// Waits at most this long for a lock that another process holds.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes the locks of some models: sorted, each once. Waits for structural commands first.
    /// `notice` hears of every wait; `stop` is asked several times per second.
    pub fn models(
        &self,
        keys: &[ModelKey],
        notice: &mut dyn FnMut(LockNotice),
        stop: &dyn Fn() -> bool,
    ) -> Result<ModelLocks> {
        let mut keys = keys.to_vec();
        // By path, like the other implementation: whoever takes several must take them in the same
        // order, or two of us could wait for each other.
        keys.sort_by_cached_key(|key| {
            self.paths.model_lock(&key.type_name, &key.id).into_os_string()
        });
        keys.dedup();
        let mut wait = Wait { notice, stop, pause: Duration::from_millis(5) };
        loop {
            self.await_global(&mut wait)?;
            let mut files = Vec::with_capacity(keys.len());
            for key in &keys {
                let path = self.paths.model_lock(&key.type_name, &key.id);
                files.push(self.await_file(&path, &mut wait, |info| {
                    LockNotice::ModelHeld(key.clone(), info)
                })?);
            }
            // A structural command that began in between waits for us or did not see us. Give way.
            if !matches!(file::look(&self.paths.global_lock(), &self.owner)?, Seen::Held(_)) {
                return Ok(ModelLocks(Held::new(files)));
            }
        }
    }

    /// Takes the lock of structural commands, after waiting for model locks to be released, except
    /// those of the run that started us.
    pub fn global(
        &self,
        notice: &mut dyn FnMut(LockNotice),
        stop: &dyn Fn() -> bool,
    ) -> Result<GlobalLock> {
        let mut wait = Wait { notice, stop, pause: Duration::from_millis(5) };
        loop {
            self.await_models(&mut wait)?;
            let path = self.paths.global_lock();
            let file = self.await_file(&path, &mut wait, LockNotice::GlobalHeld)?;
            if self.models_in_the_way()? == 0 {
                return Ok(GlobalLock(Held::new(vec![file])));
            }
        }
    }

    fn await_global(&self, wait: &mut Wait<'_>) -> Result<()> {
        let path = self.paths.global_lock();
        let began = Instant::now();
        let mut told = false;
        loop {
            match file::look(&path, &self.owner)? {
                Seen::Held(info) => {
                    if !told {
                        told = true;
                        (wait.notice)(LockNotice::GlobalHeld(info.clone()));
                    }
                    self.wait_on(&path, info, began, wait)?;
                }
                Seen::Stale(info) => (wait.notice)(LockNotice::GlobalStale(info)),
                Seen::Free => break,
            }
        }
        if told {
            (wait.notice)(LockNotice::GlobalReleased);
        }
        Ok(())
    }

    fn await_models(&self, wait: &mut Wait<'_>) -> Result<()> {
        let mut told = false;
        loop {
            match self.models_in_the_way()? {
                0 => break,
                count if !told => {
                    told = true;
                    (wait.notice)(LockNotice::ModelsHeld(count));
                }
                _ => {}
            }
            if !wait.pause() {
                return Err(StoreError::LockInterrupted { path: self.paths.data() });
            }
        }
        if told {
            (wait.notice)(LockNotice::ModelsReleased);
        }
        Ok(())
    }

    /// Takes one lock file.
    fn await_file(
        &self,
        path: &Path,
        wait: &mut Wait<'_>,
        held: impl Fn(Option<LockInfo>) -> LockNotice,
    ) -> Result<LockFile> {
        let began = Instant::now();
        let mut told = false;
        loop {
            match file::attempt(path, &self.owner)? {
                Attempt::Taken(file) => return Ok(file),
                Attempt::Held(info) => {
                    if info.is_some() && info.as_ref().map(|info| info.pid) == self.owner.nested_in
                    {
                        return Err(StoreError::LockHeldByParent { path: path.to_owned() });
                    }
                    if !told {
                        told = true;
                        (wait.notice)(held(info.clone()));
                    }
                    self.wait_on(path, info, began, wait)?;
                }
            }
        }
    }

    /// Waits a little for a lock, or says that it was long enough.
    fn wait_on(
        &self,
        path: &Path,
        info: Option<LockInfo>,
        began: Instant,
        wait: &mut Wait<'_>,
    ) -> Result<()> {
        let waited = began.elapsed();
        if waited >= self.patience {
            let (holder, pid) =
                info.map_or_else(|| ("unknown".to_owned(), 0), |info| (info.holder, info.pid));
            return Err(StoreError::LockTimeout {
                path: path.to_owned(),
                holder,
                pid,
                waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            });
        }
        if wait.pause() {
            Ok(())
        } else {
            Err(StoreError::LockInterrupted { path: path.to_owned() })
        }
    }

    /// How many model locks are held by others than the run that started us. Removes stale ones.
    fn models_in_the_way(&self) -> Result<usize> {
        let mut count = 0;
        for (_, path) in self.model_lock_paths()? {
            if let Seen::Held(info) = file::look(&path, &self.owner)?
                && (info.is_none() || info.map(|info| info.pid) != self.owner.nested_in)
            {
                count += 1;
            }
        }
        Ok(count)
    }

    /// The global lock's file, held or stale.
    pub fn global_status(&self) -> Result<Option<LockInfo>> {
        file::read(&self.paths.global_lock())
    }

    /// The model locks that have files, held or stale, in order.
    pub fn model_status(&self) -> Result<Vec<(ModelKey, LockInfo)>> {
        let mut locks = Vec::new();
        for (key, path) in self.model_lock_paths()? {
            if let Some(info) = file::read(&path)? {
                locks.push((key, info));
            }
        }
        Ok(locks)
    }

    /// Removes the global lock, whoever holds it, and tells who did.
    pub fn force_release_global(&self) -> Result<Option<LockInfo>> {
        file::remove(&self.paths.global_lock())
    }

    /// Removes the lock of a model, whoever holds it, and tells who did.
    pub fn force_release_model(&self, key: &ModelKey) -> Result<Option<LockInfo>> {
        file::remove(&self.paths.model_lock(&key.type_name, &key.id))
    }

    /// Every model lock that could exist, in order: one per model that has a data directory.
    fn model_lock_paths(&self) -> Result<Vec<(ModelKey, PathBuf)>> {
        let mut found = Vec::new();
        let mut open = vec![(self.paths.data(), String::new())];
        while let Some((directory, type_name)) = open.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io("read directory", &directory)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(StoreError::io("read directory", &directory))?;
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                if crate::definition::is_uuid(name) {
                    let key = ModelKey {
                        type_name: TypeName::normalised(&type_name),
                        id: DefinitionId::new(name),
                    };
                    found.push((key, entry.path().join(".lock")));
                } else {
                    let below = if type_name.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{type_name}/{name}")
                    };
                    open.push((entry.path(), below));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
