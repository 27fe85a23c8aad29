//! Methods that are called directly, and everything they leave behind.

mod common;

use common::{Repo, data, direct, id_of};
use serde_json::{Value, json};
use swamp_events::EventKind;
use swamp_ident::{CancelCause, DriverName, DriverOrigin, ErrorCategory, Phase};
use swamp_model::{DriverChoice, FailureCode, MethodRequest};

use ErrorCategory as C;
use FailureCode as F;

const METHOD: &str = "methods: {execute: {arguments: {run: 'echo out; echo err >&2'}}}\n";

#[test]
fn a_successful_call_and_what_it_stores() {
    let repo = Repo::with(&[("disk", &format!("tags: {{team: storage}}\n{METHOD}"))]);
    let outcome = repo.call("disk", json!({}));
    let run = outcome.run();
    assert_eq!(
        outcome.kinds(),
        [
            "log",
            "resolved",
            "preparing",
            "executing",
            "line",
            "line",
            "finished",
            "saved",
            "saved",
            "report",
            "reported",
            "completed"
        ]
    );
    let driver = run.call.driver.as_ref().unwrap();
    assert_eq!((driver.name.as_str(), driver.origin), ("raw", DriverOrigin::Default));

    // Data.
    let attributes = run.artifacts[0].attributes.as_ref().unwrap();
    let keys: Vec<&String> = attributes.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["exitCode", "executedAt", "command", "durationMs", "stdout", "stderr"]);
    assert_eq!((&attributes["stdout"], &attributes["stderr"]), (&json!("out"), &json!("err")));
    let raw = repo.text(&data("disk", "result/1/raw"));
    assert_eq!(raw, attributes.to_string());
    assert_eq!(repo.text(&data("disk", "log/1/raw")), "[stdout]\nout\n[stderr]\nerr");
    assert_eq!(run.artifacts[0].path, repo.root().join(data("disk", "result/1")));
    let metadata = repo.yaml(&data("disk", "log/1/metadata.yaml"));
    let tags = json!({"type": "file", "team": "storage", "specName": "log", "modelName": "disk"});
    assert_eq!(metadata["tags"], tags);
    assert_eq!(
        metadata["ownerDefinition"],
        json!({"ownerType": "model-method", "ownerRef": id_of("disk")})
    );
    assert_eq!((&metadata["streaming"], &metadata["lifetime"]), (&json!(true), &json!("infinite")));

    // Output record.
    let records = repo.records();
    let record = &records[0];
    assert_eq!(records.len(), 1);
    assert_eq!(record["id"], json!(run.output_id));
    assert_eq!(record["status"], "succeeded");
    assert_eq!(record["provenance"]["triggeredBy"], "manual");
    assert_eq!(record["provenance"]["modelVersion"], "2026.02.09.1");
    let artifacts = record["artifacts"]["dataArtifacts"].as_array().unwrap();
    let names: Vec<&Value> = artifacts.iter().map(|artifact| &artifact["name"]).collect();
    assert_eq!(names, ["result", "log"]);
    assert_eq!(artifacts[1]["tags"], tags);
    assert_eq!(record["logFile"], json!(repo.logs()[0]));
    assert_eq!(run.log_file, repo.root().join(&repo.logs()[0]));

    // Evaluated copy.
    let copy = repo.copy("disk");
    assert_eq!(copy["typeVersion"], "2026.02.09.1");
    assert_eq!(copy["methods"]["execute"]["arguments"]["run"], "echo out; echo err >&2");

    // Report.
    let markdown = repo.text(&data("disk", "report-swamp-method-summary/1/raw"));
    assert_eq!(
        markdown,
        "# disk (command/shell) → execute: succeeded\n\n\
         execute on disk (command/shell) succeeded, producing 1 resource (result), 1 file (log).\n\n\
         ## Arguments\n\n**Method Arguments**\n\n```json\n{\n  \"run\": \"echo out; echo err >&2\"\n}\n```\n\n\
         ## Data Output\n\n\
         | Name | Kind | Retrieval Command |\n| ---- | ---- | ----------------- |\n\
         | **result** | resource | `swamp data get disk result --version 1` |\n\
         | **log** | file | `swamp data get disk log --version 1` |"
    );
    let report: Value =
        serde_json::from_str(&repo.text(&data("disk", "report-swamp-method-summary-json/1/raw")))
            .unwrap();
    assert_eq!(
        report["dataProduced"][0]["retrievalCommand"],
        "swamp data get disk result --version 1"
    );
    assert_eq!(report["outputSpecs"][1]["contentType"], "text/plain");
    let metadata = repo.yaml(&data("disk", "report-swamp-method-summary-json/1/metadata.yaml"));
    assert_eq!(
        metadata["tags"],
        json!({"type": "report", "reportName": "@swamp/method-summary", "reportScope": "method"})
    );
    assert_eq!((&metadata["lifetime"], &metadata["garbageCollection"]), (&json!("30d"), &json!(5)));

    // Nothing of the lock stays.
    assert!(!repo.files(".swamp").iter().any(|file| file.ends_with("/.lock")));
}

