//! What the store consists of, and who may touch what when.
//!
//! Three things happen at the same time and hardly ever wait for each other: commits (the [`Writer`]
//! and the journal), folds (the [`Folder`] and the database), and questions (connections of their own,
//! and [`Counted`]). Who takes several locks takes them in this order: folder, loading, writer,
//! counted, progress.

use std::path::{Path, PathBuf};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use swamp_ident::Timestamp;

use super::bytes::Packer;
use super::cells::Cells;
use super::dictionary::Dictionary;
use super::fresh::{Call, Generation};
use super::journal::Journal;
use super::runs::Known;
use super::schema;
use super::seen::{self, Seen};
use super::segments::{self, Segment};
use super::slots::{self, Size, Slots};
use crate::error::CollectorError;
use crate::event::{Event, EventKey};

/// Events after which a generation is folded.
pub(super) const FOLD_EVENTS: u64 = 200_000;

/// Time after which it is, however few it has.
const FOLD_AFTER: Duration = Duration::from_mins(1);

/// What each connection for reading may keep of the file, in KiB. There are as many of them as
/// questions were ever asked at once.
const READER_CACHE_KIB: i64 = 4 * 1024;

/// The store, shared with the thread that folds.
pub(super) struct Core {
    pub(super) path: PathBuf,
    writer: Mutex<Writer>,
    counted: RwLock<Counted>,
    folder: Mutex<Folder>,
    progress: Mutex<Progress>,
    changed: Condvar,
    readers: Mutex<Vec<Connection>>,
    pub(super) known_runs: Known,
    /// Held while slots are read from the file, so that nobody reads the same ones.
    loading: Mutex<()>,
}

/// What a commit needs.
pub(super) struct Writer {
    /// Only reads, to look for keys.
    pub(super) connection: Connection,
    pub(super) seen: Seen,
    pub(super) packer: Packer,
    pub(super) journal: Journal,
    /// The number of the next record.
    pub(super) next: u64,
}

/// What questions are answered from.
pub(super) struct Counted {
    pub(super) dictionary: Dictionary,
    pub(super) slots: Slots,
    pub(super) current: Generation,
    pub(super) frozen: Option<Arc<Generation>>,
}

/// What a fold needs: the only one that writes statistics, runs and events into the database.
pub(super) struct Folder {
    pub(super) connection: Connection,
    pub(super) packer: Packer,
}

/// How far commits are ahead of folds.
#[derive(Default)]
pub(super) struct Progress {
    /// Events of the current generation.
    pub(super) unfolded: u64,
    /// When the first of them came.
    pub(super) since: Option<Instant>,
    /// Why the last fold failed.
    pub(super) failed: Option<Failure>,
    /// Whether the store is being closed.
    pub(super) stopping: bool,
}

/// Why a fold failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    Full,
    Other(String),
}

impl From<&CollectorError> for Failure {
    fn from(error: &CollectorError) -> Self {
        match error {
            CollectorError::Full => Self::Full,
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<Failure> for CollectorError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => Self::Full,
            Failure::Other(why) => Self::Store(why),
        }
    }
}

impl Progress {
    /// Whether it is time to fold.
    pub(super) fn is_due(&self) -> bool {
        self.unfolded >= FOLD_EVENTS
            || self.failed.is_some()
            || self.since.is_some_and(|since| since.elapsed() >= FOLD_AFTER)
    }
}

