//! The secrets of one method run: fetched once, passed on as stand-ins, masked wherever text leaves.
//!
//! Expressions never see a secret. `vault.get` gives a stand-in text that means nothing; it is
//! replaced by the secret where the method takes it over ([`SecretBag::reveal_text`]), or, in a shell
//! script, by a reference to an environment variable that holds it ([`SecretBag::indirect`]), so
//! that what the secret contains is never read as shell.

mod shell;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use swamp_expr::{SecretError, SecretSource};
use swamp_ident::IdSource;

/// Secrets shorter than this are not masked: they would turn every output into stars.
const SHORTEST_MASKED: usize = 3;

/// Lines of a secret with several lines are masked on their own from this length on.
const SHORTEST_MASKED_LINE: usize = 8;

const MASK: &str = "***";

/// A source of secrets that has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVaults;

impl SecretSource for NoVaults {
    fn get(&self, vault: &str, _key: &str) -> Result<String, SecretError> {
        Err(SecretError(format!("Vault '{vault}' not found. No vaults are configured.")))
    }
}

/// The secrets of one run.
pub(crate) struct SecretBag {
    source: Arc<dyn SecretSource + Send + Sync>,
    ids: Arc<dyn IdSource>,
    /// Makes stand-ins of this run unlike any other text.
    mark: OnceLock<String>,
    secrets: Mutex<Vec<Secret>>,
}

struct Secret {
    stand_in: String,
    value: String,
}

impl SecretBag {
    pub(crate) fn new(source: Arc<dyn SecretSource + Send + Sync>, ids: Arc<dyn IdSource>) -> Self {
        Self { source, ids, mark: OnceLock::new(), secrets: Mutex::default() }
    }

    fn secrets(&self) -> MutexGuard<'_, Vec<Secret>> {
        // Secrets are only ever added, whole.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text with secrets in place of their stand-ins.
    pub(crate) fn reveal_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in self.secrets().iter() {
            if text.contains(&secret.stand_in) {
                text = Cow::Owned(text.replace(&secret.stand_in, &secret.value));
            }
        }
        text
    }

    /// A shell script in which stand-ins are references to environment variables, and those
    /// variables.
    pub(crate) fn indirect(&self, script: &str) -> (String, Vec<(String, String)>) {
        let secrets = self.secrets();
        let stand_ins: Vec<&str> = secrets.iter().map(|secret| secret.stand_in.as_str()).collect();
        let (script, used) = shell::refer(script, &stand_ins);
        let env = used
            .into_iter()
            .map(|index| (shell::variable(index), secrets[index].value.clone()))
            .collect();
        (script, env)
    }

    /// The text with every secret, and every stand-in, replaced by stars.
    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secrets = self.secrets();
        if secrets.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut needles: Vec<Cow<'_, str>> = Vec::new();
        for secret in secrets.iter() {
            needles.push(Cow::Borrowed(&secret.stand_in));
            if secret.value.chars().count() < SHORTEST_MASKED {
                continue;
            }
            needles.push(Cow::Borrowed(&secret.value));
            let quoted = Value::String(secret.value.clone()).to_string();
            let escaped = &quoted[1..quoted.len() - 1];
            if escaped != secret.value {
                needles.push(Cow::Owned(escaped.to_owned()));
            }
            if secret.value.contains('\n') {
                let lines = secret.value.lines().filter(|line| line.len() >= SHORTEST_MASKED_LINE);
                needles.extend(lines.map(Cow::Borrowed));
            }
        }
        // A secret may be part of another.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        let mut text = Cow::Borrowed(text);
        for needle in needles {
            if text.contains(&*needle) {
                text = Cow::Owned(text.replace(&*needle, MASK));
            }
        }
        text
    }
}

impl SecretSource for SecretBag {
    fn get(&self, vault: &str, key: &str) -> Result<String, SecretError> {
        let value = self.source.get(vault, key)?;
        let mut secrets = self.secrets();
        if let Some(known) = secrets.iter().find(|secret| secret.value == value) {
            return Ok(known.stand_in.clone());
        }
        let mark = self.mark.get_or_init(|| {
            let mut mark = self.ids.uuid().simple().to_string();
            mark.truncate(8);
            mark
        });
        let stand_in = format!("__SWAMP_VSEC_{mark}_{}__", secrets.len());
        secrets.push(Secret { stand_in: stand_in.clone(), value });
        Ok(stand_in)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use swamp_ident::RandomIds;

    /// A vault whose secrets are what the keys say.
    #[derive(Debug)]
    pub(crate) struct Echo;

    impl SecretSource for Echo {
        fn get(&self, vault: &str, key: &str) -> Result<String, SecretError> {
            if vault == "v" { Ok(key.to_owned()) } else { NoVaults.get(vault, key) }
        }
    }

    fn bag() -> SecretBag {
        SecretBag::new(Arc::new(Echo), Arc::new(RandomIds))
    }

    #[test]
    fn stand_ins_are_replaced_where_the_secret_is_used() {
        let bag = bag();
        let one = bag.get("v", "hunter2").unwrap();
        assert_eq!(bag.get("v", "hunter2").unwrap(), one);
        let two = bag.get("v", "it's").unwrap();
        assert_ne!(one, two);
        assert_eq!(bag.reveal_text(&format!("x{one}y{two}{one}")), "xhunter2yit'shunter2");
        let error = bag.get("w", "k").unwrap_err();
        assert_eq!(error.0, "Vault 'w' not found. No vaults are configured.");
    }

    #[test]
    fn secrets_and_stand_ins_are_masked() {
        let bag = bag();
        assert_eq!(bag.mask("hunter2"), "hunter2");
        for secret in ["hunter2", "ab", "hunter2more", "a\"b\nsecond line here"] {
            bag.get("v", secret).unwrap();
        }
        for (text, want) in [
            ("is hunter2!", "is ***!"),
            ("hunter2more hunter2", "*** ***"),
            ("ab stays", "ab stays"),
            (r#"{"x":"a\"b\nsecond line here"}"#, r#"{"x":"***"}"#),
            ("second line here", "***"),
        ] {
            assert_eq!(bag.mask(text), want, "{text}");
        }
        let stand_in = bag.get("v", "hunter2").unwrap();
        assert_eq!(bag.mask(&format!("<{stand_in}>")), "<***>");
    }

    #[test]
    fn scripts_refer_to_variables() {
        let bag = bag();
        let secret = bag.get("v", "$(rm -rf /)").unwrap();
        let unused = bag.get("v", "unused").unwrap();
        let (script, env) = bag.indirect(&format!("curl -H {secret}"));
        assert_eq!(script, "curl -H \"${__SWAMP_VAULT_0}\"");
        assert_eq!(env, [("__SWAMP_VAULT_0".to_owned(), "$(rm -rf /)".to_owned())]);
        assert!(!script.contains(&unused));
    }
}
