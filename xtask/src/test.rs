//! Running every test, after installing the programs the tests talk to.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program some test needs and the Debian package that has it.
const NEEDED: [(&str, &str); 16] = [
    ("age", "age"),
    // A store of the collector.
    ("clickhouse-server", "clickhouse-server"),
    ("curl", "curl"),
    ("git", "git"),
    ("openssl", "openssl"),
    ("setpriv", "util-linux"),
    ("strace", "strace"),
    // The drivers: container engines with an image made here, and an ssh server.
    ("dockerd", "docker.io"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("busybox", "busybox-static"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    // Whether the unit of the collector is one.
    ("systemd-analyze", "systemd"),
    // The dashboard, in a real browser.
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

/// Where programs are that only administrators have in `PATH`.
const ALSO: [&str; 2] = ["/usr/sbin", "/sbin"];

pub(crate) fn run(filters: &[String]) -> Result<(), String> {
    install_missing()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    if !filters.is_empty() {
        cargo.arg("--").args(filters);
    }
    succeed(&mut cargo)
}

fn install_missing() -> Result<(), String> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt_get(&missing)
}

fn apt_get(packages: &[&str]) -> Result<(), String> {
    if !is_installed("apt-get") {
        return Err(format!("please install these first: {}", packages.join(", ")));
    }
    println!("installing {}", packages.join(", "));
    succeed(Command::new("apt-get").args(["update", "-q"]))?;
    succeed(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-qy", "--no-install-recommends"])
            .args(packages),
    )
}

/// Installs what only some tests of the collector use, as it is large: a `ZooKeeper` for the suite of
/// stores, and a Python environment in the target directory with today's engine of ClickHouse for the
/// same, and with schemathesis, which holds the document of the API against a collector.
pub(crate) fn install_tools() -> Result<(), String> {
    if !Path::new("/usr/share/java/zookeeper.jar").is_file() {
        apt_get(&["zookeeper"])?;
    }
    for package in ["chdb-core==26.9.*", "schemathesis==4.32.*"] {
        python_package("test-tools", package)?;
    }
    Ok(())
}

/// Installs a Python package into an environment in the target directory. Gives its interpreter.
pub(crate) fn python_package(environment: &str, package: &str) -> Result<PathBuf, String> {
    let environment = target_directory()?.join(environment);
    if !environment.join("bin/pip").is_file() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    succeed(Command::new(environment.join("bin/pip")).args(["install", "-q", package]))?;
    Ok(environment.join("bin/python"))
}

/// Where cargo builds.
pub(crate) fn target_directory() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = own.ancestors().nth(2).ok_or("this program is in no target directory")?;
    Ok(target.to_owned())
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        let directories = std::env::split_paths(&path).chain(ALSO.map(Into::into));
        directories.into_iter().any(|dir| Path::new(&dir).join(program).is_file())
    })
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}")) }
}
