//! The catalog's database: opening, tables, what it promises.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::beside;

/// The version of the tables; the other implementation drops and builds anew what has another.
const SCHEMA_VERSION: &str = "3";

/// How long to wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS catalog_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS catalog (
    type_normalized TEXT NOT NULL,
    model_id TEXT NOT NULL,
    data_name TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    is_latest INTEGER NOT NULL DEFAULT 0,
    model_name TEXT NOT NULL DEFAULT '',
    spec_name TEXT NOT NULL DEFAULT '',
    data_type TEXT NOT NULL DEFAULT '',
    content_type TEXT NOT NULL DEFAULT '',
    lifetime TEXT NOT NULL DEFAULT '',
    owner_type TEXT NOT NULL DEFAULT '',
    streaming INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '{}',
    owner_ref TEXT NOT NULL DEFAULT '',
    workflow_run_id TEXT NOT NULL DEFAULT '',
    workflow_name TEXT NOT NULL DEFAULT '',
    job_name TEXT NOT NULL DEFAULT '',
    step_name TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (type_normalized, model_id, data_name, version)
);
CREATE INDEX IF NOT EXISTS idx_catalog_model_name ON catalog (model_name);
CREATE INDEX IF NOT EXISTS idx_catalog_spec_name ON catalog (spec_name);
CREATE INDEX IF NOT EXISTS idx_catalog_data_type ON catalog (data_type);
CREATE INDEX IF NOT EXISTS idx_catalog_created_at ON catalog (created_at);
CREATE INDEX IF NOT EXISTS idx_catalog_workflow_run_id ON catalog (workflow_run_id);
CREATE INDEX IF NOT EXISTS idx_catalog_step_name ON catalog (step_name);
CREATE INDEX IF NOT EXISTS idx_catalog_latest
    ON catalog (type_normalized, model_id, data_name, is_latest);
";

/// Fails on a table `catalog` that is not ours.
const COLUMNS: &str = "
SELECT type_normalized, model_id, data_name, id, version, is_latest, model_name, spec_name,
    data_type, content_type, lifetime, owner_type, streaming, size, created_at, tags, owner_ref,
    workflow_run_id, workflow_name, job_name, step_name, source
FROM catalog";

/// Opens the catalog, which is made if there is none, and brings its tables into our version.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    if let Some(directory) = path.parent() {
        // If that fails, opening the database says so.
        let _ = fs::create_dir_all(directory);
    }
    prepare(Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

/// Opens the catalog only if there is one.
pub(super) fn open_existing(path: &Path) -> rusqlite::Result<Connection> {
    prepare(Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?)
}

/// A catalog that lives as long as the connection.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY)?;
    // Writing the log back when the last process closes the catalog would wait for the disk at the
    // end of every command. It happens every thousand pages instead.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Losing the last transactions in a power loss is fine for a cache, damage is not.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: Option<String> = if has_table(&connection, "catalog_meta")? {
        get(&connection, "schema_version")?
    } else {
        None
    };
    if version.as_deref() == Some(SCHEMA_VERSION) && connection.prepare(COLUMNS).is_ok() {
        return Ok(connection);
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         DROP TABLE IF EXISTS catalog;
         DROP TABLE IF EXISTS catalog_meta;
         {TABLES}
         INSERT INTO catalog_meta (key, value) VALUES ('schema_version', '{SCHEMA_VERSION}');
         COMMIT;"
    ))?;
    Ok(connection)
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
        [name],
        |row| row.get(0),
    )
}

/// A value of `catalog_meta`.
pub(super) fn get(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM catalog_meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Sets a value of `catalog_meta`, or removes it.
pub(super) fn set(connection: &Connection, key: &str, value: Option<&str>) -> rusqlite::Result<()> {
    match value {
        Some(value) => connection.execute(
            "INSERT INTO catalog_meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value],
        )?,
        None => connection.execute("DELETE FROM catalog_meta WHERE key = ?1", [key])?,
    };
    Ok(())
}

/// Whether the file is not a sound database and has to be built again.
pub(super) fn is_damaged(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                // "no such column" and the like: tables of the right name that are not ours.
                || failure.extended_code == rusqlite::ffi::SQLITE_ERROR
        }
        rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => {
            true
        }
        _ => false,
    }
}

/// Removes the database with everything that belongs to it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", "-journal", ""] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
