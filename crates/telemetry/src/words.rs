//! The words of a command line that may be recorded.
//!
//! What was typed is never scanned. Whoever parsed the command line says which command of the
//! program's own table was meant, which positional arguments and which of its declared options were
//! given; the table here says which positions hold words of *our* vocabulary. Everything else
//! becomes [`REDACTED`], and its text is kept in memory only, to be masked in error texts.

use swamp_ident::TypeName;
use swamp_wire::{Extra, Invocation, REDACTED};

/// What stands in place of an option that no command declares.
pub const UNKNOWN: &str = "<UNKNOWN>";

/// Options that every command has, as the seed of the format lists them; all others of a command
/// are its own.
const GLOBAL_OPTIONS: &[&str] = &[
    "--json",
    "-q",
    "--quiet",
    "-v",
    "--verbose",
    "--no-telemetry",
    "--no-color",
    "--show-properties",
];

/// Model types that are part of this program.
pub const BUILT_IN_MODEL_TYPES: &[&str] = &["command/shell"];

/// Execution drivers that are part of this program.
pub(crate) const BUILT_IN_DRIVERS: &[&str] = &["raw", "docker", "ssh"];

/// Vault types that are part of this program.
pub const BUILT_IN_VAULT_TYPES: &[&str] =
    &["local_encryption", "env", "file", "exec", "age", "mock"];

/// Longest method name that is recorded.
const LONGEST_METHOD: usize = 64;

/// What the words after command and sub-command may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// A word of the command table.
    Verb,
    /// A model type of this program.
    ModelType,
    /// A vault type of this program.
    VaultType,
    /// The name of a method.
    Method,
    /// Nothing.
    Never,
}

/// What may be shown of the word at a position, counted from 0 after the sub-command.
fn shown(command: &str, subcommand: &str, position: usize) -> Shown {
    match (command, subcommand, position) {
        ("model", "method", 2) => Shown::Method,
        ("model", "method" | "output", 0) | ("workflow", "history", 0) => Shown::Verb,
        ("model", "create", 0) => Shown::ModelType,
        ("vault", "create", 0) => Shown::VaultType,
        _ => Shown::Never,
    }
}

/// A parsed command line as telemetry sees it.
///
/// ```
/// use swamp_telemetry::CommandWords;
///
/// let words = CommandWords::new(["model", "method", "run"])
///     .argument("billing-db")
///     .argument("execute")
///     .option("--input")
///     .option("--json");
/// let invocation = words.invocation();
/// assert_eq!(invocation.subcommand.as_deref(), Some("method"));
/// assert_eq!(invocation.args, ["run", "<REDACTED>", "execute"]);
/// assert_eq!(invocation.option_keys, ["--input"]);
/// assert_eq!(invocation.global_options, ["--json"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CommandWords {
    command: String,
    subcommand: Option<String>,
    args: Vec<String>,
    option_keys: Vec<String>,
    global_options: Vec<String>,
    /// What was typed and must not be recorded.
    private: Vec<String>,
    /// Words of the program's own that may stand in error texts.
    declared: Vec<String>,
}

