//! The library door: an engine that is not ours, recorded by a sink handed in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[expect(dead_code, reason = "the example is a program of its own")]
#[expect(unreachable_pub, reason = "the example is a program of its own")]
#[path = "../examples/pipeline.rs"]
mod pipeline;

use std::path::Path;

use swamp_wire::TelemetryEntry;

fn entries(spool: &Path) -> Vec<TelemetryEntry> {
    let names = std::fs::read_dir(spool).unwrap().map(|item| item.unwrap().path());
    let files = names.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

#[test]
fn every_stage_of_another_engine_has_its_entry() {
    let spool = tempfile::tempdir().unwrap();
    let closed = pipeline::recorded(spool.path(), "numbers", &pipeline::STAGES, 3);
    assert_eq!((closed.written, closed.lost), (3, 0));
    let entries = entries(spool.path());
    let parent = entries.iter().find(|entry| !entry.is_child()).unwrap();
    assert_eq!(parent.invocation.command, "pipeline");
    assert_eq!(parent.invocation.args, ["<REDACTED>"]);
    let counts = parent.method_counts.as_ref().unwrap();
    assert_eq!((counts.success, counts.error, counts.skipped), (1, 1, 1));
    assert_eq!(parent.result.error_message.as_deref(), Some("6 is not wanted"));
    for child in entries.iter().filter(|entry| entry.is_child()) {
        assert_eq!(child.parent_invocation_id.as_ref(), Some(&parent.id));
        assert_eq!(child.invocation.args, ["run", "<REDACTED>", "apply"]);
        let context = child.workflow_context.as_ref().unwrap();
        assert_eq!(context.model_type.as_ref().unwrap().as_str(), "pipeline/stage");
        assert_eq!(context.driver, None);
    }
}

#[test]
fn engines_in_one_process_do_not_know_each_other() {
    let spools: Vec<_> = (0..8).map(|_| tempfile::tempdir().unwrap()).collect();
    std::thread::scope(|threads| {
        for (number, spool) in spools.iter().enumerate() {
            threads.spawn(move || {
                for round in 0..20 {
                    let input = 2 * i64::try_from(number + round).unwrap();
                    let name = format!("engine-{number}");
                    pipeline::recorded(spool.path(), &name, &pipeline::STAGES, input);
                }
            });
        }
    });
    for (number, spool) in spools.iter().enumerate() {
        let entries = entries(spool.path());
        let own = format!("engine-{number}");
        assert_eq!(entries.len(), 20 * 4);
        for context in entries.iter().filter_map(|entry| entry.workflow_context.as_ref()) {
            assert_eq!(context.workflow_name.as_str(), own);
        }
    }
}
