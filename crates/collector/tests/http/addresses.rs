//! Addresses that lead nowhere, and addresses that somebody has damaged.

use std::io::Write as _;

use serde_json::Value;

use crate::client::{Answer, Collector, event, events, read_answer};
use crate::dice::Dice;

/// What a browser says it takes.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn an_unknown_address_is_a_page_for_people_and_a_document_for_programs() {
    for (behind_proxy, accept, path, page) in [
        (false, BROWSER, "/nothing", true),
        // Who may not look learns as much, and is not led to the login.
        (true, BROWSER, "/nothing", true),
        (false, BROWSER, "/runs/a/b", true),
        (false, "Text/HTML;q=0.5", "/nothing?x=%3Cb%3E", true),
        (false, BROWSER, "/api/v1/nothing", false),
        (false, "*/*", "/nothing", false),
        (false, "application/json, text/htmlx", "/nothing", false),
    ] {
        let options = crate::client::options();
        let collector =
            Collector::with(&swamp_collector::serve::ServeOptions { behind_proxy, ..options });
        let answer = collector.get(path, &[("accept", accept)]);
        if !page {
            answer.refuses(404, "not_found");
            continue;
        }
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(answer.body.contains("There is nothing at this address."), "{path}");
        assert!(answer.body.contains("<a class=\"button\" href=\"/\">To the overview</a>"));
        // Nothing of the address is repeated.
        assert!(!answer.body.contains("%3Cb") && !answer.body.contains("<b>"));
    }
    let collector = Collector::start();
    collector.get("/nothing", &[]).refuses(404, "not_found");
    // An id that is no text, in the page and in the API.
    let page = collector.get("/runs/%ff", &[("accept", BROWSER)]);
    assert_eq!((page.status, page.body.contains("is not UTF-8.")), (400, true), "{page:?}");
    collector.get("/api/v1/runs/%ff", &[]).refuses(400, "bad_request");
}

const GOOD: [&str; 24] = [
    "/api/v1/summary?since=24h&until=2026-11-23T10:00:00Z&compare=true",
    "/api/v1/summary?project=default&driver=raw&driver=&status=success",
    "/api/v1/breakdown?by=driver,modelType&since=7d&limit=10&compare=1",
    "/api/v1/breakdown?by=driver&by=method&by=errorMessage&step=s",
    "/api/v1/timeseries?interval=hour&by=job&since=2026-11-01",
    "/api/v1/timeseries?interval=day&workflow=w",
    "/api/v1/runs?limit=2&after=1790000000000~run-of-a",
    "/api/v1/runs/run-of-a",
    "/api/v1/runs/run-of-%22%3Cb%3E",
    "/api/v1/errors?limit=5&errorCategory=method",
    "/api/v1/slowest?limit=5&platform=linux&agent=claude",
    "/api/v1/regressions?baseline=30d&since=1d&limit=3",
    "/api/v1/values?by=driver",
    "/api/v1/export?format=csv&method=execute",
    "/api/v1/export?format=ndjson&since=15m",
    "/api/v1/openapi.json",
    "/metrics",
    "/?period=7d&driver=raw",
    "/breakdown?by=driver,method&sort=errors&since=2026-11-01T00%3A00&until=2026-11-23T10%3A00",
    "/methods?modelType=command%2Fshell&method=execute",
    "/workflows?workflow=w&period=30d",
    "/runs?after=1790000000000~run-of-a",
    "/runs/run-of-a?show=failures",
    "/errors?step=s&errorMessage=%C3%A9",
];

const PIECES: [&[u8]; 24] = [
    b"&",
    b"=",
    b"?",
    b"/",
    b"%",
    b"%00",
    b"%ff",
    b"%C3",
    b"%F0%9F%90%8A",
    b"+",
    b";",
    b"#",
    b"..",
    b"-1",
    b"99999999999999999999",
    b"9999-12-31T23:59:59Z",
    b"-9999-01-01T00:00:00Z",
    b"~",
    b"since=0000-01-01",
    b"until=9999-12-31",
    b"&by=step&by=step",
    b"limit=0",
    b"<script>",
    b"'\"",
];

/// Asks for an address as it is, on a connection of its own.
fn ask(collector: &Collector, address: &[u8]) -> Answer {
    let mut connection = collector.connect();
    let head = [
        b"GET ".as_slice(),
        address,
        b" HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n",
    ];
    connection.0.write_all(&head.concat()).unwrap();
    read_answer(&mut connection.0).unwrap()
}

#[test]
fn no_address_is_a_fault_of_the_collector() {
    let collector = Collector::start();
    let batch: Vec<Value> = (0..60)
        .map(|number| {
            let mut event = event(&format!("e-{number}"), number);
            if number % 3 == 0 {
                event["properties"]["result"] = serde_json::json!({"status": "error",
                    "errorCategory": "method", "errorMessage": "no é"});
            }
            event
        })
        .collect();
    assert_eq!(collector.post(&events(&batch), &[]).status, 202);
    let mut dice = Dice(7);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..3_000 {
        let good = *dice.one(&GOOD);
        let mut address = good.as_bytes().to_vec();
        // Some are only damaged behind the question mark, so that they still find their way.
        let kept = if dice.below(3) == 0 { 1 } else { good.find('?').unwrap_or(good.len() - 2) };
        let mut rest = address.split_off(kept);
        dice.damage(&mut rest, &PIECES);
        address.append(&mut rest);
        let answer = ask(&collector, &address);
        let text = String::from_utf8_lossy(&address);
        assert!((200..500).contains(&answer.status), "{number}: {text}: {answer:?}");
        let is_json = answer.header("content-type") == Some("application/json");
        if is_json {
            let _ = answer.json(answer.status);
        }
        // What is refused says why, except where the address is none to begin with.
        if answer.status >= 400 && !is_json {
            let is_page = answer.header("content-type") == Some("text/html; charset=utf-8");
            assert!(is_page || answer.body.is_empty(), "{text}: {answer:?}");
            assert!(is_page || answer.status == 400, "{text}: {answer:?}");
        }
        *statuses.entry(answer.status).or_insert(0_u32) += 1;
    }
    for status in [200, 400, 404] {
        assert!(statuses.get(&status) > Some(&100), "{statuses:?}");
    }
    assert_eq!(collector.methods().0, 60);
}
