//! Finding a driver by its name.

use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_ident::{DriverName, closest};

use crate::{Configured, Docker, DriverError, DriverKind, Raw, Ssh, Surroundings};

/// The drivers of this process. Case matters in names.
#[derive(Clone)]
pub struct Drivers {
    kinds: Vec<Arc<dyn DriverKind>>,
}

impl Drivers {
    /// The drivers that are built in: `raw`, `docker`, `ssh`.
    pub fn builtin(surroundings: Surroundings) -> Self {
        let surroundings = Arc::new(surroundings);
        Self::new(vec![
            Arc::new(Raw::kind()),
            Arc::new(Docker::kind(Arc::clone(&surroundings))),
            Arc::new(Ssh::kind(surroundings)),
        ])
    }

    /// Only these drivers.
    pub fn new(kinds: Vec<Arc<dyn DriverKind>>) -> Self {
        Self { kinds }
    }

    /// The name of the driver that is used when nobody asks for one.
    pub fn default_name() -> DriverName {
        DriverName::new(Raw::NAME)
    }

    /// The drivers' names.
    pub fn names(&self) -> Vec<DriverName> {
        self.kinds.iter().map(|kind| kind.name().clone()).collect()
    }

    /// The driver of that name, with that configuration.
    pub fn resolve(
        &self,
        name: &DriverName,
        config: &Map<String, Value>,
    ) -> Result<Configured, DriverError> {
        let Some(kind) = self.kinds.iter().find(|kind| kind.name() == name) else {
            let available = self.names();
            let meant = closest(name.as_str(), available.iter().map(DriverName::as_str));
            let meant = meant.map(DriverName::new);
            return Err(DriverError::Unknown { name: name.clone(), available, meant });
        };
        kind.configure(config).map_err(|source| DriverError::Config { name: name.clone(), source })
    }
}

impl std::fmt::Debug for Drivers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Drivers").field(&self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(name: &str, config: &Value) -> Result<(String, Vec<String>), String> {
        let drivers = Drivers::builtin(Surroundings::default());
        let found = drivers.resolve(&name.into(), config.as_object().unwrap());
        found
            .map(|found| (found.driver.name().to_string(), found.warnings))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_resolve_or_say_what_there_is() {
        for (name, config) in [
            ("raw", json!({})),
            ("docker", json!({"image": "busybox", "command": "podman", "cpus": 1})),
            ("ssh", json!({"host": "db1", "port": 2222})),
        ] {
            assert_eq!(resolve(name, &config).unwrap(), (name.to_owned(), Vec::new()));
        }
        for (name, config, message) in [
            (
                "nowhere",
                json!({}),
                "Unknown execution driver 'nowhere'. Available drivers: raw, docker, ssh",
            ),
            (
                "RAW",
                json!({}),
                "Unknown execution driver 'RAW'. Available drivers: raw, docker, ssh. Did you mean 'raw'?",
            ),
            (
                "dokcer",
                json!({"image": "x"}),
                "Unknown execution driver 'dokcer'. Available drivers: raw, docker, ssh. Did you mean 'docker'?",
            ),
            (
                "docker",
                json!({}),
                "Execution driver 'docker' cannot be used like this: 'image' is missing: the image to run commands in",
            ),
            (
                "ssh",
                json!({"host": "-oProxyCommand=x"}),
                "Execution driver 'ssh' cannot be used like this: 'host' must not begin with '-'",
            ),
        ] {
            assert_eq!(resolve(name, &config).unwrap_err(), message);
        }
        let (_, warnings) = resolve("raw", &json!({"image": "x"})).unwrap();
        assert_eq!(warnings, ["driver 'raw' takes no driverConfig; it is ignored"]);
    }
}
