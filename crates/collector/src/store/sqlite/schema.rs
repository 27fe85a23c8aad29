//! The file: its tables, the way from one version to the next, and the look at it before anything is
//! done with it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::journal;
use crate::error::CollectorError;

/// Marks the file as ours: "swmp".
const APPLICATION: i64 = 0x7377_6d70;

/// Each step takes a file from the version that is its position to the next. A step that has been
/// released is never changed.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE projects (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL);
    CREATE TABLE keys (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, project INTEGER NOT NULL,
        scope TEXT NOT NULL, hash BLOB NOT NULL, note TEXT NOT NULL,
        created_at INTEGER NOT NULL, revoked_at INTEGER);

    -- Events as they were sent, those of one batch and project together.
    CREATE TABLE segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL,
        received_at INTEGER NOT NULL, min_at INTEGER NOT NULL, max_at INTEGER NOT NULL,
        events INTEGER NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL);

    -- Keys of all events: the latest by batch, older ones sorted.
    CREATE TABLE seen_recent (id INTEGER PRIMARY KEY, keys BLOB NOT NULL);
    CREATE TABLE seen_tables (
        id INTEGER PRIMARY KEY, keys INTEGER NOT NULL, chunks INTEGER NOT NULL,
        written_at INTEGER NOT NULL, filter BLOB NOT NULL);
    CREATE TABLE seen_chunks (id INTEGER PRIMARY KEY, keys BLOB NOT NULL);

    -- Texts of dimensions, which statistics know by number.
    CREATE TABLE dictionary (
        project INTEGER NOT NULL, dimension INTEGER NOT NULL, number INTEGER NOT NULL,
        text TEXT NOT NULL, PRIMARY KEY (project, dimension, number)) WITHOUT ROWID;
    CREATE TABLE overflow (
        project INTEGER NOT NULL, dimension INTEGER NOT NULL, events INTEGER NOT NULL,
        PRIMARY KEY (project, dimension)) WITHOUT ROWID;

    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, project INTEGER NOT NULL, key BLOB NOT NULL UNIQUE,
        group_id TEXT NOT NULL, run_key BLOB, run_id TEXT, workflow INTEGER NOT NULL,
        status INTEGER NOT NULL, category INTEGER NOT NULL, platform INTEGER NOT NULL,
        agent INTEGER NOT NULL, started_at INTEGER NOT NULL, duration_ms INTEGER,
        failed INTEGER NOT NULL, methods INTEGER NOT NULL, errors INTEGER NOT NULL,
        total_ms INTEGER NOT NULL);
    CREATE INDEX runs_by_time ON runs (project, started_at, group_id);
    CREATE INDEX runs_by_run ON runs (run_key) WHERE run_key IS NOT NULL;
    CREATE TABLE run_segments (
        run INTEGER NOT NULL, segment INTEGER NOT NULL, PRIMARY KEY (run, segment)) WITHOUT ROWID;
    CREATE TABLE run_hours (
        project INTEGER NOT NULL, hour INTEGER NOT NULL, workflow INTEGER NOT NULL,
        status INTEGER NOT NULL, platform INTEGER NOT NULL, agent INTEGER NOT NULL,
        runs INTEGER NOT NULL, failed INTEGER NOT NULL, total_ms INTEGER NOT NULL,
        PRIMARY KEY (project, hour, workflow, status, platform, agent)) WITHOUT ROWID;

    -- Statistics of method calls by hour and by day, up to the segment in `applied`.
    CREATE TABLE slots (
        project INTEGER NOT NULL, size INTEGER NOT NULL, start INTEGER NOT NULL,
        cells BLOB NOT NULL, PRIMARY KEY (project, size, start)) WITHOUT ROWID;
    CREATE TABLE applied (only INTEGER PRIMARY KEY CHECK (only = 0), segment INTEGER NOT NULL);
    INSERT INTO applied VALUES (0, 0);
",
    "
    -- Statistics in parts that are never changed, and the last record of the journal in the file.
    CREATE TABLE parts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER NOT NULL, size INTEGER NOT NULL,
        start INTEGER NOT NULL, level INTEGER NOT NULL, cells BLOB NOT NULL);
    INSERT INTO parts (project, size, start, level, cells)
        SELECT project, size, start, 0, cells FROM slots;
    DROP TABLE slots;
    CREATE INDEX parts_by_slot ON parts (project, size, start, level);
    ALTER TABLE seen_tables ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE seen_tables ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE applied ADD COLUMN record INTEGER NOT NULL DEFAULT 0;
",
];

/// The version of files this program writes.
const VERSION: i64 = 2;

/// Opens the file, or makes it; refuses one that is not as it was written.
pub(super) fn open(path: &Path) -> Result<Connection, CollectorError> {
    if path.exists() {
        check(path)?;
    } else {
        create(path)?;
    }
    let mut connection = connect(path)?;
    let found = migrate(&mut connection).map_err(|error| damaged(path, &error))?;
    if found > VERSION {
        let path = path.to_owned();
        return Err(CollectorError::TooNew { path, found, known: VERSION });
    }
    // A copy made by `backup` has no write-ahead log yet.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(|error| damaged(path, &error))?;
    Ok(connection)
}

