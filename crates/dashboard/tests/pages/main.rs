//! Every page, with good and with hostile figures.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod sample;

use std::fmt::Write as _;

use proptest::prelude::*;
use swamp_dashboard::page::{Call, NestedRun, Run};
use swamp_dashboard::{Outcome, Shell};

/// Elements that have no end.
const VOID: [&str; 5] = ["meta", "link", "input", "img", "br"];

/// Reads a page the way a strict parser does, and gives its tags with their attributes. Panics
/// where a browser would have to guess.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let (mut open, mut found) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a stray '>' in {:?}", &rest[..start]);
        let inside = &rest[start + 1..];
        let mut quoted = false;
        let end = inside
            .find(|character| {
                quoted ^= character == '"';
                character == '>' && !quoted
            })
            .expect("an end of the tag");
        let tag = inside[..end].trim_end_matches('/');
        rest = &inside[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(
                open.pop().as_deref(),
                Some(name),
                "before {:?}",
                &rest[..rest.len().min(80)]
            );
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{tag:?}");
        found.push((name.to_owned(), read_attributes(attributes)));
        if !VOID.contains(&name) && !inside[..end].ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?} have no end");
    found
}

fn read_attributes(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    text = text.trim_start();
    while !text.is_empty() {
        let name_end = text.find(['=', ' ']).unwrap_or(text.len());
        let (name, after) = text.split_at(name_end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"').expect("a closing quote"),
            None => ("", after),
        };
        found.push((name.to_owned(), value.to_owned()));
        text = after.trim_start();
    }
    found
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn every_page_is_whole_and_keeps_to_the_policy() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for asset in swamp_dashboard::asset::ALL {
        std::fs::write(folder.join(&asset.path[1..]), asset.content).unwrap();
    }
    for (name, page) in sample::pages() {
        // To look at: serve this folder with any web server.
        std::fs::write(folder.join(name).with_extension("html"), &page).unwrap();
        let mut ids = std::collections::BTreeSet::new();
        let mut headings = 0;
        for (tag, attributes) in tags(&page) {
            for (key, value) in &attributes {
                assert_ne!(key, "style", "{name}: inline style in {tag}");
                assert!(!key.starts_with("on"), "{name}: {key} in {tag}");
                assert!(!value.contains("javascript:"), "{name}: {value}");
            }
            if let Some(id) = attribute(&attributes, "id") {
                assert!(ids.insert(id.to_owned()), "{name}: the id {id} stands twice");
            }
            match tag.as_str() {
                "script" => {
                    assert_eq!(name, "live");
                    assert!(attribute(&attributes, "src").is_some(), "an inline script");
                }
                "table" => {
                    assert!(page.contains("<caption") || page.contains("<details"), "{name}");
                }
                "h1" => headings += 1,
                "a" => assert!(
                    attribute(&attributes, "href").is_some_and(|to| to.starts_with(['/', '#'])),
                    "{name}: {attributes:?}"
                ),
                "form" => assert!(
                    attribute(&attributes, "action").is_some_and(|to| to.starts_with('/')),
                    "{name}: {attributes:?}"
                ),
                _ => {}
            }
        }
        assert_eq!(headings, 1, "{name} has one main heading");
        assert!(page.contains("<html lang=\"en\">") && page.contains("id=\"main\""), "{name}");
        assert!(!page.contains("<img src=x"), "{name}");
    }
}

