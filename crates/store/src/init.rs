//! Making a directory a repository.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use swamp_ident::{Clock, IdSource, Timestamp};

use crate::error::{Result, StoreError};
use crate::managed_section::{self, FileAction, GITIGNORE};
use crate::tools::{self, ToolSelection};
use crate::{Marker, RepoPaths, repository, scaffold};

/// The directories of a new repository, relative to it.
const DIRECTORIES: [&str; 10] = [
    "models",
    "workflows",
    "vaults",
    ".swamp/data",
    ".swamp/outputs",
    ".swamp/workflow-runs",
    ".swamp/workflows-evaluated",
    ".swamp/definitions-evaluated",
    ".swamp/audit",
    ".swamp/vault-bundles",
];

/// Those that only their owner may look into.
const PRIVATE_DIRECTORIES: [&str; 2] = [".swamp/secrets", ".swamp/telemetry"];

/// What `init` is asked to do.
#[derive(Clone, Debug)]
pub struct InitOptions<'a> {
    /// Start over if there is a repository already: a new id, a new time of initialisation, the
    /// tools given here. Settings in the marker stay.
    pub force: bool,
    /// The tools to enrol.
    pub tools: ToolSelection,
    /// The version to write into the marker.
    pub version: &'a str,
}

/// What `init` did.
#[derive(Clone, Debug)]
pub struct InitReport {
    /// The repository, absolute.
    pub path: PathBuf,
    /// The version in the marker.
    pub version: String,
    /// The time in the marker.
    pub initialized_at: Timestamp,
    /// The skills that were written.
    pub skills_copied: Vec<String>,
    /// Whether a file with instructions was written or got a section.
    pub instructions_file_created: bool,
    /// Whether settings of a tool were written.
    pub settings_created: bool,
    /// What became of `.gitignore`.
    pub gitignore_action: FileAction,
    /// The enrolled tools.
    pub tools: Vec<String>,
    /// Tools that were enrolled before and are not any more. Their files stay.
    pub removed_tools: Vec<String>,
}

impl InitReport {
    /// The JSON document of `swamp init --json`.
    pub fn to_json(&self) -> Value {
        json!({
            "path": self.path.to_string_lossy(),
            "version": self.version,
            "initializedAt": self.initialized_at.to_string(),
            "skillsCopied": self.skills_copied,
            "instructionsFileCreated": self.instructions_file_created,
            "settingsCreated": self.settings_created,
            "gitignoreAction": self.gitignore_action.as_str(),
            "tools": self.tools,
            "removedTools": self.removed_tools,
            "tool": tools::scalar(&self.tools),
        })
    }
}