/// Another way into a file that is open already.
pub(super) fn open_again(path: &Path) -> Result<Connection, CollectorError> {
    connect(path)
}

fn connect(path: &Path) -> Result<Connection, CollectorError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepare = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768;
             PRAGMA temp_store = MEMORY;",
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    prepare().map_err(|error| damaged(path, &error))
}

/// Makes the file under another name and moves it to its place, so that it is there whole or not at
/// all.
fn create(path: &Path) -> Result<(), CollectorError> {
    let wal = beside(path, "-wal");
    if wal.exists() {
        let what = format!("{} is there, but the file it belongs to is not", wal.display());
        return Err(CollectorError::Damaged { path: path.to_owned(), what });
    }
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    if let Some(journal) = journal::files_in(directory)?.first() {
        let what = format!("{} is there, but the file it belongs to is not", journal.display());
        return Err(CollectorError::Damaged { path: path.to_owned(), what });
    }
    let new = beside(path, ".new");
    let io = |error| CollectorError::io(format!("{} cannot be made", path.display()), error);
    if new.exists() {
        fs::remove_file(&new).map_err(io)?;
    }
    let make = || -> rusqlite::Result<()> {
        let mut connection = Connection::open(&new)?;
        connection.pragma_update(None, "page_size", 8192)?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        migrate(&mut connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.close().map_err(|(_, error)| error)
    };
    make().map_err(|error| from_sqlite(&error))?;
    File::open(&new).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(&new, path).map_err(io)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io)
}

fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Brings the tables to this version, one step in one transaction at a time. Gives the version the
/// file then has.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    loop {
        let transaction = connection.transaction()?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let step = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found));
        let Some(step) = step else { return Ok(found) };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", found + 1)?;
        transaction.commit()?;
    }
}

/// Looks at the beginning and the length of the file. SQLite would take an empty file for a new one,
/// and notice missing pages only when it comes across them.
fn check(path: &Path) -> Result<(), CollectorError> {
    let damaged = |what: String| CollectorError::Damaged { path: path.to_owned(), what };
    let io = |error| CollectorError::io(format!("{} cannot be read", path.display()), error);
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut header = [0; 100];
    if file.read_exact(&mut header).is_err() {
        return Err(damaged(format!("it has only {length} bytes")));
    }
    if &header[..16] != b"SQLite format 3\0" {
        return Err(damaged("it is no SQLite database".to_owned()));
    }
    let number = |at: usize| {
        u64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
    };
    if i64::try_from(number(68)) != Ok(APPLICATION) {
        return Err(damaged("it was not made by a collector".to_owned()));
    }
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let page = if page == 1 { 65_536 } else { page };
    let expected = page * number(28);
    if length < expected && !is_in_log(path, page, length / page + 1, expected / page) {
        return Err(damaged(format!("it should have {expected} bytes and has {length}")));
    }
    Ok(())
}

/// Whether the pages from `first` to `last` are in the write-ahead log. A process that was killed
/// while it copied the log into the file may have written the beginning, which tells the new length,
/// and not yet the end; the log is whole then.
///
/// The layout is that of <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.
fn is_in_log(path: &Path, page: u64, first: u64, last: u64) -> bool {
    let log = beside(path, "-wal");
    let most = fs::metadata(&log).map_or(0, |log| log.len()) / page.max(1);
    if last.saturating_sub(first) >= most {
        return false;
    }
    let mut missing: BTreeSet<u64> = (first..=last).collect();
    let mut read = || -> std::io::Result<()> {
        let mut log = File::open(&log)?;
        let mut header = [0; 32];
        log.read_exact(&mut header)?;
        let mut frame = [0; 24];
        let step = i64::try_from(page).unwrap_or(i64::MAX);
        // Frames of an earlier round of the log have another salt.
        while !missing.is_empty() {
            log.read_exact(&mut frame)?;
            if frame[8..16] != header[16..24] {
                break;
            }
            let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
            missing.remove(&u64::from(number));
            log.seek_relative(step)?;
        }
        Ok(())
    };
    // A log that ends or cannot be read does not have the rest.
    let _ = read();
    missing.is_empty()
}

/// What SQLite says when it opens the file.
fn damaged(path: &Path, error: &rusqlite::Error) -> CollectorError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            CollectorError::Damaged { path: path.to_owned(), what: error.to_string() }
        }
        _ => from_sqlite(error),
    }
}

/// What SQLite says at any other time.
pub(super) fn from_sqlite(error: &rusqlite::Error) -> CollectorError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CollectorError::Full,
        // The index of the log could not be made longer, which is told apart from a full disk only
        // by where it happens.
        _ if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => {
            CollectorError::Full
        }
        _ => CollectorError::Store(error.to_string()),
    }
}

impl From<rusqlite::Error> for CollectorError {
    fn from(error: rusqlite::Error) -> Self {
        from_sqlite(&error)
    }
}
