//! The AI tools that can be enrolled in a repository, and where each of them looks for texts.

use std::fmt;

use crate::error::{Result, StoreError};

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

/// The file that tells a tool how to work in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// A section of a file that may hold other things.
    Section(&'static str),
    /// A file of its own, with these lines at its head.
    File(&'static str, &'static str),
}

impl Tool {
    /// Every tool, in the order of documentation.
    pub const ALL: [Self; 6] =
        [Self::Claude, Self::Cursor, Self::OpenCode, Self::Codex, Self::Copilot, Self::Kiro];

    /// The word for it in options and in the marker.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Cursor => "cursor",
            Self::OpenCode => "opencode",
            Self::Codex => "codex",
            Self::Copilot => "copilot",
            Self::Kiro => "kiro",
        }
    }

    /// The tool for a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    /// Where its skills go, relative to the repository.
    pub const fn skills_dir(self) -> &'static str {
        match self {
            Self::Claude => ".claude/skills",
            Self::Cursor => ".cursor/skills",
            Self::OpenCode | Self::Codex | Self::Copilot => ".agents/skills",
            Self::Kiro => ".kiro/skills",
        }
    }

    /// The file with its instructions, relative to the repository.
    pub const fn instructions_file(self) -> &'static str {
        match self.instructions() {
            Instructions::Section(path) | Instructions::File(path, _) => path,
        }
    }

    pub(crate) const fn instructions(self) -> Instructions {
        match self {
            Self::Claude => Instructions::Section("CLAUDE.md"),
            Self::Cursor => {
                Instructions::File(".cursor/rules/swamp.mdc", "---\nalwaysApply: true\n---\n\n")
            }
            Self::OpenCode | Self::Codex | Self::Copilot => Instructions::Section("AGENTS.md"),
            Self::Kiro => Instructions::File(
                ".kiro/steering/swamp-rules.md",
                "---\ninclusion: always\n---\n\n",
            ),
        }
    }

    /// What it keeps in the repository that does not belong into version control.
    pub(crate) const fn ignored(self) -> &'static [&'static str] {
        match self {
            Self::Claude => &[
                ".claude/worktrees/",
                ".claude/settings.local.json",
                ".claude/scheduled_tasks.lock",
                ".claude/scheduled_tasks.json",
            ],
            Self::Cursor => &[".cursor/skills/"],
            Self::OpenCode | Self::Codex | Self::Copilot => &[".agents/skills/"],
            Self::Kiro => &[".kiro/skills/"],
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which tools the user asked for: each once, in the order of the first mention. May be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSelection(Vec<Tool>);

impl ToolSelection {
    /// Reads the values of `--tool`. The word `none` stands alone for no tool at all.
    pub fn parse(names: &[&str]) -> Result<Self> {
        if names.contains(&"none") {
            return if names.iter().all(|name| *name == "none") {
                Ok(Self(Vec::new()))
            } else {
                Err(StoreError::Usage(
                    "Cannot combine --tool none with other --tool values. Use --tool none alone to clear the enrolled tool list."
                        .to_owned(),
                ))
            };
        }
        let mut tools = Vec::new();
        for name in names {
            let tool = Tool::from_name(name).ok_or_else(|| {
                let known = Tool::ALL.map(|tool| format!("\"{tool}\"")).join(", ");
                StoreError::Usage(format!(
                    "\"{name}\" is not a tool that --tool knows. Expected values: {known}, \"none\""
                ))
            })?;
            if !tools.contains(&tool) {
                tools.push(tool);
            }
        }
        Ok(Self(tools))
    }

    /// The tools.
    pub fn tools(&self) -> &[Tool] {
        &self.0
    }
}

/// What `init` enrols when it is not told.
impl Default for ToolSelection {
    fn default() -> Self {
        Self(vec![Tool::Claude])
    }
}

/// The old scalar form of a list of tools: `none`, the only one, or nothing for several.
pub(crate) fn scalar<T: AsRef<str>>(tools: &[T]) -> serde_json::Value {
    match tools {
        [] => "none".into(),
        [tool] => tool.as_ref().into(),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_keep_the_first_mention_and_none_stands_alone() {
        let parse = |names: &[&str]| ToolSelection::parse(names).map_err(|error| error.to_string());
        assert_eq!(parse(&["none"]), Ok(ToolSelection(vec![])));
        assert_eq!(parse(&["none", "none"]), Ok(ToolSelection(vec![])));
        let want = ToolSelection(vec![Tool::Kiro, Tool::Claude]);
        assert_eq!(parse(&["kiro", "claude", "kiro"]), Ok(want));
        assert!(parse(&["none", "cursor"]).unwrap_err().starts_with("Cannot combine"));
        let error = parse(&["teletype"]).unwrap_err();
        assert!(error.contains("\"teletype\"") && error.contains("\"opencode\""), "{error}");
        for tool in Tool::ALL {
            assert_eq!(Tool::from_name(tool.as_str()), Some(tool));
        }
    }
}