#[test]
fn the_definition_hash_is_that_of_the_stored_definition() {
    let repo = Repo::with(&[]);
    repo.write(
        "models/command/shell/27a88a91-3bfe-4c56-8d55-ac6753817ad3.yaml",
        "type: command/shell\nid: 27a88a91-3bfe-4c56-8d55-ac6753817ad3\nname: hashed\nversion: 1\n\
         tags: {b: \"2\", a: \"1\"}\nglobalArguments: {list: [1, 2.5, true, null], umlaut: grün}\n\
         methods: {execute: {arguments: {run: echo hashed}}}\n",
    );
    for inputs in [json!({}), json!({"timeout": 5000})] {
        repo.call("hashed", inputs).run();
    }
    for record in repo.records() {
        assert_eq!(
            record["provenance"]["definitionHash"],
            "fa8beed38e0551e5218214c0ba3162d1b0665f60b8cecfdae70609e2a5456712"
        );
    }
}

#[test]
fn a_failing_command_stores_nothing_but_its_failure() {
    let repo =
        Repo::with(&[("bad", "methods: {execute: {arguments: {run: 'echo seen; exit 3'}}}\n")]);
    let outcome = repo.call("bad", json!({}));
    let failure = outcome.failure();
    assert_eq!(failure.failure.message, "Command exited with code 3");
    assert_eq!(failure.failure.category, ErrorCategory::Method);
    assert_eq!(
        (failure.failure.phase, failure.code),
        (Phase::Method, Some(FailureCode::MethodExecutionFailed))
    );
    assert_eq!(
        outcome.kinds(),
        [
            "log",
            "resolved",
            "preparing",
            "executing",
            "line",
            "finished",
            "report",
            "reported",
            "failed"
        ]
    );
    assert!(
        repo.files(".swamp/data")
            .iter()
            .all(|file| !file.contains("/result/") && !file.contains("/log/"))
    );
    let record = &repo.records()[0];
    assert_eq!(record["status"], "failed");
    assert_eq!(record["error"]["message"], "Command exited with code 3");
    assert_eq!(record["artifacts"]["dataArtifacts"], json!([]));
    let markdown = repo.text(&data("bad", "report-swamp-method-summary/1/raw"));
    assert!(
        markdown.contains("## Error\n\nCommand exited with code 3\n\n## Arguments"),
        "{markdown}"
    );
    assert!(!markdown.contains("## Data Output") && markdown.ends_with("```\n"));
}

#[test]
fn a_timeout_is_told_and_keeps_what_was_printed() {
    let arguments = "run: 'echo started; exec sleep 1000', timeout: 300";
    let repo = Repo::with(&[
        ("slow", &format!("methods: {{execute: {{arguments: {{{arguments}}}}}}}\n")),
        (
            "ignored",
            &format!(
                "methods: {{execute: {{arguments: {{{arguments}, ignoreExitCode: true}}}}}}\n"
            ),
        ),
    ]);
    let outcome = repo.call("slow", json!({}));
    assert_eq!(outcome.failure().failure.message, "Command timed out after 300ms");
    assert_eq!(outcome.failure().failure.category, ErrorCategory::Timeout);
    assert_eq!(outcome.failure().code, Some(FailureCode::MethodExecutionFailed));

    let outcome = repo.call("ignored", json!({}));
    let attributes = outcome.run().artifacts[0].attributes.clone().unwrap();
    assert_eq!(attributes["exitCode"], -1);
    assert_eq!(attributes["stdout"], "started");
    assert_eq!(attributes["stderr"], "Command timed out after 300ms");
    let log = repo.text(&data("ignored", "log/1/raw"));
    assert_eq!(log, "[stdout]\nstarted\n[stderr]\nCommand timed out after 300ms");
}