/// Makes the directory at `path`, an absolute path, a repository. It is created if it does not
/// exist. The marker is written last, so a directory where this failed is not a repository.
///
/// Fails with [`StoreError::AlreadyInitialized`] if it is one already and `force` is not set.
pub fn init(
    path: &Path,
    options: &InitOptions<'_>,
    clock: &dyn Clock,
    ids: &dyn IdSource,
) -> Result<InitReport> {
    let root = repository::absolute(path, Path::new("/"));
    let paths = RepoPaths::new(&root);
    let old = match Marker::read(&paths.marker()) {
        Err(StoreError::Invalid { .. }) if options.force => None,
        read => read?,
    };
    let old_tools: Vec<String> =
        old.iter().flat_map(Marker::tools).map(ToOwned::to_owned).collect();
    if old.is_some() && !options.force {
        let tools = if old_tools.is_empty() { "none".to_owned() } else { old_tools.join(", ") };
        return Err(StoreError::AlreadyInitialized { path: root, tools });
    }

    for directory in DIRECTORIES {
        let directory = root.join(directory);
        fs::create_dir_all(&directory).map_err(StoreError::io("create directory", &directory))?;
    }
    for directory in PRIVATE_DIRECTORIES {
        let directory = root.join(directory);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(StoreError::io("create directory", &directory))?;
    }
    let enrolled = options.tools.tools();
    let gitignore_action =
        managed_section::put(&paths.gitignore(), GITIGNORE, &scaffold::gitignore(enrolled))?;
    let written = scaffold::write(&root, enrolled)?;

    let initialized_at = clock.now().wall;
    let tools: Vec<String> = enrolled.iter().map(ToString::to_string).collect();
    let mut keys = Map::new();
    keys.insert("swampVersion".to_owned(), options.version.into());
    keys.insert("initializedAt".to_owned(), initialized_at.to_string().into());
    keys.insert("repoId".to_owned(), ids.uuid().to_string().into());
    keys.insert("tools".to_owned(), tools.clone().into());
    keys.insert("gitignoreManaged".to_owned(), true.into());
    for (key, value) in old.iter().flat_map(Marker::keys) {
        if !keys.contains_key(key) && key != "tool" && key != "upgradedAt" {
            keys.insert(key.clone(), value.clone());
        }
    }
    Marker::write(&paths.marker(), keys)?;
    Ok(InitReport {
        path: root,
        version: options.version.to_owned(),
        initialized_at,
        skills_copied: written.skills,
        instructions_file_created: written.instructions,
        settings_created: written.settings,
        gitignore_action,
        removed_tools: old_tools.into_iter().filter(|tool| !tools.contains(tool)).collect(),
        tools,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use swamp_ident::{RandomIds, SystemClock};

    use super::*;

    fn run(path: &Path, force: bool, names: &[&str]) -> Result<InitReport> {
        let tools = ToolSelection::parse(names)?;
        let options = InitOptions { force, tools, version: "1.2.3" };
        init(path, &options, &SystemClock::new(), &RandomIds)
    }

    fn marker(root: &Path) -> Marker {
        Marker::read(&root.join(".swamp.yaml")).unwrap().unwrap()
    }

    #[test]
    fn an_empty_directory_becomes_a_repository() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("sites/berlin");
        let report = run(&root.join("../berlin"), false, &["none"]).unwrap();
        assert_eq!(
            report.to_json(),
            json!({
                "path": root.to_str().unwrap(),
                "version": "1.2.3",
                "initializedAt": report.initialized_at.to_string(),
                "skillsCopied": [],
                "instructionsFileCreated": false,
                "settingsCreated": false,
                "gitignoreAction": "created",
                "tools": [],
                "removedTools": [],
                "tool": "none",
            })
        );
        let keys: Vec<String> = marker(&root).keys().keys().cloned().collect();
        assert_eq!(keys, ["swampVersion", "initializedAt", "repoId", "tools", "gitignoreManaged"]);
        assert!(root.join(".swamp/workflow-runs").is_dir() && root.join("vaults").is_dir());
        let mode = fs::metadata(root.join(".swamp/secrets")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let names: Vec<_> =
            fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 6, "{names:?}");
    }

    #[test]
    fn a_second_time_needs_force_and_keeps_settings() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        run(root, false, &["claude", "codex"]).unwrap();
        let before = marker(root);
        let path = root.join(".swamp.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + "telemetryDisabled: true\nupgradedAt: x\n").unwrap();
        let error = run(root, false, &["none"]).unwrap_err().to_string();
        assert!(error.contains("(tools: claude, codex)"), "{error}");

        let report = run(root, true, &["codex"]).unwrap();
        assert_eq!(report.removed_tools, ["claude"]);
        assert_eq!(report.to_json()["tool"], "codex");
        assert_eq!(report.gitignore_action, FileAction::Updated);
        let after = marker(root);
        assert_ne!(after.repo_id(), before.repo_id());
        assert!(after.telemetry_disabled());
        assert!(!after.keys().contains_key("upgradedAt"));
    }

    #[test]
    fn a_broken_marker_is_an_error_that_force_overcomes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".swamp.yaml");
        fs::write(&path, "- x\n").unwrap();
        let error = run(directory.path(), false, &["none"]).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        run(directory.path(), true, &["none"]).unwrap();
        assert!(marker(directory.path()).repo_id().is_some());
    }

    #[test]
    fn a_directory_where_it_failed_is_not_a_repository() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".swamp"), "in the way").unwrap();
        let error = run(directory.path(), false, &["none"]).unwrap_err().to_string();
        assert!(error.contains(".swamp/data"), "{error}");
        assert!(!directory.path().join(".swamp.yaml").exists());
    }
}
