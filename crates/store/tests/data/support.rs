//! A repository in a temporary directory and short ways to write and look.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use swamp_ident::{DataId, DataName, DefinitionId, Timestamp, TypeName};
use swamp_store::{
    Body, Content, DataOwner, DataStore, ItemKey, Lifetime, ModelKey, NewVersion, RecordPredicate,
    RepoPaths, Retention, StoredVersion,
};
use tempfile::TempDir;

pub(crate) const MODEL: &str = "95fa001e-7202-4667-81f4-66c21eddafdc";

pub(crate) struct Repo {
    pub(crate) directory: TempDir,
    pub(crate) store: DataStore,
}

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn model(id: &str) -> ModelKey {
    ModelKey { type_name: TypeName::normalised("command/shell"), id: DefinitionId::new(id) }
}

pub(crate) fn key(name: &str) -> ItemKey {
    ItemKey { model: model(MODEL), name: DataName::new(name) }
}

/// A fresh id that looks like the others.
pub(crate) fn fresh_id() -> DataId {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    DataId::new(format!("4b4b4b4b-0000-4000-8000-{number:012}"))
}

pub(crate) fn new_version(key: ItemKey) -> NewVersion {
    NewVersion {
        id: fresh_id(),
        content_type: "application/json".to_owned(),
        lifetime: Lifetime::Infinite,
        garbage_collection: Retention::Newest(10),
        streaming: false,
        tags: [("type", "resource"), ("specName", "result"), ("modelName", "probe")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        owner: DataOwner::model(key.model.id.as_str()),
        created_at: time("2026-11-22T10:00:00.000Z"),
        key,
    }
}

impl Repo {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Self::store_at(directory.path().to_owned());
        Self { directory, store }
    }

    pub(crate) fn store_at(root: PathBuf) -> DataStore {
        DataStore::new(RepoPaths::new(root))
    }

    /// The data as another process sees it.
    pub(crate) fn other(&self) -> DataStore {
        Self::store_at(self.directory.path().to_owned())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub(crate) fn item(&self, name: &str) -> PathBuf {
        self.path(&format!(".swamp/data/command/shell/{MODEL}/{name}"))
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.path(".swamp/data/_catalog.db")
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> StoredVersion {
        put(&self.store, name, content)
    }

    /// Writes a version as other programs may have left it.
    pub(crate) fn plant(&self, name: &str, version: u64, metadata: &str, raw: &str) {
        let directory = self.item(name).join(version.to_string());
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("metadata.yaml"), metadata).unwrap();
        fs::write(directory.join("raw"), raw).unwrap();
    }

    pub(crate) fn latest_text(&self, name: &str) -> String {
        self.store.latest(&key(name)).unwrap().unwrap().text().unwrap()
    }

    /// The names of the items that are listed.
    pub(crate) fn listed(&self) -> Vec<String> {
        listed(&self.store)
    }

    /// `name` and `version` of everything a query for all versions gives.
    pub(crate) fn queried(&self) -> Vec<String> {
        queried(&self.store, false)
    }

    /// The entries of an item's directory, sorted.
    pub(crate) fn entries(&self, name: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.item(name))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn put(store: &DataStore, name: &str, content: &str) -> StoredVersion {
    store.write(&new_version(key(name)), Content::Bytes(content.as_bytes())).unwrap()
}

pub(crate) fn listed(store: &DataStore) -> Vec<String> {
    let listing = store.list(&model(MODEL)).unwrap();
    assert!(listing.warnings.is_empty(), "{:?}", listing.warnings);
    listing.items.iter().map(|item| item.key.name.as_str().to_owned()).collect()
}

/// `name version` of what a query gives, `*` marking newest versions; sorted.
pub(crate) fn queried(store: &DataStore, latest_only: bool) -> Vec<String> {
    let result = store.query(&Everything { latest_only }, None).unwrap();
    assert!(result.warnings.is_empty(), "{:?}", result.warnings);
    let mut names: Vec<_> = result.records.iter().map(short).collect();
    names.sort();
    names
}

pub(crate) fn short(record: &Value) -> String {
    let mark = if record["isLatest"] == true { "*" } else { "" };
    format!("{} {}{mark}", record["name"].as_str().unwrap(), record["version"])
}

pub(crate) struct Everything {
    pub(crate) latest_only: bool,
}

impl RecordPredicate for Everything {
    fn latest_only(&self) -> bool {
        self.latest_only
    }
    fn body(&self) -> Body {
        Body::ALL
    }
    fn matches(&self, _record: &Value) -> bool {
        true
    }
}
