//! The same secrets, used in a container and on another host.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::planted::{Seen, secrets, token};
use super::{nothing_leaked, sending_later, vault_with, while_watching_processes};
use crate::environment::{TestEnvironment, call, one_job, until};
use crate::places::{IMAGE, Podman, Sshd, command_lines_with};
use crate::telemetry_server::{Reply, Server};

/// Shows up among the command lines when the container waits.
const MARK: &str = "73205080";

/// What a careless command there does with one secret, `KEY`: it is `$C_KEY` by the configuration of
/// the driver and `$A_KEY` by the arguments of the method.
const CARELESS: &str = r#"
printf '%s' "$C_KEY" > EFFECTS/PLACE-c-KEY
printf '%s' "$A_KEY" > EFFECTS/PLACE-a-KEY
printf '%s' ${{ vault.get('main', 'KEY') }} > EFFECTS/PLACE-v-KEY
echo "double ${{ vault.get('main', 'KEY') }}"
printf '%s\n' 'single ${{ vault.get("main", "KEY") }}' >&2
printf %s "$C_KEY" | head -c 5; sleep 0.01; printf %s "$C_KEY" | tail -c +6; echo
printf %s "$A_KEY" | base64
printf %s "x$A_KEY" | base64 -w0; echo
printf %s "xy$A_KEY" | base64 -w0; echo
printf %s "x$C_KEY" | base64
printf %s "and so $C_KEY" | base64 -w 20 | sed 's/^/    /'
printf %s "$C_KEY and so on" | base64 -w 64 | sed 's/$/\r/' >&2
printf %s "..$C_KEY" | base64 -w 24 | while read -r line; do echo "$line"; sleep 0.002; done
printf '{"pem": "%s"}\n' "$(printf %s "xyz$C_KEY" | base64 -w 64 | awk '{ printf "%s\\n", $0 }')"
printf %s "$C_KEY" | od -An -v -tx1 | tr -d ' '
"#;

