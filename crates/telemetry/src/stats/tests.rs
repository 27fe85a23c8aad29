use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use swamp_sketch::Sketch;
use tempfile::TempDir;

use super::*;

/// What a test varies in an entry, and where it is.
#[derive(Clone, Debug)]
struct Plan {
    hour: u32,
    step: u8,
    failed: bool,
    ms: u64,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    File,
    Kept,
    Gone,
    /// A flusher died between counting and removing.
    Both,
}

fn plan() -> impl Strategy<Value = Plan> {
    let place =
        prop_oneof![Just(Place::File), Just(Place::Kept), Just(Place::Gone), Just(Place::Both)];
    (0..96_u32, 0..3_u8, any::<bool>(), 0..100_000_u64, place)
        .prop_map(|(hour, step, failed, ms, place)| Plan { hour, step, failed, ms, place })
}

fn entry(number: usize, plan: &Plan) -> TelemetryEntry {
    let at = format!("2026-11-{}T{:02}:20:00.000Z", 19 + plan.hour / 24, plan.hour % 24);
    let result = if plan.failed {
        json!({"status": "user_error", "exitCode": 1, "errorCategory": "method"})
    } else {
        json!({"status": "success", "exitCode": 0})
    };
    serde_json::from_value(json!({
        "id": format!("id-{number}"),
        "invocation": {
            "command": "model", "subcommand": "method", "args": ["run", "<REDACTED>", "execute"],
            "optionKeys": [], "globalOptions": ["--json"],
        },
        "result": result,
        "startedAt": at, "completedAt": at, "durationMs": plan.ms,
        "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
        "workflowContext": {
            "workflowName": "w", "runId": format!("run-{}", plan.hour), "jobName": "j",
            "stepName": format!("s{}", plan.step), "phase": "method",
        },
    }))
    .unwrap()
}

/// A spool with entries in their places; all of them are files if they are to be `exact`.
fn spool(home: &TempDir, plans: &[Plan], exact: bool) -> Spool {
    let spool = Spool::create(&home.path().join("telemetry")).unwrap();
    let mut gone = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let entry = entry(number, plan);
        let place = if exact { Place::File } else { plan.place };
        if matches!(place, Place::File | Place::Kept | Place::Both) {
            spool.add(&entry, &serde_json::to_vec(&entry).unwrap()).unwrap();
        }
        if matches!(place, Place::Kept) {
            let name = crate::spool::file_name(entry.started_at, &entry.id);
            let kept = name.replace(".json", ".flushed.json");
            fs::rename(spool.path().join(name), spool.path().join(kept)).unwrap();
        }
        if matches!(place, Place::Gone | Place::Both) {
            gone.push(entry);
        }
    }
    rollup::absorb(&spool, &gone).unwrap();
    spool
}

fn told(plans: &[Plan], exact: bool) -> Statistics {
    let home = TempDir::new().unwrap();
    let spool = spool(&home, plans, exact);
    let now = Timestamp::parse("2026-11-22T22:00:00.000Z").unwrap();
    collect(spool.path(), &Period::last_days(now, 1.0).unwrap()).unwrap()
}

fn close(told: Option<u64>, exact: Option<u64>) -> bool {
    match (told, exact) {
        (Some(told), Some(exact)) => told.abs_diff(exact) <= exact / Sketch::ERROR,
        (told, exact) => told == exact,
    }
}

/// A row without what a sketch knows only roughly.
fn certain(row: &Row) -> Row {
    let mut row = row.clone();
    (row.numbers.p50_ms, row.numbers.p95_ms, row.numbers.p99_ms) = (None, None, None);
    if let Some(before) = &mut row.before {
        (before.p50_ms, before.p95_ms) = (None, None);
    }
    row
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Weakness 39: statistics forget what was sent.
    #[test]
    fn it_does_not_matter_what_is_gone(plans in vec(plan(), 0..40)) {
        let (told, exact) = (told(&plans, false), told(&plans, true));
        prop_assert_eq!(told.entries(), exact.entries());
        prop_assert_eq!(told.summary(1.0), exact.summary(1.0));
        let asked = Rows { by: vec![Dimension::Step, Dimension::Status], ..Rows::default() };
        let (told, exact) = (told.rows(&asked), exact.rows(&asked));
        prop_assert_eq!(told.rows.len(), exact.rows.len());
        for (told, exact) in told.rows.iter().zip(&exact.rows).chain([(&told.total, &exact.total)]) {
            prop_assert_eq!(certain(told), certain(exact));
            prop_assert!(close(told.numbers.p50_ms, exact.numbers.p50_ms));
            prop_assert!(close(told.numbers.p95_ms, exact.numbers.p95_ms));
            prop_assert!(close(told.numbers.p99_ms, exact.numbers.p99_ms));
        }
    }
}

