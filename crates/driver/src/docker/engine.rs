//! A container engine, apart from running commands: what containers of ours are there, and removing
//! them.

use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use swamp_ident::{RepoId, RunId};

use super::owner::{self, Owner, PID};
use super::quiet;

/// How long an engine may take for a small thing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command that takes the arguments of `docker`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Engine(String);

/// An engine cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It cannot be started.
    #[error("cannot start '{engine}': {source}")]
    Missing {
        /// The engine.
        engine: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It does not answer in time.
    #[error("'{engine}' did not answer within {} seconds", PATIENCE.as_secs())]
    Silent {
        /// The engine.
        engine: String,
    },
    /// It says no.
    #[error("'{engine}' says: {said}")]
    Refused {
        /// The engine.
        engine: String,
        /// What it said.
        said: String,
    },
}

/// A container that carries our labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `running`, `exited`, `created`, …
    pub state: String,
    /// Who it belongs to.
    pub owned: Owned,
}

/// Who a container belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The process.
    pub owner: Owner,
    /// The repository.
    pub repository: Option<RepoId>,
    /// The workflow run.
    pub run: Option<RunId>,
}

impl Engine {
    /// The engine with this name or path.
    pub fn new(command: impl Into<String>) -> Self {
        Self(command.into())
    }

    /// Its name or path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it answers: its version.
    pub fn version(&self) -> Result<String, EngineError> {
        // Asks the daemon, where there is one.
        self.ask(&["ps", "-q", "--filter", "name=^swamp-none$"])?;
        Ok(self.ask(&["--version"])?.trim().to_owned())
    }

    /// The containers that carry our labels, running or not, oldest first.
    pub fn containers(&self) -> Result<Vec<Found>, EngineError> {
        let filter = format!("label={PID}");
        let ids = self.ask(&["ps", "-a", "-q", "--no-trunc", "--filter", &filter])?;
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // A container may go between the two questions; then it is none to tell of.
        let mut found: Vec<Found> = Vec::with_capacity(ids.len());
        for id in ids.iter().rev() {
            let Ok(answer) = self.ask(&["inspect", "--type", "container", id]) else { continue };
            let answer: Vec<Value> = serde_json::from_str(&answer).unwrap_or_default();
            found.extend(answer.first().and_then(read));
        }
        Ok(found)
    }

    /// Removes a container, running or not. It may be gone already, or the engine may not answer:
    /// then it is found and removed by `swamp doctor` later.
    pub(crate) fn remove(&self, container: &str) {
        // Some engines give a container that is removed ten seconds to end, others none. It had its
        // time.
        let _ = self.ask(&["kill", container]);
        let _ = self.ask(&["rm", "-f", container]);
    }

    /// Removes a container, running or not.
    pub fn try_remove(&self, container: &str) -> Result<(), EngineError> {
        let _ = self.ask(&["kill", container]);
        self.ask(&["rm", "-f", container]).map(drop)
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, EngineError> {
        let engine = || self.0.clone();
        let mut child = quiet(&self.0)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| EngineError::Missing { engine: engine(), source })?;
        let readers = [read_all(child.stdout.take()), read_all(child.stderr.take())];
        let Some(success) = end_of(&mut child) else {
            return Err(EngineError::Silent { engine: engine() });
        };
        let [stdout, stderr] = readers.map(|reader| reader.join().unwrap_or_default());
        if success {
            return Ok(stdout);
        }
        let said = super::last_line(&stderr);
        Err(EngineError::Refused { engine: engine(), said })
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read counts.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether it went well; nothing if it had to be killed.
fn end_of(child: &mut Child) -> Option<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                // Fails only when it has ended.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// One container as `inspect` tells of it.
fn read(container: &Value) -> Option<Found> {
    let text = |path: &str| container.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let labels = container.pointer("/Config/Labels")?.as_object()?;
    let (repository, run) = owner::purpose(labels);
    let name = text("/Name").trim_start_matches('/');
    let named: Map<String, Value> = labels.clone();
    Some(Found {
        id: text("/Id").to_owned(),
        name: name.to_owned(),
        // nerdctl has it at the top, where others have a digest.
        image: Some(text("/Config/Image"))
            .filter(|image| !image.is_empty())
            .unwrap_or_else(|| text("/Image"))
            .to_owned(),
        state: text("/State/Status").to_owned(),
        owned: Owned { owner: Owner::of_labels(&named)?, repository, run },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_engine_that_is_not_there_says_so() {
        let error = Engine::new("/nonexistent/engine").containers().unwrap_err();
        assert!(error.to_string().starts_with("cannot start '/nonexistent/engine': "), "{error}");
        let error = Engine::new("false").version().unwrap_err();
        assert!(matches!(error, EngineError::Refused { .. }), "{error}");
    }

    #[test]
    fn containers_are_read_from_what_inspect_says() {
        let container = json!({
            "Id": "abc", "Name": "/swamp-1", "State": {"Status": "running"},
            "Config": {"Image": "tools:1", "Labels": {
                "swamp.pid": "7", "swamp.started": "8", "swamp.boot": "b", "swamp.pidns": "9",
                "swamp.repo": "r",
            }},
        });
        let found = read(&container).unwrap();
        assert_eq!((found.name.as_str(), found.state.as_str()), ("swamp-1", "running"));
        assert_eq!((found.owned.owner.pid, found.owned.run), (7, None));
        assert_eq!(found.owned.repository, Some(RepoId::new("r")));
        assert_eq!(found.image, "tools:1");
        let mut of_nerdctl = container;
        of_nerdctl["Config"].as_object_mut().unwrap().remove("Image");
        of_nerdctl["Image"] = "tools:2".into();
        assert_eq!(read(&of_nerdctl).unwrap().image, "tools:2");
        assert_eq!(read(&json!({"Config": {"Labels": {"swamp.pid": "x"}}})), None);
    }
}
