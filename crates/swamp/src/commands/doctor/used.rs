//! Which drivers a repository asks for.

use std::collections::BTreeSet;

use serde_json::Value;
use swamp_driver::{Docker, Engine, Ssh};
use swamp_store::{Repository, StoreError};
use swamp_workflow::{DriverChoice, load_all};

use super::finding::{Cure, Finding};

/// Engines that people have. They are asked for containers even if this repository does not use
/// them.
const USUAL_ENGINES: [&str; 3] = ["docker", "podman", "nerdctl"];

/// What drivers need, as far as definitions, workflows and the marker tell.
pub(super) struct Used {
    /// Engines that are named, or meant by not naming one.
    pub(super) engines: BTreeSet<Engine>,
    /// Engines that are there all the same.
    pub(super) other_engines: BTreeSet<Engine>,
    pub(super) ssh: bool,
    /// Files that could not be read.
    pub(super) broken: Vec<Finding>,
}

impl Used {
    pub(super) fn by(repository: Option<&Repository>) -> Result<Self, StoreError> {
        let mut used = Self {
            engines: BTreeSet::new(),
            other_engines: BTreeSet::new(),
            ssh: false,
            broken: Vec::new(),
        };
        if let Some(repository) = repository {
            used.by_definitions(repository)?;
            used.by_workflows(repository)?;
            if let Some((driver, config)) = repository.marker().default_driver() {
                used.note(driver, config);
            }
        }
        let is_there = |name: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
        };
        let usual = USUAL_ENGINES.into_iter().filter(is_there).map(Engine::new);
        used.other_engines = usual.filter(|engine| !used.engines.contains(engine)).collect();
        Ok(used)
    }

    fn by_definitions(&mut self, repository: &Repository) -> Result<(), StoreError> {
        let scan = repository.definitions().scan()?;
        for definition in &scan.found {
            if let Some(driver) = &definition.driver {
                self.note(driver.as_str(), definition.driver_config.as_ref());
            }
        }
        for broken in &scan.broken {
            self.unreadable(broken.error.to_string());
        }
        Ok(())
    }

    fn by_workflows(&mut self, repository: &Repository) -> Result<(), StoreError> {
        let (workflows, broken) = load_all(repository)?;
        for workflow in workflows.iter().map(|loaded| &loaded.workflow) {
            self.note_choice(workflow.driver.as_ref());
            for job in &workflow.jobs {
                self.note_choice(job.driver.as_ref());
                for step in &job.steps {
                    self.note_choice(step.driver.as_ref());
                }
            }
        }
        for broken in &broken {
            self.unreadable(broken.error.to_string());
        }
        Ok(())
    }

    fn note_choice(&mut self, choice: Option<&DriverChoice>) {
        if let Some(choice) = choice
            && let Some(name) = &choice.name
        {
            let config = choice.config.clone().map(Value::Object);
            self.note(name, config.as_ref());
        }
    }

    fn note(&mut self, driver: &str, config: Option<&Value>) {
        match driver {
            Docker::NAME => {
                self.engines.insert(Docker::engine_of(config));
            }
            Ssh::NAME => self.ssh = true,
            _ => {}
        }
    }

    fn unreadable(&mut self, what: String) {
        let cure = Cure::Advice("correct the file".to_owned());
        self.broken.push(Finding::problem("file", what, cure));
    }
}
