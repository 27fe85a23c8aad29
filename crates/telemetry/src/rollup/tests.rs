use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::facts::Dimension;

/// What a test varies in an entry.
#[derive(Clone, Debug)]
struct Plan {
    hour: u32,
    step: Option<u8>,
    failed: bool,
    ms: u64,
}

fn plan() -> impl Strategy<Value = Plan> {
    (0..72_u32, proptest::option::of(0..4_u8), any::<bool>(), 1..100_000_u64)
        .prop_map(|(hour, step, failed, ms)| Plan { hour, step, failed, ms })
}

fn entry(number: usize, plan: &Plan) -> TelemetryEntry {
    let (day, hour) = (20 + plan.hour / 24, plan.hour % 24);
    let at = format!("2026-11-{day}T{hour:02}:10:00.000Z");
    let mut entry = json!({
        "id": format!("id-{number}"),
        "invocation": {
            "command": "version", "args": [], "optionKeys": ["--short"], "globalOptions": [],
        },
        "result": {"status": "success", "exitCode": 0},
        "startedAt": at, "completedAt": at, "durationMs": plan.ms,
        "swampVersion": "1", "denoVersion": "0.0.0", "platform": "linux",
    });
    if let Some(step) = plan.step {
        entry["invocation"] = json!({
            "command": "model", "subcommand": "method", "args": ["run", "<REDACTED>", "execute"],
            "optionKeys": [], "globalOptions": [],
        });
        entry["workflowContext"] = json!({
            "workflowName": "w", "runId": format!("run-{}", plan.hour), "jobName": "j",
            "stepName": format!("s{step}"), "phase": "method",
        });
    }
    if plan.failed {
        entry["result"] = json!({"status": "error", "exitCode": 1, "errorCategory": "method"});
    }
    serde_json::from_value(entry).unwrap()
}

fn entries(plans: &[Plan]) -> Vec<TelemetryEntry> {
    plans.iter().enumerate().map(|(number, plan)| entry(number, plan)).collect()
}

struct Place {
    home: TempDir,
    spool: Spool,
}

impl Place {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let spool = Spool::create(&home.path().join("telemetry")).unwrap();
        Self { home, spool }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join("telemetry/rollup").join(name)
    }

    /// The text of every file of the roll-up.
    fn files(&self) -> BTreeMap<String, String> {
        fs::read_dir(self.path(""))
            .into_iter()
            .flatten()
            .map(|file| {
                let file = file.unwrap();
                let text = fs::read_to_string(file.path()).unwrap_or_default();
                (file.file_name().into_string().unwrap(), text)
            })
            .collect()
    }

    /// What all days say, by day, hour and names.
    fn said(&self) -> BTreeMap<(String, u8, Vec<String>), Cell> {
        let days = days(&self.spool).unwrap();
        let mut said = BTreeMap::new();
        for date in &days.dates {
            let day = days.read(date).unwrap().unwrap();
            for ((hour, key), cell) in &day.cells {
                let name = |id| day.names.get(id).map_or_else(String::new, ToString::to_string);
                let names = key.names().map(name).collect();
                said.insert((date.clone(), *hour, names), cell.clone());
            }
        }
        said
    }
}

