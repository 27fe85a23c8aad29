//! A repository in a temporary directory, and its vaults.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_expr::EnvSource;
use swamp_ident::Timestamp;
use swamp_vault::{Provider, Surroundings, VaultError, VaultType, Vaults};

pub(crate) struct Env(pub(crate) BTreeMap<String, String>);

impl EnvSource for Env {
    fn var(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

pub(crate) struct Repo {
    _dir: tempfile::TempDir,
    pub(crate) root: PathBuf,
    pub(crate) around: Surroundings,
}

impl Repo {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let (root, home) = (base.join("repo"), base.join("home"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&home).unwrap();
        let env = [("APP_TOKEN", "t"), ("APP_", "no key"), ("OTHER", "o")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let around = Surroundings {
            root: root.clone(),
            home: Some(home),
            env: Arc::new(Env(env)),
            outside: Vec::new(),
            stop: Arc::new(|| false),
            default_vault: None,
        };
        Self { _dir: dir, root, around }
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    pub(crate) fn vaults(&self) -> Vaults {
        Vaults::new(self.around.clone())
    }

    /// Writes the file of a vault without any check, as a clone brings it.
    pub(crate) fn vault_file(&self, ty: &str, name: &str, config: &Value) {
        let text = format!(
            "id: id-of-{name}\nname: {name}\ntype: {ty}\nconfig: {config}\ncreatedAt: '2026-03-01T00:00:00.000Z'\n"
        );
        let path = self.root.join("vaults").join(ty).join(format!("{name}.yaml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn open(&self, name: &str) -> Result<Box<dyn Provider>, VaultError> {
        let vaults = self.vaults();
        vaults.open(&vaults.find(name)?)
    }

    pub(crate) fn create(&self, ty: VaultType, name: &str, config: Value) -> Box<dyn Provider> {
        let config: Option<Map<String, Value>> = match config {
            Value::Object(config) => Some(config),
            _ => None,
        };
        let id = format!("id-of-{name}");
        self.vaults().create(ty, name, config, id, now()).unwrap();
        self.open(name).unwrap()
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-26T20:00:00.000Z").unwrap()
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The error of something that must not work.
pub(crate) fn refused<T>(result: Result<T, VaultError>) -> String {
    match result {
        Ok(_) => panic!("it worked"),
        Err(error) => error.to_string(),
    }
}
