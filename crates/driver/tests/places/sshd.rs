//! An ssh server on a port of its own, with keys nobody else has, that lets in the user the tests
//! run as.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::succeed;

/// A server and what a client needs to reach it.
pub(crate) struct Sshd {
    dir: tempfile::TempDir,
    server: Child,
    /// The port on 127.0.0.1.
    pub(crate) port: u16,
    /// A configuration for clients in which the server is called [`Sshd::HOST`].
    pub(crate) config: PathBuf,
    /// A directory for the sockets of clients.
    pub(crate) runtime_dir: PathBuf,
}

impl Sshd {
    /// What [`Sshd::config`] calls the server.
    pub(crate) const HOST: &str = "swamp-test-host";

    pub(crate) fn start() -> Self {
        // A short path: sockets have to fit below it.
        let dir = tempfile::Builder::new().prefix("ss").tempdir_in("/tmp").expect("a directory");
        let base = dir.path().to_owned();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o700)).expect("permissions");
        for key in ["host", "user", "stranger"] {
            succeed(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(base.join(key)),
            );
        }
        fs::copy(base.join("user.pub"), base.join("authorized")).expect("a copy");
        if rustix::process::geteuid().is_root() {
            // The system's own service makes this one when it starts.
            fs::create_dir_all("/run/sshd").expect("/run/sshd");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let at = base.display();
        let server_config = base.join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nLogLevel ERROR\n"
        );
        fs::write(&server_config, text).expect("a file");
        let host_key = fs::read_to_string(base.join("host.pub")).expect("a key");
        fs::write(base.join("known"), format!("[127.0.0.1]:{port} {host_key}")).expect("a file");
        let config = base.join("ssh_config");
        let text = format!(
            "Host {}\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {at}/user\n  IdentitiesOnly yes\n\
             Host *\n  UserKnownHostsFile {at}/known\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n",
            Self::HOST
        );
        fs::write(&config, text).expect("a file");
        // The server must be called by its whole path.
        let program =
            ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|path| Path::new(path).is_file());
        let program = program.expect("sshd: `cargo xtask test` installs what the tests need");
        let server = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(&server_config)
            .stdin(Stdio::null())
            .stderr(fs::File::create(base.join("sshd.log")).expect("a file"))
            .spawn()
            .expect("a started server");
        let runtime_dir = base.join("swamp");
        let sshd = Self { dir, server, port, config, runtime_dir };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "no sshd: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        sshd
    }

    /// A file of the server's directory: `stranger` is a key it does not let in.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("sshd.log")).unwrap_or_default()
    }

    /// Closes the connections that clients share.
    fn close_shared(&self) {
        let sockets = fs::read_dir(self.runtime_dir.join("ssh"));
        for socket in sockets.into_iter().flatten().flatten() {
            let _ = Command::new("ssh")
                .args(["-O", "exit", "-S"])
                .arg(socket.path())
                .arg("x")
                .stdin(Stdio::null())
                .output();
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.close_shared();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
