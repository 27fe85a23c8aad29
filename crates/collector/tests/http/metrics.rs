//! Who sees which figures in `/metrics`.

use swamp_collector::keys::Scope;
use swamp_collector::serve::ServeOptions;

use crate::client::{Collector, event, events, now, options};

/// The figures of a collector as a whole begin with these.
const OF_ALL: [&str; 4] = ["requests_total", "events_total", "store_events", "connections"];

#[test]
fn a_key_of_one_project_shows_neither_names_nor_totals_of_another() {
    for rollup_metrics in [false, true] {
        let options = ServeOptions { behind_proxy: true, rollup_metrics, ..options() };
        let collector = Collector::with(&options);
        collector.store.create_project("other", now()).unwrap();
        for (project, count) in [("default", 2), ("other", 3)] {
            let (ingest, _) = collector.key(project, Scope::Ingest);
            let batch: Vec<_> = (0..count)
                .map(|number| {
                    let mut event = event(&format!("{project}-{number}"), 1_500);
                    event["properties"]["workflowContext"]["driver"] =
                        format!("driver-of-{project}").into();
                    event
                })
                .collect();
            let answer = collector.post(&events(&batch), &[("x-api-key", &ingest)]);
            assert_eq!(answer.json(202)["accepted"], count);
            // Keys for sending see nothing at all.
            let refused = collector.get("/metrics", &[("x-api-key", &ingest)]);
            assert!(refused.refuses(403, "forbidden").contains("--scope metrics"));
        }
        collector.get("/metrics", &[]).refuses(401, "unauthorized");
        for (project, calls) in [("default", 2), ("other", 3)] {
            for (scope, sees_all) in [(Scope::Read, false), (Scope::Metrics, true)] {
                let (key, _) = collector.key(project, scope);
                let answer = collector.get("/metrics", &[("x-api-key", &key)]);
                assert_eq!(answer.status, 200, "{answer:?}");
                let has = |line: &str| answer.body.lines().any(|found| found.starts_with(line));
                assert!(has("swamp_collector_build_info{"));
                for name in OF_ALL {
                    let name = format!("swamp_collector_{name}");
                    assert_eq!(has(&name), sees_all, "{project} {scope:?} {name}: {}", answer.body);
                }
                let own = format!(
                    "swamp_collector_method_calls_total{{driver=\"driver-of-{project}\",model_type=\"command/shell\",status=\"success\"}} {calls}"
                );
                assert_eq!(has(&own), rollup_metrics, "{}", answer.body);
                let other = if project == "default" { "other" } else { "default" };
                assert!(!answer.body.contains(&format!("driver-of-{other}")), "{}", answer.body);
                assert!(!sees_all || has("swamp_collector_events_total{outcome=\"ok\"} 5"));
            }
        }
    }
}

#[test]
fn a_key_for_figures_is_for_nothing_else() {
    let collector = Collector::with(&ServeOptions { behind_proxy: true, ..options() });
    let (key, _) = collector.key("default", Scope::Metrics);
    let key = [("x-api-key", key.as_str())];
    collector.get("/api/v1/summary", &key).refuses(403, "forbidden");
    collector.post(&events(&[event("a", 1)]), &key).refuses(403, "forbidden");
}

#[test]
fn this_machine_sees_everything_where_no_key_is_needed() {
    let collector = Collector::with(&ServeOptions { rollup_metrics: true, ..options() });
    assert_eq!(collector.post(&events(&[event("a", 1)]), &[]).results(), ["ok"]);
    let figures = collector.get("/metrics", &[]).body;
    for line in
        ["events_total{outcome=\"ok\"} 1", "store_events 1", "method_calls_total{driver=\"raw\""]
    {
        assert!(figures.contains(&format!("swamp_collector_{line}")), "{line}: {figures}");
    }
    // A key says whose figures are meant, here too.
    let (read, _) = collector.key("default", Scope::Read);
    let own = collector.get("/metrics", &[("x-api-key", &read)]).body;
    assert!(!own.contains("events_total") && own.contains("method_calls_total"), "{own}");
}
