//! The key that opens an endpoint, and where it may go.

use std::fmt;
use std::io;
use std::path::Path;

use swamp_ident::RepoId;

use crate::endpoint::{Endpoint, Origin};
use crate::preferences::Preferences;
use crate::{Env, private_file};

/// The file beside the user's settings: the key, and on a second line the endpoint it is for.
const FILE: &str = "telemetry-key";

/// A key. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a text that can stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| Self(text.to_owned()))
    }

    /// The text, for the one header it goes into.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The variable `SWAMP_API_KEY`.
    Environment,
    /// The file `telemetry-key`.
    File,
    /// The file `auth.json`, written by logging in.
    Login,
}

impl KeySource {
    /// The place in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "SWAMP_API_KEY",
            Self::File => "telemetry-key",
            Self::Login => "auth.json",
        }
    }
}

/// Why no key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// There is none for this endpoint.
    NotSet,
    /// The repository named the endpoint, not the user.
    NotTrusted,
    /// Somebody on the way could read it.
    PlainHttp,
}

impl NoKey {
    /// The reason in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSet => "none is set for this endpoint",
            Self::NotTrusted => {
                "the repository named the endpoint; `swamp telemetry trust` allows it to have the key"
            }
            Self::PlainHttp => "the endpoint is not encrypted (http) and on another machine",
        }
    }
}

/// The key for an endpoint, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// This one.
    Key(ApiKey, KeySource),
    /// None.
    None(NoKey),
}

impl KeyChoice {
    /// The key, if there is one.
    pub(crate) fn key(&self) -> Option<&ApiKey> {
        match self {
            Self::Key(key, _) => Some(key),
            Self::None(_) => None,
        }
    }
}

/// What decides about the key.
pub(crate) struct Question<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) origin: Origin,
    pub(crate) repo_id: Option<&'a RepoId>,
    pub(crate) preferences: &'a Preferences,
    pub(crate) config: Option<&'a Path>,
    pub(crate) env: Env<'a>,
}

impl Question<'_> {
    pub(crate) fn answer(&self) -> KeyChoice {
        let is_trusted =
            self.origin.is_the_users() || self.preferences.trusts(self.repo_id, self.endpoint);
        match self.find() {
            None => KeyChoice::None(NoKey::NotSet),
            Some(_) if !is_trusted => KeyChoice::None(NoKey::NotTrusted),
            Some(_) if self.endpoint.is_readable_on_the_way() => KeyChoice::None(NoKey::PlainHttp),
            Some((key, source)) => KeyChoice::Key(key, source),
        }
    }

    fn find(&self) -> Option<(ApiKey, KeySource)> {
        let variable = (self.env)("SWAMP_API_KEY").and_then(|text| ApiKey::new(&text));
        let key = variable.map(|key| (key, KeySource::Environment));
        key.or_else(|| self.file()).or_else(|| self.login())
    }

    /// The key of the user's own endpoint goes there and nowhere else.
    fn file(&self) -> Option<(ApiKey, KeySource)> {
        let text = private_file::read(&self.config?.join(FILE)).ok()?;
        let mut lines = text.lines();
        let key = ApiKey::new(lines.next()?)?;
        let bound = lines.next().map(str::trim).filter(|line| !line.is_empty());
        let meant = bound.or(self.preferences.endpoint.as_deref())?;
        let is_meant = Endpoint::parse(meant).is_ok_and(|meant| meant == *self.endpoint);
        is_meant.then_some((key, KeySource::File))
    }

    fn login(&self) -> Option<(ApiKey, KeySource)> {
        let text = private_file::read(&self.config?.join("auth.json")).ok()?;
        let login: serde_json::Value = serde_json::from_str(&text).ok()?;
        let server = Endpoint::parse(login.get("serverUrl")?.as_str()?).ok()?;
        let key = ApiKey::new(login.get("apiKey")?.as_str()?)?;
        (server.host() == self.endpoint.host()).then_some((key, KeySource::Login))
    }
}

