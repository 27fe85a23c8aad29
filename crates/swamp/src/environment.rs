//! The environment variables the program reads, in one place.

use std::ffi::OsString;

/// A variable with what it does, for `swamp help environment` and the documentation.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("SWAMP_REPO_DIR", "the repository, when --repo-dir is not given"),
    ("SWAMP_LOG_LEVEL", "the log level, when neither --quiet nor --log-level is given"),
    ("SWAMP_MAX_CONCURRENT_STEPS", "how many steps may run at once at most"),
    ("SWAMP_NO_TELEMETRY", "switches telemetry off unless empty, 0 or false"),
    ("DO_NOT_TRACK", "switches telemetry off unless empty, 0 or false"),
    ("SWAMP_TELEMETRY_ENDPOINT", "where telemetry is sent; nowhere if no place names one"),
    ("SWAMP_TELEMETRY_FLUSH", "what --telemetry-flush says, when it is not given"),
    ("SWAMP_API_KEY", "the key for the telemetry endpoint"),
    ("SSL_CERT_FILE", "authorities to trust instead of the system's, for the telemetry endpoint"),
    ("SSL_CERT_DIR", "the same, as a directory"),
    ("SWAMP_DEBUG", "not empty: tells on standard error when telemetry cannot write"),
    ("SWAMP_WORKFLOWS_DIR", "the directory of extension workflows"),
    ("SWAMP_VAULT_DIRS", "directories outside the repository in which vaults may keep secrets"),
    ("SWAMP_LOCK_HOLDER_PID", "set for commands started by a method: whose locks not to wait for"),
    ("NO_COLOR", "switches colours off when not empty"),
    ("TERM", "`dumb` switches the live tree off"),
    ("EDITOR", "the editor for `model edit`, `workflow edit` and `vault edit`"),
    ("COLUMNS", "how wide statistics may be, when not as wide as the terminal"),
    ("USER", "the name in lock files"),
    (
        "HOME",
        "where ~/ in @file inputs and vault settings leads, and the settings when XDG_CONFIG_HOME is not set",
    ),
    ("SWAMP_HOME", "where the settings are: $SWAMP_HOME/config; stronger than XDG_CONFIG_HOME"),
    ("XDG_RUNTIME_DIR", "where sockets of shared ssh connections are; /tmp/swamp-<uid> if not set"),
    ("SWAMP_COLLECTOR_STORE", "what --store of the collector says, when it is not given"),
    ("XDG_DATA_HOME", "where the collector keeps its store: $XDG_DATA_HOME/swamp/collector"),
    ("XDG_CONFIG_HOME", "where the settings are: $XDG_CONFIG_HOME/swamp"),
];

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Environment;

impl Environment {
    /// The value of a variable; not set, empty and not UTF-8 are all `None`.
    pub(crate) fn get(self, name: &str) -> Option<String> {
        self.os(name).and_then(|value| value.into_string().ok())
    }

    /// The value of a variable that may hold a path; `None` if not set or empty.
    pub(crate) fn os(self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
}
