//! Runs a recording's commands and compares what they print and leave behind.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::compare::{Comparison, Difference, Document, Trial};
use super::place::Place;
use super::placeholder::{Bindings, has_placeholder};
use super::recording::{Output, Recording, Rules, Step, items, text};
use super::sandbox::{self, Found, Sandbox};

/// Fields that entries have in addition to the recorded ones, as documented in `docs/telemetry.md`:
/// the object they stand in (empty for the entry itself) and the name.
const ADDITIVE: [(&str, &str); 18] = [
    ("", "repoId"),
    ("", "runtime"),
    ("", "runId"),
    ("", "runStatus"),
    ("", "methodCounts"),
    ("", "methodContext"),
    ("", "traceId"),
    ("", "spanId"),
    ("result", "errorCategory"),
    ("workflowContext", "driverOrigin"),
    ("workflowContext", "phase"),
    ("workflowContext", "stepTemplate"),
    ("workflowContext", "forEachIndex"),
    ("workflowContext", "attempt"),
    ("workflowContext", "rootWorkflowName"),
    ("workflowContext", "rootRunId"),
    ("workflowContext", "depth"),
    ("workflowContext", "allowedFailure"),
];

/// Words of the command table: a sentence need not repeat them.
const COMMANDS: [&str; 36] = [
    "completions",
    "create",
    "data",
    "datastore",
    "delete",
    "describe",
    "edit",
    "evaluate",
    "gc",
    "get",
    "help",
    "history",
    "init",
    "list",
    "lock",
    "logs",
    "method",
    "model",
    "output",
    "query",
    "release",
    "rename",
    "repo",
    "report",
    "run",
    "schema",
    "search",
    "stats",
    "status",
    "summarise",
    "telemetry",
    "type",
    "upgrade",
    "validate",
    "versions",
    "workflow",
];

/// Replays one recording and returns where we differ.
pub fn replay(recording: &Recording) -> Vec<Difference> {
    let sandbox = Sandbox::new();
    let show = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let bindings =
        Bindings::new(&show(&sandbox.repo), &show(&sandbox.config), &show(&sandbox.home));
    let mut comparison = Comparison { recording, bindings, differences: Vec::new() };
    let top = Place::default();
    if recording.init && !initialise(&sandbox) {
        comparison.report(&top.key("init"), "the repository cannot be initialised");
        return comparison.differences;
    }
    // Without initialisation the marker is one of the files and has these keys already.
    if let Some(marker) = recording.marker.as_ref().filter(|_| recording.init) {
        let path = sandbox.repo.join(".swamp.yaml");
        let before = std::fs::read_to_string(&path).expect("the marker");
        sandbox.write(".swamp.yaml", &format!("{before}{}", swamp_yaml::to_string(marker)));
    }
    for (path, content) in &recording.files {
        sandbox.write(path, content);
    }
    let mut entries = Entries::default();
    for (index, step) in recording.steps.iter().enumerate() {
        replay_step(&mut comparison, &sandbox, step, &top.key("steps").index(index));
        entries.collect(&sandbox.repo.join(".swamp/telemetry"));
    }
    let after = top.key("after");
    for (key, recorded) in &recording.after {
        let place = after.key(key);
        match key.as_str() {
            "contents" => {
                let rules = Rules::read(&Value::Object(recording.after.clone()));
                compare_contents(&mut comparison, &sandbox.repo, &rules, &place, recorded);
            }
            "config" => {
                let rules = Rules::default();
                compare_contents(&mut comparison, &sandbox.config, &rules, &place, recorded);
                for found in sandbox::list(&sandbox.config) {
                    let is_recorded = recorded.get(&found.path).is_some();
                    if !is_recorded && !found.path.ends_with('/') {
                        comparison.report(&place.key(&found.path), "not recorded");
                    }
                }
            }
            "telemetry" => {
                let rules = Rules::default();
                let document = Document { root: &place, rules: &rules, user_words: &[] };
                let recorded = items(recorded);
                if recorded.len() == entries.list.len() {
                    comparison.compare_ordered(document, &place, recorded, &entries.list);
                } else {
                    comparison.compare_aligned(
                        document,
                        &place,
                        recorded,
                        &entries.list,
                        &command_of,
                    );
                }
            }
            "modes" => compare_modes(&mut comparison, &sandbox.repo, &place, recorded),
            "tree" | "not_recorded" => {}
            other => panic!("{}: after.{other} is not understood", recording.name),
        }
    }
    // The tree comes last: most identifiers in its paths are bound by then.
    if let Some(tree) = recording.after.get("tree") {
        compare_tree(&mut comparison, &sandbox.repo, &after.key("tree"), tree);
    }
    comparison.differences
}