/// Keeps the key of the user's endpoint; `None` forgets it.
pub fn store_key(config: &Path, endpoint: &Endpoint, key: Option<&ApiKey>) -> io::Result<()> {
    let path = config.join(FILE);
    match key {
        Some(key) => private_file::replace(&path, format!("{}\n{endpoint}\n", key.0).as_bytes()),
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Case {
        endpoint: &'static str,
        origin: Origin,
        trusted: bool,
        variable: Option<&'static str>,
        file: Option<&'static str>,
        users_endpoint: Option<&'static str>,
        login: Option<&'static str>,
    }

    const NOTHING: Case = Case {
        endpoint: "https://t.example.com",
        origin: Origin::UserSettings,
        trusted: false,
        variable: None,
        file: None,
        users_endpoint: None,
        login: None,
    };

    fn answer(case: &Case) -> Result<(String, KeySource), NoKey> {
        let home = tempfile::tempdir().unwrap();
        if let Some(text) = case.file {
            fs::write(home.path().join(FILE), text).unwrap();
        }
        if let Some(text) = case.login {
            fs::write(home.path().join("auth.json"), text).unwrap();
        }
        let (repo, endpoint) = (RepoId::new("r"), Endpoint::parse(case.endpoint).unwrap());
        if case.trusted {
            Preferences::set_trust(home.path(), &repo, Some(&endpoint)).unwrap();
        }
        let mut preferences = Preferences::read(home.path());
        preferences.endpoint = case.users_endpoint.map(str::to_owned);
        let question = Question {
            endpoint: &endpoint,
            origin: case.origin,
            repo_id: Some(&repo),
            preferences: &preferences,
            config: Some(home.path()),
            env: &|name: &str| case.variable.filter(|_| name == "SWAMP_API_KEY").map(str::to_owned),
        };
        match question.answer() {
            KeyChoice::Key(key, source) => Ok((key.0, source)),
            KeyChoice::None(why) => Err(why),
        }
    }

    /// Weakness 11: the key goes to whatever host somebody names.
    #[test]
    fn the_key_goes_where_the_user_sent_it() {
        let found = |text: &str, source| Ok((text.to_owned(), source));
        let env = Case { variable: Some("k1"), ..NOTHING };
        let login = r#"{"serverUrl": "https://t.example.com/app", "apiKey": "k3"}"#;
        for (what, case, want) in [
            ("nothing", NOTHING, Err(NoKey::NotSet)),
            ("variable", Case { ..env }, found("k1", KeySource::Environment)),
            ("marker", Case { origin: Origin::Marker, ..env }, Err(NoKey::NotTrusted)),
            (
                "trusted marker",
                Case { origin: Origin::Marker, trusted: true, ..env },
                found("k1", KeySource::Environment),
            ),
            ("http", Case { endpoint: "http://t.example.com", ..env }, Err(NoKey::PlainHttp)),
            (
                "trusted marker, http",
                Case {
                    origin: Origin::Marker,
                    trusted: true,
                    endpoint: "http://t.example.com",
                    ..env
                },
                Err(NoKey::PlainHttp),
            ),
            (
                "http on this machine",
                Case { endpoint: "http://localhost:1", ..env },
                found("k1", KeySource::Environment),
            ),
            ("unprintable", Case { variable: Some("a\nb: c"), ..NOTHING }, Err(NoKey::NotSet)),
            (
                "file, bound",
                Case { file: Some("k2\nhttps://t.example.com/\n"), ..NOTHING },
                found("k2", KeySource::File),
            ),
            (
                "file, bound to another",
                Case { file: Some("k2\nhttps://other.example.com\n"), ..NOTHING },
                Err(NoKey::NotSet),
            ),
            (
                "file, for the user's endpoint",
                Case {
                    file: Some("k2\n"),
                    users_endpoint: Some("https://t.example.com"),
                    ..NOTHING
                },
                found("k2", KeySource::File),
            ),
            (
                "file, but the environment names another endpoint",
                Case {
                    file: Some("k2\n"),
                    users_endpoint: Some("https://mine.example.com"),
                    origin: Origin::Environment,
                    ..NOTHING
                },
                Err(NoKey::NotSet),
            ),
            ("login", Case { login: Some(login), ..NOTHING }, found("k3", KeySource::Login)),
            (
                "login elsewhere",
                Case { login: Some(login), endpoint: "https://other.example.com", ..NOTHING },
                Err(NoKey::NotSet),
            ),
            (
                "login, marker",
                Case { login: Some(login), origin: Origin::Marker, ..NOTHING },
                Err(NoKey::NotTrusted),
            ),
            ("login unreadable", Case { login: Some("{"), ..NOTHING }, Err(NoKey::NotSet)),
        ] {
            assert_eq!(answer(&case), want, "{what}");
        }
    }

    #[test]
    fn a_key_is_never_printed_and_can_be_forgotten() {
        let key = ApiKey::new("s3cret").unwrap();
        assert_eq!(
            format!("{:?}", KeyChoice::Key(key.clone(), KeySource::File)).find("s3cret"),
            None
        );
        let home = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::parse("https://t.example.com").unwrap();
        store_key(home.path(), &endpoint, Some(&key)).unwrap();
        let text = fs::read_to_string(home.path().join(FILE)).unwrap();
        assert_eq!(text, "s3cret\nhttps://t.example.com\n");
        store_key(home.path(), &endpoint, None).unwrap();
        store_key(home.path(), &endpoint, None).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
