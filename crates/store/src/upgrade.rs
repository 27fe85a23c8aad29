//! Bringing an older repository up to date.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use swamp_ident::{Clock, Timestamp};

use crate::error::{Result, StoreError};
use crate::managed_section::{self, FileAction, GITIGNORE};
use crate::tools::{self, Tool, ToolSelection};
use crate::{Marker, RepoPaths, legacy, repository, scaffold};

/// What `upgrade` is asked to do.
#[derive(Clone, Debug)]
pub struct UpgradeOptions<'a> {
    /// Replaces the enrolled tools; `None` keeps them.
    pub tools: Option<ToolSelection>,
    /// Start managing the section in `.gitignore`.
    pub include_gitignore: bool,
    /// The version to write into the marker.
    pub version: &'a str,
}

/// What `upgrade` did.
#[derive(Clone, Debug)]
pub struct UpgradeReport {
    /// The repository, absolute.
    pub path: PathBuf,
    /// The version that was in the marker.
    pub previous_version: String,
    /// The version that is there now.
    pub new_version: String,
    /// The time that is there now.
    pub upgraded_at: Timestamp,
    /// The skills that were written because they were missing or different.
    pub skills_updated: Vec<String>,
    /// Whether a file with instructions was written.
    pub instructions_updated: bool,
    /// Whether settings of a tool were written.
    pub settings_updated: bool,
    /// What became of `.gitignore`.
    pub gitignore_action: FileAction,
    /// The tools that were enrolled.
    pub previous_tools: Vec<String>,
    /// The tools that are enrolled.
    pub tools: Vec<String>,
}

impl UpgradeReport {
    /// Tools that are enrolled now and were not.
    pub fn added_tools(&self) -> Vec<&str> {
        only_in(&self.tools, &self.previous_tools)
    }

    /// Tools that were enrolled and are not any more. Their files stay.
    pub fn removed_tools(&self) -> Vec<&str> {
        only_in(&self.previous_tools, &self.tools)
    }

    /// The JSON document of `swamp repo upgrade --json`.
    pub fn to_json(&self) -> Value {
        json!({
            "path": self.path.to_string_lossy(),
            "previousVersion": self.previous_version,
            "newVersion": self.new_version,
            "upgradedAt": self.upgraded_at.to_string(),
            "skillsUpdated": self.skills_updated,
            "instructionsUpdated": self.instructions_updated,
            "settingsUpdated": self.settings_updated,
            "gitignoreAction": self.gitignore_action.as_str(),
            "previousTools": self.previous_tools,
            "tools": self.tools,
            "addedTools": self.added_tools(),
            "removedTools": self.removed_tools(),
            // Nothing is installed from elsewhere; the keys are there for programs that read them.
            "extensionsToReinstall": [],
            "tool": tools::scalar(&self.tools),
            "extensionInstall": {
                "entries": [], "installed": 0, "migrated": 0, "upToDate": 0, "failed": 0,
            },
        })
    }
}

fn only_in<'a>(these: &'a [String], others: &[String]) -> Vec<&'a str> {
    these.iter().filter(|name| !others.contains(name)).map(String::as_str).collect()
}

