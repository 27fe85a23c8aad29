//! Docker with a daemon of its own, that shares nothing with another one on this machine: its images,
//! its socket and its containerd are below one directory. It makes no bridge and touches no firewall,
//! so containers have no network but their own loopback. It needs root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{image, succeed};

/// A container engine with a daemon.
pub(crate) struct Dockerd {
    dir: tempfile::TempDir,
    daemon: Child,
    /// What to start instead of `docker`.
    pub(crate) command: PathBuf,
}

impl Dockerd {
    pub(crate) fn start() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "the tests with Docker start a daemon of their own, which needs root"
        );
        // A short path: sockets have to fit below it.
        let dir = tempfile::Builder::new().prefix("sd").tempdir_in("/tmp").expect("a directory");
        let base = dir.path().to_owned();
        let program = |places: &[&str]| {
            let found = places.iter().map(Path::new).find(|path| path.is_file());
            found.expect("docker: `cargo xtask test` installs what the tests need").to_owned()
        };
        let client = program(&["/usr/bin/docker", "/usr/local/bin/docker"]);
        let socket = format!("unix://{}/docker.sock", base.display());
        let daemon = Command::new(program(&[
            "/usr/sbin/dockerd",
            "/usr/bin/dockerd",
            "/usr/local/bin/dockerd",
        ]))
        .arg("--data-root")
        .arg(base.join("data"))
        .arg("--exec-root")
        .arg(base.join("exec"))
        .arg("--pidfile")
        .arg(base.join("pid"))
        .args(["--host", &socket, "--storage-driver", "vfs", "--bridge", "none"])
        .args(["--iptables=false", "--ip6tables=false", "--ip-forward=false"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(base.join("log")).expect("a file"))
        .spawn()
        .expect("a started daemon");
        // Where the daemon is stands in the environment, where the tests cannot put it.
        let command = base.join("docker");
        let text = format!(
            "#!/bin/sh\nDOCKER_HOST='{socket}' DOCKER_CONFIG='{}' exec {} \"$@\"\n",
            base.join("config").display(),
            client.display()
        );
        fs::write(&command, text).expect("a file");
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("permissions");
        let mut docker = Self { dir, daemon, command };
        docker.wait();
        image::import(&docker.command, docker.dir.path());
        docker
    }

    fn wait(&mut self) {
        let start = Instant::now();
        loop {
            let asked = Command::new(&self.command).args(["version"]).output();
            if asked.expect("an answer").status.success() {
                return;
            }
            let ended = self.daemon.try_wait().expect("a state");
            let log = || fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && start.elapsed() < Duration::from_mins(1), "{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The directory with everything the engine keeps.
    pub(crate) fn directory(&self) -> &Path {
        self.dir.path()
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

    /// What is mounted below the directory of the engine.
    fn mounts(&self) -> Vec<String> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let below = format!("{}/", self.dir.path().display());
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
        points.filter(|point| point.starts_with(&below)).map(str::to_owned).collect()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        for container in self.containers() {
            let _ = Command::new(&self.command).args(["rm", "-f", &container]).output();
        }
        // It ends its containerd itself, if it is asked.
        let _ = kill_process(Pid::from_child(&self.daemon), Signal::TERM);
        let start = Instant::now();
        while self.daemon.try_wait().ok().flatten().is_none() {
            if start.elapsed() > Duration::from_secs(20) {
                let _ = self.daemon.kill();
                let _ = self.daemon.wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for mount in self.mounts().into_iter().rev() {
            let _ = Command::new("umount").arg(mount).output();
        }
    }
}
