//! Repositories made for measuring.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const MODEL: &str = "type: command/shell
id: 11111111-1111-4111-8111-111111111111
name: noop
version: 1
methods:
  execute:
    arguments:
      run: 'true'
";

/// A repository with one workflow per size, each with that many independent steps that run
/// `sh -c true`.
pub(crate) struct Workload {
    directory: TempDir,
}

impl Workload {
    pub(crate) fn new(swamp: &Path, sizes: &[usize]) -> Result<Self, String> {
        let directory =
            TempDir::new().map_err(|error| format!("no temporary directory: {error}"))?;
        let workload = Self { directory };
        crate::measure::quiet(workload.command(swamp).args([
            "repo",
            "init",
            "--tool",
            "none",
            "--no-telemetry",
        ]))?;
        write(
            &workload.root().join("models/command/shell/11111111-1111-4111-8111-111111111111.yaml"),
            MODEL,
        )?;
        for size in sizes {
            let id = format!("22222222-2222-4222-8222-{size:012}");
            let mut text =
                format!("id: {id}\nname: steps-{size}\njobs:\n  - name: main\n    steps:\n");
            for step in 0..*size {
                writeln!(
                    text,
                    "      - {{name: step-{step}, task: {{type: model_method, modelIdOrName: noop, methodName: execute}}}}"
                )
                .map_err(|error| error.to_string())?;
            }
            write(&workload.root().join(format!("workflows/workflow-{id}.yaml")), &text)?;
        }
        Ok(workload)
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// The program in this repository, with a home of its own and nothing else from outside.
    pub(crate) fn command(&self, swamp: &Path) -> std::process::Command {
        let mut command = std::process::Command::new(swamp);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home())
            .current_dir(self.root());
        command
    }

    /// Puts so many entries into the spool, and lets that many stay.
    pub(crate) fn fill_spool(&self, entries: usize) -> Result<(), String> {
        let settings =
            format!("spool: {{entries: {}, mebibytes: 1024, days: 36500}}\n", 2 * entries);
        write(&self.home().join("swamp/telemetry.yaml"), &settings)?;
        for number in 0..entries {
            let name = format!("telemetry-2026-11-22-00000000-0000-4000-8000-{number:012}.json");
            write(&self.root().join(".swamp/telemetry").join(name), "{}")?;
        }
        Ok(())
    }

    fn home(&self) -> PathBuf {
        self.root().join("home")
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    std::fs::write(path, text).map_err(fail)
}