/// Brings the repository at `path`, an absolute path, up to date.
///
/// Fails with [`StoreError::NothingToUpgrade`] if there is no repository.
pub fn upgrade(
    path: &Path,
    options: &UpgradeOptions<'_>,
    clock: &dyn Clock,
) -> Result<UpgradeReport> {
    let root = repository::absolute(path, Path::new("/"));
    let paths = RepoPaths::new(&root);
    let Some(marker) = Marker::read(&paths.marker())? else {
        return Err(StoreError::NothingToUpgrade { path: root });
    };
    let previous_tools: Vec<String> = marker.tools().into_iter().map(ToOwned::to_owned).collect();
    let tools: Vec<String> = match &options.tools {
        Some(selection) => selection.tools().iter().map(ToString::to_string).collect(),
        // Including those that only other versions know.
        None => previous_tools.clone(),
    };
    let enrolled: Vec<Tool> = tools.iter().filter_map(|name| Tool::from_name(name)).collect();

    legacy::migrate(&paths)?;
    let managed = options.include_gitignore || marker.gitignore_managed();
    let gitignore_action = if managed {
        managed_section::put(&paths.gitignore(), GITIGNORE, &scaffold::gitignore(&enrolled))?
    } else {
        FileAction::Skipped
    };
    let written = scaffold::write(&root, &enrolled)?;

    let upgraded_at = clock.now().wall;
    let mut changes = vec![
        ("swampVersion", Some(Value::from(options.version))),
        ("tool", None),
        ("tools", Some(Value::from(tools.clone()))),
        ("upgradedAt", Some(Value::from(upgraded_at.to_string()))),
    ];
    if options.include_gitignore {
        changes.push(("gitignoreManaged", Some(Value::Bool(true))));
    }
    Marker::update(&paths.marker(), &changes)?;
    Ok(UpgradeReport {
        path: root,
        previous_version: marker.version().unwrap_or("unknown").to_owned(),
        new_version: options.version.to_owned(),
        upgraded_at,
        skills_updated: written.skills,
        instructions_updated: written.instructions,
        settings_updated: written.settings,
        gitignore_action,
        previous_tools,
        tools,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use swamp_ident::SystemClock;

    use super::*;

    fn run(root: &Path, tools: Option<&[&str]>, include_gitignore: bool) -> Result<UpgradeReport> {
        let tools = tools.map(ToolSelection::parse).transpose()?;
        let options = UpgradeOptions { tools, include_gitignore, version: "2.0.0" };
        upgrade(root, &options, &SystemClock::new())
    }

    #[test]
    fn only_what_changes_is_written_and_comments_stay() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let path = root.join(".swamp.yaml");
        fs::write(&path, "# by hand\nswampVersion: 1.0.0\ntool: none\nownedBy: netops # us\n")
            .unwrap();
        let report = run(root, None, false).unwrap();
        let at = report.upgraded_at;
        assert_eq!(
            report.to_json(),
            json!({
                "path": root.to_str().unwrap(),
                "previousVersion": "1.0.0",
                "newVersion": "2.0.0",
                "upgradedAt": at.to_string(),
                "skillsUpdated": [],
                "instructionsUpdated": false,
                "settingsUpdated": false,
                "gitignoreAction": "skipped",
                "previousTools": [],
                "tools": [],
                "addedTools": [],
                "removedTools": [],
                "extensionsToReinstall": [],
                "tool": "none",
                "extensionInstall": {"entries": [], "installed": 0, "migrated": 0, "upToDate": 0, "failed": 0},
            })
        );
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!(
                "# by hand\nswampVersion: 2.0.0\nownedBy: netops # us\ntools: []\nupgradedAt: '{at}'\n"
            )
        );
        assert_eq!(fs::read_dir(root).unwrap().count(), 1);
    }

    #[test]
    fn tools_and_the_gitignore_follow_the_options() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join(".swamp.yaml"), "tools: [claude, future]\n").unwrap();
        let report = run(root, None, true).unwrap();
        assert_eq!(report.tools, ["claude", "future"]);
        assert_eq!(report.previous_version, "unknown");
        assert_eq!(report.gitignore_action, FileAction::Created);
        assert!(report.instructions_updated && report.settings_updated);
        assert!(root.join(".claude/skills/swamp-model/SKILL.md").is_file());

        let report = run(root, Some(&["cursor"]), false).unwrap();
        assert_eq!(report.added_tools(), ["cursor"]);
        assert_eq!(report.removed_tools(), ["claude", "future"]);
        assert_eq!(report.gitignore_action, FileAction::Updated);
        let report = run(root, None, false).unwrap();
        assert_eq!(report.gitignore_action, FileAction::Unchanged);
        assert!(report.skills_updated.is_empty());
    }

    #[test]
    fn there_must_be_a_repository() {
        let directory = tempfile::tempdir().unwrap();
        let error = run(directory.path(), None, false).unwrap_err().to_string();
        assert!(error.ends_with("Run 'swamp repo init' first."), "{error}");
    }
}
