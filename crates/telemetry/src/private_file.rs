//! Files in the user's configuration directory that nobody else may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use uuid::Uuid;

/// No file of ours is larger.
const LARGEST: u64 = 1024 * 1024;

/// Reads a text.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    // A pipe in its place must not stop the command.
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(flags).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file"));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a file that appears whole. `false`, and nothing changes, if there is one already.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let temporary = Temporary::write(path, content)?;
    match fs::hard_link(&temporary.path, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a file or replaces it; readers see the old content or the new one. Where a link leads to
/// the file, the link stays.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = Temporary::write(path, content)?;
    fs::rename(&temporary.path, path)
}

/// A file beside its future place; removed when dropped.
struct Temporary {
    path: std::path::PathBuf,
}

impl Temporary {
    fn write(target: &Path, content: &[u8]) -> io::Result<Self> {
        let directory = target.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let path = directory.join(format!(".{}.tmp", Uuid::new_v4()));
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let temporary = Self { path };
        file.write_all(content)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_private_whole_and_leave_nothing_beside_them() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("swamp/key");
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(read(&path).unwrap(), "one");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"three").unwrap();
        assert_eq!((read(&path).unwrap().as_str(), mode(&path)), ("three", 0o600));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_settings_kept_elsewhere_stays() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("dotfiles.yaml"), home.path().join("telemetry.yaml"));
        fs::write(&real, "a").unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, b"b").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(real).unwrap(), "b");
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        assert!(read(home.path()).is_err());
        let pipe = home.path().join("pipe");
        let status = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(status.success());
        assert!(read(&pipe).is_err());
    }
}