#[test]
fn shell_arguments() {
    let repo = Repo::with(&[("show", "methods: {}\n")]);
    repo.write("sub/note.txt", "on site");
    let directory = repo.root().join("sub");
    for (inputs, want) in [
        (json!({"run": "exit 3", "ignoreExitCode": "true"}), ""),
        (json!({"run": "cat note.txt", "workingDir": directory}), "on site"),
        (json!({"run": "echo $A-$B-$COMMAND_ENV", "env": {"A": "1", "B": ""}}), "1--set"),
        (json!({"run": "echo $COMMAND_ENV", "env": {"COMMAND_ENV": "own"}}), "own"),
        (json!({"run": "echo {x} {{y}}; kill -9 $$", "ignoreExitCode": true}), "{x} {{y}}"),
        (json!({"run": "cd /nowhere 2>/dev/null || echo no", "timeout": "60000"}), "no"),
        (
            json!({"run": "pwd", "workingDir": "/nowhere"}),
            "failed: Cannot run in working directory /nowhere: ",
        ),
        (
            json!({"run": "true", "env": {"A=B": "x"}}),
            "failed: Cannot pass environment variable \"A=B\"",
        ),
    ] {
        let got = repo.call("show", inputs.clone()).stdout();
        assert!(
            if want.starts_with("failed") { got.starts_with(want) } else { got == want },
            "{inputs}: {got}"
        );
    }
    // What could not start is a result too, if the exit code does not count.
    let outcome =
        repo.call("show", json!({"run": "pwd", "workingDir": "/nowhere", "ignoreExitCode": true}));
    let attributes = outcome.run().artifacts[0].attributes.clone().unwrap();
    assert_eq!(attributes["exitCode"], -1);
    assert!(attributes["stderr"].as_str().unwrap().contains("/nowhere"), "{attributes}");
}

/// What is left behind: nothing, a run log, or a record too.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Left {
    Nothing,
    Log,
    Record,
}

