//! Projects and keys in the file: also for commands that run beside the collector.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row};
use swamp_ident::Timestamp;

use super::{FILE, lock, schema};
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::keys::{
    DEFAULT_PROJECT, Directory, KeyId, Project, Scope, StoredKey, check_project_name,
};

const COLUMNS: &str = "id, project, scope, hash, note, created_at, revoked_at";

fn key(row: &Row<'_>) -> rusqlite::Result<StoredKey> {
    let scope: String = row.get(2)?;
    // What a word of a later version would open is not known here, so it opens nothing.
    let scope = Scope::parse(&scope).ok_or_else(|| {
        let what = format!("a key has the scope {scope:?}, which this version does not know");
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, what.into())
    })?;
    Ok(StoredKey {
        id: KeyId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        scope,
        hash: row.get(3)?,
        note: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        revoked_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
    })
}

/// The projects and keys of a store that another process may have open.
pub struct SqliteDirectory {
    connection: Mutex<Connection>,
}

impl SqliteDirectory {
    /// Opens those of the store in a directory, which is made if it is not there.
    pub fn open(directory: &Path) -> Result<Self, CollectorError> {
        let path = directory.join(FILE);
        // Making the file is for one process at a time; once it is there, SQLite keeps order.
        let alone = if path.exists() { None } else { Some(lock::take(directory)?) };
        let connection = schema::open(&path)?;
        drop(alone);
        let directory = Self::new(connection);
        make_default_project(&directory)?;
        Ok(directory)
    }

    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection) }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A connection has no state of ours that a panic could leave half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the project of senders without a key in a store that has none yet, whoever opens it first.
pub(super) fn make_default_project(directory: &impl Directory) -> Result<(), CollectorError> {
    if !directory.projects()?.is_empty() {
        return Ok(());
    }
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    match directory.create_project(DEFAULT_PROJECT, now) {
        // Another process was quicker.
        Ok(_) | Err(CollectorError::Exists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Directory for SqliteDirectory {
    fn create_project(&self, name: &str, now: Timestamp) -> Result<Project, CollectorError> {
        check_project_name(name)?;
        let connection = self.connection();
        let mut insert = connection.prepare_cached(
            "INSERT INTO projects (name, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING
             RETURNING id",
        )?;
        let number: Option<u32> =
            insert.query_row((name, now.as_millis()), |row| row.get(0)).optional()?;
        let number = number
            .ok_or_else(|| CollectorError::Exists { what: "Project", name: name.to_owned() })?;
        Ok(Project { number: ProjectId(number), name: name.to_owned(), created_at: now })
    }

    fn projects(&self) -> Result<Vec<Project>, CollectorError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, name, created_at FROM projects ORDER BY id")?;
        let projects = statement.query_map([], |row| {
            Ok(Project {
                number: ProjectId(row.get(0)?),
                name: row.get(1)?,
                created_at: Timestamp::from_millis(row.get(2)?),
            })
        })?;
        Ok(projects.collect::<Result<_, _>>()?)
    }

    fn insert_key(&self, key: &StoredKey) -> Result<(), CollectorError> {
        self.connection().execute(
            "INSERT INTO keys (id, project, scope, hash, note, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                &key.id.0,
                key.project.0,
                key.scope.as_str(),
                key.hash,
                &key.note,
                key.created_at.as_millis(),
            ),
        )?;
        Ok(())
    }

    fn find_key(&self, id: &KeyId) -> Result<Option<StoredKey>, CollectorError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE id = ?1"))?;
        Ok(statement.query_row([&id.0], key).optional()?)
    }

    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM keys ORDER BY number"))?;
        Ok(statement.query_map([], key)?.collect::<Result<_, _>>()?)
    }

    fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<(), CollectorError> {
        let changed = self.connection().execute(
            "UPDATE keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
            (&id.0, now.as_millis()),
        )?;
        if changed == 0 {
            let hint = "; `swamp collector key list` shows them";
            return Err(CollectorError::NotFound { what: "Key", name: id.0.clone(), hint });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::create;

    #[test]
    fn a_key_of_a_later_version_opens_nothing() {
        let home = tempfile::tempdir().unwrap();
        let directory = SqliteDirectory::open(home.path()).unwrap();
        let (_, known) = create(ProjectId(1), Scope::Read, "", Timestamp::from_millis(0)).unwrap();
        directory.insert_key(&known).unwrap();
        assert_eq!(directory.find_key(&known.id).unwrap(), Some(known.clone()));
        directory.connection().execute("UPDATE keys SET scope = 'admin'", []).unwrap();
        let error = directory.find_key(&known.id).unwrap_err().to_string();
        assert!(error.contains("the scope \"admin\""), "{error}");
    }
}