impl CommandWords {
    /// The command's path in the program's own command table, such as `["workflow", "run"]`; empty
    /// for the program called without a command.
    pub fn new<'a>(path: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = path.into_iter();
        let mut words = Self {
            command: path.next().unwrap_or_default().to_owned(),
            subcommand: path.next().map(str::to_owned),
            ..Self::default()
        };
        for verb in path {
            let recorded = match words.shown_next() {
                Shown::Verb => verb,
                _ => REDACTED,
            };
            words.args.push(recorded.to_owned());
        }
        words
    }

    /// Adds the next positional argument as it was typed.
    #[must_use]
    pub fn argument(mut self, typed: &str) -> Self {
        let recorded = match self.shown_next() {
            Shown::ModelType => {
                let normal = TypeName::normalised(typed);
                BUILT_IN_MODEL_TYPES.contains(&normal.as_str()).then(|| normal.as_str().to_owned())
            }
            Shown::VaultType => BUILT_IN_VAULT_TYPES.contains(&typed).then(|| typed.to_owned()),
            Shown::Method => is_method_name(typed).then(|| typed.to_owned()),
            Shown::Verb | Shown::Never => None,
        };
        if let Some(recorded) = recorded {
            self.args.push(recorded);
            self
        } else {
            self.args.push(REDACTED.to_owned());
            self.private_word(typed)
        }
    }

    /// Adds a declared option that was given, by its name in the option table: `--input`. Repeats
    /// are dropped.
    #[must_use]
    pub fn option(mut self, name: &str) -> Self {
        let list = if GLOBAL_OPTIONS.contains(&name) {
            &mut self.global_options
        } else {
            &mut self.option_keys
        };
        if !list.iter().any(|known| known == name) {
            list.push(name.to_owned());
        }
        self
    }

    /// Notes that an option was given that no command declares; its text is not recorded.
    #[must_use]
    pub fn unknown_option(self, typed: &str) -> Self {
        self.option(UNKNOWN).private_word(typed)
    }

    /// Adds a word of the program's own that is not recorded here but may stand in error texts,
    /// such as the name of an argument that is missing.
    #[must_use]
    pub fn declared_word(mut self, word: &str) -> Self {
        self.declared.push(word.to_owned());
        self
    }

    /// Adds a text that the user typed somewhere, such as the value of an option, so that error
    /// texts do not repeat it. It is not recorded.
    #[must_use]
    pub fn private_word(mut self, typed: &str) -> Self {
        if !typed.is_empty() {
            self.private.push(typed.to_owned());
        }
        self
    }

    /// What is recorded.
    pub fn invocation(&self) -> Invocation {
        Invocation {
            command: self.command.clone(),
            args: self.args.clone(),
            option_keys: self.option_keys.clone(),
            global_options: self.global_options.clone(),
            subcommand: self.subcommand.clone(),
            extra: Extra::new(),
        }
    }

    /// Words that may stand in an error text, and words that may not.
    pub(crate) fn error_words(&self) -> (Vec<String>, Vec<String>) {
        let recorded = [&self.args, &self.option_keys, &self.global_options];
        let mut public: Vec<String> = recorded.into_iter().flatten().cloned().collect();
        public.push(self.command.clone());
        public.extend(self.subcommand.clone());
        public.extend(self.declared.iter().cloned());
        (public, self.private.clone())
    }

    fn shown_next(&self) -> Shown {
        let subcommand = self.subcommand.as_deref().unwrap_or_default();
        shown(&self.command, subcommand, self.args.len())
    }
}

