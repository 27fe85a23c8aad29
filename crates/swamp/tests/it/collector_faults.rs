//! The collector when its process, its disk or its file fails: what it has acknowledged is there
//! afterwards, once.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::environment::{Running, TestEnvironment, until};

/// A collector that runs.
struct Collector {
    process: Running,
    address: SocketAddr,
}

impl Collector {
    fn started(process: Running) -> Self {
        until("the address of the collector", || {
            assert!(!process.stderr_so_far().contains("Error"), "{}", process.stderr_so_far());
            process.stdout_so_far().ends_with('\n')
        });
        let line = process.stdout_so_far();
        let address = line.trim().strip_prefix("http://").expect("an address");
        Self { address: address.parse().expect("an address"), process }
    }

    fn start(environment: &TestEnvironment, data: &Path, listen: &str) -> Self {
        let output = environment.effects.join("collector");
        Self::started(Running::start(serve(environment, data, listen), &output))
    }

    fn summary(&self) -> (u64, u64) {
        let (status, summary) =
            exchange(self.address, "GET", "/api/v1/summary", "").expect("an answer");
        assert_eq!(status, 200, "{summary}");
        (number(&summary["methods"]), number(&summary["totalMs"]))
    }

    /// Ends it as a service manager does.
    fn stop(self) {
        self.process.signal(Signal::TERM);
        self.process.wait().expect_exit(0);
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn serve(environment: &TestEnvironment, data: &Path, listen: &str) -> Command {
    let mut command = environment.command(["collector", "serve", "--listen", listen, "--data"]);
    command.arg(data);
    command
}

/// Asks something and gives status and document of the answer.
fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status =
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok((status, serde_json::from_str(body).map_err(|_| broken())?))
}

fn event(id: &str, duration: u64, filling: usize) -> Value {
    let filling: String = id.chars().cycle().take(filling).collect();
    json!({
        "event": "cli_invocation", "insert_id": id,
        "properties": {
            "id": id, "invocation": {"command": "method", "subcommand": "run", "args": ["m", "execute"]},
            "result": {"status": "success"}, "startedAt": "2026-11-22T10:00:00.000Z",
            "durationMs": duration, "parentInvocationId": format!("run-of-{id}"), "more": filling,
            "workflowContext": {
                "workflowName": "w", "runId": "r", "jobName": "j", "stepName": "s",
                "modelType": "command/shell", "driver": "raw", "phase": "method",
            },
        },
    })
}

/// What a client has been promised is kept.
#[derive(Debug, Default)]
struct Ledger {
    events: u64,
    milliseconds: u64,
    retries: u64,
    duplicates: u64,
}

impl Ledger {
    /// Sends events until they are acknowledged, as the senders of swamp do.
    fn send(&mut self, address: SocketAddr, batch: &[(String, u64)], filling: usize) {
        let events: Vec<Value> =
            batch.iter().map(|(id, duration)| event(id, *duration, filling)).collect();
        let body = json!({"events": events}).to_string();
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(50), "never acknowledged");
            match exchange(address, "POST", "/ingest", &body) {
                Ok((202, answer)) => {
                    let results = answer["results"].as_array().expect("results");
                    assert_eq!(results.len(), batch.len(), "{answer}");
                    for ((id, duration), result) in batch.iter().zip(results) {
                        assert_eq!(result["id"], **id);
                        match result["status"].as_str() {
                            Some("ok") => {}
                            Some("duplicate") => self.duplicates += 1,
                            _ => panic!("{result}"),
                        }
                        self.events += 1;
                        self.milliseconds += duration;
                    }
                    return;
                }
                Ok((429 | 503, _)) | Err(_) => {
                    self.retries += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok((status, answer)) => panic!("{status}: {answer}"),
            }
        }
    }
}

