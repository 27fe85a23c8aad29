//! What an enrolled AI tool gets: skills, instructions and, where it has them, settings.
//!
//! The texts are part of the program, so that they describe the program that wrote them.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use crate::atomic;
use crate::error::{Result, StoreError};
use crate::managed_section::{self, MARKDOWN};
use crate::tools::{Instructions, Tool};

/// Skills by name. Each is a directory with one file, `SKILL.md`.
const SKILLS: [(&str, &str); 7] = [
    ("swamp-getting-started", include_str!("scaffold/skills/swamp-getting-started.md")),
    ("swamp-model", include_str!("scaffold/skills/swamp-model.md")),
    ("swamp-workflow", include_str!("scaffold/skills/swamp-workflow.md")),
    ("swamp-data", include_str!("scaffold/skills/swamp-data.md")),
    ("swamp-telemetry", include_str!("scaffold/skills/swamp-telemetry.md")),
    ("swamp-repo", include_str!("scaffold/skills/swamp-repo.md")),
    ("swamp-troubleshooting", include_str!("scaffold/skills/swamp-troubleshooting.md")),
];

const INSTRUCTIONS: &str = include_str!("scaffold/instructions.md");

/// Commands that only look, which a tool may run without asking.
const HARMLESS: [&str; 12] = [
    "model get",
    "model search",
    "model validate",
    "model type",
    "model method describe",
    "workflow get",
    "workflow search",
    "workflow validate",
    "data get",
    "data list",
    "telemetry stats",
    "version",
];

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Names of skills, each once.
    pub(crate) skills: Vec<String>,
    pub(crate) instructions: bool,
    pub(crate) settings: bool,
}

/// Writes everything for some tools that is not there yet or has changed.
pub(crate) fn write(root: &Path, tools: &[Tool]) -> Result<Written> {
    let mut written = Written::default();
    for tool in tools {
        for (name, text) in SKILLS {
            let path = root.join(tool.skills_dir()).join(name).join("SKILL.md");
            if put_file(&path, text)? && !written.skills.iter().any(|other| other == name) {
                written.skills.push(name.to_owned());
            }
        }
        written.instructions |= match tool.instructions() {
            Instructions::Section(path) => {
                managed_section::put(&root.join(path), MARKDOWN, INSTRUCTIONS)?.wrote()
            }
            Instructions::File(path, head) => {
                put_file(&root.join(path), &format!("{head}{INSTRUCTIONS}"))?
            }
        };
        if *tool == Tool::Claude {
            written.settings |= allow_harmless(&root.join(".claude/settings.local.json"))?;
        }
    }
    Ok(written)
}

/// The body of the section in `.gitignore`.
pub(crate) fn gitignore(tools: &[Tool]) -> String {
    let mut body = String::from(
        "\n# Runtime data (not needed in version control)\n.swamp/\n\n# Local extension sources (developer-specific, not shared)\n.swamp-sources.yaml\n",
    );
    let mut ignored: Vec<&str> = Vec::new();
    for path in tools.iter().flat_map(|tool| tool.ignored()) {
        if !ignored.contains(path) {
            ignored.push(path);
        }
    }
    if !ignored.is_empty() {
        body.push_str("\n# Local state of AI tools\n");
    }
    for path in ignored {
        body.push_str(path);
        body.push('\n');
    }
    body
}

/// Writes a file that is ours as a whole, unless it is as it has to be; says whether it wrote.
fn put_file(path: &Path, text: &str) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    atomic::write_durable(path, text.as_bytes())?;
    Ok(true)
}

