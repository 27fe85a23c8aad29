//! Probes are planted wherever a user can write something, and looked for wherever telemetry writes.
//!
//! The names of workflows, jobs and steps are recorded in clear on the user's own disk (see
//! `docs/telemetry.md`), so none of the probes stands there. Everything else must not come out:
//! neither in an entry nor in the journal of a command under way.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::environment::{TestEnvironment, call, jobs, nest};
use crate::telemetry_server::{Reply, Server};

/// Part of every probe; no word of ours contains it.
const MARK: &str = "pr0be";

/// Everything that is told of a repository's telemetry, byte by byte.
fn telemetry_bytes(environment: &TestEnvironment) -> Vec<(String, Vec<u8>)> {
    fn collect(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for item in fs::read_dir(directory).into_iter().flatten() {
            let path = item.expect("a directory entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else {
                let bytes = fs::read(&path).expect("a file");
                found.push((path.to_string_lossy().into_owned(), bytes));
            }
        }
    }
    let mut found = Vec::new();
    collect(&environment.spool(), &mut found);
    collect(&environment.config.join("swamp/telemetry"), &mut found);
    found
}

/// Fails if a text tells a probe, or where and by whom the tests run.
#[track_caller]
fn assert_clean(environment: &TestEnvironment, what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lower = text.to_lowercase();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    assert!(!lower.contains(MARK), "{what}: {text}");
    for path in [&environment.home, &environment.repo, &environment.effects] {
        assert!(!text.contains(&*path.to_string_lossy()), "{what}: {text}");
    }
    for word in [host.as_str(), "operator"] {
        let is_there = text
            .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.'))
            .any(|found| found == word);
        assert!(!is_there, "{what} tells {word}: {text}");
    }
}

/// Definitions and a workflow full of probes, which fail in every way there is.
fn plant(environment: &mut TestEnvironment) {
    environment.set("PR0BE_VARIABLE", "pr0be-value-of-a-variable");
    environment.shell(
        "pr0be-model",
        "run: 'echo pr0be-stdout; echo pr0be-stderr >&2; exit 3', env: {PR0BE: pr0be-env}",
    );
    environment.shell("pr0be-fine", "run: 'echo pr0be-output'");
    environment.shell("pr0be-expression", "run: '${{ inputs.pr0be_input }}'");
    environment.shell("pr0be-env", "run: '${{ env.PR0BE_NOT_SET }}'");
    environment.shell("pr0be-vault", "run: '${{ vault.get(\"pr0be-vault\", \"pr0be-key\") }}'");
    environment.shell("pr0be-bare-vault", "run: '${{ vault.get(pr0be-vault, pr0be-key) }}'");
    environment.shell("pr0be-directory", "run: 'true', workingDir: '/pr0be/nowhere'");
    environment.shell("pr0be-slow", "run: 'sleep 60', timeout: 100");
    environment.shell("pr0be-arguments", "run: {pr0be: 1}");
    let allowed = ", allowFailure: true";
    let models = [
        "pr0be-model",
        "pr0be-fine",
        "pr0be-expression",
        "pr0be-env",
        "pr0be-vault",
        "pr0be-bare-vault",
        "pr0be-directory",
        "pr0be-slow",
        "pr0be-arguments",
        "pr0be-ghost",
    ];
    let mut steps: Vec<String> = models
        .iter()
        .enumerate()
        .map(|(number, model)| call(&format!("step {number}"), model, allowed))
        .collect();
    steps.push(format!("{{name: method, task: {{type: model_method, modelIdOrName: pr0be-fine, methodName: 'pr0be method'}}{allowed}}}"));
    steps.push(format!("{{name: input, task: {{type: model_method, modelIdOrName: pr0be-fine, methodName: execute, inputs: {{pr0be: '${{{{ inputs.pr0be_given }}}}'}}}}{allowed}}}"));
    steps.push(format!("{{name: driver, driver: pr0be-driver, task: {{type: model_method, modelIdOrName: pr0be-fine, methodName: execute}}{allowed}}}"));
    steps.push(nest("nested", "pr0be-no-such-workflow", allowed));
    environment.workflow("planted", &jobs(&[("main", "", &steps)]));
    environment.write("pr0be.yaml", "pr0be_given: pr0be-given\n");
    environment.write("pr0be-broken.yaml", "pr0be: [\n");
}