/// An address that is free again after each collector. It is not one of those the system deals out to
/// clients: one that tries to connect while nobody listens could then be connected with itself.
fn lasting_port() -> SocketAddr {
    let port = || u16::try_from(20_000 + random() % 10_000).expect("a small number");
    let any = || SocketAddr::from(([127, 0, 0, 1], port()));
    std::iter::repeat_with(any)
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

/// Numbers that differ from run to run, as the moments of failures do.
fn random() -> u64 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    bytes.iter().take(6).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[test]
fn nothing_acknowledged_is_lost_or_counted_twice_when_the_collector_is_killed() {
    const CLIENTS: u64 = 8;
    const KILLS: usize = 10;
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("data");
    let port = lasting_port();
    let listen = port.to_string();
    let mut collector = Collector::start(&environment, &data, &listen);
    let done = AtomicBool::new(false);
    let ledgers: Vec<Ledger> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let done = &done;
                scope.spawn(move || {
                    let mut ledger = Ledger::default();
                    let mut batch = 0;
                    while !done.load(Ordering::Relaxed) {
                        let events: Vec<_> = (0..=batch % 40)
                            .map(|n| (format!("{client}-{batch}-{n}"), 1 + (batch * 7 + n) % 1000))
                            .collect();
                        ledger.send(port, &events, 1500);
                        batch += 1;
                    }
                    ledger
                })
            })
            .collect();
        for _ in 0..KILLS {
            std::thread::sleep(Duration::from_millis(100 + random() % 1400));
            collector.process.kill();
            collector = Collector::start(&environment, &data, &listen);
        }
        done.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    });
    let sum = |of: fn(&Ledger) -> u64| ledgers.iter().map(of).sum::<u64>();
    let kept = (sum(|ledger| ledger.events), sum(|ledger| ledger.milliseconds));
    assert!(sum(|ledger| ledger.retries) > 0, "nobody noticed: {ledgers:?}");
    assert!(kept.0 > 1000, "hardly any load: {ledgers:?}");
    assert_eq!(collector.summary(), kept, "{ledgers:?}");
    // And the same after an orderly end, from the file alone.
    collector.stop();
    let collector = Collector::start(&environment, &data, &listen);
    assert_eq!(collector.summary(), kept, "{ledgers:?}");
    let mut again = Ledger::default();
    again.send(port, &[("0-0-0".to_owned(), 1)], 0);
    assert_eq!((again.duplicates, collector.summary()), (1, kept));
    collector.stop();
}

/// Makes the data directory a small file system, and lets go of the filler when told to.
const SMALL: &str = r#"mount -t tmpfs -o size=6m none "$DATA" || exit 99
    touch "$DATA/filler"
    ( while [ ! -e "$EFFECTS/fill" ]; do [ -d "$EFFECTS" ] || exit; sleep 0.05; done
      cat /dev/zero > "$DATA/filler" 2> "$EFFECTS/filled"
      while [ ! -e "$EFFECTS/free" ]; do [ -d "$EFFECTS" ] || exit; sleep 0.05; done
      : > "$DATA/filler"; touch "$EFFECTS/freed" ) &
    exec "$0" "$@""#;