/// Whether a text looks like the name of a method rather than like data.
pub(crate) fn is_method_name(text: &str) -> bool {
    text.len() <= LONGEST_METHOD
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The words recorded for a method call made by a workflow step: always the same but for the
/// method's name.
pub(crate) fn child_invocation(method: &str) -> Invocation {
    Invocation {
        command: "model".to_owned(),
        args: vec!["run".to_owned(), REDACTED.to_owned(), method.to_owned()],
        option_keys: Vec::new(),
        global_options: Vec::new(),
        subcommand: Some("method".to_owned()),
        extra: Extra::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: &str = REDACTED;

    /// One command line, and command, sub-command, arguments and own options as recorded.
    type Row<'a> =
        (CommandWords, (&'a str, Option<&'a str>, &'a [&'a str], &'a [&'a str], &'a [&'a str]));

    fn words<'a>(path: impl IntoIterator<Item = &'a str>) -> CommandWords {
        CommandWords::new(path)
    }

    /// Weaknesses 7, 9: names stand where types are shown, and private types count as harmless.
    #[test]
    fn only_declared_words_are_recorded() {
        let rows: &[Row<'_>] = &[
            (words([]), ("", None, &[], &[], &[])),
            (words(["version"]), ("version", None, &[], &[], &[])),
            (words(["telemetry"]), ("telemetry", None, &[], &[], &[])),
            (
                words(["help"]).argument("model").argument("create"),
                ("help", None, &[R, R], &[], &[]),
            ),
            (
                words(["model", "create"]).argument("command/shell").argument("m-a"),
                ("model", Some("create"), &["command/shell", R], &[], &[]),
            ),
            (
                // The type is known in any spelling, and recorded in its normal one.
                words(["model", "create"]).argument("Command::Shell").argument("m-a"),
                ("model", Some("create"), &["command/shell", R], &[], &[]),
            ),
            (
                words(["model", "create"])
                    .option("--global-arg")
                    .private_word("key=val")
                    .argument("command/shell")
                    .argument("acme-secret"),
                ("model", Some("create"), &["command/shell", R], &["--global-arg"], &[]),
            ),
            (
                words(["vault", "create"])
                    .option("--repo-dir")
                    .argument("local_encryption")
                    .argument("acme-vault"),
                ("vault", Some("create"), &["local_encryption", R], &["--repo-dir"], &[]),
            ),
            (
                words(["vault", "create"]).argument("@acme/vault").argument("v"),
                ("vault", Some("create"), &[R, R], &[], &[]),
            ),
            (
                words(["model", "create"])
                    .option("--json")
                    .argument("@acme/secret-type")
                    .argument("zz"),
                ("model", Some("create"), &[R, R], &[], &["--json"]),
            ),
            (
                words(["model", "create"]).option("--json").option("--json"),
                ("model", Some("create"), &[], &[], &["--json"]),
            ),
            (
                words(["model", "get"]).option("--log").argument("m-a"),
                ("model", Some("get"), &[R], &["--log"], &[]),
            ),
            (
                words(["model", "get"]).option("--quiet").option("--verbose").argument("m-a"),
                ("model", Some("get"), &[R], &[], &["--quiet", "--verbose"]),
            ),
            (
                words(["model", "get"]).unknown_option("-psecret").argument("m-a"),
                ("model", Some("get"), &[R], &[UNKNOWN], &[]),
            ),
            (
                words(["model", "get"]).argument("a").argument("").argument("c"),
                ("model", Some("get"), &[R, R, R], &[], &[]),
            ),
            (
                words(["model", "method", "run"])
                    .argument("m-a")
                    .argument("execute")
                    .option("--input")
                    .option("--driver"),
                ("model", Some("method"), &["run", R, "execute"], &["--input", "--driver"], &[]),
            ),
            (
                words(["model", "method", "run"])
                    .option("--skip-checks")
                    .argument("m-a")
                    .argument("execute")
                    .argument("extra"),
                ("model", Some("method"), &["run", R, "execute", R], &["--skip-checks"], &[]),
            ),
            (
                words(["model", "method", "run"]).argument("m-a").argument("Bob's card 4711"),
                ("model", Some("method"), &["run", R, R], &[], &[]),
            ),
            (
                words(["model", "output", "get"]).argument("abc"),
                ("model", Some("output"), &["get", R], &[], &[]),
            ),
            (
                words(["model", "type", "describe"]).argument("command/shell"),
                ("model", Some("type"), &[R, R], &[], &[]),
            ),
            (
                words(["vault", "put"]).argument("v1").argument("K=secretvalue"),
                ("vault", Some("put"), &[R, R], &[], &[]),
            ),
            (
                words(["workflow", "history", "get"]).argument("wf-secret"),
                ("workflow", Some("history"), &["get", R], &[], &[]),
            ),
            (
                words(["workflow", "run"]).argument("wf1").option("--driver").private_word("-raw"),
                ("workflow", Some("run"), &[R], &["--driver"], &[]),
            ),
            (
                words(["data", "get"])
                    .argument("m-a")
                    .argument("result")
                    .option("--version")
                    .private_word("-1"),
                ("data", Some("get"), &[R, R], &["--version"], &[]),
            ),
            (words(["init"]).argument("./customer-acme"), ("init", None, &[R], &[], &[])),
            (words(["completions", "bash"]), ("completions", Some("bash"), &[], &[], &[])),
        ];
        for (words, (command, subcommand, args, option_keys, global_options)) in rows {
            let recorded = words.invocation();
            assert_eq!(recorded.command, *command);
            assert_eq!(recorded.subcommand.as_deref(), *subcommand, "{words:?}");
            assert_eq!(recorded.args, *args, "{words:?}");
            assert_eq!(recorded.option_keys, *option_keys, "{words:?}");
            assert_eq!(recorded.global_options, *global_options, "{words:?}");
        }
    }

    #[test]
    fn what_is_not_recorded_is_remembered_for_masking() {
        let words = words(["model", "create"])
            .argument("command/shell")
            .argument("acme")
            .unknown_option("--card=4711")
            .private_word("k=v")
            .declared_word("model_id");
        let (public, private) = words.error_words();
        assert_eq!(private, ["acme", "--card=4711", "k=v"]);
        assert_eq!(public, ["command/shell", R, UNKNOWN, "model", "create", "model_id"]);
    }
}
