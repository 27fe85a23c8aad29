//! Everything that is decided about telemetry before a command runs, from files and variables.

use std::path::{Path, PathBuf};

use crate::endpoint::{self, Endpoint, Named};
use crate::flush::Target;
use crate::key::{KeyChoice, Question};
use crate::preferences::{Names, Preferences};
use crate::settings::{
    Marker, MarkerState, Off, Switches, config_dir, repository_spool, user_spool,
};
use crate::{Env, private_file};

/// What holds for commands that run in a directory.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The repository, when the directory is one.
    pub repository: Option<PathBuf>,
    /// What its marker says; `None` outside a repository, and when it cannot be read.
    pub marker: Option<Marker>,
    /// The user's configuration directory; `None` when the environment tells none.
    pub config: Option<PathBuf>,
    /// The user's settings.
    pub preferences: Preferences,
    /// Why nothing is recorded, if so.
    pub off: Option<Off>,
    /// Where entries go; `None` outside a repository without a configuration directory.
    pub spool: Option<PathBuf>,
    /// The endpoint, if one is named anywhere.
    pub endpoint: Option<Named>,
}

impl Setup {
    /// Reads what holds in a directory; with `None`, what holds outside any repository.
    pub fn read(directory: Option<&Path>, no_telemetry_option: bool, env: Env<'_>) -> Self {
        let marker_file = |directory: &Path| directory.join(".swamp.yaml");
        let repository = directory.filter(|directory| marker_file(directory).is_file());
        let is_repository = repository.is_some();
        let marker = repository.and_then(|directory| read_marker(&marker_file(directory)));
        let config = config_dir(env);
        let preferences = config.as_deref().map(Preferences::read).unwrap_or_default();
        let switches = Switches {
            no_telemetry_option,
            env,
            preferences: &preferences,
            marker: match &marker {
                None if is_repository => MarkerState::Unreadable,
                None => MarkerState::NoRepository,
                Some(marker) => MarkerState::Read(marker),
            },
        };
        let off = switches.off();
        let spool = match repository {
            Some(directory) => Some(repository_spool(directory)),
            None => config.as_deref().map(user_spool),
        };
        let endpoint = endpoint::choose(
            env("SWAMP_TELEMETRY_ENDPOINT").as_deref(),
            marker.as_ref().and_then(|marker| marker.endpoint.as_deref()),
            preferences.endpoint.as_deref(),
        );
        let repository = repository.map(Path::to_owned);
        Self { repository, marker, config, preferences, off, spool, endpoint }
    }

    /// The endpoint, if one is named and can be used.
    pub fn usable_endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()?.endpoint.as_ref().ok()
    }

    /// The key for the endpoint, or why there is none; `None` without an endpoint.
    pub fn key(&self, env: Env<'_>) -> Option<KeyChoice> {
        let origin = self.endpoint.as_ref()?.origin;
        let question = Question {
            endpoint: self.usable_endpoint()?,
            origin,
            repo_id: self.marker.as_ref().and_then(|marker| marker.repo_id.as_ref()),
            preferences: &self.preferences,
            config: self.config.as_deref(),
            env,
        };
        Some(question.answer())
    }

    /// Where requests go and with which key; `None` without an endpoint that can be used.
    pub fn target(&self, version: &str, env: Env<'_>) -> Option<Target> {
        let url = self.usable_endpoint()?.ingest_url();
        let key = self.key(env).and_then(|choice| choice.key().cloned());
        Some(Target { url, key, version: version.to_owned() })
    }

    /// How names go over the wire: hashed if the user or the repository says so.
    pub fn names(&self) -> Names {
        let marker = self.marker.as_ref().map(|marker| marker.names).unwrap_or_default();
        self.preferences.names.or(marker)
    }
}

fn read_marker(path: &Path) -> Option<Marker> {
    let text = private_file::read(path).ok()?;
    let value = swamp_yaml::Document::parse(&text).ok()?.into_value();
    value.is_object().then(|| Marker::read(&value))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::endpoint::Origin;

    #[test]
    fn everything_is_found_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        let (repo, config) = (home.path().join("repo"), home.path().join("config"));
        fs::create_dir_all(&repo).unwrap();
        fs::create_dir_all(&config).unwrap();
        let variables = |endpoint: Option<&'static str>| {
            let home = home.path().display().to_string();
            move |name: &str| match name {
                "SWAMP_HOME" => Some(home.clone()),
                "SWAMP_TELEMETRY_ENDPOINT" => endpoint.map(str::to_owned),
                "SWAMP_API_KEY" => Some("k".to_owned()),
                _ => None,
            }
        };
        let setup = Setup::read(Some(&repo), false, &variables(None));
        assert_eq!((setup.repository, setup.marker, setup.endpoint), (None, None, None));
        assert_eq!(setup.spool, Some(config.join("telemetry")));

        fs::write(config.join("telemetry.yaml"), "endpoint: https://user\n").unwrap();
        let marker = "repoId: r\ntelemetryEndpoint: https://marker\ntelemetryNames: hashed\n";
        fs::write(repo.join(".swamp.yaml"), marker).unwrap();
        let env = variables(None);
        let setup = Setup::read(Some(&repo), false, &env);
        assert_eq!(setup.endpoint.as_ref().map(|named| named.origin), Some(Origin::Marker));
        assert_eq!(setup.names(), Names::Hashed);
        assert_eq!(setup.spool, Some(repo.join(".swamp/telemetry")));
        let target = setup.target("1", &env).unwrap();
        assert_eq!((target.url.as_str(), target.key), ("https://marker/ingest", None));

        let env = variables(Some("https://env"));
        let setup = Setup::read(Some(&repo), false, &env);
        let target = setup.target("1", &env).unwrap();
        assert_eq!(target.url, "https://env/ingest");
        assert!(target.key.is_some());

        let setup = Setup::read(Some(&repo), true, &variables(Some("nonsense")));
        assert_eq!((setup.off, setup.usable_endpoint()), (Some(Off::Option), None));
        assert!(setup.endpoint.is_some());

        let outside = Setup::read(None, false, &variables(None));
        assert_eq!(outside.endpoint.map(|named| named.origin), Some(Origin::UserSettings));

        fs::write(repo.join(".swamp.yaml"), "[").unwrap();
        let setup = Setup::read(Some(&repo), false, &variables(None));
        assert_eq!(setup.off, Some(Off::UnreadableMarker));
    }
}
