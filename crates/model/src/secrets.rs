//! The secrets of one command: fetched once, passed on as stand-ins, redacted wherever text leaves.
//!
//! Expressions never see a secret. `vault.get` gives a stand-in text that means nothing; it is
//! replaced by the secret where the method takes it over ([`SecretBag::reveal_text`]), or, in a shell
//! script, by a reference to an environment variable that holds it ([`SecretBag::indirect`]), so
//! that what the secret contains is never read as shell.
//!
//! The bag belongs to the engine, not to a call: what one step fetched is redacted in what every
//! other step prints, nested runs included, and is not fetched again.

mod shell;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use swamp_expr::{SecretError, SecretSource};
use swamp_ident::IdSource;
use swamp_secret::{Redactor, Secret};
use swamp_vault::{SecretStore, VaultError};

/// What stand-ins begin with; a mark of their own and a number follow.
const STAND_IN: &str = "__SWAMP_VSEC_";

/// A secret by its name: vault and key.
type Name = (String, String);

/// The secrets of one command.
pub(crate) struct SecretBag {
    store: Arc<dyn SecretStore>,
    redactor: Redactor,
    ids: Arc<dyn IdSource>,
    /// What every stand-in of this command begins with, unlike any other text.
    prefix: OnceLock<String>,
    /// By the number in their stand-ins.
    secrets: Mutex<Vec<Secret>>,
    /// The stand-ins of what was fetched. Whoever comes second waits for whoever is fetching.
    fetched: Mutex<HashMap<Name, Arc<Mutex<Option<String>>>>>,
}

impl SecretBag {
    pub(crate) fn new(
        store: Arc<dyn SecretStore>,
        redactor: Redactor,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            store,
            redactor,
            ids,
            prefix: OnceLock::new(),
            secrets: Mutex::default(),
            fetched: Mutex::default(),
        }
    }

    fn secrets(&self) -> MutexGuard<'_, Vec<Secret>> {
        // Secrets are only ever added, whole.
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes secrets out of text.
    pub(crate) const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The stand-in at the beginning of a text: its number and length.
    fn stand_in(&self, text: &str) -> Option<(usize, usize)> {
        let prefix = self.prefix.get()?;
        let rest = text.strip_prefix(prefix.as_str())?;
        let digits =
            rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        rest[digits..].starts_with("__").then_some(())?;
        let number = rest[..digits].parse().ok()?;
        Some((number, prefix.len() + digits + 2))
    }

    /// Whether there is a stand-in in a text.
    pub(crate) fn has_stand_in(&self, text: &str) -> bool {
        self.prefix.get().is_some_and(|prefix| text.contains(prefix.as_str()))
    }

    /// The text with secrets in place of their stand-ins.
    pub(crate) fn reveal_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.reveal(text) {
            Some(secret) => Cow::Owned(secret.expose().to_owned()),
            None => Cow::Borrowed(text),
        }
    }

    /// Likewise, if there are any stand-ins in it.
    pub(crate) fn reveal(&self, text: &str) -> Option<Secret> {
        let prefix = self.prefix.get().filter(|prefix| text.contains(prefix.as_str()))?;
        let secrets = self.secrets();
        let mut revealed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(prefix.as_str()) {
            let (before, from) = rest.split_at(at);
            revealed.push_str(before);
            let found = self.stand_in(from);
            let found = found.and_then(|(number, end)| Some((secrets.get(number)?.expose(), end)));
            let (text, end) = found.unwrap_or((prefix, prefix.len()));
            revealed.push_str(text);
            rest = &from[end..];
        }
        revealed.push_str(rest);
        Some(Secret::new(revealed))
    }

    /// A shell script in which stand-ins are references to environment variables, and those
    /// variables.
    pub(crate) fn indirect(&self, script: &str) -> (String, Vec<(String, Secret)>) {
        if !self.has_stand_in(script) {
            return (script.to_owned(), Vec::new());
        }
        let secrets = self.secrets();
        let known = |text: &str| self.stand_in(text).filter(|(number, _)| *number < secrets.len());
        let (script, used) = shell::refer(script, &known);
        let env = used
            .into_iter()
            .map(|index| (shell::variable(index), secrets[index].clone()))
            .collect();
        (script, env)
    }

    /// The text with every secret, and every stand-in, replaced by stars.
    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redactor.redact(text)
    }

    /// Redacts the texts of a value from now on: it is an argument that its schema calls sensitive.
    pub(crate) fn keep_secret(&self, value: &Value) {
        match value {
            Value::String(text) if !self.has_stand_in(text) => {
                self.redactor.add(&Secret::new(text));
            }
            Value::Array(items) => items.iter().for_each(|item| self.keep_secret(item)),
            Value::Object(map) => map.values().for_each(|value| self.keep_secret(value)),
            _ => {}
        }
    }

    /// Puts a secret into a vault; see [`SecretStore::put`].
    pub(crate) fn store(
        &self,
        vault: Option<&str>,
        key: &str,
        value: &Secret,
    ) -> Result<String, VaultError> {
        self.redactor.add(value);
        let vault = self.store.put(vault, key, value)?;
        // What was fetched before is old now.
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        fetched.remove(&(vault.clone(), key.to_owned()));
        Ok(vault)
    }

    fn add(&self, value: Secret) -> String {
        let prefix = self.prefix.get_or_init(|| {
            let mut mark = self.ids.uuid().simple().to_string();
            mark.truncate(8);
            format!("{STAND_IN}{mark}_")
        });
        self.redactor.add(&value);
        let mut secrets = self.secrets();
        let number = secrets.iter().position(|known| *known == value).unwrap_or_else(|| {
            secrets.push(value);
            secrets.len() - 1
        });
        drop(secrets);
        let stand_in = format!("{prefix}{number}__");
        self.redactor.add_plain(&stand_in);
        stand_in
    }
}

