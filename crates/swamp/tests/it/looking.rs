//! Commands that show something, as people see it: lines, no JSON.

use crate::environment::{TestEnvironment, call, one_job, stable};

/// A repository in which a method and a workflow were run.
fn used() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.definition(
        "disk",
        "tags: {team: storage}\nglobalArguments: {limits: {warn: 80}, mounts: [/, /tmp]}\n\
         methods: {execute: {arguments: {run: 'echo 87; echo warm >&2'}}}\n",
    );
    environment.shell("bad", "run: 'exit 4'");
    environment.workflow(
        "nightly",
        &one_job(&[
            call("check", "disk", ""),
            call("fail", "bad", ", dependsOn: [{step: check, condition: {type: succeeded}}]"),
        ]),
    );
    environment.ok(["model", "method", "run", "disk", "execute", "--skip-reports"]);
    environment.run(["model", "method", "run", "bad", "execute", "--skip-reports"]);
    environment.run(["workflow", "run", "nightly"]);
    environment
}

/// What a command prints, without what changes from run to run.
fn lines(environment: &TestEnvironment, args: &[&str]) -> String {
    let mut text = stable(&environment.ok(args).stdout, environment);
    for (pattern, replacement) in [
        // Sizes depend on the digits of durations.
        (r"\b\d+(\.\d+)?K?B\b *", "<size> "),
        (r"(?m)( 2  +)\d+$", "$1<size>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<date>"),
        (r"run [0-9a-f]{8}\b", "run <id>"),
        (r"(?m) +$", ""),
    ] {
        let rule = regex::Regex::new(pattern).expect("a regular expression");
        text = rule.replace_all(&text, replacement).into_owned();
    }
    text
}