fn at(hour: u32, step: u8, failed: bool, ms: u64) -> Plan {
    Plan { hour, step, failed, ms, place: Place::File }
}

#[test]
fn rows_are_chosen_and_compared() {
    // Two days, and the two before.
    let plans = [
        at(0, 0, false, 100),
        at(1, 0, false, 100),
        at(2, 1, true, 900),
        at(60, 0, true, 300),
        at(61, 0, false, 300),
        at(62, 2, true, 50),
        at(63, 2, true, 50),
        at(64, 2, false, 50),
    ];
    let statistics = told(&plans, true);
    let view = |rows: Rows| {
        let rows = statistics.rows(&Rows { by: vec![Dimension::Step], ..rows }).rows;
        rows.iter().map(|row| row.key[0].1.as_deref().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(view(Rows::default()), ["s2", "s0"]);
    assert_eq!(view(Rows { slowest: Some(1), ..Rows::default() }), ["s0"]);
    assert_eq!(view(Rows { failing: true, ..Rows::default() }), ["s2", "s0"]);
    assert_eq!(view(Rows { workflow: Some("other".into()), ..Rows::default() }), [""; 0]);
    assert_eq!(view(Rows { workflow: Some("w".into()), ..Rows::default() }).len(), 2);

    let rows = statistics.rows(&Rows { by: vec![Dimension::Step], ..Rows::default() });
    assert_eq!((rows.rows[0].before.clone(), rows.rows[0].change()), (None, None));
    let change = rows.rows[1].change().unwrap();
    assert_eq!((change.calls, change.p95_ms, change.total_ms), (0, Some(200), 400));
    assert!((change.failure_rate - 0.5).abs() < 1e-9);
    let total = rows.total.change().unwrap();
    assert_eq!((total.calls, total.total_ms), (2, 750 - 1100));
    assert!((rows.rows.iter().map(|row| row.share).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn a_damaged_day_is_counted_and_passed_over() {
    let home = TempDir::new().unwrap();
    let plans = [Plan { place: Place::Gone, ..at(60, 0, false, 1) }, at(61, 0, false, 1)];
    let spool = spool(&home, &plans, false);
    fs::write(spool.path().join("rollup/2026-11-21.json"), "{").unwrap();
    let now = Timestamp::parse("2026-11-22T22:00:00.000Z").unwrap();
    let statistics = collect(spool.path(), &Period::last_days(now, 1.0).unwrap()).unwrap();
    let sources = statistics.sources();
    assert_eq!((sources.files, sources.rolled_up, sources.damaged), (1, 0, 1));
}

#[test]
fn entries_that_are_delivered_meanwhile_are_counted_once() {
    let home = TempDir::new().unwrap();
    let plans: Vec<Plan> = (0..600).map(|number| at(50 + number % 40, 0, false, 7)).collect();
    let spool = spool(&home, &plans, true);
    let now = Timestamp::parse("2026-11-22T22:00:00.000Z").unwrap();
    let period = Period::last_days(now, 9.0).unwrap();
    std::thread::scope(|scope| {
        let flusher = scope.spawn(|| {
            for (number, plan) in plans.iter().enumerate() {
                let entry = entry(number, plan);
                rollup::absorb(&spool, std::slice::from_ref(&entry)).unwrap();
                let name = crate::spool::file_name(entry.started_at, &entry.id);
                fs::remove_file(spool.path().join(name)).unwrap();
            }
        });
        let mut looks = 0;
        while !flusher.is_finished() || looks == 0 {
            let statistics = collect(spool.path(), &period).unwrap();
            let counted = statistics.entries();
            assert!(counted <= 600, "{counted}");
            if !statistics.sources().changing {
                assert_eq!(counted, 600);
            }
            looks += 1;
        }
    });
    let sources = collect(spool.path(), &period).unwrap().sources();
    assert_eq!((sources.files, sources.rolled_up, sources.changing), (0, 600, false));
}
