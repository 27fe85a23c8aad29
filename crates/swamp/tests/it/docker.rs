//! Steps in containers, with a real engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::environment::{TestEnvironment, call, one_job, text, until};
use crate::places::{Dockerd, IMAGE, Podman, Shared, command_lines_with};

static PODMAN: Shared<Podman> = Shared::new();

/// An engine that no other test uses.
pub fn engine() -> Arc<Podman> {
    PODMAN.get(Podman::start)
}

/// A `driver` and its configuration for a definition, in YAML flow style.
fn boxed(engine: &Path, more: &str) -> String {
    let command = engine.display();
    format!("driver: docker\ndriverConfig: {{image: {IMAGE}, command: {command}{more}}}\n")
}

fn model(environment: &TestEnvironment, engine: &Path, name: &str, more: &str, run: &str) {
    let run = Value::from(run);
    let body =
        format!("{}methods: {{execute: {{arguments: {{run: {run}}}}}}}\n", boxed(engine, more));
    environment.definition(name, &body);
}

#[test]
fn steps_run_in_containers_and_failures_are_told_apart() {
    let (environment, podman) = (TestEnvironment::new(), engine());
    model(
        &environment,
        &podman.command,
        "fine",
        ", env: {STAGE: test}",
        "echo \"$STAGE in $(hostname)\"; echo remark >&2",
    );
    model(&environment, &podman.command, "failing", "", "echo it broke >&2; exit 125");
    model(&environment, &podman.command, "silent", "", "exit 7");
    model(
        &environment,
        &podman.command,
        "imageless",
        ", extraArgs: [--pull, never, --rootfs]",
        "echo never",
    );
    model(&environment, &podman.command, "listing", "", "echo '{\"pods\": [1, 2]}'");
    let body = "driver: docker\ndriverConfig: {image: x, command: no-such-engine}\nmethods: {execute: {arguments: {run: 'echo never', ignoreExitCode: true}}}\n";
    environment.definition("engineless", body);
    let models = ["fine", "failing", "silent", "imageless", "listing", "engineless"];
    let steps = models.map(|model| call(model, model, ", allowFailure: true"));
    environment.workflow("w", &one_job(&steps));
    environment.ok(["workflow", "run", "w"]);

    let entries = environment.entries();
    let results = models.map(|model| {
        let child = entries.child("main", model);
        assert_eq!(child["workflowContext"]["driver"], "docker");
        assert_eq!(child["workflowContext"]["driverOrigin"], "definition");
        assert_eq!(child["workflowContext"]["phase"], "method");
        child["result"]["errorCategory"].as_str().unwrap_or("none").to_owned()
    });
    let failing = &entries.child("main", "failing")["result"]["errorMessage"];
    assert_eq!(failing, "Container exited with code 125", "what commands print is not recorded");
    let imageless = &entries.child("main", "imageless")["result"]["errorMessage"];
    assert!(!text(imageless).contains(IMAGE), "{imageless}");
    assert_eq!(results, ["none", "method", "method", "driver", "none", "driver"]);

    let record = environment.run_record("w");
    let step = |index: usize| &record["jobs"][0]["steps"][index];
    assert_eq!(step(1)["error"], "Container exited with code 125\nit broke");
    assert_eq!(step(2)["error"], "Container exited with code 7");
    let error = text(&step(3)["error"]);
    assert!(error.contains("could not start a container from"), "{error}");
    assert!(
        error.ends_with("`swamp doctor`, and 'image' and 'extraArgs' of driverConfig."),
        "{error}"
    );
    assert!(!error.contains("--help"), "{error}");
    let error = text(&step(5)["error"]);
    assert!(error.starts_with("Cannot start the container engine 'no-such-engine'"), "{error}");
    assert_eq!(step(0)["driver"], "docker");

    let stored = |model: &str| {
        let data = environment.ok(["data", "get", model, "result", "--json"]).json();
        data["content"].clone()
    };
    let fine = stored("fine");
    assert!(fine.to_string().contains("test in "), "{fine}");
    assert!(fine.to_string().contains("remark"), "{fine}");
    let listing = stored("listing");
    assert!(listing.to_string().contains("pods"), "{listing}");
    assert!(!listing.to_string().contains("exitCode"), "{listing}");
    until("the removal of all", || podman.containers().is_empty());
}

