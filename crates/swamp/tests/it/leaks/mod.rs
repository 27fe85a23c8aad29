//! Secrets of many shapes go through everything a run can do, and then everything it left behind is
//! searched for them.
//!
//! Each secret holds a token of its own that no quoting changes; base64 is searched for at all
//! alignments. What a command did with the secret it got is written outside the searched places, so
//! the test knows that secrets did arrive.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::environment::{Ran, TestEnvironment, call, jobs, nest};

/// The word in a secret that is looked for.
fn token(number: usize) -> String {
    format!("k{number:02}Zq7Xv")
}

/// Makes a secret of a token.
type Shape = Box<dyn Fn(&str) -> String>;

/// Twenty-two secrets, no two of one shape.
fn secrets() -> Vec<String> {
    let shapes: Vec<Shape> = vec![
        Box::new(str::to_owned),
        Box::new(|t| format!("it's \"{t}\" quoted")),
        Box::new(|t| format!("line one {t}\nline two {t}\n\nend")),
        Box::new(|t| format!("gr\u{fc}n\u{1f511}{t}\u{65e5}\u{672c}")),
        Box::new(|t| format!("{t}-").repeat(500)[..4000].to_owned()),
        Box::new(|t| format!("{{\"user\": \"u\", \"pass\": \"{t}\\n\"}}")),
        Box::new(|t| format!("{t}Zm9vYmFy+/==")),
        Box::new(|t| format!("$(touch pwned) `touch pwned`; touch pwned && {t} | > < \"$HOME\"")),
        Box::new(|t| format!("C:\\{t}\\new\\table")),
        Box::new(|t| format!("%41{t}%zz&a=b c+d")),
        Box::new(|t| {
            format!("-----BEGIN KEY-----\nMIIEvQIBADANBgk{t}\nqhkiG9w0BAQ{t}EF\n-----END KEY-----")
        }),
        Box::new(|t| format!("  {t}  ")),
        Box::new(|t| format!("\t{t}\tx\r")),
        Box::new(|t| format!("-n {t}")),
        Box::new(|t| format!("${{{{ env.HOME }}}} {t} }}}}")),
        Box::new(|t| format!("***{t}***")),
        Box::new(|t| format!("postgres://u:{t}@h/db?x=y%20z")),
        Box::new(|t| format!("{t}\\")),
        Box::new(|t| format!("''{t}''")),
        Box::new(|t| format!(".*{t}[a-z]+$^\\d")),
        Box::new(|t| format!("<a b=\"{t}\">&amp;</a>")),
        Box::new(|t| format!("first: {t}\n- second: '{t}'\n# {t}\n")),
    ];
    shapes.iter().enumerate().map(|(number, shape)| shape(&token(number))).collect()
}

/// What to search for because of a token: itself and the characters of its base64 forms that only it
/// decides.
fn forms(token: &str) -> Vec<String> {
    let mut forms = vec![token.to_owned()];
    for engine in [&STANDARD, &URL_SAFE] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend(token.bytes());
            let encoded = engine.encode(&bytes);
            forms.push(encoded[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned());
        }
    }
    forms
}

/// Everything that somebody else could get to see.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn ran(&mut self, what: &str, ran: &Ran) {
        self.add(format!("stdout of {what}"), ran.stdout.as_bytes());
        self.add(format!("stderr of {what}"), ran.stderr.as_bytes());
    }

    fn directory(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let entry = entry.expect("an entry");
            let path = entry.path();
            if entry.file_type().expect("a file type").is_dir() {
                self.directory(&path);
            } else {
                let content = fs::read(&path).unwrap_or_default();
                self.add(path.display().to_string(), content);
                self.add("a file name", path.display().to_string());
            }
        }
    }

    /// The places where one of the tokens is.
    fn leaks(&self, tokens: &[String]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (number, token) in tokens.iter().enumerate() {
            for form in forms(token) {
                for (place, bytes) in &self.0 {
                    let at = bytes.windows(form.len()).position(|part| part == form.as_bytes());
                    if let Some(at) = at {
                        let near = &bytes[at.saturating_sub(40)..(at + 40).min(bytes.len())];
                        let near = String::from_utf8_lossy(near).into_owned();
                        found.insert(format!("secret {number} in {place}: {near:?}"));
                    }
                }
            }
        }
        found
    }
}

/// The command lines of all processes, again and again, while `work` goes on.
fn while_watching_processes<T>(seen: &mut Seen, work: impl FnOnce() -> T) -> T {
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
    assert!(
        lines.iter().any(|line| String::from_utf8_lossy(line).contains("EFFECTS/got-")),
        "no command of the run was seen"
    );
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
echo "$ARG" | sed 's/^/> /'
env | grep -a -A2 -e ARG -e SWAMP_VAULT
cat /proc/$$/cmdline
sleep 0.05
"#;

#[test]
fn no_secret_is_left_anywhere() {
    let environment = TestEnvironment::new();
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
    let (document, log) = while_watching_processes(&mut seen, || {
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

    for directory in [&environment.repo, &environment.config, &environment.home] {
        seen.directory(directory);
    }
    let leaks = seen.leaks(&tokens);
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), Vec::from_iter(leaks).join("\n"));
}

#[test]
fn the_search_finds_what_is_there() {
    let mut seen = Seen::default();
    let token = token(3);
    seen.add("raw", format!("a{token}b"));
    for before in 0..3 {
        let text = format!("{}{token}:", "u".repeat(before));
        seen.add(format!("base64 {before}"), STANDARD.encode(text));
    }
    seen.add("clean", "nothing");
    assert_eq!(seen.leaks(&[token]).len(), 4);
}
