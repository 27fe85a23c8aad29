//! Podman with a storage of its own.
//!
//! Its configuration is for restricted surroundings: `runc`, because not every sandbox has what
//! `crun` wants; low limits, because a container must not ask for more than its surroundings have;
//! plain copies instead of overlays; locks in files, so that nothing is shared with another engine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::{image, succeed};

/// A container engine.
pub(crate) struct Podman {
    dir: tempfile::TempDir,
    /// What to start instead of `docker`.
    pub(crate) command: PathBuf,
}

impl Podman {
    pub(crate) fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("swamp-podman").tempdir().expect("a directory");
        let base = dir.path();
        let write = |name: &str, text: String| fs::write(base.join(name), text).expect("a file");
        let at = base.display();
        write(
            "storage.conf",
            format!(
                "[storage]\ndriver = \"vfs\"\ngraphroot = \"{at}/root\"\nrunroot = \"{at}/run\"\n"
            ),
        );
        write(
            "containers.conf",
            format!(
                "[containers]\n\
                 default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
                 netns = \"none\"\n\
                 [engine]\n\
                 runtime = \"runc\"\n\
                 cgroup_manager = \"cgroupfs\"\n\
                 events_logger = \"none\"\n\
                 lock_type = \"file\"\n\
                 tmp_dir = \"{at}/tmp\"\n"
            ),
        );
        // The engine's settings are in its environment, where the tests cannot put them.
        let command = base.join("podman");
        write(
            "podman",
            format!(
                "#!/bin/sh\nCONTAINERS_CONF='{at}/containers.conf' CONTAINERS_STORAGE_CONF='{at}/storage.conf' exec podman \"$@\"\n"
            ),
        );
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("permissions");
        let podman = Self { dir, command };
        image::import(&podman.command, podman.dir.path());
        podman
    }

    /// What the engine prints, asked this.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        succeed(Command::new(&self.command).args(arguments))
    }

    /// The names of all containers, running or not.
    pub(crate) fn containers(&self) -> Vec<String> {
        let names = self.ask(&["ps", "-a", "--format", "{{.Names}}"]);
        names.lines().map(str::to_owned).collect()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = Command::new(&self.command).args(["rm", "-f", "-a", "-t", "0"]).output();
    }
}
