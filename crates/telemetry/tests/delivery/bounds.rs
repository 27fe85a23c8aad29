//! A spool that nobody empties.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use serde_json::json;
use swamp_ident::Timestamp;
use swamp_telemetry::flush::{Errand, FlushJob, FlushResult, due};
use swamp_telemetry::{Dropped, Limits};

use crate::server::{Reply, Server};
use crate::spool::{Spool, today};

/// Sees to the bounds, without an endpoint.
fn tidy(spool: &Spool) -> swamp_telemetry::flush::FlushReport {
    spool.job("", |job| FlushJob { target: None, ..job }.run().unwrap())
}

/// Weakness 32: entries are never removed where nothing is sent.
#[test]
fn bounds_hold_without_an_endpoint() {
    let mut spool = Spool::with(100);
    spool.limits = Limits { entries: 50, ..Limits::default() };
    let report = tidy(&spool);
    assert_eq!((report.result, report.dropped, report.left), (FlushResult::NoEndpoint, 55, 45));
    let waiting = spool.waiting();
    assert!(!waiting.contains(&"id-54".to_owned()) && waiting.contains(&"id-55".to_owned()));
    assert_eq!(spool.status().dropped, Dropped { too_many: 55, ..Dropped::default() });
    assert!(!spool.home.path().join("config").exists(), "no identity without an endpoint");

    fs::write(spool.path.join("telemetry-2020-01-01-old.json"), "{").unwrap();
    fs::write(spool.path.join(format!("telemetry-{}-k.flushed.json", today())), "{}").unwrap();
    spool.limits = Limits { bytes: 15_000, ..Limits::default() };
    tidy(&spool);
    let known = spool.status();
    assert!(known.bytes <= 15_000, "{}", known.bytes);
    assert_eq!((known.kept, known.dropped.too_old), (0, 1));
    assert!(known.dropped.too_much > 0, "{:?}", known.dropped);
    // What was sent and kept is no loss.
    assert_eq!(known.dropped.total(), 55 + 45 - known.waiting + 1);
}

/// Weakness 28: one bad file keeps everything from being sent.
#[test]
fn what_is_no_entry_is_set_aside_at_once_and_blocks_nobody() {
    let (spool, server) = (Spool::with(3), Server::always(Reply::Take));
    let old = SystemTime::now() - Duration::from_mins(5);
    for (id, text) in
        [("torn", "{\"id\": "), ("empty", ""), ("null", "null"), ("binary", "\0\u{1}")]
    {
        let path = spool.write(id, text);
        fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }
    spool.write(
        "date",
        &serde_json::to_string(&crate::spool::entry("date", json!({"startedAt": "yesterday"})))
            .unwrap(),
    );
    spool.write("huge", &" ".repeat(2 * 1024 * 1024));
    symlink("/etc/passwd", spool.path.join(format!("telemetry-{}-link.json", today()))).unwrap();
    let pipe = spool.path.join(format!("telemetry-{}-pipe.json", today()));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::create_dir(spool.path.join(format!("telemetry-{}-folder.json", today()))).unwrap();
    // Somebody may still be writing this one.
    spool.write("young", "{\"id\": ");

    let report = spool.flush(&server);
    assert_eq!((report.result, report.sent, report.set_aside), (FlushResult::Done, 3, 8));
    assert_eq!(spool.waiting(), ["folder", "young"]);
    assert!(spool.reason("torn").contains("no telemetry entry"), "{}", spool.reason("torn"));
    assert!(spool.reason("huge").contains("bytes"), "{}", spool.reason("huge"));
    assert!(fs::metadata("/etc/passwd").is_ok());
    let quarantine = fs::metadata(spool.path.join("quarantine")).unwrap();
    assert_eq!(quarantine.permissions().mode() & 0o777, 0o700);
    assert_eq!(spool.flush(&server).set_aside, 0);
    assert_eq!(spool.status().set_aside, 8);
}

/// Weakness 29: a file under another name is sent again and again.
#[test]
fn a_file_with_another_name_is_sent_once() {
    let (spool, server) = (Spool::with(0), Server::always(Reply::Take));
    let path = spool.add("id-0", json!({}));
    fs::copy(&path, spool.path.join(format!("telemetry-{}-copy of it.json", today()))).unwrap();
    spool.flush(&server);
    assert_eq!(spool.waiting(), [""; 0]);
    assert_eq!(server.taken()["id-0"], 2, "the same id both times");
    spool.flush(&server);
    assert_eq!(server.taken()["id-0"], 2);
}

/// Weakness 36: temporary files stay behind.
#[test]
fn leftovers_of_dead_processes_go_and_nothing_else() {
    let spool = Spool::with(0);
    let old = SystemTime::now() - Duration::from_hours(2);
    for (name, is_old) in [(".x.tmp", true), (".y.tmp", false), ("x.tmp", true), (".z", true)] {
        let path = spool.path.join(name);
        fs::write(&path, "").unwrap();
        if is_old {
            fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        }
    }
    tidy(&spool);
    let there = |name: &str| spool.path.join(name).exists();
    assert_eq!([".x.tmp", ".y.tmp", "x.tmp", ".z"].map(there), [false, true, true, true]);
}

#[test]
fn a_spool_that_is_a_link_is_refused() {
    let spool = Spool::with(2);
    let elsewhere = spool.home.path().join("elsewhere");
    fs::rename(&spool.path, &elsewhere).unwrap();
    symlink(&elsewhere, &spool.path).unwrap();
    let server = Server::always(Reply::Take);
    let error = spool.job(&server.url(), |job| job.run().unwrap_err());
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(server.requests().is_empty());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 2);
}

/// Weakness 33: every command reads every waiting file.
#[test]
fn what_is_due_is_known_without_looking_at_the_spool() {
    let spool = Spool::with(3);
    let limits = Limits { entries: 10, ..Limits::default() };
    let now = |millis: i64| Timestamp::from_millis(1_800_000_000_000 + millis);
    let errand = |url, millis| due(&spool.path, url, &limits, now(millis));
    let tally = |text: &str| fs::write(spool.path.join("tally"), text).unwrap();
    assert_eq!(errand(None, 0), Some(Errand::Tidy), "nobody has counted yet");
    tally("= 3 900 0 0 1800000000000\n");
    assert_eq!(errand(None, 5), None);
    assert_eq!(errand(Some("http://h/ingest"), 5), Some(Errand::Send));
    tally("= 3 900 0 0 1800000000000\n+ 8 2400 0 0\n");
    assert_eq!(errand(None, 5), Some(Errand::Tidy));
    tally("= 3 900 0 0 1800000000000\n");
    assert_eq!(errand(None, 86_400_000), Some(Errand::Tidy), "what is too old goes");
    // After a failure nothing is due for a while.
    let server = Server::always(Reply::Status(502));
    spool.flush(&server);
    let url = format!("{}/ingest", server.url());
    let next = spool.status().next_try.unwrap();
    let due_at = |at| due(&spool.path, Some(&url), &limits, at);
    assert_eq!(due_at(next.plus_millis(-1)), None);
    assert_eq!(due_at(next), Some(Errand::Send));
    assert_eq!(due(spool.home.path().join("none").as_path(), Some(&url), &limits, next), None);
}
