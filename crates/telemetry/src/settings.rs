//! Whether anything is recorded, and where.

use std::path::{Path, PathBuf};

use serde_json::Value;
use swamp_ident::RepoId;

use crate::Env;
use crate::preferences::{Names, Preferences};

/// What the repository's marker (`.swamp.yaml`) says that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// The repository.
    pub repo_id: Option<RepoId>,
    /// The AI tools the repository is set up for; `None` when the marker does not say.
    pub tools: Option<Vec<String>>,
    /// Whether data is kept somewhere else than on a file system.
    pub external_datastore: bool,
    /// Whether the repository has telemetry switched off.
    pub telemetry_disabled: bool,
    /// Whether entries are kept after they were sent.
    pub keep_sent: bool,
    /// Where entries go, if the repository says so.
    pub endpoint: Option<String>,
    /// How names go over the wire.
    pub names: Names,
}

impl Marker {
    /// Takes what matters from the parsed file. Values of the wrong type are as good as absent,
    /// except for `telemetryDisabled`: whatever is not clearly a "no" switches off.
    pub fn read(marker: &Value) -> Self {
        let text = |key: &str| marker.get(key).and_then(Value::as_str);
        let tools = match marker.get("tools") {
            Some(Value::Array(tools)) => {
                Some(tools.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            _ => match text("tool") {
                Some("none") => Some(Vec::new()),
                Some(tool) => Some(vec![tool.to_owned()]),
                None => None,
            },
        };
        Self {
            repo_id: text("repoId").filter(|id| !id.is_empty()).map(RepoId::new),
            tools,
            external_datastore: marker
                .pointer("/datastore/type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind != "filesystem"),
            telemetry_disabled: marker.get("telemetryDisabled").is_some_and(is_on),
            keep_sent: marker.get("telemetryKeepFlushed").is_some_and(is_on),
            endpoint: text("telemetryEndpoint").map(str::to_owned),
            names: Names::read(marker.get("telemetryNames")),
        }
    }
}

/// Whether a switch in a file is on: anything but `false`, `no`, `off`, `0`, nothing or null.
pub(crate) fn is_on(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            !matches!(text.trim().to_ascii_lowercase().as_str(), "" | "false" | "no" | "off" | "0")
        }
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Why nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// `--no-telemetry` was given.
    Option,
    /// `SWAMP_NO_TELEMETRY` is set.
    SwampNoTelemetry,
    /// `DO_NOT_TRACK` is set.
    DoNotTrack,
    /// The user's settings file says so.
    UserSettings,
    /// The user's settings file cannot be read, so it may say so.
    UnreadableUserSettings,
    /// The repository's marker says so.
    Marker,
    /// The repository's marker cannot be read, so it may say so.
    UnreadableMarker,
}

impl Off {
    /// The reason in words, to be followed by nothing.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Option => "--no-telemetry was given",
            Self::SwampNoTelemetry => "SWAMP_NO_TELEMETRY is set",
            Self::DoNotTrack => "DO_NOT_TRACK is set",
            Self::UserSettings => "switched off in the user's settings",
            Self::UnreadableUserSettings => "the user's telemetry.yaml cannot be read",
            Self::Marker => "telemetryDisabled is set in .swamp.yaml",
            Self::UnreadableMarker => ".swamp.yaml cannot be read",
        }
    }
}

/// What is known of the repository's marker.
#[derive(Clone, Copy, Debug)]
pub enum MarkerState<'a> {
    /// The command does not run in a repository.
    NoRepository,
    /// There is a marker, and it cannot be read.
    Unreadable,
    /// There is one.
    Read(&'a Marker),
}

/// Everything that can switch telemetry off.
pub struct Switches<'a> {
    /// Whether `--no-telemetry` was given.
    pub no_telemetry_option: bool,
    /// The environment.
    pub env: Env<'a>,
    /// The user's settings.
    pub preferences: &'a Preferences,
    /// The repository's marker.
    pub marker: MarkerState<'a>,
}

impl Switches<'_> {
    /// Why nothing may be recorded; `None` when something may. Any single switch is enough: what a
    /// user switched off no repository switches on again, and the other way round.
    pub fn off(&self) -> Option<Off> {
        let variable = |name: &str| (self.env)(name).is_some_and(|value| is_set(&value));
        if self.no_telemetry_option {
            return Some(Off::Option);
        }
        if variable("SWAMP_NO_TELEMETRY") {
            return Some(Off::SwampNoTelemetry);
        }
        if variable("DO_NOT_TRACK") {
            return Some(Off::DoNotTrack);
        }
        if self.preferences.disabled {
            return Some(Off::UserSettings);
        }
        if self.preferences.is_unreadable {
            return Some(Off::UnreadableUserSettings);
        }
        match self.marker {
            MarkerState::Unreadable => Some(Off::UnreadableMarker),
            MarkerState::Read(marker) if marker.telemetry_disabled => Some(Off::Marker),
            MarkerState::Read(_) | MarkerState::NoRepository => None,
        }
    }
}

/// Whether an environment variable switches something on: set, and neither empty, `0` nor `false`.
fn is_set(value: &str) -> bool {
    !matches!(value, "" | "0" | "false")
}

