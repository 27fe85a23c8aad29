//! The file `latest` of an item, which names its newest version.
//!
//! Many processes publish versions of one item at the same time, and each then points `latest` to
//! its own. The one that comes last must not win if its version is an older one. So the new pointer
//! and the old one *exchange* places, atomically, and the writer looks at what it got: is that the
//! higher number, it puts it back, and again looks at what it got. Nobody ever lets go of a number
//! while holding a higher one, so when all are done, `latest` holds the highest.
//!
//! Exchanging has a second use: the old file becomes the next temporary file. Making a file is the
//! most expensive part of this (30 µs, against 10 for everything else), and renaming over an
//! existing file would make ext4 flush it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::fs::{
    Access, AtFlags, Mode, OFlags, RenameFlags, accessat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::layout::{TEMPORARY_LATEST, version_number};

/// Temporary files a process keeps for later, over all items. They would be left behind by a
/// process that is killed, so there should not be thousands.
const MOST_SPARES: usize = 256;

static SPARES: AtomicUsize = AtomicUsize::new(0);

/// What this process knows about the pointer of one item.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    /// The highest number this process has seen in the file.
    known: u64,
    spare: Option<Spare>,
}

/// A file in the item's directory that can become the next pointer.
#[derive(Debug)]
struct Spare {
    name: String,
    length: usize,
}

impl Pointer {
    /// Points `latest` in `item` to `version`, unless it points to a higher one that exists.
    pub(super) fn raise(&mut self, item: &OwnedFd, version: u64) -> io::Result<()> {
        if self.known >= version {
            return Ok(());
        }
        let temporary = self.prepare(item, version)?;
        match self.place(item, &temporary, version) {
            Ok(()) => Ok(()),
            Err(error) => {
                let _ = unlinkat(item, &temporary, AtFlags::empty());
                Err(error)
            }
        }
    }

