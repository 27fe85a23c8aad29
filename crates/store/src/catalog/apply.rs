//! Making the catalog current: from the list of changes, or from all files.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use swamp_ident::{DataName, DefinitionId, JobName, RunId, StepName, TypeName, WorkflowName};

use super::changes::{APPLIED, Change, Changes, POPULATED, POPULATED_BUT_CHANGES, Pending};
use super::{Fault, schema};
use crate::data::{DataStore, ItemKey, StoredVersion};
use crate::error::Result;
use crate::fields::tags_value;

/// In `catalog_meta`: versions whose metadata could not be read, as a JSON list.
const UNREADABLE: &str = "unreadable";

/// With more bytes of changes than this, reading all files is not slower.
const MOST_CHANGES: u64 = 8 << 20;

/// Applies the changes that are new; `false` if the catalog has to be built instead.
pub(super) fn catch_up(
    store: &DataStore,
    connection: &mut Connection,
    changes: &Changes,
) -> Result<bool, Fault> {
    let Ok(mut pending) = changes.read() else { return Ok(false) };
    let is_complete = |connection: &Connection| -> rusqlite::Result<bool> {
        let populated = schema::get(connection, POPULATED)?;
        let but_changes = schema::get(connection, POPULATED_BUT_CHANGES)?;
        Ok([populated, but_changes].iter().any(|value| value.as_deref() == Some("true")))
    };
    let applied_of = |connection: &Connection| -> rusqlite::Result<u64> {
        Ok(schema::get(connection, APPLIED)?.and_then(|bytes| bytes.parse().ok()).unwrap_or(0))
    };
    if !is_complete(connection)? || pending.length() > MOST_CHANGES {
        return Ok(false);
    }
    // The usual case: nothing happened since the last query.
    if applied_of(connection)? == pending.length()
        && (schema::get(connection, POPULATED)?.is_some() || !pending.seal())
    {
        return Ok(true);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here while we waited.
    if !is_complete(&transaction)? {
        return Ok(false);
    }
    let Some((mut lines, end)) = pending.lines(applied_of(&transaction)?) else {
        return Ok(false);
    };
    let mut unreadable = unreadable(&transaction)?;
    // Each item once: what matters is in the files.
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    for same_item in lines.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((key, _)) = same_item.first() else { continue };
        unreadable.retain(|(other, _)| other != key);
        let versions: Option<Vec<u64>> = same_item
            .iter()
            .map(|(_, change)| match change {
                Change::Version(version) => Some(*version),
                Change::Item => None,
            })
            .collect();
        update(store, &transaction, key, versions.as_deref(), &mut unreadable)?;
    }
    set_unreadable(&transaction, &unreadable)?;
    finish(transaction, pending, end)?;
    Ok(true)
}

/// Builds the catalog from the files. Without `changes` it is one that only the caller sees.
pub(super) fn rebuild(
    store: &DataStore,
    connection: &mut Connection,
    changes: Option<&Changes>,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // First the length of the list, then the files: what is added to the list from now on may be
    // missing in the files as we read them, what is in it already cannot.
    let pending = changes.and_then(|changes| changes.read().ok());
    transaction.execute("DELETE FROM catalog", [])?;
    let mut unreadable = Vec::new();
    for model in store.models()? {
        for key in store.items(&model)? {
            update(store, &transaction, &key, None, &mut unreadable)?;
        }
    }
    set_unreadable(&transaction, &unreadable)?;
    match pending {
        Some(pending) => {
            let applied = pending.length();
            finish(transaction, pending, applied)?;
        }
        None => transaction.commit()?,
    }
    Ok(())
}

/// Says that the catalog is complete up to byte `applied` of the list, or altogether if nobody can
/// have added to the list; it is then emptied.
fn finish(transaction: Transaction<'_>, pending: Pending, applied: u64) -> rusqlite::Result<()> {
    let sealed = pending.seal();
    let (populated, but_changes, applied) =
        if sealed { (Some("true"), None, 0) } else { (None, Some("true"), applied) };
    schema::set(&transaction, POPULATED, populated)?;
    schema::set(&transaction, POPULATED_BUT_CHANGES, but_changes)?;
    schema::set(&transaction, APPLIED, Some(applied.to_string().as_str()))?;
    transaction.commit()?;
    if sealed {
        pending.clear();
    }
    Ok(())
}

