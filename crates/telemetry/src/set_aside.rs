//! Entries nobody will take: kept apart, where no command looks, with the reason beside them.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, OFlags};

use crate::spool::{Spool, SpoolError, list, private};
use crate::waiting::EntryName;

/// Directory inside the spool. Neither this program nor the original looks for entries in it.
const DIRECTORY: &str = "quarantine";

/// End of the name of the file that tells why.
const REASON: &str = ".reason";

/// Entries that are kept at most; the oldest by name go first.
const MOST: usize = 1000;

/// Bytes of a reason that are kept at most.
const LONGEST: usize = 500;

/// Moves an entry away and tells why.
pub(crate) fn set_aside(spool: &Spool, name: &EntryName, why: &str) -> io::Result<()> {
    let directory = spool.directory(DIRECTORY).map_err(into_io)?;
    rustix::fs::renameat(spool, name.as_str(), &directory, name.as_str())?;
    let mut end = why.len().min(LONGEST);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::NOFOLLOW;
    let reason = format!("{}{REASON}", name.as_str());
    let file = rustix::fs::openat(&directory, reason, flags | OFlags::CLOEXEC, private())?;
    File::from(file).write_all(format!("{}\n", why[..end].replace(['\n', '\r'], " ")).as_bytes())
}

/// How many entries are set aside.
pub(crate) fn count(spool: &Spool) -> u64 {
    entries(spool).map_or(0, |(_, names)| names.len() as u64)
}

/// Removes what was set aside too long ago, and what is too much.
pub(crate) fn prune(spool: &Spool, days: u32) -> io::Result<()> {
    let Some((directory, mut names)) = entries(spool) else {
        return Ok(());
    };
    names.sort_unstable();
    let surplus = names.len().saturating_sub(MOST);
    let limit = Duration::from_hours(24) * days.max(1);
    for (at, name) in names.iter().enumerate() {
        if at < surplus || age(&directory, name).is_some_and(|age| age > limit) {
            remove(&directory, name)?;
        }
    }
    Ok(())
}

/// Removes all of them. Tells how many there were.
pub(crate) fn clear(spool: &Spool) -> io::Result<u64> {
    let Some((directory, names)) = entries(spool) else {
        return Ok(0);
    };
    for name in &names {
        remove(&directory, name)?;
    }
    Ok(names.len() as u64)
}

fn entries(spool: &Spool) -> Option<(OwnedFd, Vec<String>)> {
    let directory = spool.existing_directory(DIRECTORY)?;
    let mut names = list(&directory).ok()?;
    names.retain(|name| !name.ends_with(REASON));
    Some((directory, names))
}

fn remove(directory: &OwnedFd, name: &str) -> io::Result<()> {
    for name in [name, &format!("{name}{REASON}")] {
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How long ago the reason was written; setting aside does not change the entry itself.
fn age(directory: &OwnedFd, name: &str) -> Option<Duration> {
    let reason = format!("{name}{REASON}");
    let stat = rustix::fs::statat(directory, reason, AtFlags::SYMLINK_NOFOLLOW)
        .or_else(|_| rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW))
        .ok()?;
    let changed = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed).ok()
}

fn into_io(error: SpoolError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_set_aside_says_why_and_goes_in_time() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("telemetry");
        let spool = Spool::create(&path).unwrap();
        assert_eq!(count(&spool), 0);
        prune(&spool, 30).unwrap();
        let name = EntryName::parse("telemetry-2026-11-22-x.json").unwrap();
        fs::write(path.join(name.as_str()), "{").unwrap();
        set_aside(&spool, &name, "not JSON\nat all").unwrap();
        let aside = path.join(DIRECTORY);
        assert_eq!(fs::read_to_string(aside.join(name.as_str())).unwrap(), "{");
        let reason = aside.join(format!("{}{REASON}", name.as_str()));
        assert_eq!(fs::read_to_string(&reason).unwrap(), "not JSON at all\n");
        assert!(!path.join(name.as_str()).exists());
        prune(&spool, 30).unwrap();
        assert_eq!(count(&spool), 1);
        let long_ago = SystemTime::now() - Duration::from_hours(31 * 24);
        File::options().write(true).open(&reason).unwrap().set_modified(long_ago).unwrap();
        prune(&spool, 30).unwrap();
        assert_eq!(fs::read_dir(&aside).unwrap().count(), 0);
    }

    #[test]
    fn there_are_never_too_many() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("telemetry");
        let spool = Spool::create(&path).unwrap();
        fs::create_dir(path.join(DIRECTORY)).unwrap();
        for n in 0..MOST + 5 {
            fs::write(path.join(DIRECTORY).join(format!("telemetry-2026-11-22-{n:04}.json")), "")
                .unwrap();
        }
        prune(&spool, 30).unwrap();
        assert_eq!(count(&spool), MOST as u64);
        assert!(!path.join(DIRECTORY).join("telemetry-2026-11-22-0004.json").exists());
        assert_eq!(clear(&spool).unwrap(), MOST as u64);
        assert_eq!(count(&spool), 0);
    }
}
