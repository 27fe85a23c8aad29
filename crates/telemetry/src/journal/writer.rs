//! Writing a journal, and finding those whose writer is gone.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use swamp_ident::InvocationId;

use super::{Record, line};
use crate::spool::private;

/// Name of a journal: the session's id and this.
const SUFFIX: &str = ".journal";

/// Name of a journal that is not locked yet: the session's id and this. Nobody looks into it.
const UNBORN: &str = ".journal.new";

/// Bytes of lines that may wait for the next one.
const MOST_WAITING: usize = 16 * 1024;

/// A journal that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    sessions: OwnedFd,
    name: String,
    file: Arc<File>,
    /// Lines that wait for the next one.
    waiting: Vec<u8>,
}

impl Journal {
    /// Makes the journal of a session. It gets its name when it is locked, so that nobody takes
    /// it for that of a dead process in between.
    pub(crate) fn create(sessions: OwnedFd, id: &InvocationId) -> io::Result<Self> {
        let (name, unborn) = (format!("{id}{SUFFIX}"), format!("{id}{UNBORN}"));
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::APPEND;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&sessions, &unborn, flags, private())?);
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        rustix::fs::renameat(&sessions, &unborn, &sessions, &name)?;
        Ok(Self { sessions, name, file: Arc::new(file), waiting: Vec::new() })
    }

    /// The file, for reading.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Writes a record, after all that wait, before it returns.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        self.add(record)?;
        self.flush()
    }

    /// Leaves a record to be written along with the next one. For what may be lost with the
    /// process without making an entry untrue.
    pub(crate) fn write_later(&mut self, record: &Record) -> io::Result<()> {
        self.add(record)?;
        if self.waiting.len() > MOST_WAITING { self.flush() } else { Ok(()) }
    }

    /// Writes what waits.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let result = (&*self.file).write_all(&self.waiting);
        self.waiting.clear();
        result
    }

    /// Removes the file: everything in it is somewhere else.
    pub(crate) fn remove(self) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.sessions, &self.name, AtFlags::empty())?)
    }

    fn add(&mut self, record: &Record) -> io::Result<()> {
        line::append(&mut self.waiting, |bytes| Ok(serde_json::to_writer(bytes, record)?))
    }
}

/// Whether a name is that of a journal.
pub(crate) fn is_journal(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// Whether a name is that of a journal that was never locked.
pub(crate) fn is_leftover(name: &str) -> bool {
    name.ends_with(UNBORN)
}

/// Notes in the journal of a dead process how far settling it has come, for whoever goes on. Its last
/// line may be torn, and must not swallow the first of ours.
pub(crate) fn leave(mut journal: &File, progress: &[Record]) -> io::Result<()> {
    let mut lines = vec![b'\n'];
    for record in progress {
        line::append(&mut lines, |bytes| serde_json::to_writer(bytes, record))?;
    }
    journal.write_all(&lines)
}

/// Opens and locks a journal whose writer is gone; `None` when it is alive, or when somebody else
/// is at it.
pub(crate) fn claim_dead(sessions: &OwnedFd, name: &str) -> io::Result<Option<File>> {
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(sessions, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // Whoever held the lock before may have been done with the file.
    let gone = rustix::fs::fstat(&file)?.st_nlink == 0;
    Ok((!gone).then(|| File::from(file)))
}