/// Brings the rows of an item in line with its files: those of some versions, or all.
fn update(
    store: &DataStore,
    connection: &Connection,
    key: &ItemKey,
    versions: Option<&[u64]>,
    unreadable: &mut Vec<(ItemKey, u64)>,
) -> Result<(), Fault> {
    let model = [key.model.type_name.as_str(), key.model.id.as_str(), key.name.as_str()];
    let remove = || -> rusqlite::Result<usize> {
        connection
            .prepare_cached(
                "DELETE FROM catalog
                 WHERE type_normalized = ?1 AND model_id = ?2 AND data_name = ?3",
            )?
            .execute(model)
    };
    let Some(latest) = store.latest_number(key)? else {
        remove()?;
        return Ok(());
    };
    let newest = store.version(key, latest);
    match &newest {
        Ok(Some(newest)) if newest.metadata.deleted => {
            // A deleted or renamed item is hidden with all its versions.
            remove()?;
            return Ok(());
        }
        // The pointer leads nowhere: there is no such item.
        Ok(None) => {
            remove()?;
            return Ok(());
        }
        Err(_) if versions.is_some_and(|versions| !versions.contains(&latest)) => {
            unreadable.push((key.clone(), latest));
        }
        Ok(Some(_)) | Err(_) => {}
    }
    let known: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM catalog
             WHERE type_normalized = ?1 AND model_id = ?2 AND data_name = ?3)",
        )?
        .query_row(model, |row| row.get(0))?;
    let all;
    let versions = match versions {
        // An item that was hidden until now has versions the catalog forgot.
        Some(versions) if known => versions,
        _ => {
            remove()?;
            all = store.version_numbers(key)?;
            &all
        }
    };
    for version in versions {
        let other;
        let found = if *version == latest {
            &newest
        } else {
            other = store.version(key, *version);
            &other
        };
        match found {
            Ok(Some(found)) if !found.metadata.deleted => {
                insert(connection, found, *version == latest)?;
                continue;
            }
            Ok(_) => {}
            Err(_) => unreadable.push((key.clone(), *version)),
        }
        connection
            .prepare_cached(
                "DELETE FROM catalog
                 WHERE type_normalized = ?1 AND model_id = ?2 AND data_name = ?3 AND version = ?4",
            )?
            .execute(params![model[0], model[1], model[2], signed(*version)])?;
    }
    connection
        .prepare_cached(
            "UPDATE catalog SET is_latest = (version = ?4)
             WHERE type_normalized = ?1 AND model_id = ?2 AND data_name = ?3
               AND is_latest != (version = ?4)",
        )?
        .execute(params![model[0], model[1], model[2], signed(latest)])?;
    Ok(())
}

fn insert(
    connection: &Connection,
    version: &StoredVersion,
    is_latest: bool,
) -> rusqlite::Result<()> {
    let metadata = &version.metadata;
    let owner = &metadata.owner;
    connection
        .prepare_cached(
            "INSERT INTO catalog (
                 type_normalized, model_id, data_name, id, version, is_latest, model_name,
                 spec_name, data_type, content_type, lifetime, owner_type, streaming, size,
                 created_at, tags, owner_ref, workflow_run_id, workflow_name, job_name, step_name,
                 source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, ?19, ?20, ?21, ?22)
             ON CONFLICT (type_normalized, model_id, data_name, version) DO UPDATE SET
                 id = excluded.id, is_latest = excluded.is_latest,
                 model_name = excluded.model_name, spec_name = excluded.spec_name,
                 data_type = excluded.data_type, content_type = excluded.content_type,
                 lifetime = excluded.lifetime, owner_type = excluded.owner_type,
                 streaming = excluded.streaming, size = excluded.size,
                 created_at = excluded.created_at, tags = excluded.tags,
                 owner_ref = excluded.owner_ref, workflow_run_id = excluded.workflow_run_id,
                 workflow_name = excluded.workflow_name, job_name = excluded.job_name,
                 step_name = excluded.step_name, source = excluded.source",
        )?
        .execute(params![
            version.key.model.type_name.as_str(),
            version.key.model.id.as_str(),
            version.key.name.as_str(),
            metadata.id.as_str(),
            signed(metadata.version),
            is_latest,
            metadata.model_name(),
            metadata.spec_name(),
            metadata.data_type(),
            metadata.content_type,
            metadata.lifetime.to_string(),
            owner.kind.as_str(),
            metadata.streaming,
            signed(metadata.size.unwrap_or(0)),
            metadata.created_at.to_string(),
            tags_value(&metadata.tags).to_string(),
            owner.reference,
            owner.workflow_run_id.as_ref().map_or("", RunId::as_str),
            owner.workflow_name.as_ref().map_or("", WorkflowName::as_str),
            owner.job_name.as_ref().map_or("", JobName::as_str),
            owner.step_name.as_ref().map_or("", StepName::as_str),
            owner.source.as_deref().unwrap_or(""),
        ])?;
    Ok(())
}

/// The database's integers have a sign. No version or size comes near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Versions whose metadata could not be read when the catalog last looked at them.
pub(super) fn unreadable(connection: &Connection) -> rusqlite::Result<Vec<(ItemKey, u64)>> {
    let Some(text) = schema::get(connection, UNREADABLE)? else { return Ok(Vec::new()) };
    let list: Vec<(String, String, String, u64)> = serde_json::from_str(&text).unwrap_or_default();
    Ok(list
        .into_iter()
        .map(|(type_name, id, name, version)| {
            let key = ItemKey::new(
                TypeName::normalised(&type_name),
                DefinitionId::new(id),
                DataName::new(name),
            );
            (key, version)
        })
        .collect())
}

fn set_unreadable(connection: &Connection, unreadable: &[(ItemKey, u64)]) -> rusqlite::Result<()> {
    let list: Vec<_> = unreadable
        .iter()
        .map(|(key, version)| {
            let ItemKey { model, name } = key;
            serde_json::json!([model.type_name.as_str(), model.id.as_str(), name.as_str(), version])
        })
        .collect();
    let text = (!list.is_empty()).then(|| serde_json::Value::from(list).to_string());
    schema::set(connection, UNREADABLE, text.as_deref())
}
