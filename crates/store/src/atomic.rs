//! Writing files so that a reader sees the old content or the new one, never a part.
//!
//! The new content goes into a temporary file in the same directory, which is then renamed over
//! the target. Two strengths: [`write_durable`] for what people edit, which must survive a power
//! loss once the command has said "done"; [`write_quick`] for what a run writes many times per
//! second, which must only never be torn.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{Result, StoreError};

/// Replaces the file at `path`, creating its directory if needed, and waits until it is on disk.
pub fn write_durable(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = Temporary::create(path, content)?;
    if let Ok(old) = fs::metadata(path) {
        // The user may have chosen who can read it. Without the right to keep that choice, the
        // usual mode is the best we can do.
        let _ = temporary.file.set_permissions(old.permissions());
    }
    temporary.file.sync_all().map_err(StoreError::io("write", path))?;
    temporary.rename_over(path)?;
    if let Some(directory) = path.parent() {
        // The file's content is safe; a directory that cannot be synced (some network file
        // systems) is not a reason to report the write as failed.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    Ok(())
}

/// Replaces the file at `path`, creating its directory if needed, without waiting for the disk.
pub fn write_quick(path: &Path, content: &[u8]) -> Result<()> {
    Temporary::create(path, content)?.exchange_into(path)
}

/// Like [`write_quick`] for content that is too big to hold in memory: `content` writes it piece by
/// piece.
pub fn write_quick_with(
    path: &Path,
    content: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<()> {
    let mut temporary = Temporary::create(path, b"")?;
    let mut writer = io::BufWriter::with_capacity(64 * 1024, &mut temporary.file);
    content(&mut writer).and_then(|()| writer.flush()).map_err(StoreError::io("write", path))?;
    drop(writer);
    temporary.exchange_into(path)
}

/// Creates the file at `path` whole, and its directory if needed, without waiting for the disk.
/// `false`, and nothing changes, if there is a file already.
pub fn write_new(path: &Path, content: &[u8]) -> Result<bool> {
    let mut temporary = Temporary::create(path, content)?;
    let placed = match renameat_with(CWD, &temporary.path, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {
            temporary.placed = true;
            return Ok(true);
        }
        // A file system without this flag: a second name cannot replace anything either.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            fs::hard_link(&temporary.path, path)
        }
        Err(error) => Err(error.into()),
    };
    match placed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io("write", path)(error)),
    }
}

/// A file beside its future place; removed when dropped before it got there.
struct Temporary {
    file: File,
    path: PathBuf,
    placed: bool,
}

impl Temporary {
    fn create(target: &Path, content: &[u8]) -> Result<Self> {
        let mut temporary = match Self::open(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let directory = target.parent().unwrap_or(Path::new("."));
                fs::create_dir_all(directory)
                    .map_err(StoreError::io("create directory", directory))?;
                Self::open(target)
            }
            other => other,
        }
        .map_err(StoreError::io("write", target))?;
        temporary.file.write_all(content).map_err(StoreError::io("write", target))?;
        Ok(temporary)
    }

    fn open(target: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = target.with_file_name(format!(".{:x}-{number:x}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { file, path, placed: false }),
                // Left behind by a dead process with our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_over(mut self, target: &Path) -> Result<()> {
        fs::rename(&self.path, target).map_err(StoreError::io("write", target))?;
        self.placed = true;
        Ok(())
    }

    /// Like `rename_over`, but without the flush that ext4 does when a rename replaces a file: the
    /// two files change places and the old one is then removed.
    fn exchange_into(mut self, target: &Path) -> Result<()> {
        match renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => {
                self.placed = true;
                return Ok(());
            }
            Err(rustix::io::Errno::EXIST) => {}
            // A file system without these flags.
            Err(_) => return self.rename_over(target),
        }
        match renameat_with(CWD, &self.path, CWD, target, RenameFlags::EXCHANGE) {
            // What is now at our temporary path is the old file.
            Ok(()) => {
                let Err(error) = fs::remove_file(&self.path) else {
                    self.placed = true;
                    return Ok(());
                };
                // It was no file but a directory: put it back.
                let _ = renameat_with(CWD, &self.path, CWD, target, RenameFlags::EXCHANGE);
                Err(StoreError::io("write", target)(error))
            }
            // The old file vanished in between, or the file system cannot exchange.
            Err(_) => self.rename_over(target),
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Write = fn(&Path, &[u8]) -> Result<()>;

    fn write_in_pieces(path: &Path, content: &[u8]) -> Result<()> {
        write_quick_with(path, |writer| {
            content.chunks(2).try_for_each(|piece| writer.write_all(piece))
        })
    }

    #[test]
    fn both_strengths_create_and_replace_and_leave_nothing_behind() {
        for write in [write_durable as Write, write_quick as Write, write_in_pieces as Write] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("deep/er/file");
            for content in ["one", "", "three"] {
                write(&path, content.as_bytes()).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), content);
                assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
            }
        }
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/file");
        assert!(write_new(&path, b"one").unwrap());
        assert!(!write_new(&path, b"two").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_reader_sees_the_old_content_or_the_new_one() {
        let contents = ["a".repeat(100_000), "b".repeat(50_000)];
        for write in [write_durable as Write, write_quick as Write] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            write(&path, contents[0].as_bytes()).unwrap();
            let done = std::sync::atomic::AtomicBool::new(false);
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let text = fs::read_to_string(&path).unwrap();
                        assert!(contents.contains(&text), "{} bytes", text.len());
                    }
                });
                for round in 0..50 {
                    write(&path, contents[round % 2].as_bytes()).unwrap();
                }
                done.store(true, Ordering::Relaxed);
                reader.join().unwrap();
            });
        }
    }

    #[test]
    fn the_mode_of_an_edited_file_stays() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_durable(&path, b"new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_failed_write_names_the_target_and_leaves_nothing() {
        for write in [write_durable as Write, write_quick as Write, write_in_pieces as Write] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("taken");
            fs::create_dir_all(path.join("child")).unwrap();
            let error = write(&path, b"x").unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

            let below_a_file = directory.path().join("file/child");
            fs::write(directory.path().join("file"), "").unwrap();
            let error = write(&below_a_file, b"x").unwrap_err().to_string();
            assert!(error.contains("file"), "{error}");
        }
    }

    #[test]
    fn content_that_fails_on_the_way_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_quick(&path, b"old").unwrap();
        let error = write_quick_with(&path, |writer| {
            writer.write_all(b"half of the new")?;
            Err(io::Error::other("no more"))
        });
        assert!(error.unwrap_err().to_string().contains("no more"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