impl Core {
    /// Opens the database, and reads what is in the journal in a directory.
    pub(super) fn open(path: &Path, journal: &Path) -> Result<Self, CollectorError> {
        let mut connection = schema::open(path)?;
        let mut dictionary = Dictionary::load(&connection)?;
        take_over(&mut connection, &mut dictionary)?;
        let slots = Slots::load(&connection)?;
        let mut seen = Seen::load(&connection)?;
        let applied = applied(&connection)?;
        let (journal, records) = Journal::open(journal)?;
        let last = records.last().map_or(0, |record| record.number).max(applied);
        let mut current = Generation::default();
        for record in records.into_iter().filter(|record| record.number > applied) {
            let events = Segment::of(&record)?.events()?;
            let keys: Vec<EventKey> = events.iter().map(|event| event.key).collect();
            let fresh = seen.take(&connection, &keys)?;
            let fresh = events.iter().zip(fresh).filter(|(_, fresh)| *fresh);
            let events: Vec<&Event> = fresh.map(|(event, _)| event).collect();
            current.add(&mut dictionary, record, &events);
        }
        let progress = Progress {
            unfolded: current.events,
            since: (!current.is_empty()).then(Instant::now),
            ..Progress::default()
        };
        let writer = Writer {
            connection: schema::open_again(path)?,
            seen,
            packer: Packer::new()?,
            journal,
            next: last + 1,
        };
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            counted: RwLock::new(Counted { dictionary, slots, current, frozen: None }),
            folder: Mutex::new(Folder { connection, packer: Packer::new()? }),
            progress: Mutex::new(progress),
            changed: Condvar::new(),
            readers: Mutex::default(),
            known_runs: Known::default(),
            loading: Mutex::default(),
        })
    }

    // A panic while one of these is held has been shown by the hook; what they guard is changed in
    // steps each of which leaves it usable.

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counted(&self) -> RwLockReadGuard<'_, Counted> {
        self.counted.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counted_mut(&self) -> RwLockWriteGuard<'_, Counted> {
        self.counted.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn loading(&self) -> MutexGuard<'_, ()> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody that waits that the progress has changed.
    pub(super) fn tell(&self) {
        self.changed.notify_all();
    }

    /// Waits until the progress has changed, or for some time.
    pub(super) fn wait<'a>(
        &self,
        progress: MutexGuard<'a, Progress>,
        time: Duration,
    ) -> MutexGuard<'a, Progress> {
        self.changed.wait_timeout(progress, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Reads from the file beside whoever writes.
    pub(super) fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, CollectorError>,
    ) -> Result<T, CollectorError> {
        let pool = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool().pop();
        let connection = if let Some(connection) = idle {
            connection
        } else {
            let connection = schema::open_again(&self.path)?;
            connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
            connection
        };
        let answer = question(&connection);
        pool().push(connection);
        answer
    }
}

/// The number of the last record of the journal that is in the database.
pub(super) fn applied(connection: &Connection) -> Result<u64, CollectorError> {
    let record: i64 =
        connection.prepare_cached("SELECT record FROM applied")?.query_row([], |row| row.get(0))?;
    Ok(record.cast_unsigned())
}

/// Now, as stores keep it.
pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// Does what versions before the journal left for later: keys by batch become a table, and segments
/// that statistics do not know are counted.
fn take_over(
    connection: &mut Connection,
    dictionary: &mut Dictionary,
) -> Result<(), CollectorError> {
    let is_left: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM seen_recent)
            OR (SELECT coalesce(max(id), 0) FROM segments) > (SELECT segment FROM applied)",
        [],
        |row| row.get(0),
    )?;
    if !is_left {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    seen::take_over(&transaction, now())?;
    let counted: i64 =
        transaction.query_row("SELECT segment FROM applied", [], |row| row.get(0))?;
    let mut calls: Vec<Call> = Vec::new();
    segments::each(&transaction, "id > ?1", [counted], |segment| {
        let events = segment.events()?;
        calls.extend(events.iter().filter_map(|event| Call::of(event, dictionary)));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    let calls: Vec<&Call> = calls.iter().collect();
    let mut packer = Packer::new()?;
    for size in [Size::Hour, Size::Day] {
        for (id, cells) in Cells::of_calls(&calls, size) {
            slots::write(&transaction, &mut packer, id, 0, &cells)?;
        }
    }
    dictionary.take_news().write(&transaction)?;
    transaction
        .execute("UPDATE applied SET segment = (SELECT coalesce(max(id), 0) FROM segments)", [])?;
    transaction.commit()?;
    Ok(())
}
