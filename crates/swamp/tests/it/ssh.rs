//! Steps on another host, with a real server.

use serde_json::Value;

use crate::environment::{TestEnvironment, call, one_job, text, until};
use crate::places::{Shared, Sshd, command_lines_with};

static SSHD: Shared<Sshd> = Shared::new();

fn model(environment: &TestEnvironment, sshd: &Sshd, name: &str, more: &str, run: &str) {
    let (run, config) = (Value::from(run), sshd.config.display());
    environment.definition(
        name,
        &format!(
            "driver: ssh\ndriverConfig: {{host: {}, extraArgs: [-F, {config}]{more}}}\nmethods: {{execute: {{arguments: {{run: {run}}}}}}}\n",
            Sshd::HOST
        ),
    );
}

fn environment(sshd: &Sshd) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    // Where the fixture looks for connections to close; short enough for a socket.
    environment.set("XDG_RUNTIME_DIR", sshd.runtime_dir.parent().expect("a parent"));
    environment
}

#[test]
fn steps_run_elsewhere_and_failures_are_told_apart() {
    let sshd = SSHD.get(Sshd::start);
    let environment = environment(&sshd);
    let stranger = sshd.file("stranger");
    let config = sshd.config.display();
    model(
        &environment,
        &sshd,
        "fine",
        ", env: {STAGE: test}, workingDir: /srv",
        "echo \"$STAGE $(pwd) ${SSH_CONNECTION:+there}\"",
    );
    model(&environment, &sshd, "failing", "", "echo mine >&2; exit 255");
    environment.definition(
        "refused",
        &format!("driver: ssh\ndriverConfig: {{host: 127.0.0.1, port: {}, identityFile: {}, extraArgs: [-F, {config}, -o, IdentitiesOnly=yes]}}\nmethods: {{execute: {{arguments: {{run: 'echo never'}}}}}}\n", sshd.port, stranger.display()),
    );
    environment.definition(
        "gone",
        &format!("driver: ssh\ndriverConfig: {{host: 127.0.0.1, port: 1, extraArgs: [-F, {config}]}}\nmethods: {{execute: {{arguments: {{run: 'echo never', ignoreExitCode: true}}}}}}\n"),
    );
    let models = ["fine", "failing", "refused", "gone"];
    let steps = models.map(|model| call(model, model, ", allowFailure: true"));
    environment.workflow("w", &one_job(&steps));
    environment.ok(["workflow", "run", "w"]);
    let entries = environment.entries();
    let results = models.map(|model| {
        let child = entries.child("main", model);
        assert_eq!(child["workflowContext"]["driver"], "ssh");
        child["result"]["errorCategory"].as_str().unwrap_or("none").to_owned()
    });
    assert_eq!(results, ["none", "method", "driver", "driver"]);
    let record = environment.run_record("w");
    let error = |index: usize| text(&record["jobs"][0]["steps"][index]["error"]).to_owned();
    assert_eq!(error(1), "Command exited with code 255");
    assert!(error(2).contains("Permission denied"), "{}", error(2));
    assert!(error(3).contains("refused"), "{}", error(3));
    assert!(error(3).contains("Try `ssh -o BatchMode=yes 127.0.0.1 true`"), "{}", error(3));
    let data = environment.ok(["data", "get", "fine", "result", "--json"]).json();
    assert!(data.to_string().contains("test /srv there"), "{data}");
}

#[test]
fn what_runs_elsewhere_ends_with_the_run() {
    let sshd = SSHD.get(Sshd::start);
    let environment = environment(&sshd);
    let long = "16180339";
    model(&environment, &sshd, "long", "", &format!("sleep {long} & sleep {long}"));
    environment.workflow("w", &one_job(&[call("s", "long", "")]));
    let there = || !command_lines_with(&format!("sleep {long}")).is_empty();
    for (arguments, signal, exit) in [
        (vec!["--timeout", "5s"], None, Some(124)),
        (vec![], Some(rustix::process::Signal::TERM), Some(143)),
        (vec![], Some(rustix::process::Signal::KILL), None),
    ] {
        let words = ["workflow", "run", "w"].into_iter().chain(arguments);
        let running = environment.spawn(environment.command(words));
        until("the command", there);
        if let Some(signal) = signal {
            running.signal(signal);
        }
        assert_eq!(running.wait().exit, exit);
        until("its end", || !there());
    }
}

#[test]
fn the_documented_example_runs() {
    let sshd = SSHD.get(Sshd::start);
    let environment = environment(&sshd);
    let user = std::process::Command::new("id").arg("-un").output().expect("a name").stdout;
    let user = String::from_utf8(user).expect("UTF-8");
    let options = format!("[-F, {}, -o, ConnectTimeout=5]", sshd.config.display());
    let example = crate::docker::documented("driver: ssh")
        .replace("db1.example.org", Sshd::HOST)
        .replace("user: deploy", &format!("user: {}", user.trim()))
        .replace("port: 2222", &format!("port: {}", sshd.port))
        .replace("/srv/app", "/usr")
        .replace("[-o, ConnectTimeout=5]", &options);
    environment.shell("reload", "run: 'echo \"$STAGE $(pwd)\"'");
    environment.workflow("w", &example);
    environment.ok(["workflow", "run", "w"]);
    let data = environment.ok(["data", "get", "reload", "result", "--json"]).json();
    assert_eq!(data["content"]["stdout"], "production /usr");
}