#[test]
fn definitions() {
    let environment = used();
    insta::assert_snapshot!(lines(&environment, &["model", "get", "disk"]), @r#"
    Name: disk (command/shell)
    ID: <uuid>
    Version: 1

    Tags:
      team: storage

    Global Arguments:
      limits: {"warn":80}
      mounts: ["/","/tmp"]

    Type Version: 2026.02.09.1

    Methods:
      execute - Run a shell command and keep what it printed and its exit code
        Arguments:
          run (string) *required
          workingDir (string)
          timeout (integer)
          env (object)
          ignoreExitCode (boolean)
        Data Outputs:
          result [resource] - How the command ended: exit code, times, output (infinite)
          log [file] - What the command printed on both outputs (text/plain, infinite)
    "#);
    insta::assert_snapshot!(lines(&environment, &["model", "validate", "disk"]), @r"
    Validating: disk (command/shell)
      ✓ Definition schema
      ✓ Global arguments
      ✓ Method arguments
      ✓ Expression paths
      ✓ Check selection
    Summary: 5/5 validations passed
    Result: PASSED
    ");
    insta::assert_snapshot!(lines(&environment, &["model", "evaluate", "disk"]), @r#"
    <time> [INF] model·evaluate: Evaluated "disk" (command/shell)
    <time> [INF] model·evaluate:   no expressions
    <time> [INF] model·evaluate:   Output: <repo>/.swamp/definitions-evaluated/command/shell/<uuid>.yaml
    "#);
    insta::assert_snapshot!(lines(&environment, &["model", "method", "describe", "disk", "execute"]), @r"
    Model: disk
    Type: command/shell
    Version: 2026.02.09.1

    Method: execute - Run a shell command and keep what it printed and its exit code

    Arguments:
      run (string) *required
      workingDir (string)
      timeout (integer)
      env (object)
      ignoreExitCode (boolean)

    Data Outputs:
      result [resource] - How the command ended: exit code, times, output (infinite)
      log [file] - What the command printed on both outputs (text/plain, infinite)
    ");
}

#[test]
fn a_direct_run() {
    let environment = used();
    insta::assert_snapshot!(lines(&environment, &["model", "method", "run", "disk", "execute"]), @r#"
    <time> [INF] model·method·run·disk·execute: Found model "disk" (command/shell)
    <time> [INF] model·method·run·disk·execute: Evaluating expressions
    <time> [INF] model·method·run·disk·execute: Executing method "execute" on "disk"
    <time> [INF] model·method·run·disk·execute: 87
    <time> [INF] model·method·run·disk·execute: Saved result version 3 in <repo>/.swamp/data/command/shell/<uuid>/result/3
    <time> [INF] model·method·run·disk·execute: Saved log version 3 in <repo>/.swamp/data/command/shell/<uuid>/log/3

    ── Report: @swamp/method-summary ────────────────────────────────────────

    disk (command/shell) → execute: succeeded

    execute on disk (command/shell) succeeded, producing 1 resource (result), 1 file (log).

    Arguments

    Global Arguments

        {
          "limits": {
            "warn": 80
          },
          "mounts": [
            "/",
            "/tmp"
          ]
        }

    Method Arguments

        {
          "run": "echo 87; echo warm >&2"
        }

    Data Output

    Name    Kind      Retrieval Command
    result  resource  swamp data get disk result --version 3
    log     file      swamp data get disk log --version 3

    ────────────────────────────────────────────────────────────
    <time> [INF] model·method·run·disk·execute: Method succeeded in <ms>
    "#);
    let failed = environment.run(["model", "method", "run", "bad", "execute", "--skip-reports"]);
    assert_eq!(failed.exit, Some(1));
    // The error is told once.
    insta::assert_snapshot!(stable(&failed.stderr, &environment), @"Error: Command exited with code 4");
    insta::assert_snapshot!(lines(&environment, &["model", "method", "history", "logs", "bad"]), @r#"
    <time> [INF] model·method·run·bad·execute: Found model "bad" (command/shell)
    <time> [INF] model·method·run·bad·execute: Evaluating expressions
    <time> [INF] model·method·run·bad·execute: Executing method "execute" on "bad"
    <time> [ERR] model·method·run·bad·execute: Method failed in <ms>: Command exited with code 4
    "#);
}

#[test]
fn data() {
    let environment = used();
    insta::assert_snapshot!(lines(&environment, &["data", "get", "disk", "log"]), @r"
    Data: log (v2)
    Model: disk (command/shell)
    Content: text/plain, <size>
    Lifetime: infinite | GC: 10
    Tags: type=file, team=storage, specName=log, modelName=disk, source=step-output, workflow=nightly, workflowRunId=<uuid>, job=main, step=check
    Owner: model-method (<uuid>)
    Created: <time>
    Path: .swamp/data/command/shell/<uuid>/log/2/raw

    [stdout]
    87
    [stderr]
    warm
    ");
    insta::assert_snapshot!(lines(&environment, &["data", "list", "disk"]), @r"
    Data for disk (command/shell)

    file (1 item):
      log  v2  text/plain  <size> <date>

    resource (1 item):
      result  v2  application/json  <size> <date>

    report (2 items):
      report-swamp-method-summary       v1  text/markdown     <size> <date>
      report-swamp-method-summary-json  v1  application/json  <size> <date>
    ");
    insta::assert_snapshot!(lines(&environment, &["data", "list", "--workflow", "nightly", "--type", "resource"]), @r"
    Data for workflow nightly (run <id>)

    resource (1 item):
      result  v2  application/json  <size> disk  main.check
    ");
    insta::assert_snapshot!(lines(&environment, &["data", "query", "specName == \"result\""]), @r"
    name    modelName  specName  dataType  version  size
    result  disk       result    resource  2        <size>

    1 result
    ");
    insta::assert_snapshot!(lines(&environment, &["data", "query", "specName == \"result\"", "--select", "attributes.stdout"]), @r"
    87

    1 result
    ");
    insta::assert_snapshot!(lines(&environment, &["data", "gc", "--dry-run"]), @"<time> [INF] data·gc: Nothing to clean up.");
}

#[test]
fn workflows() {
    let environment = used();
    insta::assert_snapshot!(lines(&environment, &["workflow", "validate", "nightly"]), @r"
    Validating: nightly
      ✓ Schema validation
      ✓ Unique job names
      ✓ Unique step names in job 'main'
      ✓ Valid job dependency references
      ✓ Valid step dependency references in job 'main'
      ✓ No cyclic job dependencies
      ✓ No cyclic step dependencies in job 'main'
      ✓ Step inputs for 'check' in job 'main' (disk.execute)
      ✓ Step inputs for 'fail' in job 'main' (bad.execute)
    Summary: 9/9 validations passed
    Result: PASSED
    ");
    insta::assert_snapshot!(lines(&environment, &["workflow", "evaluate", "nightly"]), @r#"
    <time> [INF] workflow·evaluate: Evaluated "nightly"
    <time> [INF] workflow·evaluate:   no expressions
    <time> [INF] workflow·evaluate:   Output: <repo>/.swamp/workflows-evaluated/workflow-<uuid>.yaml
    "#);
    insta::assert_snapshot!(lines(&environment, &["workflow", "history", "get", "nightly"]), @r"
    nightly  run <uuid>
      ✗ main  <ms>
        ✓ check  <ms>
        ✗ fail  <ms>
          Command exited with code 4
    ✗ failed  <ms>
    Saved to: <repo>/.swamp/workflow-runs/<uuid>/workflow-run-<uuid>.yaml
    ");
    insta::assert_snapshot!(lines(&environment, &["workflow", "history", "logs", "nightly", "--tail", "3"]), @r"
    <time> [ERR] workflow·run·nightly·main·fail: Step failed in <ms>: Command exited with code 4
    <time> [ERR] workflow·run·nightly·main: Job failed in <ms>
    <time> [ERR] workflow·run·nightly: Run failed in <ms>: 1 succeeded, 1 failed
    ");
}

#[test]
fn reports_and_summaries() {
    let environment = used();
    insta::assert_snapshot!(lines(&environment, &["report", "get", "@swamp/workflow-summary"]), @r"
    ────────────────────────────────────────────────────────────
      @swamp/workflow-summary  |  Workflow: nightly  |  Scope: workflow  |  v1  |  <time>
    ────────────────────────────────────────────────────────────
    nightly: failed

    1 succeeded · 1 failed · 0 skipped

    Failures

    Job   Step  Model          Retrieval Commands
    main  fail  bad → execute  No data output.

    Job: main (failed)

    Step   Model           Status
    check  disk → execute  succeeded
    fail   bad → execute   failed
    ");
    insta::assert_snapshot!(lines(&environment, &["report", "describe", "@swamp/method-summary"]), @r"
    Report: @swamp/method-summary
    Description: What one method run was given and what it stored
    Scope: method
    Labels: summary
    ");
    insta::assert_snapshot!(lines(&environment, &["summarise"]), @r"
    Activity summary (last 7d)

    Methods called directly (2 total, 1 succeeded, 1 failed)
      bad (command/shell)
        execute  ✗ 1
          last error: Command exited with code 4
      disk (command/shell)
        execute  ✓ 1

    Workflow runs (1 total, 1 failed)
      nightly  ✗ 1

    Data (8 items, 10 versions, 3 models)
    ");
    insta::assert_snapshot!(lines(&environment, &["datastore", "lock", "status"]), @"No lock is held.");
}
