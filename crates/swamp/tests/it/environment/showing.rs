//! Records and outputs as short texts that are the same every time.

use serde_json::Value;

use super::TestEnvironment;

/// A run record in a few lines: the status and error of everything.
pub fn outline(record: &Value) -> String {
    let line = |indent: &str, name: &str, value: &Value| {
        let error = value.get("error").map(|error| format!(" - {}", text(error)));
        let allowed = if value["allowedFailure"] == true { " (allowed)" } else { "" };
        let status = text(&value["status"]);
        format!("{indent}{}: {status}{allowed}{}\n", text(&value[name]), error.unwrap_or_default())
    };
    let mut outline = line("", "workflowName", record);
    for job in record["jobs"].as_array().expect("jobs") {
        outline.push_str(&line("  ", "jobName", job));
        for step in job["steps"].as_array().expect("steps") {
            outline.push_str(&line("    ", "stepName", step));
        }
    }
    outline
}

/// A text with what differs from run to run replaced: ids, times, durations, paths.
pub fn stable(text: &str, environment: &TestEnvironment) -> String {
    const RULES: [(&str, &str); 6] = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d[:-]\d\d[.-]\d{3}(Z| \+00:00)?", "<time>"),
        (r#"("(?:duration|durationMs)": |durationMs: )\d+"#, "${1}<ms>"),
        (r"\b\d+(\.\d+)?(ms|s)\b", "<ms>"),
        (r#"((?:"size"|size): )\d+"#, "${1}<size>"),
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
    ];
    let repo = environment.repo.to_str().expect("UTF-8");
    let mut stable = text.replace(repo, "<repo>");
    for (pattern, replacement) in RULES {
        let rule = regex::Regex::new(pattern).expect("a regular expression");
        stable = rule.replace_all(&stable, replacement).into_owned();
    }
    stable
}

/// The text in a JSON value; fails the test if there is none.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The number in a JSON value; fails the test if there is none.
#[track_caller]
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}
