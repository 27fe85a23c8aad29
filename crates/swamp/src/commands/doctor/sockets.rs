//! `ssh`, and sockets of connections that are gone.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::finding::{Cure, Finding};
use super::used::Used;

const SSH: &str = "ssh";
const SOCKET: &str = "ssh socket";

pub(super) fn look(used: &Used, runtime_dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if used.ssh {
        findings.push(client());
    }
    let Ok(entries) = fs::read_dir(runtime_dir.join("ssh")) else { return findings };
    for entry in entries.flatten() {
        let is_socket = entry.file_type().is_ok_and(|found| found.is_socket());
        let refused = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
        let path = entry.path();
        if is_socket && UnixStream::connect(&path).as_ref().is_err_and(refused) {
            let what = format!("{}: nobody is behind it any more", path.display());
            let fix = move || fs::remove_file(&path).map_err(|error| error.to_string());
            let cure = Cure::Fix("`swamp doctor --fix` removes it".to_owned(), Box::new(fix));
            findings.push(Finding::problem(SOCKET, what, cure));
        }
    }
    findings
}

fn client() -> Finding {
    let version = Command::new("ssh").arg("-V").stdin(Stdio::null()).output();
    match version {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Finding::fine(SSH, version)
        }
        Ok(output) => {
            Finding::problem(SSH, format!("ssh -V ends with {}", output.status), advice())
        }
        Err(error) => Finding::problem(SSH, format!("cannot start ssh: {error}"), advice()),
    }
}

fn advice() -> Cure {
    Cure::Advice("install an ssh client".to_owned())
}