/// What a roll-up of these entries must say, in one piece.
fn expected(entries: &[TelemetryEntry]) -> BTreeMap<(String, u8, Vec<String>), Cell> {
    let place = Place::new();
    absorb(&place.spool, entries).unwrap();
    place.said()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_is_counted_once_whenever_a_flusher_dies(
        plans in vec(plan(), 1..40),
        flushes in vec((vec(any::<bool>(), 40), 0..50_usize), 1..8),
    ) {
        let all = entries(&plans);
        let place = Place::new();
        for entry in &all {
            place.spool.add(entry, b"{}").unwrap();
        }
        let mut waiting: Vec<TelemetryEntry> = all.clone();
        let remove = |entry: &TelemetryEntry| {
            let name = crate::spool::file_name(entry.started_at, &entry.id);
            rustix::fs::unlinkat(&place.spool, name, AtFlags::empty()).unwrap();
        };
        // Flushers that take some of what waits and die when they have removed some of it.
        for (chosen, removed) in flushes {
            let batch: Vec<TelemetryEntry> = waiting
                .iter()
                .zip(&chosen)
                .filter(|(_, chosen)| **chosen)
                .map(|(entry, _)| entry.clone())
                .collect();
            absorb(&place.spool, &batch).unwrap();
            for entry in batch.iter().take(removed) {
                remove(entry);
                waiting.retain(|other| other.id != entry.id);
            }
        }
        absorb(&place.spool, &waiting).unwrap();
        waiting.iter().for_each(remove);
        prop_assert_eq!(place.said(), expected(&all));
        let counted: u64 = place.said().values().map(|cell| cell.count).sum();
        prop_assert_eq!(counted, all.len() as u64);
    }

    #[test]
    fn twice_is_once(plans in vec(plan(), 1..40)) {
        let all = entries(&plans);
        let place = Place::new();
        absorb(&place.spool, &all).unwrap();
        let once = place.files();
        absorb(&place.spool, &all).unwrap();
        prop_assert_eq!(place.files(), once);
    }

    #[test]
    fn a_torn_file_is_never_read_as_a_day(plans in vec(plan(), 1..4), cut in 0..1000_usize) {
        let mut day = Day::default();
        for entry in &entries(&plans) {
            day.absorb(entry);
        }
        let text = String::from_utf8(file::write(&day).unwrap()).unwrap();
        let again = file::read(&text).unwrap();
        prop_assert_eq!(String::from_utf8(file::write(&again).unwrap()).unwrap(), text.clone());
        let cut = text.len() * cut / 1000;
        prop_assert!(file::read(&text[..cut]).is_none());
    }
}

const ONE: Plan = Plan { hour: 3, step: Some(1), failed: false, ms: 1200 };

#[test]
fn a_day_is_a_private_file_in_a_private_directory() {
    let place = Place::new();
    absorb(&place.spool, &[]).unwrap();
    assert!(!place.path("").exists(), "nothing to count, nothing to make");
    absorb(&place.spool, &entries(&[ONE, Plan { hour: 30, ..ONE }])).unwrap();
    assert_eq!(
        place.files().into_keys().collect::<Vec<_>>(),
        ["2026-11-20.json", "2026-11-21.json"]
    );
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("2026-11-20.json")), (0o700, 0o600));
    assert_eq!(clear(&place.spool).unwrap(), 2);
    assert!(!place.path("").exists());
    assert_eq!(clear(&place.spool).unwrap(), 0);
}

#[test]
fn what_cannot_be_read_is_set_aside_and_counted() {
    let later = file_of(&[ONE]).replace("\"version\":1", "\"version\":2");
    let twice = file_of(&[ONE]).replace(
        "\"cells\":[[",
        "\"cells\":[[0,[0,0,0,0,0,0,0,0,0,0,0],0,0,[],[]],[0,[0,0,0,0,0,0,0,0,0,0,0],0,0,[],[]],[",
    );
    for damaged in ["", "{", "[]", "\u{0}", &later, &twice] {
        let place = Place::new();
        fs::create_dir(place.path("")).unwrap();
        fs::write(place.path("2026-11-20.json"), damaged).unwrap();
        // A leftover of somebody who died while writing.
        fs::write(place.path(TEMPORARY), "{").unwrap();
        absorb(&place.spool, &entries(&[ONE])).unwrap();
        assert_eq!(place.said(), expected(&entries(&[ONE])), "{damaged}");
        assert_eq!(days(&place.spool).unwrap().damaged, 1);
        let aside = fs::read_to_string(place.path("2026-11-20.json.damaged")).unwrap();
        assert_eq!(aside, damaged);
    }
    // Bytes that are no text, and something that is no file.
    let place = Place::new();
    fs::create_dir_all(place.path("2026-11-21.json")).unwrap();
    fs::write(place.path("2026-11-20.json"), b"\xff").unwrap();
    absorb(&place.spool, &entries(&[ONE, Plan { hour: 30, ..ONE }])).unwrap();
    assert_eq!((place.said().len(), days(&place.spool).unwrap().damaged), (2, 2));
}

