//! The engines the suite runs on, and how they are started and ended.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Names the directory of a Python environment with `chdb-core` in it (`cargo xtask tools` makes
/// one); the word `required` stands for the one that makes, and for failing if it is not there.
pub(crate) const TOOLS: &str = "SWAMP_TEST_TOOLS";

/// A ClickHouse that ends with this value.
pub(crate) struct Server {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// A program that the system ends when this process ends, however it ends.
fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Debian's ClickHouse 18.16.
pub(crate) fn debian() -> Server {
    let directory = TempDir::new().unwrap();
    // Somebody may take a port before the server does.
    for _ in 0..5 {
        let (http, native) = free_ports();
        let config = format!(
            "<?xml version=\"1.0\"?><yandex><logger><level>error</level><console>1</console></logger>
             <http_port>{http}</http_port><tcp_port>{native}</tcp_port>
             <listen_host>127.0.0.1</listen_host><keep_alive_timeout>60</keep_alive_timeout>
             <path>{root}/data/</path><tmp_path>{root}/tmp/</tmp_path>
             <users_config>users.xml</users_config><default_profile>default</default_profile>
             <default_database>default</default_database>
             <mark_cache_size>67108864</mark_cache_size></yandex>",
            root = directory.path().display()
        );
        let users = "<?xml version=\"1.0\"?><yandex><profiles><default/></profiles>
             <users><default><password>it's &amp; secret</password>
             <networks><ip>127.0.0.1</ip></networks>
             <profile>default</profile><quota>default</quota></default></users>
             <quotas><default/></quotas></yandex>";
        std::fs::write(directory.path().join("config.xml"), config).unwrap();
        std::fs::write(directory.path().join("users.xml"), users).unwrap();
        let mut child = tied(Path::new("clickhouse-server"))
            .arg(format!("--config-file={}/config.xml", directory.path().display()))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv and clickhouse-server are installed by `cargo xtask test`");
        if answers(&mut child, http) {
            return Server { child, port: http, _directory: directory };
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    panic!("clickhouse-server does not start");
}

/// Two ports that are free at this moment.
fn free_ports() -> (u16, u16) {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (free(), free());
    (one.local_addr().unwrap().port(), other.local_addr().unwrap().port())
}

fn answers(child: &mut Child, port: u16) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end && child.try_wait().unwrap().is_none() {
        if ping(port).is_ok_and(|answer| answer.contains(" 200 ")) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn ping(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

/// The Python that has `chdb`, if somebody asked for it.
pub(crate) fn python() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("test-tools/bin/python");
    match std::env::var(TOOLS) {
        Ok(word) if word == "required" => {
            assert!(made.is_file(), "{} is not there: run `cargo xtask tools`", made.display());
            Some(made)
        }
        Ok(directory) => Some(Path::new(&directory).join("bin/python")),
        Err(_) => made.is_file().then_some(made),
    }
}

/// Today's ClickHouse.
pub(crate) fn current(python: &Path) -> Server {
    let directory = TempDir::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/chdb_server.py");
    let mut child = tied(python)
        .arg(script)
        .arg(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().parse().expect("chdb_server.py prints its port");
    Server { child, port, _directory: directory }
}
