//! A made-up week on call, the same every time.

use swamp_dashboard::page::{
    Arrival, Breakdown, Call, CategoryCount, Column, Errors, Failures, Live, NestedRun, Overview,
    Regression, Run, RunLine, Runs, SlowCall, Slowest, Subject, SubjectKind,
};
use swamp_dashboard::{
    Bucket, Calls, Dimension, Group, Outcome, Series, Shell, Span, Summary, View,
};
use swamp_ident::Timestamp;

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-26T20:40:12.345Z").unwrap()
}

pub(crate) fn shell() -> Shell {
    Shell {
        view: View::default(),
        now: now(),
        origin: "http://127.0.0.1:7070".to_owned(),
        project: Some("payments".to_owned()),
        signed_in: true,
        has_events: true,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "short for the many names that may be missing")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(crate) fn calls(count: u64, failed: u64, p50: u64) -> Calls {
    Calls {
        count,
        failed,
        total_ms: count * p50 * 2,
        p50: Some(p50),
        p95: Some(p50 * 4),
        p99: Some(p50 * 9),
    }
}

/// 24 hours with a quiet night and a bad evening.
pub(crate) fn series() -> Series {
    let start = Timestamp::parse("2026-11-25T21:00:00Z").unwrap();
    let buckets = (0..24)
        .map(|hour: i64| {
            let busy =
                u64::try_from(80 + (hour * 37) % 50 + if hour > 9 { 220 } else { 0 }).unwrap();
            let failed = match hour {
                21.. => busy / 7,
                _ if hour % 5 == 0 => 1,
                _ => 0,
            };
            let p50 = 420 + busy + if hour > 19 { 900 } else { 0 };
            let group = if hour == 4 { Calls::default() } else { calls(busy, failed, p50) };
            Bucket { start: start.plus_millis(hour * 3_600_000), calls: group }
        })
        .collect();
    Series { interval_ms: 3_600_000, buckets }
}

pub(crate) fn group(key: &[&str], calls: Calls, before: Option<Calls>) -> Group {
    let value = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    Group { key: key.iter().map(value).collect(), calls, before }
}

fn failures() -> Vec<Failures> {
    [
        (
            "driver",
            "Cannot connect to the container engine at unix:///run/user/1000/podman/podman.sock",
            61,
        ),
        ("method", "Command exited with code 3", 24),
        ("timeout", "No answer within 30 s", 9),
        ("vault", "The vault \"prod\" has no key \"DB_PASSWORD\"", 4),
        ("method", "<img src=x onerror=alert(1)>", 1),
    ]
    .into_iter()
    .map(|(category, message, count)| Failures {
        category: some(category),
        message: some(message),
        count,
        last: Some(now().plus_millis(-60_000 * i64::try_from(count).unwrap())),
    })
    .collect()
}

pub(crate) fn runs() -> Vec<RunLine> {
    let names =
        ["nightly-backup", "deploy-production", "rotate-keys", "invoice-export", "deploy-staging"];
    (0..12_usize)
        .map(|number| {
            let outcome = match number {
                0 | 3 => Outcome::Failed,
                5 => Outcome::Cancelled,
                7 => Outcome::Unknown,
                _ => Outcome::Succeeded,
            };
            RunLine {
                id: format!("6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d{number:04}"),
                workflow: some(names[number % names.len()]),
                outcome,
                category: (outcome == Outcome::Failed).then(|| "driver".to_owned()),
                started: now().plus_millis(-1_234_567 * i64::try_from(number).unwrap() - 40_000),
                duration_ms: (outcome != Outcome::Unknown)
                    .then_some(4_000 + 71_000 * (number as u64 % 4)),
                calls: 12 + number as u64 * 7,
                failed: u64::from(outcome == Outcome::Failed) * 3,
                platform: some("linux"),
                agent: (number % 3 == 1).then(|| "claude".to_owned()),
            }
        })
        .collect()
}

pub(crate) fn summary() -> Summary {
    Summary { runs: Some((340, 12)), calls: calls(5_614, 99, 612) }
}

pub(crate) fn overview() -> Overview {
    Overview {
        summary: summary(),
        before: Some(Summary { runs: Some((322, 4)), calls: calls(5_120, 31, 540) }),
        series: series(),
        regressions: vec![
            Regression {
                model_type: some("command/shell"),
                method: some("execute"),
                driver: some("docker"),
                slower: true,
                fails_more: true,
                lost_ms: 2_530_000,
                now: calls(812, 61, 2_400),
                before: calls(790, 4, 900),
            },
            Regression {
                model_type: some("@acme/postgres"),
                method: some("backup"),
                driver: some("raw"),
                slower: true,
                fails_more: false,
                lost_ms: 412_000,
                now: calls(24, 0, 61_000),
                before: calls(24, 0, 44_000),
            },
        ],
        failures: failures(),
        failed_runs: runs().into_iter().filter(|run| run.outcome == Outcome::Failed).collect(),
        by_driver: vec![
            group(&["docker"], calls(1_812, 74, 1_400), Some(calls(1_790, 6, 900))),
            group(&["raw"], calls(3_402, 24, 380), Some(calls(3_300, 25, 371))),
            group(&["ssh"], calls(400, 1, 900), None),
        ],
        by_method: vec![
            group(
                &["command/shell", "execute"],
                calls(4_120, 90, 800),
                Some(calls(4_000, 20, 790)),
            ),
            group(&["@acme/postgres", "backup"], calls(24, 0, 61_000), Some(calls(24, 0, 44_000))),
            group(&["@acme/http", "get"], calls(1_470, 9, 210), Some(calls(1_400, 11, 200))),
        ],
        by_workflow: vec![
            group(&["deploy-production"], calls(2_120, 61, 800), Some(calls(2_000, 20, 790))),
            group(&["nightly-backup"], calls(624, 0, 6_000), Some(calls(624, 0, 4_000))),
            group(&[""], calls(70, 9, 210), Some(calls(14, 1, 200))),
        ],
    }
}

pub(crate) fn breakdown() -> Breakdown {
    let drivers = ["raw", "docker", "ssh", ""];
    let methods = ["execute", "backup", "get", "restore", "sync"];
    let groups = (0..14_u64)
        .zip(drivers.into_iter().cycle().zip(methods.into_iter().cycle()))
        .map(|(number, (driver, method))| {
            let now = calls(40 + number * 97, number * number % 11, 90 + number * 130);
            group(
                &[driver, "command/shell", method],
                now,
                Some(calls(50 + number * 80, 1, 90 + number * 90)),
            )
        })
        .collect();
    Breakdown {
        by: vec![Dimension::Driver, Dimension::ModelType, Dimension::Method],
        sort: Column::Time,
        calls: calls(5_614, 99, 612),
        series: series(),
        groups,
    }
}

pub(crate) fn slow_calls() -> Vec<SlowCall> {
    (0..10_u64)
        .map(|number| SlowCall {
            model_type: some("@acme/postgres"),
            method: some(if number % 2 == 0 { "backup" } else { "restore" }),
            driver: some("raw"),
            workflow: (number != 4).then(|| "nightly-backup".to_owned()),
            job: (number != 4).then(|| "database".to_owned()),
            step: (number != 4).then(|| "dump-${{ self.item }}".to_owned()),
            outcome: if number == 2 { Outcome::Failed } else { Outcome::Succeeded },
            started: now().plus_millis(-3_600_000 * i64::try_from(number).unwrap()),
            duration_ms: 912_000 / (number + 1),
            run: (number != 4).then(|| "6b0e3c0e".to_owned()),
        })
        .collect()
}

pub(crate) fn subject(kind: SubjectKind) -> Subject {
    let parts = match kind {
        SubjectKind::Method => vec![
            group(&["docker"], calls(1_812, 74, 1_400), Some(calls(1_790, 6, 900))),
            group(&["raw"], calls(3_402, 24, 380), Some(calls(3_300, 25, 371))),
        ],
        SubjectKind::Workflow => vec![
            group(&["build", "compile"], calls(340, 2, 9_400), Some(calls(320, 1, 9_000))),
            group(&["build", "image"], calls(340, 30, 4_100), Some(calls(320, 1, 2_000))),
            group(&["roll-out", "host-${{ self.item }}"], calls(2_720, 12, 800), None),
        ],
    };
    let uses = match kind {
        SubjectKind::Method => vec![
            group(&["deploy-production", "build", "compile"], calls(340, 2, 9_400), None),
            group(&["nightly-backup", "database", "dump"], calls(24, 0, 61_000), None),
        ],
        SubjectKind::Workflow => vec![
            group(&["command/shell", "execute", "docker"], calls(1_812, 74, 1_400), None),
            group(&["command/shell", "execute", "raw"], calls(3_402, 24, 380), None),
        ],
    };
    Subject {
        kind,
        summary: summary(),
        before: Some(Summary { runs: Some((322, 14)), calls: calls(5_120, 131, 640) }),
        series: series(),
        parts,
        uses,
        failures: failures(),
        slowest: slow_calls(),
        runs: if kind == SubjectKind::Workflow { runs() } else { Vec::new() },
    }
}

pub(crate) fn call(
    job: &str,
    step: &str,
    outcome: Outcome,
    offset_ms: u64,
    duration_ms: u64,
) -> Call {
    let failed = outcome != Outcome::Succeeded;
    Call {
        job: some(job),
        step: some(step),
        attempt: None,
        model_type: some("command/shell"),
        method: some("execute"),
        driver: some("raw"),
        outcome,
        category: failed
            .then(|| if outcome == Outcome::FailedBefore { "vault" } else { "method" }.to_owned()),
        message: failed.then(|| format!("What went wrong in {step}")),
        offset_ms,
        duration_ms,
    }
}

pub(crate) fn run() -> Run {
    use Outcome::{AllowedFailure, Cancelled, Failed, FailedBefore, Succeeded};
    let health = NestedRun {
        workflow: some("check-health"),
        offset_ms: 31_400,
        duration_ms: 9_000,
        calls: vec![
            call("probe", "http-a", Succeeded, 31_400, 800),
            call("probe", "http-b", AllowedFailure, 31_500, 5_200),
            call("probe", "http-c", Succeeded, 31_500, 8_900),
        ],
        nested: Vec::new(),
    };
    let roll_out = NestedRun {
        workflow: some("roll-out"),
        offset_ms: 21_900,
        duration_ms: 27_000,
        calls: vec![
            call("hosts", "host-1", Succeeded, 21_900, 9_100),
            call("hosts", "host-2", Succeeded, 21_950, 8_400),
            call("hosts", "<img src=x onerror=alert(1)>", Failed, 21_960, 27_000),
            Call { attempt: Some(2), ..call("hosts", "host-4", Succeeded, 30_000, 4_000) },
        ],
        nested: vec![health],
    };
    Run {
        id: "6b0e3c0e-2f31-4c6b-9a41-3f8a6c1d0b01".to_owned(),
        workflow: some("deploy-production"),
        outcome: Failed,
        category: some("method"),
        message: some("Command exited with code 3"),
        started: now().plus_millis(-400_000),
        duration_ms: Some(52_700),
        calls: 12,
        failed: 4,
        facts: vec![
            ("Platform", "linux".to_owned()),
            ("Agent", "claude".to_owned()),
            ("Version", "0.1.0".to_owned()),
        ],
        runs: vec![NestedRun {
            workflow: some("deploy-production"),
            offset_ms: 0,
            duration_ms: 52_600,
            calls: vec![
                call("build", "compile", Succeeded, 0, 12_300),
                call("build", "unit-tests", Succeeded, 12_310, 7_000),
                call("build", "image", Succeeded, 12_320, 9_500),
                call("announce", "chat", AllowedFailure, 49_000, 900),
                call("announce", "page-the-owner", FailedBefore, 49_900, 0),
                call("announce", "report", Cancelled, 50_000, 2_600),
            ],
            nested: vec![roll_out],
        }],
        only_failures: false,
    }
}

pub(crate) fn errors() -> Errors {
    Errors {
        calls: calls(5_614, 99, 612),
        series: series(),
        categories: [
            ("driver", 61, Some(2)),
            ("method", 25, Some(27)),
            ("timeout", 9, Some(9)),
            ("vault", 4, Some(0)),
        ]
        .into_iter()
        .map(|(category, count, before)| CategoryCount { category: some(category), count, before })
        .collect(),
        failures: failures(),
    }
}

pub(crate) fn arrival(step: &str) -> Arrival {
    Arrival {
        started: now(),
        outcome: Outcome::Failed,
        model_type: some("command/shell"),
        method: some("execute"),
        driver: some("raw"),
        workflow: some("deploy"),
        job: some("main"),
        step: some(step),
        duration_ms: 91,
        message: some("Command exited with code 3"),
        run: some("6b0e3c0e"),
    }
}

pub(crate) fn live() -> Live {
    let ok = Arrival { outcome: Outcome::Succeeded, message: None, ..arrival("compile") };
    Live { arrivals: vec![arrival("link"), ok] }
}

/// Every page with everything on it, by the name of a file.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    let shell = shell();
    let week = Shell {
        view: View { period: swamp_dashboard::Period::Last(Span::Week), ..View::default() },
        ..shell.clone()
    };
    let filtered = Shell {
        view: View::default()
            .with(Dimension::ModelType, Some("command/shell"))
            .with(Dimension::Method, Some("execute")),
        ..shell.clone()
    };
    let workflow = Shell {
        view: View::default().with(Dimension::Workflow, Some("deploy-production")),
        ..shell.clone()
    };
    let fresh = Shell { has_events: false, ..shell.clone() };
    let nothing =
        Overview { summary: Summary { runs: Some((0, 0)), ..Summary::default() }, ..overview() };
    let list =
        Runs { runs: runs(), next: Some("x".to_owned()), first: true, ignores_filters: true };
    vec![
        ("overview", overview().render(&shell)),
        ("empty", nothing.render(&fresh)),
        ("nothing", nothing.render(&filtered)),
        ("breakdown", breakdown().render(&week)),
        ("method", subject(SubjectKind::Method).render(&filtered)),
        ("workflow", subject(SubjectKind::Workflow).render(&workflow)),
        (
            "methods",
            Subject { parts: overview().by_method, ..subject(SubjectKind::Method) }
                .render_list(&shell),
        ),
        ("runs", list.render(&shell)),
        ("run", run().render(&shell)),
        ("errors", errors().render(&shell)),
        ("slowest", Slowest { calls: slow_calls() }.render(&shell)),
        ("live", live().render(&shell)),
        (
            "login",
            swamp_dashboard::page::Login {
                refusal: Some(swamp_dashboard::page::Refusal::WrongKey),
                next: "/".to_owned(),
            }
            .render(),
        ),
        (
            "message",
            swamp_dashboard::page::Message {
                title: "No such run".to_owned(),
                text: "The collector knows no run \"6b0e\"; it may be older than what is kept."
                    .to_owned(),
                remedy: Some("Look for it in the list of runs.".to_owned()),
            }
            .render(&shell),
        ),
    ]
}