impl SecretSource for SecretBag {
    fn get(&self, vault: &str, key: &str) -> Result<String, SecretError> {
        let name = (vault.to_owned(), key.to_owned());
        let place = {
            let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(fetched.entry(name).or_default())
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stand_in) = &*place {
            return Ok(stand_in.clone());
        }
        let secret = self.store.get(vault, key).map_err(|error| SecretError(error.to_string()))?;
        let stand_in = self.add(secret);
        *place = Some(stand_in.clone());
        Ok(stand_in)
    }
}

/// Answers every question for a secret: where nothing runs, nothing is fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed;

impl SecretSource for Sealed {
    fn get(&self, _: &str, _: &str) -> Result<String, SecretError> {
        Err(SecretError(
            "Secrets are only fetched while something runs, not to look at it.".to_owned(),
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use swamp_ident::RandomIds;
    use swamp_vault::NoVaults;

    /// A vault whose secrets are what the keys say.
    #[derive(Debug, Default)]
    pub(crate) struct Echo {
        asked: AtomicUsize,
    }

    impl SecretStore for Echo {
        fn get(&self, vault: &str, key: &str) -> swamp_vault::Result<Secret> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if vault == "v" { Ok(Secret::new(key)) } else { NoVaults.get(vault, key) }
        }

        fn put(&self, vault: Option<&str>, _: &str, _: &Secret) -> swamp_vault::Result<String> {
            Ok(vault.unwrap_or("v").to_owned())
        }
    }

    fn bag() -> SecretBag {
        SecretBag::new(Arc::new(Echo::default()), Redactor::new(), Arc::new(RandomIds))
    }

    #[test]
    fn stand_ins_are_replaced_where_the_secret_is_used() {
        let bag = bag();
        assert_eq!(bag.reveal_text("__SWAMP_VSEC_0_0__"), "__SWAMP_VSEC_0_0__");
        let one = bag.get("v", "hunter2").unwrap();
        assert_eq!(bag.get("v", "hunter2").unwrap(), one);
        let two = bag.get("v", "it's").unwrap();
        assert_ne!(one, two);
        assert_eq!(bag.reveal_text(&format!("x{one}y{two}{one}")), "xhunter2yit'shunter2");
        let (prefix, _) = one.rsplit_once("0__").unwrap();
        let strange = format!("{prefix}77__{prefix}{prefix}x{one}");
        assert_eq!(bag.reveal_text(&strange), strange.replace(&one, "hunter2"));
        let error = bag.get("w", "k").unwrap_err();
        assert!(
            error.0.starts_with("Vault not found: w. No vaults are configured."),
            "{}",
            error.0
        );
    }

    #[test]
    fn every_secret_is_fetched_once() {
        let store = Arc::new(Echo::default());
        let bag = SecretBag::new(Arc::<Echo>::clone(&store), Redactor::new(), Arc::new(RandomIds));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| bag.get("v", "hunter2").unwrap());
            }
        });
        assert_eq!(store.asked.load(Ordering::Relaxed), 1);
        // What failed is tried again, what was written is fetched again.
        for _ in 0..2 {
            bag.get("w", "k").unwrap_err();
        }
        bag.store(Some("v"), "hunter2", &Secret::new("hunter3")).unwrap();
        bag.get("v", "hunter2").unwrap();
        assert_eq!(store.asked.load(Ordering::Relaxed), 4);
        assert_eq!(bag.mask("hunter3"), "***");
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
        bag.keep_secret(&serde_json::json!({"a": ["sensitive", 1], "b": stand_in}));
        assert_eq!(bag.mask("1 sensitive"), "1 ***");
    }

    #[test]
    fn scripts_refer_to_variables() {
        let bag = bag();
        let secret = bag.get("v", "$(rm -rf /)").unwrap();
        let unused = bag.get("v", "unused").unwrap();
        let (script, env) = bag.indirect(&format!("curl -H {secret}"));
        assert_eq!(script, "curl -H \"${__SWAMP_VAULT_0}\"");
        assert_eq!(env, [("__SWAMP_VAULT_0".to_owned(), Secret::new("$(rm -rf /)"))]);
        assert!(!script.contains(&unused));
    }
}
