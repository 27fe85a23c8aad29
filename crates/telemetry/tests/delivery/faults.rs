//! Many at once, and those that die in between.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use swamp_telemetry::flush::{BatchLimits, FlushResult};

use crate::server::{Reply, Server};
use crate::spool::{Spool, each_once};

/// Names the spool and the address for [`flusher_process`].
const ROLE: &str = "SWAMP_TEST_FLUSHER";

/// Starts this test program as a process that flushes the spool.
fn start(spool: &Spool, server: &Server) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::flusher_process", "--quiet"])
        .env(ROLE, format!("{}\n{}", spool.path.display(), server.url()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: a flusher in another process, when it is told what to flush.
#[test]
fn flusher_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (path, url) = role.split_once('\n').unwrap();
    let mut spool = Spool::with(0);
    spool.path = path.into();
    spool.batch = BatchLimits { events: 5, ..BatchLimits::default() };
    spool.flush_to(url);
}

/// Weakness 30: commands that end together send everything several times.
#[test]
fn eight_at_once_send_everything_once() {
    let spool = Spool::with(200);
    let server = Server::always(Reply::Late(Duration::from_millis(2)));
    let mut flushers: Vec<_> = (0..8).map(|_| start(&spool, &server)).collect();
    for flusher in &mut flushers {
        assert!(flusher.wait().unwrap().success());
    }
    assert_eq!(server.taken(), each_once(200));
    assert_eq!(spool.waiting(), [""; 0]);
}

#[test]
fn eight_at_once_at_a_bad_server_lose_nothing() {
    let spool = Spool::with(120);
    let server = Server::start(|number, _| match number % 5 {
        0 => Reply::TakeAndDrop,
        1 => Reply::Drop,
        2 => Reply::Status(503),
        _ => Reply::Take,
    });
    for _ in 0..60 {
        let mut flushers: Vec<_> = (0..8).map(|_| start(&spool, &server)).collect();
        for flusher in &mut flushers {
            flusher.wait().unwrap();
        }
        if spool.waiting().is_empty() {
            break;
        }
    }
    assert_eq!(spool.waiting(), [""; 0]);
    assert_eq!(
        server.taken().keys().collect::<Vec<_>>(),
        each_once(120).keys().collect::<Vec<_>>()
    );
    assert_eq!(spool.status().set_aside, 0);
}

/// Weakness 31: a crash between sending and removing makes duplicates.
#[test]
fn a_flusher_that_is_killed_at_any_moment_loses_nothing() {
    let spool = Spool::with(150);
    let server = Server::always(Reply::Late(Duration::from_millis(1)));
    let mut killed = 0;
    for round in 0..40_u64 {
        let mut flusher = start(&spool, &server);
        // From before it begins to after it has ended.
        std::thread::sleep(Duration::from_micros(3_000 + round * 1_700 % 60_000));
        flusher.kill().unwrap();
        if !flusher.wait().unwrap().success() {
            killed += 1;
        }
        if spool.waiting().is_empty() {
            for n in 0..150 {
                spool.add(&format!("id-{n}"), json!({}));
            }
        }
    }
    assert!(killed > 10, "{killed}");
    let report = spool.flush(&server);
    assert_eq!((report.result, report.set_aside), (FlushResult::Done, 0));
    assert_eq!(spool.waiting(), [""; 0]);
    let all: BTreeSet<String> = each_once(150).into_keys().collect();
    assert_eq!(server.taken().into_keys().collect::<BTreeSet<_>>(), all);
}

#[test]
fn what_is_written_while_somebody_sends_is_sent_by_them() {
    let spool = Spool::with(5);
    let path = spool.path.clone();
    let more = AtomicUsize::new(0);
    let server = Server::start(move |_, _| {
        let n = more.fetch_add(1, Ordering::SeqCst);
        if n < 3 {
            let entry = crate::spool::entry(&format!("more-{n}"), json!({}));
            let name = format!("telemetry-{}-more-{n}.json", crate::spool::today());
            std::fs::write(path.join(name), entry.to_string()).unwrap();
        }
        Reply::Take
    });
    assert_eq!(spool.flush(&server).sent, 8);
    assert_eq!(spool.waiting(), [""; 0]);
}

#[test]
fn one_flusher_keeps_others_out_and_they_say_so() {
    let spool = Spool::with(2);
    let server = Server::always(Reply::Late(Duration::from_secs(1)));
    let mut flusher = start(&spool, &server);
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let report = spool.flush(&server);
    assert_eq!((report.result, report.left), (FlushResult::Busy, 2));
    assert!(spool.status().is_sending);
    // Whoever has time waits for the other one, and finds nothing left to do.
    let report = spool.job(&server.url(), |job| {
        swamp_telemetry::flush::FlushJob { waits_for_others: true, ..job }.run().unwrap()
    });
    assert_eq!((report.result, report.sent, report.left), (FlushResult::Done, 0, 0));
    assert!(flusher.wait().unwrap().success());
    assert_eq!(server.taken(), each_once(2));
}

#[test]
fn whoever_cannot_remember_does_not_send() {
    let spool = Spool::with(2);
    std::fs::create_dir(spool.path.join("flush-state.json")).unwrap();
    let server = Server::always(Reply::Take);
    assert!(spool.job(&server.url(), |job| job.run().is_err()));
    assert!(server.requests().is_empty());
    assert_eq!(spool.waiting().len(), 2);
}
