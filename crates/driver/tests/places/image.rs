//! The image that containers of the tests are made from: a static busybox and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::succeed;

/// What the image is called.
pub(crate) const IMAGE: &str = "localhost/swamp-test:1";

/// Has an engine import the image; `base` is a directory for what that takes.
pub(super) fn import(engine: &Path, base: &Path) {
    let root = base.join("image");
    for directory in ["bin", "tmp", "srv"] {
        fs::create_dir_all(root.join(directory)).expect("a directory");
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().map(Path::new);
    let busybox = busybox.into_iter().find(|path| path.is_file());
    let busybox = busybox.expect("busybox: `cargo xtask test` installs what the tests need");
    fs::copy(busybox, root.join("bin/busybox")).expect("a copy");
    for applet in succeed(Command::new(busybox).arg("--list")).lines() {
        if applet != "busybox" {
            symlink("busybox", root.join("bin").join(applet)).expect("a link");
        }
    }
    let archive: PathBuf = base.join("image.tar");
    succeed(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."));
    let import = ["import", "--change", "ENV PATH=/bin"];
    succeed(Command::new(engine).args(import).arg(&archive).arg(IMAGE));
}
