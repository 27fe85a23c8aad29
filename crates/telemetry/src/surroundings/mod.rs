//! What is recorded about the surroundings of a command: who drives it and where.
//!
//! Only the environment variables in [`VARIABLES`] are ever asked for.

mod agent;
mod ci;

use swamp_wire::{Extra, InvocationContext};

use crate::Marker;

/// How to ask for an environment variable. A closure instead of the process environment, so that
/// tests and other programs decide what is seen.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every environment variable that decides something here.
pub const VARIABLES: &[&[&str]] = &[agent::VARIABLES, ci::VARIABLES];

/// Reads the surroundings: environment, standard input and the repository's marker.
///
/// ```
/// let env = |name: &str| (name == "CLAUDECODE").then(|| "1".to_owned());
/// let context = swamp_telemetry::surroundings(&env, false, None);
/// assert!(context.agent_session_detected);
/// assert_eq!(context.detected_ai_tool.as_deref(), Some("claude"));
/// ```
pub fn surroundings(
    env: Env<'_>,
    stdin_is_terminal: bool,
    marker: Option<&Marker>,
) -> InvocationContext {
    let (agent_session_detected, tool) = agent::detect(env);
    InvocationContext {
        agent_session_detected,
        is_interactive: stdin_is_terminal,
        external_datastore_configured: marker
            .is_some_and(|marker| marker.external_datastore)
            .then_some(true),
        configured_ai_tools: marker.and_then(|marker| marker.tools.clone()),
        detected_ai_tool: tool.map(str::to_owned),
        ci_system: ci::detect(env).map(str::to_owned),
        extra: Extra::new(),
    }
}

/// The name of the operating system, as the entry's `platform` has it.
pub const fn platform() -> &'static str {
    if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_marker_tells_tools_and_datastore() {
        let none = |_: &str| None;
        let marker = |value| Marker::read(&value);
        for (marker, tools, external) in [
            (json!({"tools": ["cursor", "made-up"]}), Some(vec!["cursor", "made-up"]), None),
            (json!({"tools": []}), Some(vec![]), None),
            (json!({"tool": "claude"}), Some(vec!["claude"]), None),
            (json!({"tool": "none"}), Some(vec![]), None),
            (json!({"tool": "claude", "tools": ["kiro"]}), Some(vec!["kiro"]), None),
            (json!({}), None, None),
            (json!({"datastore": {"type": "filesystem"}}), None, None),
            (json!({"datastore": {"type": "@acme/s3"}}), None, Some(true)),
        ]
        .map(|(value, tools, external)| (marker(value), tools, external))
        {
            let context = surroundings(&none, true, Some(&marker));
            let tools = tools.map(|tools| tools.into_iter().map(str::to_owned).collect());
            assert_eq!(context.configured_ai_tools, tools, "{marker:?}");
            assert_eq!(context.external_datastore_configured, external, "{marker:?}");
            assert!(context.is_interactive);
        }
        assert_eq!(surroundings(&none, false, None).configured_ai_tools, None);
    }

    #[test]
    fn only_the_listed_variables_are_asked_for() {
        let env = |name: &str| {
            assert!(VARIABLES.concat().contains(&name), "{name} is not listed");
            None
        };
        let context = surroundings(&env, false, None);
        assert_eq!((context.agent_session_detected, context.ci_system), (false, None));
    }
}