fn initialise(sandbox: &Sandbox) -> bool {
    let args = ["repo", "init", "--tool", "none", "--json", "--no-telemetry"].map(str::to_owned);
    let env = [("SWAMP_NO_TELEMETRY".to_owned(), "1".to_owned())];
    sandbox.run(&args, None, &env, None).exit == Some(0)
}

fn replay_step(comparison: &mut Comparison, sandbox: &Sandbox, step: &Step, place: &Place) {
    for (path, content) in &step.write {
        sandbox.write(path, content);
    }
    let args: Vec<String> = step.args.iter().map(|arg| comparison.bindings.fill(arg)).collect();
    let mut env = comparison.recording.env.clone();
    env.extend(step.env.iter().cloned());
    for (_, value) in &mut env {
        if has_placeholder(value) {
            *value = comparison.bindings.fill(value);
        }
    }
    let ran = sandbox.run(&args, step.cwd.as_deref(), &env, step.stdin.as_deref());
    if ran.exit.map(i64::from) != Some(step.exit) {
        let exit = ran.exit.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        let what = format!("recorded {}, got {exit}: {}", step.exit, shown.trim());
        comparison.report(&place.key("exit"), what);
    }
    let mut documents = Vec::new();
    let mut garbage = None;
    for document in serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>() {
        match document {
            Ok(document) => documents.push(document),
            Err(error) => garbage = Some(error),
        }
    }
    let merged;
    let (key, recorded): (&str, &[Value]) = match &step.output {
        Output::Informative => return,
        Output::Json(recorded) => ("stdout_json", std::slice::from_ref(recorded)),
        Output::JsonDocuments(recorded) => {
            merged = merge_warnings(recorded);
            ("stdout_json_docs", &merged)
        }
    };
    let place = place.key(key);
    if garbage.is_some() || documents.len() != recorded.len() {
        let what = format!(
            "recorded {} JSON document(s), got {} and {:?} on stdout {:?}, stderr {:?}",
            recorded.len(),
            documents.len(),
            garbage.map(|error| error.to_string()),
            ran.stdout,
            ran.stderr
        );
        comparison.report(&place, what);
        return;
    }
    let words: Vec<String> =
        args.into_iter().skip_while(|arg| COMMANDS.contains(&arg.as_str())).collect();
    for (index, (recorded, actual)) in recorded.iter().zip(&documents).enumerate() {
        let root = if key == "stdout_json" { place.clone() } else { place.index(index) };
        let document = Document { root: &root, rules: &step.rules, user_words: &words };
        comparison.compare(document, &root, recorded, actual);
    }
}

/// The original prints warnings as documents of their own before the result; we print one document
/// with a field `warnings`.
fn merge_warnings(documents: &[Value]) -> Vec<Value> {
    let (warnings, mut results): (Vec<Value>, Vec<Value>) =
        documents.iter().cloned().partition(|document| document["warning"] == "env_var_usage");
    if let Some(Value::Object(result)) = results.first_mut().filter(|_| !warnings.is_empty()) {
        result.insert("warnings".to_owned(), Value::Array(warnings));
    }
    results
}

/// The telemetry entries in the order of the recordings: per command its own entry, then those of
/// its methods by job and step.
#[derive(Default)]
struct Entries {
    seen: BTreeSet<String>,
    list: Vec<Value>,
}

impl Entries {
    fn collect(&mut self, spool: &Path) {
        let mut fresh = sandbox::new_entries(spool, &mut self.seen);
        let key = |entry: &Value| {
            let context = &entry["workflowContext"];
            let is_child = entry.get("parentInvocationId").is_some();
            (is_child, context["jobName"].to_string(), context["stepName"].to_string())
        };
        fresh.sort_by_key(key);
        self.list.extend(fresh.into_iter().map(without_additive));
    }
}

/// What tells an entry from its neighbours.
fn command_of(entry: &Value) -> String {
    let invocation = &entry["invocation"];
    let step = &entry["workflowContext"]["stepName"];
    format!("{} {} {step}", invocation["command"], invocation["subcommand"])
}

fn without_additive(mut entry: Value) -> Value {
    for (object, key) in ADDITIVE {
        let object = if object.is_empty() { Some(&mut entry) } else { entry.get_mut(object) };
        if let Some(object) = object.and_then(Value::as_object_mut) {
            object.remove(key);
        }
    }
    entry
}