/// Adds our permissions to those in a settings file of Claude Code.
fn allow_harmless(path: &Path) -> Result<bool> {
    let mut settings = match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            let place = swamp_yaml::Position { line: error.line(), column: error.column().max(1) };
            let message = format!("{error}; fix this file or remove it, then try again");
            StoreError::invalid(path, Some(place), message)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Value::Object(Map::new()),
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    let unusable = || {
        let message = "'permissions.allow' must be a list in a mapping; fix this file or remove it, then try again";
        StoreError::invalid(path, None, message)
    };
    let allow = settings
        .as_object_mut()
        .ok_or_else(unusable)?
        .entry("permissions")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(unusable)?
        .entry("allow")
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()
        .ok_or_else(unusable)?;
    let before = allow.len();
    for command in HARMLESS {
        let pattern = Value::from(format!("Bash(swamp {command}:*)"));
        if !allow.contains(&pattern) {
            allow.push(pattern);
        }
    }
    if allow.len() == before {
        return Ok(false);
    }
    atomic::write_durable(path, format!("{settings:#}\n").as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_skill_says_what_it_is_and_when_it_helps() {
        for (name, text) in SKILLS {
            let head = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
            let (head, body) = head.unwrap_or_else(|| panic!("{name} has no head"));
            let head = swamp_yaml::Document::parse(head).unwrap().into_value();
            assert_eq!(head["name"], name);
            let description = head["description"].as_str().unwrap();
            assert!(description.contains("Use "), "{name}: {description}");
            assert!(body.trim().lines().count() > 10, "{name}");
            assert!(text.len() < 5000, "{name} is not compact");
        }
    }

    #[test]
    fn every_tool_gets_skills_and_instructions_once() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::write(root.join("CLAUDE.md"), "# Ours\n").unwrap();
        let first = write(root, &Tool::ALL).unwrap();
        assert_eq!(first.skills.len(), SKILLS.len());
        assert!(first.instructions && first.settings);
        for tool in Tool::ALL {
            let skill = root.join(tool.skills_dir()).join("swamp-model/SKILL.md");
            assert!(skill.is_file(), "{}", skill.display());
            let text = fs::read_to_string(root.join(tool.instructions_file())).unwrap();
            assert!(text.contains("swamp model method run"), "{tool}");
        }
        let claude = fs::read_to_string(root.join("CLAUDE.md")).unwrap();
        assert!(claude.starts_with("<!-- BEGIN swamp") && claude.ends_with("\n# Ours\n"));
        let cursor = fs::read_to_string(root.join(".cursor/rules/swamp.mdc")).unwrap();
        assert!(cursor.starts_with("---\nalwaysApply: true\n---\n"));

        let again = write(root, &Tool::ALL).unwrap();
        assert!(again.skills.is_empty() && !again.instructions && !again.settings);
        fs::write(root.join(".kiro/skills/swamp-data/SKILL.md"), "old").unwrap();
        assert_eq!(write(root, &Tool::ALL).unwrap().skills, ["swamp-data"]);
    }

    #[test]
    fn settings_are_merged_and_never_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.json");
        fs::write(&path, r#"{"model": "x", "permissions": {"deny": ["y"], "allow": ["z"]}}"#)
            .unwrap();
        assert!(allow_harmless(&path).unwrap());
        let settings: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(settings["model"], "x");
        assert_eq!(settings["permissions"]["deny"][0], "y");
        assert_eq!(settings["permissions"]["allow"][0], "z");
        assert_eq!(settings["permissions"]["allow"][1], "Bash(swamp model get:*)");
        assert!(!allow_harmless(&path).unwrap());
        for (bad, place) in [("{\n  x", ":2:3: "), ("[]", ": "), (r#"{"permissions": 1}"#, ": ")] {
            fs::write(&path, bad).unwrap();
            let error = allow_harmless(&path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{}{place}", path.display())), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }

    #[test]
    fn the_gitignore_names_each_path_once() {
        assert_eq!(
            gitignore(&[]),
            "\n# Runtime data (not needed in version control)\n.swamp/\n\n# Local extension sources (developer-specific, not shared)\n.swamp-sources.yaml\n"
        );
        let body = gitignore(&[Tool::Codex, Tool::Copilot, Tool::Cursor]);
        assert!(
            body.ends_with("\n\n# Local state of AI tools\n.agents/skills/\n.cursor/skills/\n")
        );
    }
}
