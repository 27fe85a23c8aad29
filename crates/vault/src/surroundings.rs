//! What vaults know about the world, and the places they may keep secrets in.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use swamp_expr::EnvSource;

use crate::VaultConfig;
use crate::error::{Result, VaultError};

/// Where containers find the secrets that are mounted for them.
const MOUNTS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// What vaults know about the world.
#[derive(Clone)]
pub struct Surroundings {
    /// The repository, absolute.
    pub root: PathBuf,
    /// Where `~/` leads.
    pub home: Option<PathBuf>,
    /// The environment.
    pub env: Arc<dyn EnvSource + Send + Sync>,
    /// Directories outside the repository in which vaults may keep secrets.
    pub outside: Vec<PathBuf>,
    /// Whether to give up waiting.
    pub stop: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The vault for sensitive data that names none: `defaultVault` of the marker.
    pub default_vault: Option<String>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// A path of a setting: `~/` is the home directory, relative ones start at the repository.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        let path = match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.root.join(text),
        };
        let mut plain = PathBuf::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    plain.pop();
                }
                other => plain.push(other),
            }
        }
        plain
    }

    /// Whether secrets may be kept at a place, symbolic links followed as far as there are any.
    pub(crate) fn may_keep_secrets_in(&self, path: &Path) -> bool {
        let path = real(path);
        let allowed = MOUNTS.iter().map(Path::new).chain(self.outside.iter().map(PathBuf::as_path));
        std::iter::once(self.root.as_path())
            .chain(allowed)
            .any(|allowed| path.starts_with(real(allowed)))
    }

    /// Refuses a place that this repository has no business with.
    pub(crate) fn check(
        &self,
        vault: &VaultConfig,
        field: &'static str,
        path: &Path,
    ) -> Result<()> {
        if self.may_keep_secrets_in(path) {
            return Ok(());
        }
        Err(VaultError::Outside {
            vault: vault.name.clone(),
            field,
            path: path.to_owned(),
            config: vault.path.clone(),
        })
    }
}

/// The path with the symbolic links of its existing part followed.
pub(crate) fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        // A link that leads nowhere yet leads somewhere we cannot tell.
        _ if path.is_symlink() => PathBuf::new(),
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}
