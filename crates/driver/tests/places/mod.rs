//! Real places to run commands in, made for the tests: container engines with an image, an ssh
//! server. Shared by the tests of a binary, and gone with the last that uses them.

mod dockerd;
mod image;
mod podman;
mod sshd;

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(crate) use self::{dockerd::Dockerd, image::IMAGE, podman::Podman, sshd::Sshd};

/// A place that the tests of a binary share.
pub(crate) struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The place; made by the first who asks.
    pub(crate) fn get(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.upgrade().unwrap_or_else(|| {
            let fresh = Arc::new(make());
            *place = Arc::downgrade(&fresh);
            fresh
        })
    }
}

/// Runs a command that must succeed; its standard output.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run {command:?}: {error}. `cargo xtask test` installs what the tests need.")
    });
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The command lines of all processes that contain a text, this one's left out.
pub(crate) fn command_lines_with(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) || name == std::process::id().to_string()
        {
            continue;
        }
        let bytes = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
        if line.contains(text) {
            found.push(format!("{name}: {line}"));
        }
    }
    found
}