fn file_of(plans: &[Plan]) -> String {
    let place = Place::new();
    absorb(&place.spool, &entries(plans)).unwrap();
    place.files().into_values().next().unwrap()
}

#[test]
fn symbolic_links_are_not_followed() {
    let place = Place::new();
    let elsewhere = place.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, place.path("").components().as_path()).unwrap();
    absorb(&place.spool, &entries(&[ONE])).unwrap_err();
    days(&place.spool).unwrap_err();
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    let place = Place::new();
    let target = place.home.path().join("target");
    fs::write(&target, "mine").unwrap();
    fs::create_dir(place.path("")).unwrap();
    for name in ["2026-11-20.json", TEMPORARY] {
        symlink(&target, place.path(name)).unwrap();
    }
    absorb(&place.spool, &entries(&[ONE])).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    assert_eq!(place.said().len(), 1);
}

#[test]
fn too_many_kinds_are_counted_together() {
    let place = Place::new();
    let mut all = Vec::new();
    for number in 0..day::MOST_CELLS + 500 {
        let mut entry = entry(number, &Plan { failed: number % 2 == 0, ..ONE });
        let context = entry.workflow_context.as_mut().unwrap();
        context.step_name = format!("step {number}").as_str().into();
        all.push(entry);
    }
    absorb(&place.spool, &all).unwrap();
    let days = days(&place.spool).unwrap();
    let day = days.read("2026-11-20").unwrap().unwrap();
    assert_eq!(day.folded, 500);
    // Two more: those that succeeded and those that did not.
    assert_eq!(day.cells.len(), day::MOST_CELLS + 2);
    let others = day
        .cells
        .iter()
        .filter(|((_, key), _)| key.get(Dimension::Step) == crate::facts::NameId::OTHER);
    let others: Vec<u64> = others.map(|(_, cell)| cell.count).collect();
    assert_eq!(others, [250, 250]);
    assert_eq!(day.cells.values().map(|cell| cell.count).sum::<u64>(), all.len() as u64);
    let size = fs::metadata(place.path("2026-11-20.json")).unwrap().len();
    assert!(size < 1_000_000, "{size}");
}

#[test]
fn the_latest_days_are_kept() {
    let place = Place::new();
    let noon = swamp_ident::Timestamp::parse("2026-01-01T12:00:00.000Z").unwrap();
    for number in 0..MOST_DAYS + 5 {
        let mut entry = entry(number, &ONE);
        entry.started_at = noon.plus_millis(i64::try_from(number).unwrap() * 86_400_000);
        absorb(&place.spool, &[entry]).unwrap();
    }
    let kept = days(&place.spool).unwrap().dates;
    assert_eq!((kept.len(), kept[0].as_str()), (MOST_DAYS, "2026-01-06"));
    // A clock that is far off adds a day or nothing, and takes nothing but the oldest.
    let mut far = entry(999, &ONE);
    far.started_at = swamp_ident::Timestamp::from_millis(i64::MAX);
    absorb(&place.spool, &[far]).unwrap();
    assert!(days(&place.spool).unwrap().dates.len() == MOST_DAYS);
}

#[test]
fn many_runs_are_told_apart_up_to_a_point() {
    let mut day = Day::default();
    for number in 0..100 {
        let mut entry = entry(number, &ONE);
        let context = entry.workflow_context.as_mut().unwrap();
        context.run_id = swamp_ident::RunId::new(format!("run-{}", number / 2));
        day.absorb(&entry);
    }
    let cell = day.cells.values().next().unwrap();
    assert_eq!((cell.runs.len(), cell.more_runs()), (50, false));
}
