//! The spool: the directory where entries wait, one file each.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use swamp_ident::{InvocationId, Timestamp};
use swamp_wire::TelemetryEntry;
use uuid::Uuid;

/// Directory inside the spool for the journals of running commands. Apart from the entries, so that
/// looking for dead ones costs the same however many entries are waiting.
const SESSIONS: &str = "sessions";

/// End of the name of a file that is not finished.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A symbolic link could lead anywhere.
    #[error("{0} is a symbolic link; telemetry is only written to a directory of its own")]
    Symlink(PathBuf),
    /// Something else stands in its place.
    #[error("{0} is not a directory")]
    NotADirectory(PathBuf),
    /// The file system says no.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SpoolError {
    pub(crate) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }

    /// Whether there simply is nothing yet.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// An open spool directory. Everything in it is reached through the directory itself, so that
/// nobody can swap the path under our feet.
#[derive(Debug)]
pub(crate) struct Spool {
    dir: OwnedFd,
    path: PathBuf,
    /// Entries written through this, and their bytes.
    added: AtomicU64,
    added_bytes: AtomicU64,
}

impl Spool {
    /// Opens a spool that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, SpoolError> {
        let dir = open_directory(rustix::fs::CWD, path, path)?;
        Ok(Self {
            dir,
            path: path.to_owned(),
            added: AtomicU64::new(0),
            added_bytes: AtomicU64::new(0),
        })
    }

    /// Opens a spool to write to it, and makes it when it is not there. Nobody but the user may
    /// look into it afterwards.
    pub(crate) fn create(path: &Path) -> Result<Self, SpoolError> {
        let spool = match Self::open(path) {
            Err(error) if error.is_missing() => {
                if let Some(parent) = path.parent() {
                    DirBuilder::new()
                        .recursive(true)
                        .create(parent)
                        .map_err(|error| SpoolError::io("create", parent, error))?;
                }
                match DirBuilder::new().mode(0o700).create(path) {
                    // Another command was quicker.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(SpoolError::io("create", path, error));
                    }
                    _ => Self::open(path)?,
                }
            }
            other => other?,
        };
        spool.close_to_others()?;
        Ok(spool)
    }

    /// Takes all rights from group and others, which older versions gave.
    fn close_to_others(&self) -> Result<(), SpoolError> {
        let failed = |error: Errno| SpoolError::io("protect", &self.path, error);
        let mode = Mode::from_raw_mode(rustix::fs::fstat(&self.dir).map_err(failed)?.st_mode);
        if mode.intersects(Mode::RWXG | Mode::RWXO) {
            // Somebody else's directory cannot be protected; what is put into it still is.
            let _ = rustix::fs::fchmod(&self.dir, Mode::RWXU);
        }
        Ok(())
    }

    /// Where the spool is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the journals.
    pub(crate) fn sessions(&self) -> Result<OwnedFd, SpoolError> {
        self.directory(SESSIONS)
    }

    /// The directory of the journals, if there ever was one.
    pub(crate) fn existing_sessions(&self) -> Option<OwnedFd> {
        self.existing_directory(SESSIONS)
    }

    /// Writes an entry as a file of its own.
    ///
    /// The file is claimed by its exclusive creation and written at once. A temporary file and a
    /// rename would cost three quarters more for each of possibly thousands of entries, and protect
    /// only a reader that looks between two system calls; readers therefore leave alone a file that
    /// is young and not whole. A crash in between is put right from the journal.
    pub(crate) fn add(&self, entry: &TelemetryEntry, text: &[u8]) -> io::Result<()> {
        let name = file_name(entry.started_at, &entry.id);
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.dir, &name, flags | OFlags::CLOEXEC, private())?;
        let written = File::from(file).write_all(text);
        if written.is_ok() {
            self.added.fetch_add(1, Ordering::Relaxed);
            self.added_bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        } else {
            // Half an entry is worse than none.
            let _ = rustix::fs::unlinkat(&self.dir, &name, AtFlags::empty());
        }
        written
    }

    /// How many entries were written through this, and how many bytes.
    pub(crate) fn added(&self) -> (u64, u64) {
        (self.added.load(Ordering::Relaxed), self.added_bytes.load(Ordering::Relaxed))
    }

    /// Writes an entry of a session that died, whose file may be there already: whole, or torn.
    pub(crate) fn restore(&self, entry: &TelemetryEntry, text: &[u8]) -> io::Result<()> {
        match self.add(entry, text) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other,
        }
        let name = file_name(entry.started_at, &entry.id);
        if self.read(&name).is_ok_and(|there| is_whole(&there)) {
            return Ok(());
        }
        let temporary = format!(".{}{TEMPORARY}", entry.id);
        let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.dir, &temporary, flags | OFlags::CLOEXEC, private())?;
        File::from(file).write_all(text)?;
        rustix::fs::renameat(&self.dir, &temporary, &self.dir, &name)?;
        Ok(())
    }

    /// The text of a file. What is no regular file has none.
    pub(crate) fn read(&self, name: &str) -> io::Result<String> {
        let mut text = String::new();
        self.open_file(name)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Opens a regular file for reading. A pipe in its place must not stop anybody.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, name, flags, Mode::empty())?;
        let mode = rustix::fs::fstat(&file)?.st_mode;
        if FileType::from_raw_mode(mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file"));
        }
        Ok(File::from(file))
    }

    /// Makes a file or replaces it; readers see the old content or the new one.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let temporary = format!(".{}{TEMPORARY}", Uuid::new_v4());
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.dir, &temporary, flags | OFlags::CLOEXEC, private())?;
        let written = File::from(file)
            .write_all(content)
            .and_then(|()| Ok(rustix::fs::renameat(&self.dir, &temporary, &self.dir, name)?));
        if written.is_err() {
            let _ = self.remove(&temporary);
        }
        written
    }

    /// Removes a file; one that is gone already is no error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A directory inside the spool, for the user alone; made when it is not there.
    pub(crate) fn directory(&self, name: &str) -> Result<OwnedFd, SpoolError> {
        let path = self.path.join(name);
        match open_directory(&self.dir, Path::new(name), &path) {
            Err(error) if error.is_missing() => {
                match rustix::fs::mkdirat(&self.dir, name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(SpoolError::io("create", &path, error)),
                }
                open_directory(&self.dir, Path::new(name), &path)
            }
            other => other,
        }
    }

    /// A directory inside the spool, if there is one.
    pub(crate) fn existing_directory(&self, name: &str) -> Option<OwnedFd> {
        open_directory(&self.dir, Path::new(name), &self.path.join(name)).ok()
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        list(&self.dir)
    }
}

impl AsFd for Spool {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// The names in a directory that can be written as text.
pub(crate) fn list(dir: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for item in Dir::read_from(dir.as_fd())? {
        if let Ok(name) = item?.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Read and write for the user, nothing for others.
pub(crate) fn private() -> Mode {
    Mode::RUSR | Mode::WUSR
}

/// Whether a file's text is an entry from its first to its last byte.
pub(crate) fn is_whole(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// The name of an entry's file.
pub(crate) fn file_name(started: Timestamp, id: &InvocationId) -> String {
    format!("telemetry-{}-{id}.json", started.date())
}

fn open_directory(at: impl AsFd, name: &Path, path: &Path) -> Result<OwnedFd, SpoolError> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::openat(at.as_fd(), name, flags, Mode::empty()).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => match path.symlink_metadata() {
            Ok(found) if found.file_type().is_symlink() => SpoolError::Symlink(path.to_owned()),
            // A file may also stand in place of a directory above.
            _ => SpoolError::NotADirectory(path.to_owned()),
        },
        error => SpoolError::io("open", path, error),
    })
}
