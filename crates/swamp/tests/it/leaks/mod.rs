//! Secrets of many shapes go through everything a run can do, and then everything it left behind is
//! searched for them.
//!
//! Each secret holds a token of its own that no quoting changes; base64 is searched for at all
//! alignments. What a command did with the secret it got is written outside the searched places, so
//! the test knows that secrets did arrive.

mod elsewhere;
mod planted;

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use self::planted::{Seen, secrets, token};
use crate::environment::{TestEnvironment, call, jobs, nest};
use crate::telemetry_server::{Reply, Server};

/// The command lines of all processes, again and again, while `work` goes on. Those that are meant
/// contain one of the `marks`. Processes in containers are among them.
fn while_watching_processes<T>(seen: &mut Seen, marks: &[&str], work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    let lines = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut lines = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").expect("/proc").flatten() {
                    if let Ok(line) = fs::read(entry.path().join("cmdline")) {
                        lines.insert(line);
                    }
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            lines
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watcher.join().expect("a watcher"))
    });
    let (result, lines) = lines;
    for mark in marks {
        assert!(
            lines.iter().any(|line| String::from_utf8_lossy(line).contains(mark)),
            "no command with {mark} was seen"
        );
    }
    for line in lines {
        seen.add("a command line", line);
    }
    result
}

/// A vault `main` with the secrets under `S0`, `S1`, …, and what storing them printed.
fn vault_with(environment: &TestEnvironment, secrets: &[String], seen: &mut Seen) {
    environment.ok(["vault", "create", "local_encryption", "main"]);
    for (number, secret) in secrets.iter().enumerate() {
        let key = format!("S{number}");
        let ran =
            environment.run_with_stdin(["vault", "put", "main", &key], &format!("{secret}\n"));
        seen.ran("vault put", &ran.expect_exit(0));
    }
}

/// Prints the secret in every way a careless command may.
const CARELESS: &str = r#"
printf '%s' "$ARG" > "$EFFECTS/got-KEY"
printf '%s\n' "double ${{ vault.get('main', 'KEY') }}"
printf '%s\n' 'single ${{ vault.get("main", "KEY") }}' >&2
printf '%s\n' bare${{ vault.get(main, KEY) }}
echo "global ${{ self.globalArguments.token }}"
printf %s "$ARG" | head -c 5; sleep 0.02; printf %s "$ARG" | tail -c +6; echo
printf %s "$ARG" | base64
printf %s "x$ARG" | base64 -w0; echo
printf %s "xy$ARG" | base64 -w0; echo
printf %s "$ARG" | base64 -w0 | tr '+/' '-_'; echo
printf %s "x$ARG" | base64
printf %s "and so $ARG" | base64 -w 20 | sed 's/^/    /'
printf %s "$ARG and so on" | base64 -w 64 | sed 's/$/\r/' >&2
printf %s "..$ARG" | base64 -w 24 | while read -r line; do echo "$line"; sleep 0.002; done
printf '{"pem": "%s"}\n' "$(printf %s "xyz$ARG" | base64 -w 64 | awk '{ printf "%s\\n", $0 }')"
printf %s "$ARG" | od -An -v -tx1 | tr -d ' '
echo "$ARG" | sed 's/^/> /'
env | grep -a -A2 -e ARG -e SWAMP_VAULT
cat /proc/$$/cmdline
sleep 0.05
"#;