/// Command lines with a probe behind every form of option and argument.
const LINES: &[&[&str]] = &[
    &["workflow", "run", "planted", "--input", "pr0be_given=pr0be-1", "--tag", "pr0be=pr0be"],
    &["workflow", "run", "planted", "--input=pr0be_given=pr0be-2", "--tag=pr0be=pr0be"],
    &["workflow", "run", "planted", "--input-file", "pr0be.yaml", "--json"],
    &["workflow", "run", "planted", "--input-file=pr0be-broken.yaml"],
    &["workflow", "run", "planted", "--input-file", "/pr0be/nowhere.yaml"],
    &["workflow", "run", "planted", "--input", "{pr0be"],
    &["workflow", "run", "planted", "--timeout", "pr0be"],
    &["workflow", "run", "planted", "--timeout=pr0be"],
    &["workflow", "run", "planted", "--driver", "pr0be"],
    &["workflow", "run", "planted", "--driver=-pr0be"],
    &["workflow", "run", "pr0be"],
    &["workflow", "run", "planted", "--pr0be"],
    &["workflow", "run", "planted", "--pr0be=1"],
    &["workflow", "run", "planted", "-pr0be"],
    &["workflow", "run", "planted", "pr0be"],
    &["workflow", "run", "--", "pr0be"],
    &["workflow", "--", "run", "pr0be"],
    &["--", "workflow", "pr0be"],
    &["workflow", "get", "planted", "--repo-dir", "/pr0be"],
    &["workflow", "get", "planted", "--repo-dir=/pr0be"],
    &["--repo-dir", "pr0be", "workflow", "get", "planted"],
    &["workflow", "get", "planted", "--log-level", "pr0be"],
    &["--log-level=pr0be", "workflow", "get", "planted"],
    &["-qv", "model", "get", "pr0be"],
    &["--log", "model", "get", "pr0be-ghost"],
    &["model", "create", "command/shell", "pr0be-new", "--global-arg", "pr0be=pr0be"],
    &["model", "create", "--global-arg=pr0be=pr0be", "command/shell", "pr0be-other"],
    &["model", "create", "@pr0be/type", "x"],
    &["model", "method", "run", "pr0be-fine", "execute", "--input", "run=echo pr0be"],
    &["model", "method", "run", "pr0be-model", "execute", "--input=run=exit 4 # pr0be"],
    &["model", "method", "run", "pr0be-fine", "pr0be me"],
    &["model", "method", "run", "pr0be-fine", "execute", "pr0be"],
    &["model", "output", "get", "pr0be"],
    &["data", "get", "pr0be-fine", "pr0be", "--version", "-1"],
    &["data", "query", "name == 'pr0be'"],
    &["data", "query", "pr0be pr0be"],
    &["repo", "init", "./pr0be"],
    &["model", "edit", "pr0be-fine", "--pr0be"],
    &["telemetry", "stats", "--days", "pr0be"],
];

/// Weakness 46: that nothing sensitive is kept is said and not true.
#[test]
fn nothing_planted_reaches_the_disk() {
    let mut environment = TestEnvironment::new();
    plant(&mut environment);
    for args in LINES {
        environment.run(*args);
    }
    environment.run_with_stdin(["workflow", "run", "planted", "--stdin"], "pr0be_given: pr0be\n");
    let found = telemetry_bytes(&environment);
    let of_calls = |name: &str| {
        let calls = found.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(name));
        calls.count()
    };
    // The runs did fail in all those ways.
    for category in [
        "method",
        "expression",
        "env",
        "vault",
        "arguments",
        "driver",
        "model_not_found",
        "timeout",
    ] {
        assert!(of_calls(&format!("\"errorCategory\": \"{category}\"")) > 1, "{category}");
    }
    assert!(found.len() > LINES.len() + 30, "{}", found.len());
    for (path, bytes) in &found {
        assert_clean(&environment, path, bytes);
    }
}

/// Weakness 46: that nothing sensitive is sent is said and not true.
#[test]
fn nothing_planted_reaches_the_wire() {
    let server = Server::always(Reply::Take);
    let mut environment = TestEnvironment::new();
    plant(&mut environment);
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    environment.set("SWAMP_TELEMETRY_FLUSH", "off");
    for args in LINES {
        // One run with all its failures is enough; the others are about the command line.
        let is_run = args.starts_with(&["workflow", "run", "planted"]);
        if !is_run || args.contains(&"--input=pr0be_given=pr0be-2") {
            environment.run(*args);
        }
    }
    let waiting = environment.entries().0.len();
    assert!(waiting > 30, "{waiting}");
    environment.ok(["telemetry", "flush"]);
    let requests = server.requests();
    let events: usize = requests.iter().map(|request| request.events().len()).sum();
    assert!(events >= waiting, "{events} of {waiting}");
    for request in requests {
        assert_clean(&environment, "the request line", request.line.as_bytes());
        assert_clean(&environment, "headers", format!("{:?}", request.headers).as_bytes());
        // Bodies may be packed; what they say is what counts.
        for event in request.events() {
            assert_clean(&environment, "an event", event.to_string().as_bytes());
        }
    }
}

/// Weakness 46: that nothing sensitive is kept is said and not true.
#[test]
fn nothing_planted_reaches_the_journal() {
    let mut environment = TestEnvironment::new();
    plant(&mut environment);
    environment.shell("pr0be-long", r#"run: 'echo pr0be >> "$EFFECTS/on"; sleep 60'"#);
    let mut steps: Vec<String> = vec![call("long", "pr0be-long", "")];
    steps.push(call("fails", "pr0be-model", ", allowFailure: true"));
    steps.push(call("early", "pr0be-ghost", ", allowFailure: true"));
    environment.workflow("under-way", &jobs(&[("main", "", &steps)]));
    let args = ["workflow", "run", "under-way", "--tag", "pr0be=pr0be"];
    let running = environment.spawn(environment.command(args));
    environment.await_effects("on", 1);
    crate::environment::until("three lines of calls", || {
        let bytes: Vec<u8> =
            telemetry_bytes(&environment).into_iter().flat_map(|(_, bytes)| bytes).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        ["\"begin\"", "\"finish\"", "\"whole\""].iter().all(|kind| text.contains(kind))
    });
    for (path, bytes) in telemetry_bytes(&environment) {
        assert_clean(&environment, &path, &bytes);
    }
    running.signal(Signal::TERM);
    running.wait().expect_exit(143);
}