#[test]
fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let mut environment = TestEnvironment::without_repository();
    let data = environment.effects.join("data");
    fs::create_dir(&data).expect("a directory");
    environment.set("DATA", &data);
    let mut command = TestEnvironment::in_own_mounts(SMALL);
    command.arg(environment.program_for_everybody());
    command.args(["collector", "serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    environment.surround(&mut command);
    let output = environment.effects.join("collector");
    let collector = Collector::started(Running::start(command, &output));
    let mut ledger = Ledger::default();
    ledger.send(collector.address, &[("before".to_owned(), 3)], 0);
    fs::write(environment.effects.join("fill"), "").expect("a file");
    until("a full disk", || {
        fs::read_to_string(environment.effects.join("filled"))
            .is_ok_and(|said| said.contains("No space"))
    });
    // What still fits into the file is taken; sooner or later nothing fits.
    let mut number_of_batches = 0;
    let refused = loop {
        let id = format!("full-{number_of_batches}");
        let body = json!({"events": [event(&id, 5, 9000)]}).to_string();
        let (status, answer) =
            exchange(collector.address, "POST", "/ingest", &body).expect("an answer");
        if status != 202 {
            break (id, status, answer);
        }
        ledger.events += 1;
        ledger.milliseconds += 5;
        number_of_batches += 1;
        assert!(number_of_batches < 10_000, "the disk is never full");
    };
    let (id, status, answer) = refused;
    assert_eq!((status, &answer["code"]), (503, &json!("disk_full")), "{answer}");
    // Questions are answered all the same.
    assert_eq!(collector.summary(), (ledger.events, ledger.milliseconds));
    fs::write(environment.effects.join("free"), "").expect("a file");
    until("room on the disk", || environment.effects.join("freed").exists());
    ledger.send(collector.address, &[(id, 5)], 9000);
    assert_eq!(ledger.duplicates, 0);
    ledger.send(collector.address, &[("after".to_owned(), 7)], 0);
    assert_eq!(collector.summary(), (ledger.events, ledger.milliseconds));
    collector.stop();
}

/// A store with a few events in it, closed in an orderly way.
fn store(environment: &TestEnvironment) -> PathBuf {
    let data = environment.effects.join("data");
    let collector = Collector::start(environment, &data, "127.0.0.1:0");
    let events: Vec<_> = (0..200).map(|n| (format!("e{n}"), 2)).collect();
    Ledger::default().send(collector.address, &events, 0);
    assert_eq!(collector.summary(), (200, 400));
    collector.stop();
    data
}

#[test]
fn a_file_that_was_cut_short_is_refused_and_left_as_it_is() {
    let environment = TestEnvironment::without_repository();
    let data = store(&environment);
    let file = data.join("collector.db");
    let whole = fs::read(&file).expect("the file");
    let last_page = whole.len() - 8192;
    for length in [0, 50, 100, 8192, last_page, whole.len() - 1] {
        fs::write(&file, &whole[..length]).expect("a shorter file");
        let ran = environment.finish(serve(&environment, &data, "127.0.0.1:0")).expect_exit(1);
        assert!(ran.stderr.contains("is damaged"), "{length}: {}", ran.stderr);
        assert!(ran.stderr.contains("swamp collector backup"), "{length}: {}", ran.stderr);
        assert_eq!(fs::read(&file).expect("the file"), whole[..length], "{length}");
    }
    fs::write(&file, &whole).expect("the file");
    let collector = Collector::start(&environment, &data, "127.0.0.1:0");
    assert_eq!(collector.summary(), (200, 400));
    collector.stop();
}

/// Frames of 8192 bytes in a log whose pages are not all in the file yet.
#[test]
fn a_file_whose_end_is_still_in_the_log_is_whole() {
    let environment = TestEnvironment::without_repository();
    let data = store(&environment);
    let file = data.join("collector.db");
    let before = fs::read(&file).expect("the file");
    // Rows that nobody looks for make the database longer, in the log.
    let writer = rusqlite::Connection::open(&file).expect("a database");
    writer
        .execute_batch(
            "PRAGMA wal_autocheckpoint = 0;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)
             INSERT INTO seen_chunks SELECT -n, zeroblob(7000) FROM n;",
        )
        .expect("rows");
    let copy = environment.effects.join("copy");
    let killed = environment.effects.join("killed");
    for directory in [&copy, &killed] {
        fs::create_dir(directory).expect("a directory");
        for name in ["collector.db", "collector.db-wal"] {
            fs::copy(data.join(name), directory.join(name)).expect("a copy");
        }
    }
    // As if it had been killed while the log was copied: the first page is there, the last are not.
    let connection = rusqlite::Connection::open(copy.join("collector.db")).expect("a database");
    connection
        .query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0))
        .expect("a copied log");
    let first_page = fs::read(copy.join("collector.db")).expect("the copy")[..8192].to_vec();
    drop(connection);
    let file = killed.join("collector.db");
    let mut bytes = fs::read(&file).expect("the file");
    assert_eq!(bytes.len(), before.len(), "the log was copied already");
    assert_ne!(bytes[28..32], first_page[28..32], "the file does not become longer");
    bytes[..8192].copy_from_slice(&first_page);
    fs::write(&file, &bytes).expect("the file");
    let collector = Collector::start(&environment, &killed, "127.0.0.1:0");
    assert_eq!(collector.summary(), (200, 400));
    collector.stop();
}