/// The user's configuration directory, if the environment tells one.
pub fn config_dir(env: Env<'_>) -> Option<PathBuf> {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("SWAMP_HOME")
        .map(|home| home.join("config"))
        .or_else(|| variable("XDG_CONFIG_HOME").map(|config| config.join("swamp")))
        .or_else(|| variable("HOME").map(|home| home.join(".config/swamp")))
}

/// The spool of commands that run in a repository.
pub fn repository_spool(root: &Path) -> PathBuf {
    root.join(".swamp/telemetry")
}

/// The spool of commands that run outside any repository.
pub fn user_spool(config_dir: &Path) -> PathBuf {
    config_dir.join("telemetry")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn off(
        set: &[(&str, &str)],
        user: Option<&Preferences>,
        marker: MarkerState<'_>,
    ) -> Option<Off> {
        let env = |name: &str| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let none = Preferences::default();
        let preferences = user.unwrap_or(&none);
        Switches { no_telemetry_option: false, env: &env, preferences, marker }.off()
    }

    #[test]
    fn environment_switches() {
        for (name, reason) in
            [("SWAMP_NO_TELEMETRY", Off::SwampNoTelemetry), ("DO_NOT_TRACK", Off::DoNotTrack)]
        {
            for value in ["1", "true", "FALSE", "no", "off", " "] {
                let got = off(&[(name, value)], None, MarkerState::NoRepository);
                assert_eq!(got, Some(reason), "{name}={value:?}");
            }
            for value in ["", "0", "false"] {
                assert_eq!(off(&[(name, value)], None, MarkerState::NoRepository), None);
            }
        }
    }

    /// Weakness 15: `telemetryDisabled: yes` is ignored without a word.
    #[test]
    fn the_marker_takes_common_spellings_and_fails_closed() {
        for value in [
            json!(true),
            json!("true"),
            json!("yes"),
            json!("on"),
            json!("ON"),
            json!(1),
            json!("1"),
            json!("ja"),
            json!([]),
        ] {
            let marker = Marker::read(&json!({"telemetryDisabled": value}));
            let got = off(&[], None, MarkerState::Read(&marker));
            assert_eq!(got, Some(Off::Marker), "{value}");
        }
        for value in
            [json!(false), json!("false"), json!("No"), json!("off"), json!(0), json!(null)]
        {
            let marker = Marker::read(&json!({"telemetryDisabled": value}));
            assert_eq!(off(&[], None, MarkerState::Read(&marker)), None, "{value}");
        }
        assert_eq!(off(&[], None, MarkerState::Read(&Marker::default())), None);
        assert_eq!(off(&[], None, MarkerState::Unreadable), Some(Off::UnreadableMarker));
    }

    /// Weakness 14: the user's "off" has no effect in repositories.
    #[test]
    fn what_the_user_switched_off_stays_off_in_repositories() {
        let on = Marker::read(&json!({"telemetryDisabled": false}));
        let disabled = Preferences { disabled: true, ..Preferences::default() };
        let unreadable = Preferences { is_unreadable: true, ..Preferences::default() };
        for marker in [MarkerState::NoRepository, MarkerState::Read(&on)] {
            assert_eq!(off(&[], Some(&disabled), marker), Some(Off::UserSettings));
            assert_eq!(off(&[], Some(&unreadable), marker), Some(Off::UnreadableUserSettings));
            assert_eq!(off(&[], Some(&Preferences::default()), marker), None);
        }
        let env = |_: &str| None;
        let option = Switches {
            no_telemetry_option: true,
            env: &env,
            preferences: &Preferences::default(),
            marker: MarkerState::Unreadable,
        };
        assert_eq!(option.off(), Some(Off::Option));
    }

    #[test]
    fn the_marker_is_read_leniently() {
        let marker = Marker::read(&json!({
            "repoId": "r-1", "tools": ["claude", 7], "telemetryKeepFlushed": true,
            "telemetryEndpoint": "http://h", "telemetryNames": "hashed",
        }));
        assert_eq!(marker.repo_id, Some(RepoId::new("r-1")));
        assert_eq!(marker.tools, Some(vec!["claude".to_owned()]));
        assert!(marker.keep_sent);
        assert_eq!((marker.endpoint.as_deref(), marker.names), (Some("http://h"), Names::Hashed));
        for nothing in [json!(null), json!([]), json!({"repoId": "", "tools": 3})] {
            assert_eq!(Marker::read(&nothing), Marker::default(), "{nothing}");
        }
    }

    #[test]
    fn directories_follow_the_environment() {
        let dir = |set: &[(&str, &str)]| {
            config_dir(&|name: &str| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let all = [("SWAMP_HOME", "/s"), ("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(dir(&all), Some("/s/config".into()));
        assert_eq!(dir(&all[1..]), Some("/x/swamp".into()));
        assert_eq!(dir(&all[2..]), Some("/h/.config/swamp".into()));
        assert_eq!(
            dir(&[("XDG_CONFIG_HOME", ""), ("HOME", "/h")]),
            Some("/h/.config/swamp".into())
        );
        assert_eq!(dir(&[]), None);
        assert_eq!(repository_spool(Path::new("/r")), Path::new("/r/.swamp/telemetry"));
        assert_eq!(user_spool(Path::new("/h/c")), Path::new("/h/c/telemetry"));
    }
}
