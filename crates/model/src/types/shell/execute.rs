//! What `execute` of `command/shell` does.

use std::time::Duration;

use serde_json::{Map, Value, json};
use swamp_driver::{CommandSpec, Ending, ResultStyle, Stdin};
use swamp_ident::{DataName, ErrorCategory, SpecName};

use crate::method::{MethodBody, MethodCall, MethodError, Produced};

/// How much of what a command said on standard error becomes its error message, in bytes.
const LONGEST_MESSAGE: usize = 16 << 10;

/// Runs the command.
pub(super) struct Execute;

/// How the command went, as it is stored.
struct Outcome {
    exit_code: i32,
    stdout: String,
    stderr: String,
    duration: Duration,
    /// Why the method fails if the exit code counts.
    failure: MethodError,
}

impl MethodBody for Execute {
    fn execute(&self, call: &MethodCall<'_>) -> Result<Vec<Produced>, MethodError> {
        let text =
            |name: &str| call.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let ignore = call.arguments.get("ignoreExitCode").and_then(Value::as_bool).unwrap_or(false);
        let outcome = run(call, text("run"))?;
        if outcome.exit_code != 0 && !ignore {
            return Err(outcome.failure);
        }
        Ok(produce(call, text("run"), &outcome))
    }
}

fn run(call: &MethodCall<'_>, script: &str) -> Result<Outcome, MethodError> {
    let (script, mut secret_env) = call.script(script);
    let mut env = Vec::new();
    for (name, value) in call.arguments.get("env").and_then(Value::as_object).into_iter().flatten()
    {
        let value = value.as_str().unwrap_or_default();
        match call.reveal_secret(value) {
            Some(secret) => secret_env.push((name.clone(), secret)),
            None => env.push((name.clone(), value.to_owned())),
        }
    }
    let working_dir = call.arguments.get("workingDir").and_then(Value::as_str);
    let spec = CommandSpec {
        script,
        working_dir: working_dir.map(|dir| call.reveal(dir).into_owned().into()),
        env,
        secret_env,
        timeout: timeout(call.arguments),
        stdin: Stdin::Inherit,
        run: None,
    };
    let never_ran = |message: String| Outcome {
        exit_code: -1,
        stdout: String::new(),
        stderr: message.clone(),
        duration: Duration::ZERO,
        failure: MethodError::Failed { message, category: ErrorCategory::Driver },
    };
    let result = match call.run_command(spec) {
        Ok(result) => result,
        Err(error) => {
            let outcome = never_ran(call.mask(&error.to_string()).into_owned());
            return if error.is_of_the_place() { Err(outcome.failure) } else { Ok(outcome) };
        }
    };
    let exit_code = result.exit_code();
    let mut stderr = result.stderr.text;
    let failure = match result.ending {
        Ending::Cancelled(cause) => return Err(MethodError::Cancelled(cause)),
        Ending::TimedOut(after) => {
            let message = format!("Command timed out after {}ms", after.as_millis());
            if !stderr.is_empty() && !stderr.ends_with('\n') {
                stderr.push('\n');
            }
            stderr.push_str(&message);
            MethodError::Failed { message, category: ErrorCategory::Timeout }
        }
        Ending::Exited(_) | Ending::Signalled(_) => {
            MethodError::failed(match call.result_style() {
                ResultStyle::Command => format!("Command exited with code {exit_code}"),
                // What the command said is on lines of its own: telemetry looks at the first only.
                ResultStyle::Container => {
                    let said = end_of(&stderr);
                    format!("Container exited with code {exit_code}\n{said}").trim_end().to_owned()
                }
            })
        }
    };
    let (stdout, duration) = (result.stdout.text, result.duration);
    Ok(Outcome { exit_code, stdout, stderr, duration, failure })
}

fn timeout(arguments: &Map<String, Value>) -> Option<Duration> {
    // Whole numbers may have come as doubles.
    let millis = arguments.get("timeout")?.as_f64()?;
    Duration::try_from_secs_f64(millis / 1000.0).ok()
}

/// The end of what a command said, for an error message.
fn end_of(text: &str) -> &str {
    let text = text.trim_end();
    let mut from = text.len().saturating_sub(LONGEST_MESSAGE);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The object that a command in a container printed instead of a text, if it did.
fn printed_object(call: &MethodCall<'_>, outcome: &Outcome) -> Option<Map<String, Value>> {
    if call.result_style() != ResultStyle::Container || outcome.exit_code != 0 {
        return None;
    }
    serde_json::from_str(&outcome.stdout).ok()
}

fn attributes(call: &MethodCall<'_>, command: &str, outcome: &Outcome) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut put = |key: &str, value: Value| attributes.insert(key.to_owned(), value);
    put("exitCode", json!(outcome.exit_code));
    put("executedAt", json!(call.now()));
    put("command", json!(call.mask(command)));
    put("durationMs", json!(u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX)));
    put("stdout", json!(outcome.stdout));
    put("stderr", json!(outcome.stderr));
    attributes
}

fn produce(call: &MethodCall<'_>, command: &str, outcome: &Outcome) -> Vec<Produced> {
    let printed = printed_object(call, outcome);
    let free_form = printed.is_some();
    let attributes = printed.unwrap_or_else(|| attributes(call, command, outcome));

    let mut log = String::new();
    for (title, text) in [("[stdout]\n", &outcome.stdout), ("[stderr]\n", &outcome.stderr)] {
        if text.is_empty() {
            continue;
        }
        if !log.is_empty() {
            log.push('\n');
        }
        log.push_str(title);
        log.push_str(text);
    }
    vec![
        Produced::Resource {
            spec: SpecName::new("result"),
            name: DataName::new("result"),
            attributes,
            free_form,
        },
        Produced::File {
            spec: SpecName::new("log"),
            name: DataName::new("log"),
            content: log.into_bytes(),
        },
    ]
}