    fn place(&mut self, item: &OwnedFd, temporary: &str, version: u64) -> io::Result<()> {
        if self.known == 0 {
            match renameat_with(item, temporary, item, "latest", RenameFlags::NOREPLACE) {
                Ok(()) => {
                    self.known = version;
                    return Ok(());
                }
                Err(Errno::EXIST) => {}
                Err(error) if is_unsupported(error) => {
                    return self.replace(item, temporary, version);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut placed = version;
        loop {
            match renameat_with(item, temporary, item, "latest", RenameFlags::EXCHANGE) {
                Ok(()) => {}
                // Somebody removed it.
                Err(Errno::NOENT) => {
                    match renameat_with(item, temporary, item, "latest", RenameFlags::NOREPLACE) {
                        Ok(()) => {
                            self.known = placed;
                            return Ok(());
                        }
                        Err(Errno::EXIST) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) if is_unsupported(error) => {
                    return self.replace(item, temporary, version);
                }
                Err(error) => return Err(error.into()),
            }
            let got = read(item, temporary);
            if let Some((number, _)) = got
                && number > placed
                && is_version(item, number)
            {
                placed = number;
                continue;
            }
            self.known = placed;
            self.keep(item, temporary, got.map(|(_, length)| length));
            return Ok(());
        }
    }

    /// For file systems that cannot exchange: looks first, then replaces.
    fn replace(&mut self, item: &OwnedFd, temporary: &str, version: u64) -> io::Result<()> {
        if let Some((number, _)) = read(item, "latest")
            && number > version
        {
            self.known = number;
            return Ok(unlinkat(item, temporary, AtFlags::empty())?);
        }
        rustix::fs::renameat(item, temporary, item, "latest")?;
        self.known = version;
        Ok(())
    }

    /// A file with the text of `version`; gives its name.
    fn prepare(&mut self, item: &OwnedFd, version: u64) -> io::Result<String> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let text = version.to_string();
        if let Some(spare) = self.spare.take() {
            SPARES.fetch_sub(1, Ordering::Relaxed);
            // A reader may have opened the file when it still was `latest`. It then sees the
            // number that will be `latest` in a moment, but only if the file does not pass through
            // an intermediate length.
            if spare.length == text.len() {
                let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                if let Ok(file) = openat(item, spare.name.as_str(), flags, Mode::empty())
                    && write_at_once(&file, &text).is_ok()
                {
                    return Ok(spare.name);
                }
            }
            let _ = unlinkat(item, spare.name.as_str(), AtFlags::empty());
        }
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMPORARY_LATEST}{:x}-{number:x}.tmp", std::process::id());
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            match openat(item, name.as_str(), flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => {
                    write_at_once(&file, &text)?;
                    return Ok(name);
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn keep(&mut self, item: &OwnedFd, name: &str, length: Option<usize>) {
        if let Some(length) = length
            && SPARES.load(Ordering::Relaxed) < MOST_SPARES
        {
            SPARES.fetch_add(1, Ordering::Relaxed);
            self.spare = Some(Spare { name: name.to_owned(), length });
        } else {
            let _ = unlinkat(item, name, AtFlags::empty());
        }
    }

    /// Points `latest` to `version` whatever it says now, after versions were removed.
    pub(super) fn set(&mut self, item: &Path, version: u64) -> crate::error::Result<()> {
        crate::atomic::write_quick(&item.join("latest"), version.to_string().as_bytes())?;
        self.known = version;
        Ok(())
    }

    /// Forgets everything, because the item was removed.
    pub(super) fn forget(&mut self) {
        if self.spare.take().is_some() {
            SPARES.fetch_sub(1, Ordering::Relaxed);
        }
        self.known = 0;
    }

    /// Removes the temporary file that is kept.
    pub(super) fn clear_spare(&mut self, item: &Path) {
        if let Some(spare) = self.spare.take() {
            SPARES.fetch_sub(1, Ordering::Relaxed);
            let _ = fs::remove_file(item.join(spare.name));
        }
    }
}

fn write_at_once(file: &OwnedFd, text: &str) -> io::Result<()> {
    let written = rustix::io::pwrite(file.as_fd(), text.as_bytes(), 0)?;
    if written == text.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The number in `latest`, if it is a file with one.
pub(super) fn read_number(item: &OwnedFd) -> Option<u64> {
    read(item, "latest").map(|(number, _)| number)
}

/// Whether there is a version with this number.
pub(super) fn is_version(item: &OwnedFd, number: u64) -> bool {
    accessat(item, number.to_string(), Access::EXISTS, AtFlags::empty()).is_ok()
}

/// The number in a pointer file and the length of its text.
fn read(item: &OwnedFd, name: &str) -> Option<(u64, usize)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(item, name, flags, Mode::empty()).ok()?;
    let mut buffer = [0; 24];
    let length = rustix::io::pread(&file, &mut buffer, 0).ok()?;
    let text = str::from_utf8(buffer.get(..length)?).ok()?;
    Some((version_number(text.trim())?, length))
}

fn is_unsupported(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> OwnedFd {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    }

    fn entries(path: &Path) -> usize {
        fs::read_dir(path).unwrap().count()
    }

    #[test]
    fn the_pointer_only_moves_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let item = open(path);
        // Two processes, one pointer each.
        let (mut one, mut two) = (Pointer::default(), Pointer::default());
        for number in 1..=120 {
            fs::create_dir(path.join(number.to_string())).unwrap();
        }
        let mut highest = 0;
        for (step, version) in
            [1, 2, 4, 3, 5, 9, 10, 8, 7, 99, 101, 100, 11, 120].iter().enumerate()
        {
            let pointer = if step % 2 == 0 { &mut one } else { &mut two };
            pointer.raise(&item, *version).unwrap();
            highest = highest.max(*version);
            let text = fs::read_to_string(path.join("latest")).unwrap();
            assert_eq!(text, highest.to_string(), "after {version}");
        }
        one.clear_spare(path);
        two.clear_spare(path);
        assert_eq!(entries(path), 120 + 1, "no temporary file stays");
    }

    #[test]
    fn a_pointer_to_nothing_gives_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("1")).unwrap();
        fs::write(path.join("latest"), "9").unwrap();
        let mut pointer = Pointer::default();
        pointer.raise(&open(path), 1).unwrap();
        assert_eq!(fs::read_to_string(path.join("latest")).unwrap(), "1");
    }

    #[test]
    fn an_old_link_is_replaced_by_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for number in ["1", "2"] {
            fs::create_dir(path.join(number)).unwrap();
        }
        std::os::unix::fs::symlink("1", path.join("latest")).unwrap();
        let mut pointer = Pointer::default();
        pointer.raise(&open(path), 2).unwrap();
        assert!(path.join("latest").symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read_to_string(path.join("latest")).unwrap(), "2");
        assert_eq!(entries(path), 3);
    }

    #[test]
    fn a_pointer_removed_by_others_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let item = open(path);
        let mut pointer = Pointer::default();
        for number in 1..=3 {
            fs::create_dir(path.join(number.to_string())).unwrap();
            pointer.raise(&item, number).unwrap();
            fs::remove_file(path.join("latest")).unwrap();
        }
        pointer.raise(&item, 4).unwrap();
        assert_eq!(fs::read_to_string(path.join("latest")).unwrap(), "4");
    }

    #[test]
    fn threads_end_at_the_highest() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for number in 1..=400 {
            fs::create_dir(path.join(number.to_string())).unwrap();
        }
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                scope.spawn(move || {
                    let item = open(path);
                    let mut pointer = Pointer::default();
                    for round in 0..100 {
                        pointer.raise(&item, round * 4 + thread + 1).unwrap();
                    }
                    pointer.clear_spare(path);
                });
            }
        });
        assert_eq!(fs::read_to_string(path.join("latest")).unwrap(), "400");
        assert_eq!(entries(path), 401);
    }
}