#[test]
fn empty_pages_name_the_next_command() {
    let page = |name: &str| {
        sample::pages().into_iter().find(|(page, _)| *page == name).map(|(_, text)| text).unwrap()
    };
    let fresh = page("empty");
    assert!(fresh.contains("<code>swamp telemetry connect http://127.0.0.1:7070</code>"));
    assert!(fresh.contains("<code>swamp collector demo</code>"));
    let filtered = page("nothing");
    assert!(
        filtered
            .contains(r#"href="/?period=30d&amp;modelType=command%2Fshell&amp;method=execute""#)
    );
    assert!(filtered.contains("Clear the filters"));
}

/// The waterfall as text: outcome, indentation, name, start, duration, and bar.
fn outline(run: &Run) -> String {
    let page = run.render(&sample::shell());
    let mut text = String::new();
    let table = page.split("<table class=\"waterfall\">").nth(1).unwrap_or_default();
    for row in table.split("<tr class=\"").skip(1) {
        let class = row.split('"').next().unwrap_or_default();
        let depth = class.split(' ').find_map(|word| word.strip_prefix('d')).unwrap_or("?");
        let depth: usize = depth.parse().unwrap();
        let head = row.split("</th>").next().unwrap_or_default();
        let name = head.rsplit("<bdi class=\"name\">").next().unwrap_or_default();
        let name = if let Some(error) = head.find("<div class=\"error\">") {
            head[..error].rsplit("<bdi class=\"name\">").next().unwrap_or_default()
        } else {
            name
        };
        let name = name.split('<').next().unwrap_or_default();
        let outcome = class.split(' ').find_map(|word| word.strip_prefix("o-")).unwrap_or("run");
        let cells: Vec<&str> = row
            .split("<td class=\"n\">")
            .skip(1)
            .map(|cell| cell.split('<').next().unwrap_or_default())
            .collect();
        let x = row.split(" x=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("-");
        let width = row
            .split("<rect")
            .nth(1)
            .and_then(|rect| rect.split(" width=\"").nth(1))
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("-");
        let _ = writeln!(
            text,
            "{:indent$}{outcome} {name} | {} | {x} {width}",
            "",
            cells.join(" +"),
            indent = depth * 2
        );
    }
    text
}

#[test]
fn a_nested_run_stands_where_it_began() {
    insta::assert_snapshot!(outline(&sample::run()), @r"
    run deploy-production | 0 ms +52.6 s | 0% 99.81%
    ok compile | 0 ms +12.3 s | 0% 23.33%
    ok unit-tests | 12.3 s +7 s | 23.35% 13.28%
    ok image | 12.3 s +9.50 s | 23.37% 18.02%
      run roll-out | 21.9 s +27 s | 41.55% 51.23%
      ok host-1 | 21.9 s +9.10 s | 41.55% 17.26%
      ok host-2 | 21.9 s +8.40 s | 41.65% 15.93%
      failed &lt;img src=x onerror=alert(1)&gt; | 21.9 s +27 s | 41.66% 51.23%
      ok host-4 | 30 s +4 s | 56.92% 7.59%
        run check-health | 31.4 s +9 s | 59.58% 17.07%
        ok http-a | 31.4 s +800 ms | 59.58% 1.51%
        allowed http-b | 31.5 s +5.20 s | 59.77% 9.86%
        ok http-c | 31.5 s +8.90 s | 59.77% 16.88%
    allowed chat | 49 s +900 ms | 92.97% 1.70%
    before page-the-owner | 49.9 s +0 ms | 94.68% 0.90%
    cancelled report | 50 s +2.60 s | 94.87% 4.93%
    ");
}

#[test]
fn only_failures_leaves_out_what_went_well() {
    let run = Run { only_failures: true, ..sample::run() };
    insta::assert_snapshot!(outline(&run), @r"
    run deploy-production | 0 ms +52.6 s | 0% 99.81%
      run roll-out | 21.9 s +27 s | 41.55% 51.23%
      failed &lt;img src=x onerror=alert(1)&gt; | 21.9 s +27 s | 41.66% 51.23%
        run check-health | 31.4 s +9 s | 59.58% 17.07%
        allowed http-b | 31.5 s +5.20 s | 59.77% 9.86%
    allowed chat | 49 s +900 ms | 92.97% 1.70%
    before page-the-owner | 49.9 s +0 ms | 94.68% 0.90%
    cancelled report | 50 s +2.60 s | 94.87% 4.93%
    ");
}

#[test]
fn a_run_of_many_methods_is_a_page_and_one_of_more_is_cut() {
    let many = |count: u64| Run {
        runs: vec![NestedRun {
            workflow: Some("wide".to_owned()),
            offset_ms: 0,
            duration_ms: count * 10,
            calls: (0..count)
                .map(|number| {
                    sample::call(
                        "all",
                        &format!("item-{number}"),
                        Outcome::Succeeded,
                        number * 10,
                        40,
                    )
                })
                .collect(),
            nested: Vec::new(),
        }],
        ..sample::run()
    };
    let page = many(1_000).render(&sample::shell());
    assert_eq!(page.matches("<tr class=\"call-row").count(), 1_000);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(!page.contains("not shown"));
    let page = many(2_500).render(&sample::shell());
    assert_eq!(page.matches("<tr class=\"call-row").count(), 1_000);
    assert!(page.contains("1,500 calls are not shown"));
}

/// A run in which every text is this one.
fn named(name: &str) -> Run {
    let text = || Some(name.to_owned());
    let call = Call {
        job: text(),
        step: text(),
        model_type: text(),
        method: text(),
        driver: text(),
        category: text(),
        message: text(),
        ..sample::call("", "", Outcome::Failed, 0, 1)
    };
    Run {
        id: name.to_owned(),
        workflow: text(),
        category: text(),
        message: text(),
        facts: vec![("Agent", name.to_owned())],
        runs: vec![NestedRun {
            workflow: text(),
            offset_ms: 0,
            duration_ms: 1,
            calls: vec![call],
            nested: Vec::new(),
        }],
        ..sample::run()
    }
}

/// Pages in which every text is this one.
fn pages_named(name: &str) -> Vec<String> {
    let mut shell = Shell { project: Some(name.to_owned()), ..sample::shell() };
    for dimension in swamp_dashboard::Dimension::ALL {
        shell.view = shell.view.with(dimension, Some(name));
    }
    let mut overview = sample::overview();
    let text = || Some(name.to_owned());
    for groups in [&mut overview.by_driver, &mut overview.by_method, &mut overview.by_workflow] {
        for group in groups {
            group.key.iter_mut().for_each(|value| *value = text());
        }
    }
    for failure in &mut overview.failures {
        (failure.category, failure.message) = (text(), text());
    }
    for run in &mut overview.failed_runs {
        (run.id, run.workflow, run.category, run.agent) = (name.to_owned(), text(), text(), text());
    }
    let mut arrival = sample::arrival(name);
    (arrival.message, arrival.run, arrival.workflow) = (text(), text(), text());
    vec![
        named(name).render(&shell),
        overview.render(&shell),
        sample::subject(swamp_dashboard::page::SubjectKind::Workflow).render(&shell),
        sample::breakdown().render(&shell),
        swamp_dashboard::page::Live { arrivals: vec![arrival] }.render(&shell),
        swamp_dashboard::page::Login { refusal: None, next: name.to_owned() }.render(),
        swamp_dashboard::page::Message {
            title: name.to_owned(),
            text: name.to_owned(),
            remedy: text(),
        }
        .render(&shell),
    ]
}

#[test]
fn hostile_names_stay_text_on_every_page() {
    let plain: Vec<usize> = pages_named("x").iter().map(|page| tags(page).len()).collect();
    for name in [
        "<img src=x onerror=alert(1)>",
        "</title><script>alert(1)</script>",
        r#"" onmouseover="alert(1)"#,
        "' onmouseover='alert(1)",
        "--><svg onload=alert(1)>",
        "]]><x>",
        "javascript:alert(1)",
        "&lt;script&gt;",
        "${{ self.item }}",
    ] {
        let found: Vec<usize> = pages_named(name).iter().map(|page| tags(page).len()).collect();
        assert_eq!(found, plain, "{name} made or took a tag");
    }
    for page in pages_named("a\u{202e}b\u{0}c\u{2028}d") {
        // What a hidden field holds is sent back as it is, and shown to nobody.
        let page: String = page
            .split("<input type=\"hidden\"")
            .map(|part| {
                part.split_once('>')
                    .filter(|_| part.starts_with(" name"))
                    .map_or(part, |(_, shown)| shown)
            })
            .collect();
        assert!(!page.contains(['\u{202e}', '\u{0}', '\u{2028}']));
    }
    for page in pages_named(&"long ".repeat(2_048)) {
        tags(&page);
    }
}

#[test]
fn a_row_of_the_live_page_is_one_line() {
    let row = sample::arrival("a\nb\r\nc").row().into_string();
    assert!(!row.contains(['\n', '\r']), "{row}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_name_breaks_a_page(name in any::<String>()) {
        for page in pages_named(&name) {
            for (tag, attributes) in tags(&page) {
                prop_assert!(tag != "script" || attribute(&attributes, "src").is_some());
                prop_assert!(attributes.iter().all(|(key, _)| !key.starts_with("on")));
            }
        }
    }
}
