//! Projects and keys.
//!
//! The number of a project is made from its name, so that two collectors that make the same project
//! at the same time make the same one. Revoking a key adds a row: the latest says what holds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use swamp_ident::Timestamp;

use super::ClickHouse;
use super::text::{Rows, literal};
use crate::error::CollectorError;
use crate::event::ProjectId;
use crate::keys::{Directory, KeyId, Project, Scope, StoredKey, check_project_name, hex};

/// How long what is known of a key is believed. A revoked one opens that long at other collectors.
const KEY_BELIEVED: Duration = Duration::from_secs(2);

/// How long the list of projects is believed.
const PROJECTS_BELIEVED: Duration = Duration::from_secs(2);

/// Keys that are remembered at most.
const REMEMBERED: usize = 10_000;

/// What was read a moment ago: every request asks for it.
#[derive(Debug, Default)]
pub(super) struct Lately {
    keys: Mutex<HashMap<KeyId, (Instant, StoredKey)>>,
    projects: Mutex<Option<(Instant, Vec<Project>)>>,
}

impl Lately {
    fn key(&self, id: &KeyId) -> Option<StoredKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, key) = keys.get(id)?;
        (read.elapsed() < KEY_BELIEVED).then(|| key.clone())
    }

    fn remember_key(&self, key: &StoredKey) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED {
            keys.clear();
        }
        keys.insert(key.id.clone(), (Instant::now(), key.clone()));
    }

    fn forget(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.projects.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn number_of(name: &str) -> ProjectId {
    let digest = Sha256::digest(name.as_bytes());
    ProjectId(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

impl ClickHouse {
    fn insert_project(&self, project: &Project) -> Result<(), CollectorError> {
        let mut rows = Rows::default();
        rows.text(&project.name)
            .plain(project.number.0)
            .plain(project.created_at.as_millis())
            .end();
        let into = "projects (name, number, created_at)";
        self.client.insert(into, rows.as_bytes(), &Self::statement_name()?, None)?;
        self.lately.forget();
        Ok(())
    }

    fn read_keys(&self, condition: &str) -> Result<Vec<StoredKey>, CollectorError> {
        let answer = self.client.rows(&format!(
            "SELECT id, any(project), any(scope), any(hash), any(note), min(created_at) AS made, \
             max(revoked_at) FROM access_keys WHERE {condition} GROUP BY id ORDER BY made, id"
        ))?;
        answer
            .lines()
            .map(|line| {
                let mut values = self.row(line);
                let senseless = || self.senseless("a key");
                Ok(StoredKey {
                    id: KeyId(values.text()?),
                    project: ProjectId(values.number()?),
                    scope: Scope::parse(&values.text()?).ok_or_else(senseless)?,
                    hash: unhex(&values.text()?).ok_or_else(senseless)?,
                    note: values.text()?,
                    created_at: values.time()?,
                    revoked_at: Some(values.time()?).filter(|time| time.as_millis() != 0),
                })
            })
            .collect()
    }

    fn write_key(&self, key: &StoredKey) -> Result<(), CollectorError> {
        let mut rows = Rows::default();
        rows.text(&key.id.0).plain(key.project.0).text(key.scope.as_str()).text(&hex(&key.hash));
        rows.text(&key.note).plain(key.created_at.as_millis());
        rows.plain(key.revoked_at.map_or(0, Timestamp::as_millis)).end();
        let into = "access_keys (id, project, scope, hash, note, created_at, revoked_at)";
        self.client.insert(into, rows.as_bytes(), &Self::statement_name()?, None)?;
        self.lately.forget();
        Ok(())
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl Directory for ClickHouse {
    fn create_project(&self, name: &str, now: Timestamp) -> Result<Project, CollectorError> {
        check_project_name(name)?;
        let number = number_of(name);
        for other in self.projects()? {
            if other.name == name {
                return Err(CollectorError::Exists { what: "Project", name: name.to_owned() });
            }
            if other.number == number {
                return Err(CollectorError::Invalid(format!(
                    "The name {name:?} cannot be told from {:?} by its checksum; take another",
                    other.name
                )));
            }
        }
        let project = Project { number, name: name.to_owned(), created_at: now };
        self.insert_project(&project)?;
        Ok(project)
    }

    fn projects(&self) -> Result<Vec<Project>, CollectorError> {
        let lately = self.lately.projects.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read, projects)) = lately
            && read.elapsed() < PROJECTS_BELIEVED
        {
            return Ok(projects);
        }
        let answer = self.client.rows(
            "SELECT name, any(number), min(created_at) AS made FROM projects GROUP BY name \
             ORDER BY made, name",
        )?;
        let projects = answer
            .lines()
            .map(|line| {
                let mut values = self.row(line);
                Ok(Project {
                    name: values.text()?,
                    number: ProjectId(values.number()?),
                    created_at: values.time()?,
                })
            })
            .collect::<Result<Vec<_>, CollectorError>>()?;
        *self.lately.projects.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), projects.clone()));
        Ok(projects)
    }

    fn insert_key(&self, key: &StoredKey) -> Result<(), CollectorError> {
        self.write_key(key)
    }

    fn find_key(&self, id: &KeyId) -> Result<Option<StoredKey>, CollectorError> {
        if let Some(key) = self.lately.key(id) {
            return Ok(Some(key));
        }
        let key = self.read_keys(&format!("id = {}", literal(&id.0)))?.pop();
        if let Some(key) = &key {
            self.lately.remember_key(key);
        }
        Ok(key)
    }

    fn keys(&self) -> Result<Vec<StoredKey>, CollectorError> {
        self.read_keys("1")
    }

    fn revoke_key(&self, id: &KeyId, now: Timestamp) -> Result<(), CollectorError> {
        let key = self.read_keys(&format!("id = {}", literal(&id.0)))?.pop();
        let key = key.ok_or_else(|| CollectorError::NotFound {
            what: "Key",
            name: id.0.clone(),
            hint: "; `swamp collector key list` shows them",
        })?;
        self.write_key(&StoredKey { revoked_at: Some(key.revoked_at.unwrap_or(now)), ..key })
    }
}

/// The default project, if it is not there yet.
pub(super) fn create_default(store: &ClickHouse, now: Timestamp) -> Result<(), CollectorError> {
    let name = crate::keys::DEFAULT_PROJECT;
    if store.projects()?.iter().any(|project| project.name == name) {
        return Ok(());
    }
    store.create_project(name, now).map(|_| ())
}