fn compare_contents(
    comparison: &mut Comparison,
    root: &Path,
    rules: &Rules,
    place: &Place,
    recorded: &Value,
) {
    let files = sandbox::list(root);
    let mut claimed = vec![false; files.len()];
    for (key, recorded) in recorded.as_object().into_iter().flatten() {
        let place = place.key(key);
        if comparison.recording.deviates(&place) {
            continue;
        }
        let path = without_number(key);
        let pattern = comparison.bindings.path_pattern(path);
        let mut candidates: Vec<usize> =
            (0..files.len()).filter(|&index| pattern.is_match(&files[index].path)).collect();
        candidates.retain(|&index| !claimed[index]);
        candidates.sort_by_key(|&index| (files[index].modified, files[index].path.clone()));
        let mut best: Option<(usize, Trial)> = None;
        for index in candidates {
            let trial =
                compare_file(comparison, rules, &place, path, recorded, root, &files[index]);
            let is_perfect = trial.differences.is_empty();
            let is_better = best
                .as_ref()
                .is_none_or(|(_, found)| trial.differences.len() < found.differences.len());
            if is_better {
                best = Some((index, trial));
            }
            if is_perfect {
                break;
            }
        }
        match best {
            Some((index, trial)) => {
                claimed[index] = true;
                comparison.adopt(trial);
            }
            None => comparison.report(&place, "no such file"),
        }
    }
}

/// `path#2` is the second file of that path.
fn without_number(key: &str) -> &str {
    match key.rsplit_once('#') {
        Some((path, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => key,
    }
}

fn compare_file(
    comparison: &Comparison,
    rules: &Rules,
    place: &Place,
    path: &str,
    recorded: &Value,
    root: &Path,
    found: &Found,
) -> Trial {
    // The path and the content share their placeholders.
    let wrap = |path: &str, content: &Value| {
        let mut map = Map::new();
        map.insert("path".to_owned(), json!(path));
        map.insert("content".to_owned(), content.clone());
        Value::Object(map)
    };
    let mut path_only = Comparison {
        recording: comparison.recording,
        bindings: comparison.bindings.clone(),
        differences: Vec::new(),
    };
    if !path_only.bindings.matches(path, &found.path) {
        path_only.report(place, format!("cannot be {}", wrap(&found.path, recorded)["path"]));
    }
    // Run logs are for people.
    if extension(&found.path) != "log" {
        let document = Document { root: place, rules, user_words: &[] };
        match read(root, &found.path) {
            Ok(actual) => path_only.compare(document, place, recorded, &actual),
            Err(error) => path_only.report(place, error),
        }
    }
    Trial { bindings: path_only.bindings, differences: path_only.differences }
}

/// What comes after the last dot of a file's name.
pub fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn read(root: &Path, path: &str) -> Result<Value, String> {
    let bytes = std::fs::read(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
    let content = String::from_utf8_lossy(&bytes).into_owned();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_yaml = extension(name) == "yaml";
    let is_json = matches!(extension(name), "json" | "enc") || {
        let metadata = root.join(path).with_file_name("metadata.yaml");
        name == "raw"
            && std::fs::read_to_string(metadata)
                .is_ok_and(|text| text.contains("contentType: application/json"))
    };
    if is_yaml {
        let document = swamp_yaml::Document::parse(&content)
            .map_err(|error| format!("{path} is no YAML: {error}"))?;
        Ok(document.into_value())
    } else if is_json {
        serde_json::from_str(&content).map_err(|error| format!("{path} is no JSON: {error}"))
    } else {
        Ok(Value::String(content))
    }
}

fn compare_modes(comparison: &mut Comparison, root: &Path, place: &Place, recorded: &Value) {
    for (path, mode) in recorded.as_object().into_iter().flatten() {
        let place = place.key(path);
        let found = std::fs::metadata(root.join(comparison.bindings.fill(path)))
            .map(|meta| format!("{:04o}", meta.permissions().mode() & 0o7777));
        match found {
            Ok(found) if found == text(mode) => {}
            Ok(found) => comparison.report(&place, format!("recorded {mode}, got {found}")),
            Err(error) => comparison.report(&place, error.to_string()),
        }
    }
}

fn compare_tree(comparison: &mut Comparison, root: &Path, place: &Place, recorded: &Value) {
    // Some recordings list empty directories, most do not.
    let with_directories = items(recorded).iter().any(|path| text(path).ends_with('/'));
    let mut open: Vec<String> = sandbox::list(root)
        .into_iter()
        .map(|found| found.path)
        .filter(|path| !sandbox::is_private(path) && (with_directories || !path.ends_with('/')))
        .collect();
    // Paths without unbound identifiers first: they can only be one file.
    let mut paths: Vec<String> = items(recorded).iter().map(text).collect();
    paths.sort_by_key(|path| {
        comparison.bindings.path_pattern(path).as_str().contains("[0-9a-f]{8}")
    });
    for path in paths {
        let pattern = comparison.bindings.path_pattern(&path);
        match open.iter().position(|found| pattern.is_match(found)) {
            Some(index) => {
                let found = open.remove(index);
                comparison.bindings.matches(&path, &found);
            }
            None => comparison.report(&place.key(&path), "no such file"),
        }
    }
    for path in open {
        comparison.report(&place.key(&path), "not recorded");
    }
}
