//! Garbage collection.

use std::fs;
use std::time::{Duration, SystemTime};

use swamp_ident::{RunId, WorkflowId};
use swamp_store::{Content, ExpiryReason, GcReport, Lifetime, NewVersion, Retention, Span};

use crate::support::{Repo, key, new_version, time};

const NOW: &str = "2026-11-22T10:00:00.000Z";

fn write(repo: &Repo, name: &str, change: impl FnOnce(&mut NewVersion)) {
    let mut version = new_version(key(name));
    change(&mut version);
    repo.store.write(&version, Content::Bytes(b"{}")).unwrap();
}

#[test]
fn the_plan_counts_what_the_collection_removes() {
    let repo = Repo::new();
    write(&repo, "stale", |version| {
        version.lifetime = Lifetime::parse("1d").unwrap();
        version.created_at = time("2026-01-01T00:00:00.000Z");
    });
    for _ in 0..3 {
        write(&repo, "result", |version| {
            version.lifetime = Lifetime::parse("30d").unwrap();
            version.garbage_collection = Retention::Newest(2);
        });
        write(&repo, "log", |version| version.garbage_collection = Retention::Newest(1));
    }
    assert_eq!(repo.queried().len(), 7, "the catalog exists");

    let plan = repo.store.plan_collection(time(NOW)).unwrap();
    let totals = plan.totals();
    assert_eq!((totals.items, totals.versions), (1, 4));
    assert!(totals.bytes > 0 && !plan.is_empty());
    let [expired] = plan.expired.as_slice() else { panic!("{plan:?}") };
    assert_eq!(
        (&expired.key, expired.reason, expired.versions),
        (&key("stale"), ExpiryReason::Duration, 1)
    );
    assert_eq!(repo.listed(), ["log", "result", "stale"], "a plan removes nothing");

    let report = repo.store.collect(&plan).unwrap();
    assert_eq!(
        GcReport { wal_pages: 0, wal_pages_checkpointed: 0, ..report },
        totals,
        "what was planned"
    );
    assert_eq!(repo.listed(), ["log", "result"]);
    assert_eq!(repo.store.version_numbers(&key("result")).unwrap(), [2, 3]);
    assert_eq!(repo.store.version_numbers(&key("log")).unwrap(), [3]);
    assert_eq!(repo.queried(), ["log 3*", "result 2", "result 3*"]);
    assert!(repo.store.plan_collection(time(NOW)).unwrap().is_empty());
    assert_eq!(repo.write("log", "{}").metadata.version, 4, "numbers are not used again");
}

#[test]
fn what_expires_and_what_does_not() {
    let old = time("2026-01-01T00:00:00.000Z");
    let run = |version: &mut NewVersion, run: &str| {
        version.owner.workflow_id = Some(WorkflowId::new("wf"));
        version.owner.workflow_run_id = Some(RunId::new(run));
    };
    let repo = Repo::new();
    fs::create_dir_all(repo.path(".swamp/workflow-runs/wf")).unwrap();
    fs::write(repo.path(".swamp/workflow-runs/wf/workflow-run-kept.yaml"), "").unwrap();
    let lifetime = |text| Lifetime::parse(text).unwrap();
    for (name, text) in [("infinite", "infinite"), ("ephemeral", "ephemeral"), ("year", "1y")] {
        write(&repo, name, |version| {
            version.lifetime = lifetime(text);
            version.created_at = old;
        });
    }
    write(&repo, "day", |version| {
        version.lifetime = lifetime("1d");
        version.created_at = old;
    });
    // The newest version counts.
    write(&repo, "renewed", |version| {
        version.lifetime = lifetime("1d");
        version.created_at = old;
    });
    write(&repo, "renewed", |version| version.lifetime = lifetime("1d"));
    write(&repo, "run-kept", |version| {
        version.lifetime = lifetime("workflow");
        run(version, "kept");
    });
    for (name, text) in [("run-gone", "workflow"), ("job-gone", "job"), ("zero-gone", "0h")] {
        write(&repo, name, |version| {
            version.lifetime = lifetime(text);
            run(version, "gone");
        });
    }
    write(&repo, "run-unknown", |version| version.lifetime = lifetime("workflow"));
    write(&repo, "tombstone", |version| {
        version.lifetime = lifetime("1d");
        version.created_at = old;
    });
    repo.store.mark_deleted(&key("tombstone"), &"destroy".into(), old).unwrap();

    let plan = repo.store.plan_collection(time(NOW)).unwrap();
    let found: Vec<_> =
        plan.expired.iter().map(|item| (item.key.name.as_str(), item.reason.as_str())).collect();
    assert_eq!(
        found,
        [
            ("day", "duration-expired"),
            ("job-gone", "workflow-run-deleted"),
            ("run-gone", "workflow-run-deleted"),
            ("zero-gone", "workflow-run-deleted"),
        ]
    );
    assert!(plan.pruned.is_empty());
}

#[test]
fn an_age_prunes_old_versions_but_never_the_newest() {
    let repo = Repo::new();
    for day in ["2026-11-01", "2026-11-10", "2026-11-20", "2026-11-02"] {
        write(&repo, "result", |version| {
            version.garbage_collection = Retention::YoungerThan(Span::parse("1w").unwrap());
            version.created_at = time(&format!("{day}T00:00:00.000Z"));
        });
    }
    let plan = repo.store.plan_collection(time(NOW)).unwrap();
    assert_eq!(plan.pruned[0].versions, [1, 2]);
    repo.store.collect(&plan).unwrap();
    assert_eq!(repo.store.version_numbers(&key("result")).unwrap(), [3, 4]);
}

#[test]
fn the_newest_stays_even_when_it_has_not_the_highest_number() {
    let repo = Repo::new();
    for _ in 0..3 {
        write(&repo, "result", |version| version.garbage_collection = Retention::Newest(1));
    }
    fs::write(repo.item("result/latest"), "1").unwrap();
    let plan = repo.store.plan_collection(time(NOW)).unwrap();
    assert_eq!(plan.pruned[0].versions, [2]);
    repo.store.collect(&plan).unwrap();
    assert_eq!(repo.latest_text("result"), "{}");
}

#[test]
fn leftovers_of_dead_processes_go_and_those_of_living_stay() {
    let repo = Repo::new();
    repo.write("result", "{}");
    let item = repo.item("result");
    for name in [".tmp-dead-0", ".tmp-live-0"] {
        fs::create_dir(item.join(name)).unwrap();
        fs::write(item.join(name).join("raw"), "half").unwrap();
    }
    for name in [".latest-dead.tmp", ".latest-live.tmp", ".other"] {
        fs::write(item.join(name), "1").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_hours(25);
    for name in [".tmp-dead-0", ".latest-dead.tmp", ".other"] {
        fs::File::open(item.join(name)).unwrap().set_modified(long_ago).unwrap();
    }
    let plan = repo.store.plan_collection(time(NOW)).unwrap();
    assert!(plan.is_empty());
    repo.store.collect(&plan).unwrap();
    assert_eq!(
        repo.entries("result"),
        [".latest-live.tmp", ".other", ".tmp-live-0", "1", "latest"]
    );
}