#[test]
fn a_copy_made_by_backup_is_a_store() {
    let environment = TestEnvironment::without_repository();
    let data = store(&environment);
    let copy = environment.effects.join("copy");
    fs::create_dir(&copy).expect("a directory");
    let mut backup = environment.command(["collector", "backup", "--data"]);
    backup.arg(&data).arg(copy.join("collector.db"));
    environment.finish(backup).expect_exit(0);
    let collector = Collector::start(&environment, &copy, "127.0.0.1:0");
    assert_eq!(collector.summary(), (200, 400));
    Ledger::default().send(collector.address, &[("new".to_owned(), 1)], 0);
    // Readers and the writer do not wait for each other only with a log.
    assert!(copy.join("collector.db-wal").exists());
    collector.stop();
}

#[test]
fn a_second_collector_on_the_same_directory_is_refused() {
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("data");
    let collector = Collector::start(&environment, &data, "127.0.0.1:0");
    let ran = environment.finish(serve(&environment, &data, "127.0.0.1:0")).expect_exit(1);
    let holder = format!("process {}", collector.process.id());
    assert!(ran.stderr.contains("in use by another collector"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&holder) && ran.stderr.contains("--data"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(collector.summary(), (0, 0));
    collector.stop();
}

#[test]
fn whoever_is_being_served_is_answered_when_the_collector_ends() {
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("data");
    let collector = Collector::start(&environment, &data, "127.0.0.1:0");
    let body = json!({"events": [event("late", 9, 0)]}).to_string();
    let mut stream = TcpStream::connect(collector.address).expect("a connection");
    let (first, second) = body.split_at(30);
    write!(
        stream,
        "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
        body.len()
    )
    .expect("half a request");
    // Others that say nothing do not hold it up.
    let _idle = TcpStream::connect(collector.address).expect("a connection");
    std::thread::sleep(Duration::from_millis(200));
    collector.process.signal(Signal::TERM);
    until("the end of listening", || TcpStream::connect(collector.address).is_err());
    stream.write_all(second.as_bytes()).expect("the other half");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains("\"ok\""), "{answer}");
    let ended = Instant::now();
    collector.process.wait().expect_exit(0);
    assert!(ended.elapsed() < Duration::from_secs(15), "{:?}", ended.elapsed());
    let collector = Collector::start(&environment, &data, "127.0.0.1:0");
    assert_eq!(collector.summary(), (1, 9));
    collector.stop();
}

/// The most memory a process has had, in KiB.
fn peak(process: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn slow_clients_do_not_make_the_collector_grow() {
    let environment = TestEnvironment::without_repository();
    let data = environment.effects.join("data");
    let collector = Collector::start(&environment, &data, "127.0.0.1:0");
    let before = peak(&collector.process);
    let head = "POST /ingest HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 8388608\r\n\r\n";
    // Each promises 8 MiB; together they send more than is set aside for bodies.
    let part = vec![b' '; 6 << 20];
    let clients: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = TcpStream::connect(collector.address).expect("a connection");
            stream.write_all(head.as_bytes()).expect("a head");
            // Those beyond the limit are turned away in the middle.
            let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
            let _ = stream.write_all(&part);
            stream
        })
        .collect();
    let grown = peak(&collector.process) - before;
    assert!(grown < 450 << 10, "{} MiB", grown >> 10);
    drop(clients);
    let mut ledger = Ledger::default();
    ledger.send(collector.address, &[("good".to_owned(), 1)], 0);
    assert_eq!(collector.summary(), (1, 1));
    collector.stop();
}
