//! The list of items that changed since the catalog was last current.
//!
//! One line per change, appended with one system call, naming only what changed: whoever applies it
//! looks at the files. Applying a line twice, or late, therefore does no harm.
//!
//! Writers hold a shared lock on the file as long as they live; who has applied the list and gets an
//! exclusive one empties it. While there is a writer, the database remembers how far the list has
//! been applied.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use swamp_ident::{DataName, DefinitionId, TypeName};

use super::{beside, schema};
use crate::data::ItemKey;

/// In `catalog_meta`: every version has its row.
pub(super) const POPULATED: &str = "populated";
/// In `catalog_meta`: every version has its row but those in the list. The other implementation
/// does not know this key, so for it the catalog is one that has to be built.
pub(super) const POPULATED_BUT_CHANGES: &str = "populated_but_changes";
/// In `catalog_meta`: how many bytes of the list have been applied.
pub(super) const APPLIED: &str = "changes_applied";

/// At most this many changes are applied when a process ends.
const FEW: u64 = 128;

/// How long taking the promise back may wait for other processes.
const RETRACTION_BUSY: Duration = Duration::from_millis(200);

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// This version came or went.
    Version(u64),
    /// Anything else.
    Item,
}

/// The list, as one process adds to it.
#[derive(Debug)]
pub(super) struct Changes {
    database: PathBuf,
    path: PathBuf,
    writer: Mutex<Writer>,
    noted: AtomicU64,
}

#[derive(Debug, Default)]
struct Writer {
    /// Opened and locked by the first change.
    file: Option<File>,
    /// Takes the promise `populated` back.
    retraction: Option<JoinHandle<()>>,
}

impl Changes {
    pub(super) fn new(database: &Path) -> Self {
        Self {
            database: database.to_owned(),
            path: beside(database, "-changes"),
            writer: Mutex::default(),
            noted: AtomicU64::new(0),
        }
    }

    /// Adds a line if there is a catalog.
    pub(super) fn note(&self, key: &ItemKey, change: Change) {
        // Whoever makes a catalog after this look reads files that already have the change.
        if !self.database.exists() {
            return;
        }
        let version = match change {
            Change::Version(version) => Value::from(version),
            Change::Item => Value::Null,
        };
        let mut line = json!([
            key.model.type_name.as_str(),
            key.model.id.as_str(),
            key.name.as_str(),
            version
        ])
        .to_string();
        line.push('\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.append(&self.path, line.as_bytes()).is_err() {
            // A list with holes is worse than a catalog that has to be built.
            drop(writer);
            if retract(&self.database, true).is_err() {
                let _ = schema::remove(&self.database);
            }
            return;
        }
        self.noted.fetch_add(1, Ordering::Relaxed);
        if writer.retraction.is_none() {
            let database = self.database.clone();
            writer.retraction = std::thread::Builder::new()
                .name("catalog".to_owned())
                .spawn(move || {
                    if let Err(error) = retract(&database, false)
                        && schema::is_damaged(&error)
                    {
                        let _ = schema::remove(&database);
                    }
                })
                .ok();
        }
    }

    /// Ends this process's part; `false` if it had none.
    pub(super) fn close(&self) -> bool {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { file, retraction } = std::mem::take(&mut *writer);
        if let Some(thread) = retraction {
            let _ = thread.join();
        }
        // Closing the file releases the lock.
        if file.is_none() {
            return false;
        }
        drop(file);
        if !self.are_few() {
            // Somebody may have made the promise again meanwhile.
            let _ = retract(&self.database, false);
        }
        true
    }

    /// Whether so little changed that the catalog can be brought up to date in passing.
    pub(super) fn are_few(&self) -> bool {
        let length = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        self.noted.load(Ordering::Relaxed) <= FEW && length <= FEW * 256
    }

    /// Opens the list for applying it.
    pub(super) fn read(&self) -> std::io::Result<Pending> {
        match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Pending { file: Some(file), length })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Pending { file: None, length: 0 })
            }
            Err(error) => Err(error),
        }
    }
}

impl Writer {
    fn append(&mut self, path: &Path, line: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = OpenOptions::new().append(true).create(true).open(path)?;
                flock(&file, FlockOperation::LockShared)?;
                none.insert(file)
            }
        };
        file.write_all(line)
    }
}

/// The list as it was when somebody began to apply it.
#[derive(Debug)]
pub(super) struct Pending {
    file: Option<File>,
    length: u64,
}

/// A line of the list.
pub(super) type Line = (ItemKey, Change);

impl Pending {
    /// Bytes in the list.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The lines after the first `applied` bytes, and where the last of them ends. `None` if the
    /// list does not make sense.
    pub(super) fn lines(&mut self, applied: u64) -> Option<(Vec<Line>, u64)> {
        let length = self.length;
        let Some(file) = &mut self.file else {
            return Some((Vec::new(), 0));
        };
        // The list was emptied after this much of it had been applied.
        let start = if applied > length { 0 } else { applied };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start)).ok()?;
        file.take(length - start).read_to_end(&mut bytes).ok()?;
        let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if complete != bytes.len() && self.lock() {
            // Half a line, and nobody who could be about to write the other half.
            return None;
        }
        let text = str::from_utf8(bytes.get(..complete)?).ok()?;
        let lines = text.lines().map(parse).collect::<Option<Vec<_>>>()?;
        Some((lines, start + complete as u64))
    }

    /// Keeps others from adding to the list until this is dropped. `false` if somebody is about to
    /// add to it or has done so since it was opened. Hold it briefly: writers wait.
    pub(super) fn seal(&self) -> bool {
        let Some(file) = &self.file else { return true };
        self.lock() && file.metadata().is_ok_and(|now| now.len() == self.length)
    }

    fn lock(&self) -> bool {
        self.file
            .as_ref()
            .is_some_and(|file| flock(file, FlockOperation::NonBlockingLockExclusive).is_ok())
    }

    /// Empties a sealed list.
    pub(super) fn clear(self) {
        if let Some(file) = &self.file
            && self.length > 0
        {
            // If it fails, the same lines are applied once more.
            let _ = file.set_len(0);
        }
    }
}

fn parse(line: &str) -> Option<Line> {
    let (type_name, id, name, version): (String, String, String, Option<u64>) =
        serde_json::from_str(line).ok()?;
    let key =
        ItemKey::new(TypeName::normalised(&type_name), DefinitionId::new(id), DataName::new(name));
    Some((key, version.map_or(Change::Item, Change::Version)))
}

/// Takes the promise back that every version has its row; with `all`, also that only those in the
/// list are missing.
fn retract(database: &Path, all: bool) -> rusqlite::Result<()> {
    if !database.exists() {
        return Ok(());
    }
    let mut connection: Connection = schema::open_existing(database)?;
    // Whoever keeps us waiting longer is building the catalog; he knows that we are there.
    connection.busy_timeout(RETRACTION_BUSY)?;
    if schema::get(&connection, POPULATED)?.is_none() && !all {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let populated = schema::get(&transaction, POPULATED)?;
    schema::set(&transaction, POPULATED, None)?;
    if all {
        schema::set(&transaction, POPULATED_BUT_CHANGES, None)?;
    } else if populated.as_deref() == Some("true") {
        schema::set(&transaction, POPULATED_BUT_CHANGES, Some("true"))?;
    }
    transaction.commit()
}