#[test]
fn a_stopped_run_leaves_no_container() {
    let (environment, podman) = (TestEnvironment::new(), engine());
    let long = "31415926";
    model(&environment, &podman.command, "long", "", &format!("echo up; sleep {long}"));
    environment.workflow("w", &one_job(&[call("s", "long", "")]));
    let mut records = 0;
    for (arguments, exit) in [(vec!["--timeout", "4s"], 124), (vec![], 143)] {
        let words = ["workflow", "run", "w", "--log"].into_iter().chain(arguments);
        let running = environment.spawn(environment.command(words));
        until("the container", || !command_lines_with(&format!("sleep {long}")).is_empty());
        if exit == 143 {
            running.signal(rustix::process::Signal::TERM);
        }
        running.wait().expect_exit(exit);
        until("its end", || command_lines_with(&format!("sleep {long}")).is_empty());
        records += 1;
        let statuses = environment.run_records();
        let statuses: Vec<&str> = statuses.iter().map(|record| text(&record["status"])).collect();
        assert_eq!(statuses, vec!["cancelled"; records]);
    }
    until("the removal", || podman.containers().is_empty());
}

#[test]
fn a_container_whose_starter_is_killed_ends_itself() {
    let (environment, podman) = (TestEnvironment::new(), engine());
    let long = "27182818";
    model(&environment, &podman.command, "long", "", &format!("sleep {long}"));
    environment.workflow("w", &one_job(&[call("s", "long", "")]));
    let command = environment.command(["workflow", "run", "w"]);
    let running = environment.spawn(command);
    until("the container", || !command_lines_with(&format!("sleep {long}")).is_empty());
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.wait().exit, None);
    until("its end", || command_lines_with(&format!("sleep {long}")).is_empty());
    until("the removal", || podman.containers().is_empty());
}

#[test]
fn a_secret_gets_into_the_container_and_nowhere_else() {
    let podman = engine();
    let kept = podman.command.parent().expect("a directory");
    goes_into_the_container_and_nowhere_else(&podman.command, kept, "");
}

#[test]
fn a_secret_gets_into_a_container_of_docker_and_nowhere_else() {
    let docker = Dockerd::start();
    let (command, kept) = (&docker.command, docker.directory());
    goes_into_the_container_and_nowhere_else(command, kept, ", network: none");
    until("the removal of all", || docker.containers().is_empty());
}

/// `kept` is where the engine keeps its things.
fn goes_into_the_container_and_nowhere_else(engine: &Path, kept: &Path, more: &str) {
    let mut environment = TestEnvironment::new();
    let secret = "it's \"s3cr3t\"\nin $(two) lines";
    environment.secret(secret);
    model(
        &environment,
        engine,
        "user",
        &format!("{more}, env: {{TOKEN: \"${{{{ vault.get('v', 'K') }}}}\"}}"),
        "printf %s ${{ vault.get('v', 'K') }} | wc -c; printf %s \"$TOKEN\" | wc -c; echo \"$TOKEN\"",
    );
    let ran = environment.ok(["model", "method", "run", "user", "execute", "--json"]);
    let attributes = &ran.json()["dataArtifacts"][0]["attributes"];
    let stdout = text(&attributes["stdout"]);
    let length = secret.len().to_string();
    assert!(stdout.starts_with(&format!("{length}\n{length}\n***")), "{stdout}");
    for directory in [&environment.repo, kept] {
        assert_eq!(files_with(directory, "s3cr3t"), Vec::<PathBuf>::new());
    }
    assert_eq!(json!(ran.stderr), "");
}

/// The files below a directory that contain a text.
fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            found.extend(files_with(&path, text));
        } else if kind.is_ok_and(|kind| kind.is_file()) {
            let bytes = fs::read(&path).unwrap_or_default();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_documented_example_runs() {
    let (mut environment, podman) = (TestEnvironment::new(), engine());
    environment.secret("hunter2-and-more");
    let reports = environment.effects.join("reports");
    fs::create_dir(&reports).expect("a directory");
    fs::write(reports.join("a.csv"), "1\n2\n3\n").expect("a file");
    let example = documented("driver: docker")
        .replace("docker.io/library/alpine:3.22", IMAGE)
        .replace("command: podman", &format!("command: {}", podman.command.display()))
        .replace("/srv/reports:", &format!("{}:", reports.display()))
        .replace("vault.get('ci', 'token')", "vault.get('v', 'K')");
    environment.definition("documented", &example);
    let run = ["model", "method", "run", "documented", "execute", "--input", "stage=test"];
    let ran = environment.ok(run.into_iter().chain(["--json"]));
    let attributes = &ran.json()["dataArtifacts"][0]["attributes"];
    assert_eq!(attributes["stdout"], "3 /reports/a.csv");
}

/// The example in `docs/drivers.md` that holds a text.
pub fn documented(part: &str) -> String {
    const DOCUMENT: &str = include_str!("../../../../docs/drivers.md");
    let examples = DOCUMENT
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("an example").to_owned());
    examples.into_iter().find(|example| example.contains(part)).expect("an example")
}
