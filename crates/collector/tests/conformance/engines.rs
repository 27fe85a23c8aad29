//! The engines the suite runs on, and how they are started and ended.

use std::io::{BufRead, BufReader, Read, Write};
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
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database on it, as collectors take it.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("clickhouse://default:it's%20%26%20secret@127.0.0.1:{}/{database}", self.port)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same files and ports.
    pub(crate) fn start_again(&mut self) {
        self.child = start(self.directory.path());
        assert!(answers(&mut self.child, self.port), "clickhouse-server does not start again");
    }
}

/// What everybody says to get in, in XML.
const PASSWORD: &str = "it's &amp; secret";

/// Runs a statement and gives its answer.
pub(crate) fn sql(address: &str, statement: &str) -> String {
    let (head, database) = address.rsplit_once('/').unwrap();
    let database = database.split('?').next().unwrap();
    let (login, place) = head.rsplit_once('@').unwrap();
    let password = if login.ends_with(':') { "" } else { "it's & secret" };
    let mut stream = TcpStream::connect(place).unwrap();
    let request = format!(
        "POST /?database={database}&wait_end_of_query=1&insert_distributed_sync=1 HTTP/1.0\r\nx-clickhouse-user: default\r\n\
         x-clickhouse-key: {password}\r\ncontent-length: {}\r\n\r\n{statement}",
        statement.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{statement}: {body}");
    body.to_owned()
}

/// A program that the system ends when this process ends, however it ends.
pub(crate) fn tied(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Debian's ClickHouse 18.16.
pub(crate) fn debian() -> Server {
    // Somebody may take a port before the server does.
    for _ in 0..5 {
        let [http, native] = free_ports();
        let directory = TempDir::new().unwrap();
        configure(directory.path(), [http, native], "", "", PASSWORD);
        let mut server = Server { child: start(directory.path()), port: http, directory };
        if answers(&mut server.child, http) {
            return server;
        }
    }
    panic!("clickhouse-server does not start");
}

/// Writes the configuration of a server that has all its files in a directory.
pub(crate) fn configure(
    root: &Path,
    [http, native]: [u16; 2],
    more: &str,
    profile: &str,
    password: &str,
) {
    let config = format!(
        "<?xml version=\"1.0\"?><yandex>{log}
         <http_port>{http}</http_port><tcp_port>{native}</tcp_port>
         <listen_host>127.0.0.1</listen_host><keep_alive_timeout>60</keep_alive_timeout>
         <path>{root}/data/</path><tmp_path>{root}/tmp/</tmp_path>
         <users_config>users.xml</users_config><default_profile>default</default_profile>
         <default_database>default</default_database>
         <mark_cache_size>67108864</mark_cache_size>{more}</yandex>",
        root = root.display(),
        log = if more.is_empty() {
            "<logger><level>error</level><console>1</console></logger>".to_owned()
        } else {
            format!("<logger><level>debug</level><log>{}/log</log></logger>", root.display())
        }
    );
    let users = format!(
        "<?xml version=\"1.0\"?><yandex><profiles><default>{profile}</default></profiles>
         <users><default><password>{password}</password>
         <networks><ip>127.0.0.1</ip></networks>
         <profile>default</profile><quota>default</quota></default></users>
         <quotas><default/></quotas></yandex>"
    );
    std::fs::write(root.join("config.xml"), config).unwrap();
    std::fs::write(root.join("users.xml"), users).unwrap();
}

pub(crate) fn start(root: &Path) -> Child {
    tied(Path::new("clickhouse-server"))
        .arg(format!("--config-file={}/config.xml", root.display()))
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setpriv and clickhouse-server are installed by `cargo xtask test`")
}

/// Ports that are free at this moment.
pub(crate) fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

pub(crate) fn answers(child: &mut Child, port: u16) -> bool {
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
    Server { child, port, directory }
}
