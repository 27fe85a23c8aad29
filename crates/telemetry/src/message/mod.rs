//! Error texts, made fit to leave the machine.
//!
//! The category of an error carries its meaning; the text is a hint for people, and it is treated
//! as if it were written by an adversary. It passes, in this order: the caller's secret redaction;
//! the cut after the first line; known places and names (repository, home, user, host, model,
//! arguments); the arguments of calls; everything in quotes; what follows a phrase like "not
//! found:"; every single word that looks like a path, an address, a host, a value or an identifier of somebody's own; the cut
//! at 200 characters. What is replaced leaves a word in angle brackets, so that a reader sees that
//! something stood there and of what kind it was.

mod line;
mod token;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use swamp_ident::ErrorCategory;

use crate::Env;

/// Longest error text, in characters.
pub(crate) const LONGEST: usize = 200;

/// Bytes of a line that are looked at; what would come after them is beyond the final cut anyway.
const LOOKED_AT: usize = 4096;

/// Replaces secrets in a text. Called with the whole text before anything else looks at it, as
/// often as there are errors, from any thread; it must not block.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// What must not leave the machine.
#[derive(Clone, Default)]
pub struct Masks {
    /// Literal texts and what stands in their place, longest first.
    literals: Vec<(String, &'static str)>,
    redact: Option<Redact>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts themselves are what must not be shown.
        f.debug_struct("Masks").field("literals", &self.literals.len()).finish_non_exhaustive()
    }
}

impl Masks {
    /// Masks of a machine and its user: home directory, user name and host name (see
    /// [`host_name`]).
    pub fn of_machine(env: Env<'_>, host: &str) -> Self {
        let mut masks = Self::default();
        for variable in ["HOME", "USERPROFILE"] {
            if let Some(home) = env(variable) {
                masks.literal(&home, "<home>");
                if let Some(user) = Path::new(&home).file_name().and_then(|name| name.to_str()) {
                    masks.literal(user, "<user>");
                }
            }
        }
        for variable in ["USER", "LOGNAME", "USERNAME"] {
            if let Some(user) = env(variable) {
                masks.literal(&user, "<user>");
            }
        }
        masks.literal(host, "<host>");
        if let Some((first, _)) = host.split_once('.') {
            masks.literal(first, "<host>");
        }
        masks
    }

    /// Adds the root of the repository.
    #[must_use]
    pub fn with_repository(mut self, root: &Path) -> Self {
        self.literal(&root.to_string_lossy(), "<repo>");
        self
    }

    /// Adds the secret redaction.
    #[must_use]
    pub fn with_redaction(mut self, redact: Redact) -> Self {
        self.redact = Some(redact);
        self
    }

    /// Adds a name that is the user's own.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.literal(name, "<name>");
        self
    }

    fn literal(&mut self, text: &str, placeholder: &'static str) {
        // A single character identifies nobody, and masking it would shred the text.
        if text.chars().count() < 2 || self.literals.iter().any(|(known, _)| known == text) {
            return;
        }
        let place = self.literals.partition_point(|(known, _)| known.len() >= text.len());
        self.literals.insert(place, (text.to_owned(), placeholder));
    }

    /// The text as it may be recorded; `None` when nothing is left to say.
    ///
    /// `names` are names that are the user's own in this text, `public` are words that may stand
    /// even where a name would be masked.
    pub(crate) fn clean(
        &self,
        text: &str,
        category: ErrorCategory,
        names: &[&str],
        public: &[&str],
    ) -> Option<String> {
        let text = match &self.redact {
            Some(redact) => Cow::Owned(redact(text)),
            None => Cow::Borrowed(text),
        };
        let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        let mut masked = beginning(first).to_owned();
        for name in names {
            if name.chars().count() > 1 && !public.contains(name) {
                masked = line::replace_words(&masked, name, "<name>");
            }
        }
        for (literal, placeholder) in &self.literals {
            if !public.contains(&literal.as_str()) {
                masked = line::replace_words(&masked, literal, placeholder);
            }
        }
        let words = token::Words { strict: names_things(category), public };
        let cleaned = line::mask_words(&line::mask_named(&line::mask_calls(&masked)), &words);
        let cut: String = cleaned.chars().take(LONGEST).collect();
        (!cut.trim().is_empty()).then_some(cut)
    }
}

/// The name of this machine; empty when it has none that can be written.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_str().unwrap_or_default().to_owned()
}

/// The part of a line that is looked at, cut between words where there are any.
fn beginning(line: &str) -> &str {
    if line.len() <= LOOKED_AT {
        return line;
    }
    let cut = (0..=LOOKED_AT).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let head = &line[..cut];
    head.rfind(char::is_whitespace).map_or("", |space| &head[..space])
}

