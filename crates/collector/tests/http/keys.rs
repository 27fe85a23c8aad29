//! Who gets in, and what they see.

use swamp_collector::keys::Scope;
use swamp_collector::serve::ServeOptions;

use crate::client::{Collector, event, events, now, options, request};

fn behind_proxy() -> Collector {
    Collector::with(&ServeOptions { behind_proxy: true, ..options() })
}

fn everywhere() -> Collector {
    let listen = "0.0.0.0:0".parse().unwrap();
    let mut collector = Collector::with(&ServeOptions { listen, ..options() });
    collector.address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    collector
}

#[test]
fn whoever_can_be_reached_by_others_asks_for_a_key() {
    for collector in [behind_proxy(), everywhere()] {
        let body = events(&[event("a", 1)]);
        let message = collector.post(&body, &[]).refuses(401, "unauthorized");
        assert!(message.contains("key create --scope ingest"), "{message}");
        collector.get("/api/v1/summary", &[]).refuses(401, "unauthorized");
        // Probes of balancers carry no keys, and tell nothing.
        assert_eq!(collector.get("/healthz", &[]).status, 200);

        let (ingest, _) = collector.key("default", Scope::Ingest);
        let (read, _) = collector.key("default", Scope::Read);
        assert_eq!(collector.post(&body, &[("x-api-key", &ingest)]).results(), ["ok"]);
        let bearer = format!("Bearer {read}");
        let summary = collector.get("/api/v1/summary", &[("authorization", &bearer)]).json(200);
        assert_eq!(summary["methods"], 1);
        collector.post(&body, &[("x-api-key", &read)]).refuses(403, "forbidden");
        collector.get("/api/v1/summary", &[("x-api-key", &ingest)]).refuses(403, "forbidden");
        let mut changed = ingest.clone();
        let last = if changed.pop() == Some('0') { '1' } else { '0' };
        changed.push(last);
        for bad in ["", "swk_", "nonsense", &ingest[..ingest.len() - 1], &changed] {
            collector.post(&body, &[("x-api-key", bad)]).refuses(401, "unauthorized");
        }
        // The project is that of the key, whatever the address says.
        let answer = collector.get("/api/v1/summary?project=other", &[("x-api-key", &read)]);
        assert_eq!(answer.json(200)["methods"], 1);
    }
}

#[test]
fn a_wrong_key_is_refused_on_loopback_too() {
    let collector = Collector::start();
    let body = events(&[event("a", 1)]);
    collector.post(&body, &[("x-api-key", "nonsense")]).refuses(401, "unauthorized");
    let elsewhere = request("GET", "/api/v1/summary", &[], b"");
    let text = String::from_utf8(elsewhere).unwrap().replace("localhost", "evil.example");
    collector.connect().exchange(text.as_bytes()).refuses(403, "forbidden");
}

#[test]
fn a_revoked_key_opens_nothing_from_the_next_request_on() {
    let collector = behind_proxy();
    let (key, id) = collector.key("default", Scope::Ingest);
    let mut connection = collector.connect();
    let headers = [("content-type", "application/json"), ("x-api-key", key.as_str())];
    let send = request("POST", "/ingest", &headers, &events(&[event("a", 1)]));
    assert_eq!(connection.exchange(&send).results(), ["ok"]);
    collector.store.revoke_key(&id, now()).unwrap();
    connection.exchange(&send).refuses(401, "unauthorized");
}

#[test]
fn a_refused_client_gets_to_read_why_however_much_it_sends() {
    let collector = behind_proxy();
    let body = events(&vec![event("a", 1); 5000]);
    for _ in 0..10 {
        collector.post(&body, &[]).refuses(401, "unauthorized");
    }
}

#[test]
fn projects_never_see_each_other() {
    let collector = behind_proxy();
    let projects = ["default", "other"];
    collector.store.create_project("other", now()).unwrap();
    let [ingest, read] = [Scope::Ingest, Scope::Read]
        .map(|scope| projects.map(|project| collector.key(project, scope).0));
    // The same ids in both, with other durations.
    for (place, duration) in [10, 20].into_iter().enumerate() {
        let body = events(&[event("same", duration), event(projects[place], duration)]);
        let answer = collector.post(&body, &[("x-api-key", &ingest[place])]);
        assert_eq!(answer.results(), ["ok", "ok"]);
    }
    for (place, total) in [20, 40].into_iter().enumerate() {
        let key = [("x-api-key", read[place].as_str())];
        let summary = collector.get("/api/v1/summary", &key).json(200);
        assert_eq!(
            (summary["methods"].as_u64(), summary["totalMs"].as_u64()),
            (Some(2), Some(total))
        );
        let own = format!("/api/v1/runs/run-of-{}", projects[place]);
        collector.get(&own, &key).json(200);
        let others = format!("/api/v1/runs/run-of-{}", projects[1 - place]);
        collector.get(&others, &key).refuses(404, "not_found");
        let runs = collector.get("/api/v1/runs", &key);
        runs.json(200);
        assert!(!runs.body.contains(&format!("run-of-{}", projects[1 - place])), "{runs:?}");
    }
}
