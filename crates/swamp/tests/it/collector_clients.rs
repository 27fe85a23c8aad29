//! Clients that ask a collector for much and never read it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::environment::{Running, TestEnvironment, until};

/// Exports that may go on at a time.
const EXPORTS: usize = 4;

/// Clients that ask for long answers, again and again.
const OTHERS: usize = 28;

/// Memory that a collector may take for them all and not give back to the system at once, in KiB: with
/// what they ask for, they could hold hundreds of MiB.
const MORE: u64 = 64 << 10;

/// Asks something on a connection of its own; gives the status and the length of the body.
fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a request");
    stream.write_all(body.as_bytes()).expect("a body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// A figure of the collector about itself.
fn figure(address: SocketAddr, name: &str) -> usize {
    let (_, figures) = ask(address, "GET", "/metrics", "");
    let line =
        figures.lines().find_map(|line| line.strip_prefix("swamp_collector_")?.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name}: {figures}"))
}

/// Memory of a process that holds no file, in KiB, and its open files.
fn burden(process: &Running) -> (u64, usize) {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a size");
    let memory = line.trim().trim_end_matches(" kB").parse().expect("a number");
    let files = std::fs::read_dir(format!("/proc/{}/fd", process.id())).expect("files").count();
    (memory, files)
}

#[test]
fn clients_that_never_read_are_ended_and_give_back_what_they_held() {
    let environment = TestEnvironment::without_repository();
    let mut serve =
        environment.command(["collector", "serve", "--listen", "127.0.0.1:0", "--data"]);
    serve.arg(environment.effects.join("store")).arg("--no-telemetry");
    let collector = environment.spawn(serve);
    until("the address", || collector.stdout_so_far().ends_with('\n'));
    let line = collector.stdout_so_far();
    let address: SocketAddr =
        line.trim().trim_start_matches("http://").parse().expect("an address");

    // More than the sockets of both sides hold.
    let filling = "x".repeat(15_000);
    for batch in 0..4 {
        let events: Vec<_> = (0..450)
            .map(|number| {
                json!({"event": "cli_invocation", "insert_id": format!("{batch}-{number}"), "properties": {
                    "id": format!("{batch}-{number}"), "more": filling, "runId": format!("r-{number}"),
                    "invocation": {"command": "workflow", "subcommand": "run", "args": []},
                    "result": {"status": "success"}, "durationMs": 1,
                    "startedAt": "2026-11-22T10:00:00.000Z",
                }})
            })
            .collect();
        let (status, answer) =
            ask(address, "POST", "/ingest", &json!({"events": events}).to_string());
        assert_eq!(status, 202, "{answer}");
    }
    let (_, everything) = ask(address, "GET", "/api/v1/export", "");
    assert!(everything.len() > 24 << 20, "{}", everything.len());
    // The store keeps what it has read, in every thread that reads: let them all have read it.
    std::thread::scope(|scope| {
        for _ in 0..OTHERS {
            scope.spawn(|| {
                for _ in 0..4 {
                    ask(address, "GET", "/api/v1/runs?limit=1000", "");
                    ask(address, "GET", "/api/v1/export", "");
                }
            });
        }
    });
    let before = burden(&collector);

    let client = |requests: &str| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(requests.as_bytes()).expect("requests");
        stream
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = (0..EXPORTS).map(|_| client(&get("/api/v1/export"))).collect();
    // Many requests at once on each, so that the answers do not fit into the sockets.
    let runs = get("/api/v1/runs?limit=1000").repeat(100);
    silent.extend((0..OTHERS).map(|_| client(&runs)));
    until("every client to be waited for", || figure(address, "connections ") > EXPORTS + OTHERS);
    until("every export to be taken", || {
        ask(address, "GET", "/api/v1/export?since=1m", "").0 == 429
    });

    // Nobody else waits, and what is kept for them has an end.
    let mut most = before.0;
    let mut served = 0;
    while begun.elapsed() < Duration::from_secs(25) {
        let asked = Instant::now();
        assert_eq!(ask(address, "GET", "/api/v1/summary", "").0, 200);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        most = most.max(burden(&collector).0);
        served += 1;
        std::thread::sleep(Duration::from_millis(250));
    }
    assert!(served > 10, "{served}");
    assert!(most < before.0 + MORE, "{} KiB before, {most} KiB with them", before.0);

    // In the end they are gone, with everything that was theirs.
    let patience = Instant::now();
    while figure(address, "connections ") > 1 {
        assert!(patience.elapsed() < Duration::from_secs(45), "they are still there");
        std::thread::sleep(Duration::from_millis(250));
    }
    let (status, again) = ask(address, "GET", "/api/v1/export", "");
    assert_eq!((status, again.len()), (200, everything.len()));
    let (after, files) = burden(&collector);
    // The store may have opened some more of its own.
    assert!(files < before.1 + EXPORTS + OTHERS, "{} files before, {files} after", before.1);
    assert!(after < before.0 + MORE, "{} KiB before, {after} KiB after", before.0);
    drop(silent);
    collector.signal(Signal::TERM);
    collector.wait().expect_exit(0);
}
