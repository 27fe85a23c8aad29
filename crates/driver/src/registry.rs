//! Finding a driver by its name.

use std::sync::Arc;

use swamp_ident::DriverName;

use crate::{Driver, DriverError, Raw};

/// Names that mean something although this build has no such driver.
const NOT_BUILT: [&str; 1] = ["docker"];

/// The drivers of this process. Case does not matter in names.
#[derive(Clone)]
pub struct Drivers {
    known: Vec<Arc<dyn Driver>>,
}

impl Drivers {
    /// The drivers that are built in.
    pub fn builtin() -> Self {
        Self { known: vec![Arc::new(Raw::new())] }
    }

    /// Only these drivers.
    pub fn new(known: Vec<Arc<dyn Driver>>) -> Self {
        Self { known }
    }

    /// The name of the driver that is used when nobody asks for one.
    pub fn default_name() -> DriverName {
        DriverName::new(Raw::NAME)
    }

    /// The drivers' names.
    pub fn names(&self) -> Vec<DriverName> {
        self.known.iter().map(|driver| driver.name().clone()).collect()
    }

    /// The driver of that name.
    pub fn resolve(&self, name: &DriverName) -> Result<Arc<dyn Driver>, DriverError> {
        let is_meant = |known: &str| known.eq_ignore_ascii_case(name.as_str());
        if let Some(driver) = self.known.iter().find(|driver| is_meant(driver.name().as_str())) {
            return Ok(Arc::clone(driver));
        }
        let available = self.names();
        if NOT_BUILT.iter().any(|known| is_meant(known)) {
            return Err(DriverError::NotBuilt { name: name.clone(), available });
        }
        Err(DriverError::Unknown { name: name.clone(), available })
    }
}

impl std::fmt::Debug for Drivers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Drivers").field(&self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_or_say_what_there_is() {
        let drivers = Drivers::builtin();
        for name in ["raw", "RAW"] {
            assert_eq!(drivers.resolve(&name.into()).unwrap().name(), &"raw");
        }
        for (name, message) in [
            ("x", "Unknown execution driver 'x'. Available drivers: raw"),
            (
                "docker",
                "Execution driver 'docker' is not built into this version. Available drivers: raw",
            ),
        ] {
            let error = drivers.resolve(&name.into()).err().unwrap();
            assert_eq!(error.to_string(), message);
        }
    }
}