/// What it does in the end.
const LAST: &str = r"
env
cat /proc/$$/cmdline
echo up > EFFECTS/PLACE-up
i=0; while [ ! -e EFFECTS/PLACE-go ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done
sh -c 'sleep 0.2' MARK
";

/// A place where commands run.
struct Elsewhere {
    name: &'static str,
    driver: &'static str,
    config: Value,
    /// What it calls the directory for side effects.
    effects: String,
}

impl Elsewhere {
    fn script(&self, text: &str) -> String {
        text.replace("EFFECTS", &self.effects).replace("PLACE", self.name).replace("MARK", MARK)
    }

    /// Definitions that use all secrets, and the steps that call them: one that works, one that
    /// fails, one with a directory that is not there, one whose expression goes wrong.
    fn steps(&self, environment: &TestEnvironment, keys: &[String]) -> Vec<String> {
        let secret = |key: &String| format!("${{{{ vault.get('main', '{key}') }}}}");
        let env = |prefix: &str| -> Value {
            keys.iter().map(|key| (format!("{prefix}_{key}"), Value::from(secret(key)))).collect()
        };
        let all: Vec<String> = keys.iter().map(secret).collect();
        let careless = keys.iter().map(|key| CARELESS.replace("KEY", key)).collect::<String>();
        let failing = "printf '%s\n' \"$C_S0\" \"$C_S4\" >&2; echo ".to_owned();
        let cases = [
            ("", json!({"run": self.script(&(careless + LAST)), "env": env("A")})),
            ("-failing", json!({"run": format!("{failing}{} >&2; exit 3", all.join(" "))})),
            (
                "-lost",
                json!({"run": "true", "workingDir": format!("/nowhere/{}", all[..4].join("/"))}),
            ),
            ("-wrong", json!({"run": format!("{} ${{{{ nothing.there }}}}", all.join(" "))})),
        ];
        let mut config = self.config.clone();
        config["env"] = env("C");
        cases
            .into_iter()
            .map(|(case, arguments)| {
                let name = format!("{}{case}", self.name);
                let methods = json!({"execute": {"arguments": arguments}});
                let driver = self.driver;
                environment.definition(
                    &name,
                    &format!("driver: {driver}\ndriverConfig: {config}\nmethods: {methods}\n"),
                );
                call(&name, &name, if case.is_empty() { "" } else { ", allowFailure: true" })
            })
            .collect()
    }

    fn file(&self, environment: &TestEnvironment, name: &str) -> std::path::PathBuf {
        environment.effects.join(format!("{}-{name}", self.name))
    }
}

#[test]
fn no_secret_is_left_by_what_runs_elsewhere() {
    let (podman, sshd) = (Podman::start(), Sshd::start());
    let server = Server::always(Reply::Take);
    let mut environment = sending_later(&server);
    environment.set("XDG_RUNTIME_DIR", sshd.runtime_dir.parent().expect("a parent"));
    let secrets = secrets();
    let tokens: Vec<String> = (0..secrets.len()).map(token).collect();
    let keys: Vec<String> = (0..secrets.len()).map(|number| format!("S{number}")).collect();
    let mut seen = Seen::default();
    vault_with(&environment, &secrets, &mut seen);
    let places = [
        Elsewhere {
            name: "boxed",
            driver: "docker",
            config: json!({
                "image": IMAGE,
                "command": podman.command,
                "volumes": [format!("{}:/effects", environment.effects.display())],
            }),
            effects: "/effects".to_owned(),
        },
        Elsewhere {
            name: "remote",
            driver: "ssh",
            config: json!({"host": Sshd::HOST, "extraArgs": ["-F", sshd.config]}),
            effects: environment.effects.display().to_string(),
        },
    ];
    let steps: Vec<String> =
        places.iter().flat_map(|place| place.steps(&environment, &keys)).collect();
    environment.workflow("w", &one_job(&steps));
    let engine = podman.command.parent().expect("a directory");

    for mode in [&["--json"][..], &["--log", "--log-level", "trace"]] {
        let words = ["workflow", "run", "w"].iter().chain(mode);
        let watched = [MARK, "podman", "ssh"];
        let mut lines = Seen::default();
        let ran = while_watching_processes(&mut lines, &watched, || {
            let running = environment.spawn(environment.command(words));
            for place in &places {
                until("a command elsewhere", || place.file(&environment, "up").exists());
            }
            look_at_containers(&podman, engine, &mut seen);
            for place in &places {
                fs::write(place.file(&environment, "go"), "").expect("a file");
            }
            running.wait()
        });
        seen.append(lines);
        seen.ran("workflow run", &ran);
        assert_eq!(ran.exit, Some(0), "{}\n{}", ran.stdout, ran.stderr);
        for place in &places {
            for (key, secret) in keys.iter().zip(&secrets) {
                for way in ["c", "a", "v"] {
                    let file = place.file(&environment, &format!("{way}-{key}"));
                    let got = fs::read_to_string(&file);
                    assert_eq!(got.ok().as_ref(), Some(secret), "{}", file.display());
                }
            }
            for name in ["up", "go"] {
                fs::remove_file(place.file(&environment, name)).expect("a file");
            }
        }
    }
    for place in &places {
        for case in ["", "-failing", "-lost", "-wrong"] {
            let name = format!("{}{case}", place.name);
            for args in [
                &["model", "get", &name, "--json"][..],
                &["model", "evaluate", &name, "--json"],
                &["model", "output", "search", &name, "--json"],
                &["report", "search", &name, "--json"],
            ] {
                seen.ran(&args.join(" "), &environment.run(args));
            }
        }
        let log = environment.run(["data", "get", place.name, "log", "--json"]);
        assert!(log.stdout.matches("***").count() > secrets.len(), "{}", log.stdout);
        seen.ran("data get", &log);
    }
    let entries = environment.entries();
    for (case, category) in [("-failing", "method"), ("-lost", "driver"), ("-wrong", "expression")]
    {
        for place in &places {
            let step = format!("{}{case}", place.name);
            let children = entries.children();
            let calls = children.iter().filter(|child| {
                child["workflowContext"]["stepName"] == *step
                    && child["result"]["errorCategory"] == category
            });
            assert_eq!(calls.count(), 2, "{step}");
        }
    }
    until("the removal of all containers", || podman.containers().is_empty());
    seen.directory(engine);
    seen.directory(sshd.config.parent().expect("a directory"));
    assert_eq!(command_lines_with(MARK), Vec::<String>::new());
    nothing_leaked(&environment, &server, seen, &tokens);
}

/// What the engine tells and keeps of the containers under way.
fn look_at_containers(podman: &Podman, directory: &Path, seen: &mut Seen) {
    let containers = podman.containers();
    assert!(!containers.is_empty());
    for container in containers {
        let shown = podman.ask(&["inspect", &container]);
        assert!(shown.contains(IMAGE), "{shown}");
        seen.add("inspect", shown);
        seen.add("processes in a container", podman.ask(&["top", &container, "-eo", "args"]));
    }
    seen.directory(directory);
}