/// Whether the text of this category is made of names the user chose.
const fn names_things(category: ErrorCategory) -> bool {
    matches!(
        category,
        ErrorCategory::Expression
            | ErrorCategory::Vault
            | ErrorCategory::Vary
            | ErrorCategory::Env
            | ErrorCategory::Arguments
            | ErrorCategory::ModelNotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use swamp_ident::ErrorCategory as C;

    fn masks() -> Masks {
        let env = |name: &str| match name {
            "HOME" => Some("/home/bob smith".to_owned()),
            "USER" => Some("operator".to_owned()),
            _ => None,
        };
        let redact: Redact = Arc::new(|text: &str| text.replace("hunter2", "***"));
        Masks::of_machine(&env, "worker-7.acme")
            .with_repository(Path::new("/srv/acme repo"))
            .with_redaction(redact)
            .with_name("acme-flow")
    }

    /// Weakness 5: error texts carry paths and names.
    #[test]
    fn texts_keep_their_meaning_and_lose_their_names() {
        for (category, text, want) in [
            (C::Method, "Command exited with code 3", "Command exited with code 3"),
            (C::Method, "\n\nboom\nsecond line", "boom"),
            (C::ModelNotFound, "Model not found: ghost", "Model not found: <name>"),
            (C::Arguments, "Workflow not found: acme-flow", "Workflow not found: <name>"),
            (C::ModelNotFound, "Unknown model type: network/ping", "Unknown model type: <name>"),
            (
                C::ModelNotFound,
                "Unknown model type: @acme/secret-type. Available types: command/shell",
                "Unknown model type: <name>. Available types: command/shell",
            ),
            (
                C::MethodNotFound,
                "Unknown method 'restart' for type 'command/shell'. Available methods: execute",
                "Unknown method 'restart' for type 'command/shell'. Available methods: execute",
            ),
            (
                C::MethodNotFound,
                "Unknown method 'pay \"bob\"' of model 'x'",
                "Unknown method '<text>' of model '<text>'",
            ),
            (
                C::Expression,
                "Invalid expression: No such key: attributes",
                "Invalid expression: No such key: <name>",
            ),
            (
                C::Expression,
                "Invalid expression: unknown variable: zzz (line 3)",
                "Invalid expression: unknown variable: <name> (line 3)",
            ),
            (
                C::Env,
                "Missing environment variable NO_SUCH_VARIABLE",
                "Missing environment variable <name>",
            ),
            (
                C::Vault,
                "Failed to resolve vault expression vault.get(\"main\", \"token\"): Vault 'main' \
                 not found. No vaults are configured.",
                "Failed to resolve vault expression <name>(<text>): Vault '<text>' not found. No \
                 vaults are configured.",
            ),
            (
                C::Vault,
                "Failed to resolve vault expression vault.get(main, token): no key token",
                "Failed to resolve vault expression <name>(<text>): no key <name>",
            ),
            (
                C::Vault,
                "Vault not found: v1. Available vaults: acme-vault, acme-other.",
                "Vault not found: <name>. Available vaults: <name>",
            ),
            (C::Expression, "size(attributes.card) is no number", "size(<text>) is no number"),
            (C::Method, "[2001:db8::7]:443 <db7.acme.io>", "[<host> <host>"),
            (
                C::Vary,
                "Vary dimension 'rack' not found in step inputs for spec 'result'",
                "Vary dimension '<text>' not found in step inputs for spec '<text>'",
            ),
            (
                C::Driver,
                "Unknown execution driver 'podman'. Available drivers: raw, docker",
                "Unknown execution driver '<text>'. Available drivers: raw, docker",
            ),
            (
                C::Internal,
                "Repository already initialized at /srv/acme repo (use --force)",
                "Repository already initialized at <repo> (use --force)",
            ),
            (
                C::Internal,
                "cannot write /home/bob smith/x/y.txt: No space left on device",
                "cannot write <home>: No space left on device",
            ),
            (
                C::Arguments,
                "Input file not found: /nonexistent/secret.yaml",
                "Input file not found: <name>",
            ),
            (C::Internal, "cannot read notes/plan.md", "cannot read <path>"),
            (
                C::Method,
                "login to https://bob:hunter2@db.internal failed; see /srv/private/key.pem",
                "login to <url> failed; see <path>",
            ),
            (
                C::Method,
                "no route to db1.prod.acme.com:5432, 10.1.2.3 or db2:5432 as operator",
                "no route to <host>, <host> or <host> as <user>",
            ),
            (C::Method, "worker-7: fork failed on worker-7.acme", "<host>: fork failed on <host>"),
            (C::Method, "mail bob@acme.com about it", "mail <address> about it"),
            (
                C::Method,
                "token=abc --password=x 6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d0b01 AKIA1234567890ABCDEF",
                "<value> <option> <id> <id>",
            ),
            (C::Method, "password is hunter2", "password is ***"),
            (
                C::Arguments,
                "Unknown option \"--bogus\". Did you mean option \"--log\"?",
                "Unknown option \"<text>\". Did you mean option \"--log\"?",
            ),
            (C::Arguments, "Too many arguments: b c", "Too many arguments: <name>"),
            (
                C::Arguments,
                "Missing argument(s): model_id_or_name",
                "Missing argument(s): model_id_or_name",
            ),
            (
                C::Timeout,
                "Command timed out after 2500ms (limit 2.5s), attempt 1/3",
                "Command timed out after 2500ms (limit 2.5s), attempt 1/3",
            ),
            (C::Method, "it doesn't say 'why", "it doesn't say '<text>"),
        ] {
            let public = [
                "command/shell",
                "restart",
                "execute",
                "raw",
                "--log",
                "--force",
                "model_id_or_name",
            ];
            let got = masks().clean(text, category, &["ghost", "token"], &public);
            assert_eq!(got.as_deref(), Some(want), "{text}");
        }
        assert_eq!(masks().clean("", C::Method, &[], &[]), None);
        assert_eq!(masks().clean(" \n\t\n", C::Method, &[], &[]), None);
    }

    /// Weakness 5: error texts have no limit.
    #[test]
    fn the_text_is_cut_at_two_hundred_characters() {
        let long = "ä ".repeat(150_000);
        let cleaned = masks().clean(&long, C::Method, &[], &[]).unwrap();
        assert_eq!(cleaned.chars().count(), LONGEST);
        // One endless word says nothing that may be kept.
        assert_eq!(masks().clean(&"x".repeat(200_000), C::Method, &[], &[]), None);
    }

    /// What must not come out, and the part of it that would tell.
    const PROBES: [(&str, &str); 12] = [
        ("hunter2", "hunter2"),
        ("/home/bob smith", "bob smith"),
        ("/home/bob smith/.ssh/id_rsa", "id_rsa"),
        ("/srv/acme repo/customers/x.yaml", "customers"),
        ("tok-91c2f4d07a6be835", "91c2f4d07a6be835"),
        ("https://bob:pw4711@db.internal/x", "pw4711"),
        ("postgres://bob:pw4711@db/x", "pw4711"),
        ("db7.prod.acme.internal", "acme"),
        ("worker-7.acme", "worker-7"),
        ("bob4711@acme.com", "bob4711"),
        ("10.11.12.13", "10.11.12.13"),
        ("2001:db8::7:1", "2001:db8"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Weaknesses 5, 46: error texts carry secrets, and nobody is told so.
        #[test]
        fn a_planted_probe_survives_nowhere(
            before in "([a-zA-Z]{1,9}[ ,.:]{1,2}){0,60}",
            glue in prop::sample::select(vec![
                " ", "\"", "'", " '", "`", "(", "[", "{", "<", " =", "=", ": ", ":", ",", ";", "\t",
                "\u{ab}", "get(", "f(x, ", "|", "--", "->", "Not found: ", "*", "#", "!",
            ]),
            which in 0..PROBES.len(),
            unglue in prop::sample::select(vec![
                "", " ", "\"", "'", "`", ")", "]", "}", ">", ": ", ",", ";", ".", "|", "?", "!", "\n",
                ")): ", "\u{bb}", "*", "#",
            ]),
            after in "([a-zA-Z]{1,9}[ ,.:]{1,2}){0,60}",
            category in prop::sample::select(C::ALL.to_vec()),
        ) {
            let (probe, telling) = PROBES[which];
            let text = format!("{before}{glue}{probe}{unglue}{after}");
            let cleaned = masks().clean(&text, category, &[], &[]).unwrap_or_default();
            prop_assert!(!cleaned.contains(telling), "{text}\n{cleaned}");
            prop_assert!(cleaned.chars().count() <= LONGEST);
        }

        #[test]
        fn planted_secrets_never_come_out(
            before in "[a-zA-Z '\"(\\[.,:=/-]{0,40}",
            after in "[a-zA-Z '\")\\].,:=/-]{0,40}",
            which in 0..4usize,
            category in prop::sample::select(C::ALL.to_vec()),
        ) {
            let secret = [
                "hunter2",
                "/home/bob smith",
                "/srv/acme repo",
                "tok-91c2f4d07a6be835",
            ][which];
            // Between word boundaries, as an error text would have it.
            let text = format!("{before} {secret} {after}");
            let cleaned = masks().clean(&text, category, &[], &[]).unwrap_or_default();
            prop_assert!(!cleaned.contains(secret), "{cleaned}");
            prop_assert!(cleaned.chars().count() <= LONGEST);
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,300}", category in prop::sample::select(C::ALL.to_vec())) {
            let cleaned = masks().clean(&text, category, &["\u{e4}b"], &["x"]);
            prop_assert!(cleaned.is_none_or(|line| !line.contains('\n')));
        }
    }
}
