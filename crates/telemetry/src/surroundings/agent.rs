//! Whether an AI agent drives this command, and which.
//!
//! Agents changed their variables over time; a rule here holds for every known version of a tool.

use super::Env;

/// What a variable must be for a rule to hold.
#[derive(Clone, Copy)]
enum Test {
    /// Exactly this text.
    Is(&'static str),
    /// Set, even to nothing.
    Set,
    /// Set to something.
    NotEmpty,
}

/// The rules, the first that holds wins.
const RULES: &[(&str, &str, Test)] = &[
    ("claude", "CLAUDECODE", Test::Is("1")),
    ("claude", "CLAUDE_CODE_ENTRYPOINT", Test::Set),
    ("cursor", "TERM_PROGRAM", Test::Is("cursor")),
    ("cursor", "CURSOR_TRACE_ID", Test::Set),
    ("kiro", "TERM_PROGRAM", Test::Is("kiro")),
    ("kiro", "KIRO_AGENT", Test::Is("1")),
    ("kiro", "AGENT_CONTEXT_OUT", Test::NotEmpty),
    ("opencode", "OPENCODE_VERSION", Test::Set),
    ("opencode", "TERM_PROGRAM", Test::Is("opencode")),
    ("opencode", "OPENCODE", Test::Is("1")),
    ("codex", "CODEX_AGENT_HARNESS", Test::Is("1")),
    ("codex", "CODEX_SANDBOX_NETWORK_DISABLED", Test::Is("1")),
    ("codex", "CODEX_SANDBOX", Test::Set),
];

/// Variables that say "an agent" without saying which.
const GENERAL: &[&str] = &["AGENT", "AI_AGENT", "IS_AGENT"];

/// Every variable a rule reads.
pub(super) const VARIABLES: &[&str] = &[
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "TERM_PROGRAM",
    "CURSOR_TRACE_ID",
    "KIRO_AGENT",
    "AGENT_CONTEXT_OUT",
    "OPENCODE_VERSION",
    "OPENCODE",
    "CODEX_AGENT_HARNESS",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_SANDBOX",
    "AGENT",
    "AI_AGENT",
    "IS_AGENT",
];

/// Whether there is an agent, and its name if that can be told.
pub(super) fn detect(env: Env<'_>) -> (bool, Option<&'static str>) {
    for (tool, variable, test) in RULES {
        let holds = env(variable).is_some_and(|value| match test {
            Test::Is(text) => value == *text,
            Test::Set => true,
            Test::NotEmpty => !value.is_empty(),
        });
        if holds {
            return (true, Some(tool));
        }
    }
    let general = GENERAL.iter().any(|variable| {
        env(variable).is_some_and(|value| {
            !value.is_empty() && value != "0" && !value.eq_ignore_ascii_case("false")
        })
    });
    (general, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_of_every_version() {
        let none = (false, None);
        let some = |tool| (true, Some(tool));
        for (set, want) in [
            (&[][..], none),
            (&[("CLAUDECODE", "1")][..], some("claude")),
            (&[("CLAUDECODE", "0")], none),
            (&[("CLAUDECODE", "true")], none),
            (&[("CLAUDECODE", "1"), ("AGENT", "0")], some("claude")),
            (&[("CLAUDE_CODE_ENTRYPOINT", "")], some("claude")),
            (&[("TERM_PROGRAM", "cursor")], some("cursor")),
            (&[("TERM_PROGRAM", "Cursor")], none),
            (&[("CURSOR_TRACE_ID", "")], some("cursor")),
            (&[("TERM_PROGRAM", "kiro"), ("CURSOR_TRACE_ID", "1")], some("cursor")),
            (&[("TERM_PROGRAM", "kiro")], some("kiro")),
            (&[("KIRO_AGENT", "1")], some("kiro")),
            (&[("KIRO_AGENT", "yes")], none),
            (&[("AGENT_CONTEXT_OUT", "/tmp/x")], some("kiro")),
            (&[("AGENT_CONTEXT_OUT", "")], none),
            (&[("OPENCODE_VERSION", "")], some("opencode")),
            (&[("TERM_PROGRAM", "opencode")], some("opencode")),
            (&[("OPENCODE", "1")], some("opencode")),
            (&[("OPENCODE", "0")], none),
            (&[("CODEX_AGENT_HARNESS", "1")], some("codex")),
            (&[("CODEX_SANDBOX_NETWORK_DISABLED", "1")], some("codex")),
            (&[("CODEX_AGENT_HARNESS", "0")], none),
            (&[("CODEX_SANDBOX_NETWORK_DISABLED", "0")], none),
            (&[("CODEX_SANDBOX", "")], some("codex")),
            (&[("TERM_PROGRAM", "vscode")], none),
            (&[("AI_AGENT", "0")], none),
            (&[("AI_AGENT", "False")], none),
            (&[("AGENT", "no")], (true, None)),
            (&[("AI_AGENT", "yes")], (true, None)),
            (&[("IS_AGENT", "1")], (true, None)),
            (&[("AGENT", "FALSE")], none),
            (&[("AGENT", "0")], none),
            (&[("AGENT", "")], none),
            (&[("IS_AGENT", "1"), ("OPENCODE", "1")], some("opencode")),
            (&[("AWS_SECRET_ACCESS_KEY", "probe")], none),
        ] {
            let env = |name: &str| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(detect(&env), want, "{set:?}");
        }
    }

    #[test]
    fn of_two_rules_the_first_wins_and_any_beats_the_general_ones() {
        let value = |test: &Test| match test {
            Test::Is(text) => *text,
            Test::Set => "",
            Test::NotEmpty => "x",
        };
        for (place, (tool, variable, test)) in RULES.iter().enumerate() {
            for (_, other, other_test) in RULES[place..].iter().filter(|rule| rule.1 != *variable) {
                let env = |name: &str| match name {
                    name if name == *variable => Some(value(test).to_owned()),
                    name if name == *other => Some(value(other_test).to_owned()),
                    "AGENT" => Some("1".to_owned()),
                    _ => None,
                };
                assert_eq!(detect(&env), (true, Some(*tool)), "{variable} and {other}");
            }
        }
        let read = RULES.iter().map(|(_, variable, _)| variable).chain(GENERAL);
        assert!(read.clone().all(|variable| VARIABLES.contains(variable)));
        assert!(VARIABLES.iter().all(|variable| read.clone().any(|read| read == variable)));
    }
}