#[test]
fn no_secret_is_left_anywhere() {
    let server = Server::always(Reply::Take);
    let environment = sending_later(&server);
    let secrets = secrets();
    let tokens: Vec<String> = (0..secrets.len()).map(token).collect();
    let mut seen = Seen::default();
    vault_with(&environment, &secrets, &mut seen);

    let mut steps = Vec::new();
    for number in 0..secrets.len() {
        let key = format!("S{number}");
        let careless: Vec<String> =
            CARELESS.replace("KEY", &key).lines().map(|line| format!("    {line}\n")).collect();
        environment.definition(
            &key,
            &format!(
                "globalArguments:\n  token: ${{{{ vault.get('main', '{key}') }}}}\nmethods:\n execute:\n  arguments:\n   env: {{ARG: \"${{{{ vault.get('main', '{key}') }}}}\"}}\n   run: |\n{}",
                careless.concat()
            ),
        );
        steps.push(call(&key, &key, ""));
        // It fails, and its error says where it could not run.
        let broken = format!("{key}-broken");
        environment.shell(
            &broken,
            &format!("run: 'true', workingDir: \"/nowhere/${{{{ vault.get('main', '{key}') }}}}\""),
        );
        steps.push(call(&broken, &broken, ", allowFailure: true"));
        let wrong = format!("{key}-wrong");
        environment.shell(
            &wrong,
            &format!("run: \"${{{{ vault.get('main', '{key}') + nothing.there }}}}\""),
        );
        steps.push(call(&wrong, &wrong, ", allowFailure: true"));
        let failing = format!("{key}-failing");
        environment.shell(
            &failing,
            &format!("run: \"echo ${{{{ vault.get('main', '{key}') }}}} >&2; exit 3\""),
        );
        steps.push(call(&failing, &failing, ", allowFailure: true"));
    }
    environment.shell("echo", "run: echo nothing");
    let inner: Vec<String> = (0..secrets.len())
        .map(|number| {
            format!(
                "{{name: in{number}, task: {{type: model_method, modelIdOrName: echo, methodName: execute, inputs: {{run: 'printf \"%s\\n\" \"${{{{ inputs.s{number} }}}}\"'}}}}}}"
            )
        })
        .collect();
    environment.workflow("inner", &jobs(&[("main", "", &inner)]));
    let handed: Vec<String> = (0..secrets.len())
        .map(|number| format!("s{number}: \"${{{{ vault.get('main', 'S{number}') }}}}\""))
        .collect();
    let list: Vec<String> =
        (0..secrets.len()).map(|number| format!("vault.get('main', 'S{number}')")).collect();
    let nested = nest("nested", "inner", "").replace(
        "workflowIdOrName: \"inner\"",
        &format!("workflowIdOrName: inner, inputs: {{{}}}", handed.join(", ")),
    );
    let each = format!(
        "{{name: \"each-${{{{ self.item }}}}\", forEach: {{item: item, in: \"${{{{ [{}] }}}}\"}}, task: {{type: model_method, modelIdOrName: echo, methodName: execute, inputs: {{run: 'echo \"${{{{ self.item }}}}\"'}}}}}}",
        list.join(", ")
    );
    environment.workflow(
        "outer",
        &jobs(&[("main", "", &steps), ("nested", "", &[nested]), ("each", "", &[each])]),
    );

    // Once as a document, once as log lines of every level.
    let (document, log) = while_watching_processes(&mut seen, &["EFFECTS/got-"], || {
        let document = environment.run(["workflow", "run", "outer", "--json"]);
        (document, environment.run(["workflow", "run", "outer", "--log", "--log-level", "trace"]))
    });
    seen.ran("workflow run --json", &document);
    seen.ran("workflow run", &log);
    assert_eq!(
        (document.exit, log.exit),
        (Some(0), Some(0)),
        "{}\n{}",
        document.stdout,
        log.stderr
    );
    for (number, secret) in secrets.iter().enumerate() {
        let key = format!("S{number}");
        let got = fs::read_to_string(environment.effects.join(format!("got-{key}")));
        assert_eq!(got.expect("an arrived secret"), *secret, "{key}");
        // A direct call goes the same way as a step; some will do.
        let names = [key.clone(), format!("{key}-broken")];
        for name in names.into_iter().filter(|_| number % 4 == 0) {
            let args = ["model", "method", "run", &name, "execute"];
            seen.ran("method run", &environment.run(args));
            seen.ran("method run --json", &environment.run(args.iter().chain(&["--json"])));
        }
        seen.ran("data get", &environment.run(["data", "get", &key, "log", "--json"]));
        seen.ran("report", &environment.run(["report", "search", &key, "--json"]));
    }
    assert!(document.stdout.matches("***").count() > secrets.len(), "{}", document.stdout);
    for args in [
        &["workflow", "history", "get", "outer", "--json"][..],
        &["workflow", "history", "logs", "outer"],
        &["workflow", "evaluate", "inner", "--json"],
        &["model", "evaluate", "--json"],
        &["model", "validate", "--json"],
        &["data", "query", "true", "--json"],
        &["summarise", "--json"],
        &["telemetry", "stats", "--json"],
        &["vault", "list-keys", "main"],
        &["vault", "get", "main"],
    ] {
        seen.ran(&args.join(" "), &environment.run(args));
    }
    assert!(!environment.repo.join("pwned").exists(), "a secret was run");
    assert!(fs::read_dir(environment.spool()).expect("a spool").count() > 20);

    nothing_leaked(&environment, &server, seen, &tokens);
}

/// Sends what waits, and searches everything that was left or went out.
fn nothing_leaked(
    environment: &TestEnvironment,
    server: &Server,
    mut seen: Seen,
    tokens: &[String],
) {
    let places = [&environment.repo, &environment.config, &environment.home];
    for place in places {
        seen.directory(place);
    }
    let waiting = environment.entries().0.len();
    seen.ran("telemetry flush", &environment.ok(["telemetry", "flush"]));
    let requests = server.requests();
    let events: usize = requests.iter().map(|request| request.events().len()).sum();
    assert!(events >= waiting, "{events} of {waiting} were sent");
    for request in requests {
        seen.add("a request", format!("{} {:?}", request.line, request.headers));
        seen.add("the body of a request", request.body);
    }
    for place in places {
        seen.directory(place);
    }
    let leaks = seen.leaks(tokens);
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), Vec::from_iter(leaks).join("\n"));
}

/// A repository whose telemetry waits until it is sent to this server.
fn sending_later(server: &Server) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    environment.set("SWAMP_TELEMETRY_ENDPOINT", server.url());
    environment.set("SWAMP_TELEMETRY_FLUSH", "off");
    environment
}