#[test]
fn what_cannot_begin_says_why_and_leaves_what_it_should() {
    let repo = Repo::with(&[
        ("show", "methods: {execute: {arguments: {run: echo ok}}}\n"),
        ("empty", "methods: {}\n"),
        ("list", "methods: {execute: {arguments: {run: [echo, ok]}}}\n"),
        ("driven", "driver: nowhere\nmethods: {execute: {arguments: {run: echo ok}}}\n"),
        (
            "strict",
            "inputs: {properties: {n: {type: integer}}, required: [n], additionalProperties: false}\n\
             methods: {execute: {arguments: {run: 'echo ${{ inputs.n }}'}}}\n",
        ),
        ("unset", "methods: {execute: {arguments: {run: 'echo ${{ env.NOPE }}'}}}\n"),
        (
            "vault",
            "methods: {execute: {arguments: {run: 'echo ${{ vault.get(\"main\", \"k\") }}'}}}\n",
        ),
        ("typo", "methods: {execute: {arguments: {run: 'echo ${{ inputs.nme }}'}}}\n"),
    ]);
    repo.write(
        "models/net/ping/00000000-0000-4000-8000-000000000001.yaml",
        "id: 00000000-0000-4000-8000-000000000001\nname: pinger\nversion: 1\n",
    );
    let driver = |name: &str| {
        let choice =
            DriverChoice { name: DriverName::new(name), config: None, origin: DriverOrigin::Step };
        MethodRequest { drivers: vec![choice], ..direct("show", json!({})) }
    };
    let method = |name: &str| MethodRequest { method: name.into(), ..direct("show", json!({})) };
    let last = MethodRequest { last_evaluated: true, ..direct("show", json!({})) };
    let with_driver = |inputs| direct("show", inputs);
    let cases: Vec<(MethodRequest, &str, C, Option<F>, Left)> = vec![
        (
            direct("nobody", json!({})),
            "Model not found: nobody",
            C::ModelNotFound,
            Some(F::ModelNotFound),
            Left::Nothing,
        ),
        (
            MethodRequest { method: "probe".into(), ..direct("pinger", json!({})) },
            "Unknown model type: net/ping",
            C::ModelNotFound,
            Some(F::UnknownModelType),
            Left::Nothing,
        ),
        (
            method("restart"),
            "Unknown method 'restart' for type 'command/shell'. Available methods: execute",
            C::MethodNotFound,
            Some(F::UnknownMethod),
            Left::Nothing,
        ),
        (
            direct("strict", json!({})),
            "Input validation failed:\n  n is required",
            C::Arguments,
            Some(F::InputValidationFailed),
            Left::Nothing,
        ),
        (
            direct("strict", json!({"n": "1", "timeout": 5})),
            "Input validation failed:\n  timeout is not a valid input property",
            C::Arguments,
            Some(F::InputValidationFailed),
            Left::Nothing,
        ),
        (
            with_driver(json!({"wrong": 1})),
            "Unknown method input(s): wrong. Valid inputs are: run, workingDir, timeout, env, ignoreExitCode",
            C::Arguments,
            Some(F::ValidationFailed),
            Left::Nothing,
        ),
        (
            last,
            "No previously evaluated definition found for \"show\".",
            C::ModelNotFound,
            Some(F::NoEvaluatedDefinition),
            Left::Log,
        ),
        (
            direct("unset", json!({})),
            "Invalid expression: No such key: NOPE",
            C::Env,
            None,
            Left::Log,
        ),
        (
            direct("vault", json!({})),
            "Failed to resolve vault expression vault.get(main, k): Vault not found: main.",
            C::Vault,
            None,
            Left::Log,
        ),
        (
            direct("typo", json!({})),
            "Invalid expression: No such key: nme",
            C::Expression,
            None,
            Left::Log,
        ),
        (
            direct("empty", json!({})),
            "Method arguments validation failed: Invalid input: expected string, received undefined at \"run\"",
            C::Arguments,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
        (
            direct("list", json!({})),
            "Method arguments validation failed: Invalid input: expected string, received array at \"run\"",
            C::Arguments,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
        (
            direct("show", json!({"timeout": "soon"})),
            "Method arguments validation failed: Invalid input: expected number, received string at \"timeout\"",
            C::Arguments,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
        (
            direct("driven", json!({})),
            "Unknown execution driver 'nowhere'. Available drivers: raw",
            C::Driver,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
        (
            driver("podman"),
            "Unknown execution driver 'podman'. Available drivers: raw",
            C::Driver,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
        (
            driver("docker"),
            "Execution driver 'docker' cannot be used like this: 'image' is missing: the image to run commands in\n  set it there: driverConfig",
            C::Driver,
            Some(F::MethodExecutionFailed),
            Left::Record,
        ),
    ];
    for (request, message, category, code, left) in cases {
        let (records, logs) = (repo.records().len(), repo.logs().len());
        let outcome = repo.request(&request);
        let failure = outcome.failure();
        assert!(
            failure.failure.message.starts_with(message),
            "{message}: {}",
            failure.failure.message
        );
        assert_eq!((failure.failure.category, failure.code), (category, code), "{message}");
        assert_eq!(failure.failure.phase, Phase::BeforeMethod, "{message}");
        let kinds = outcome.kinds();
        assert!(
            !kinds.contains(&"executing") && kinds.last() == Some(&"failed"),
            "{message}: {kinds:?}"
        );
        let is_left = match (repo.records().len() - records, repo.logs().len() - logs) {
            (0, 0) => Left::Nothing,
            (0, 1) => Left::Log,
            _ => Left::Record,
        };
        assert_eq!(is_left, left, "{message}");
        assert_eq!(kinds.contains(&"reported"), left == Left::Record, "{message}");
        if left == Left::Record {
            assert_eq!(repo.records().last().unwrap()["status"], "failed");
        }
    }
}

#[test]
fn drivers_are_chosen_by_precedence() {
    use DriverOrigin as O;
    let repo = Repo::with(&[
        ("plain", "methods: {execute: {arguments: {run: echo ok}}}\n"),
        ("defined", "driver: from-definition\nmethods: {execute: {arguments: {run: echo ok}}}\n"),
        (
            "computed",
            "driver: '${{ \"r\" + \"aw\" }}'\nmethods: {execute: {arguments: {run: echo ok}}}\n",
        ),
    ]);
    let check = |model: &str, asked: &[(&str, O)], want: (&str, O)| {
        let choice = |(name, origin): &(&str, O)| DriverChoice {
            name: (*name).into(),
            config: None,
            origin: *origin,
        };
        let drivers = asked.iter().map(choice).collect();
        let outcome = repo.request(&MethodRequest { drivers, ..direct(model, json!({})) });
        let driver = match &outcome.result {
            Ok(run) => run.call.driver.clone(),
            Err(failure) => failure.call.driver.clone(),
        };
        let driver = driver.unwrap();
        assert_eq!((driver.name.as_str(), driver.origin), want, "{model} {asked:?}");
        assert_eq!(outcome.result.is_ok(), want.0 == "raw");
    };
    check("plain", &[], ("raw", O::Default));
    // Case matters.
    check("plain", &[("RAW", O::CommandLine)], ("RAW", O::CommandLine));
    check("computed", &[], ("raw", O::Definition));
    check("defined", &[], ("from-definition", O::Definition));
    check("defined", &[("from-step", O::Step), ("from-job", O::Job)], ("from-step", O::Step));
    check("defined", &[("raw", O::Workflow)], ("raw", O::Workflow));
    repo.write(".swamp.yaml", "defaultDriver: from-marker\n");
    check("plain", &[], ("from-marker", O::Repository));
    check("defined", &[], ("from-definition", O::Definition));
}

#[test]
fn nobody_replaces_the_tags_that_say_what_an_item_is() {
    let repo = Repo::with(&[(
        "spoof",
        &format!("tags: {{type: custom, tier: gold, modelName: x}}\n{METHOD}"),
    )]);
    let tags = [("specName", "y"), ("tier", "silver"), ("note", "a=b")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    repo.request(&MethodRequest { tags: tags.into(), ..direct("spoof", json!({})) }).run();
    let metadata = repo.yaml(&data("spoof", "result/1/metadata.yaml"));
    assert_eq!(
        metadata["tags"],
        json!({"type": "resource", "tier": "silver", "specName": "result", "modelName": "spoof", "note": "a=b"})
    );
}

#[test]
fn reports_can_be_left_out() {
    let repo = Repo::with(&[
        ("quiet", &format!("reports: {{skip: ['@swamp/method-summary']}}\n{METHOD}")),
        ("loud", METHOD),
    ]);
    assert_eq!(repo.call("quiet", json!({})).run().reports.as_deref(), Some(&[][..]));
    let mut request = direct("loud", json!({}));
    request.reports.skip_all = true;
    assert_eq!(repo.request(&request).run().reports, None);
    assert!(repo.files(".swamp/data").iter().all(|file| !file.contains("report")));
}

#[test]
fn a_cancelled_call_ends_as_cancelled() {
    let repo = Repo::with(&[(
        "slow",
        "methods: {execute: {arguments: {run: 'echo on; exec sleep 1000'}}}\n",
    )]);
    // While the method runs.
    let (collector, emitter) = common::Collector::stream();
    let engine = repo.engine();
    let request = direct("slow", json!({}));
    let failure = std::thread::scope(|threads| {
        let call = threads.spawn(|| engine.call_method(&request, &emitter));
        while !collector
            .events()
            .iter()
            .any(|event| matches!(event.kind, EventKind::MethodOutput { .. }))
        {
            std::thread::yield_now();
        }
        repo.cancel.cancel(CancelCause::Deadline);
        call.join().unwrap().unwrap_err()
    });
    assert_eq!(failure.failure.category, ErrorCategory::Timeout);
    assert_eq!(
        (failure.failure.phase, failure.code),
        (Phase::Method, Some(FailureCode::Cancelled))
    );
    assert_eq!(repo.records()[0]["status"], "cancelled");
    let finished = collector.events().into_iter().find_map(|event| match &event.kind {
        EventKind::MethodFinished { result } => Some(result.clone()),
        _ => None,
    });
    assert_eq!(finished.unwrap().unwrap_err(), failure.failure);

    // Before it runs.
    let outcome = repo.call("slow", json!({}));
    assert_eq!(outcome.failure().code, Some(FailureCode::Cancelled));
    assert_eq!(outcome.failure().failure.phase, Phase::BeforeMethod);
    assert!(!outcome.kinds().contains(&"executing"));
    assert_eq!(repo.records().len(), 1);
}

#[test]
fn more_output_than_is_kept_is_a_notice() {
    let repo = Repo::with(&[(
        "loud",
        "methods: {execute: {arguments: {run: 'yes 0123456789abcde | head -c 9M'}}}\n",
    )]);
    let outcome = repo.call("loud", json!({}));
    assert_eq!(outcome.stdout().len(), 8 << 20);
    assert_eq!(outcome.lines().len(), (9 << 20) / 16);
    assert!(outcome.kinds().contains(&"notice"));
}

#[test]
fn an_unreadable_definition_is_named() {
    let repo = Repo::with(&[("fine", METHOD)]);
    repo.write("models/command/shell/broken.yaml", "name: broken\nmethods: {a: [}\n");
    let failure = repo.call("broken", json!({}));
    let message = &failure.failure().failure.message;
    assert!(message.contains("broken.yaml"), "{message}");
    repo.call("fine", json!({})).run();
}
