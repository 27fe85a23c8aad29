//! Making a directory a repository, and bringing an older one up to date.

use std::path::{Path, PathBuf};

use serde_json::Value;
use swamp_ident::{Clock, IdSource};

use crate::Result;

/// An AI tool that can be enrolled in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// Claude Code.
    Claude,
    /// Cursor.
    Cursor,
    /// opencode.
    OpenCode,
    /// Codex.
    Codex,
    /// GitHub Copilot.
    Copilot,
    /// Kiro.
    Kiro,
}

/// Which tools the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSelection(Vec<Tool>);

/// What `init` is asked to do.
#[derive(Clone, Debug)]
pub struct InitOptions<'a> {
    /// Start over if there is a repository already.
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
}

impl InitReport {
    /// The JSON document of `swamp init --json`.
    pub fn to_json(&self) -> Value {
        todo!()
    }
}

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
}

impl UpgradeReport {
    /// The JSON document of `swamp repo upgrade --json`.
    pub fn to_json(&self) -> Value {
        todo!()
    }
}

/// Makes `path` a repository.
pub fn init(
    path: &Path,
    options: &InitOptions<'_>,
    clock: &dyn Clock,
    ids: &dyn IdSource,
) -> Result<InitReport> {
    let _ = (path, options, clock, ids);
    todo!()
}

/// Brings the repository at `path` up to date.
pub fn upgrade(
    path: &Path,
    options: &UpgradeOptions<'_>,
    clock: &dyn Clock,
) -> Result<UpgradeReport> {
    let _ = (path, options, clock);
    todo!()
}
