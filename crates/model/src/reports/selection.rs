//! Which reports are made.

use serde_json::Value;
use swamp_events::ReportScope;
use swamp_ident::MethodName;

use super::{BUILTIN, ReportInfo};

/// What the command line says about reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// No reports at all, not even required ones.
    pub skip_all: bool,
    /// Not these.
    pub skip: Vec<String>,
    /// None with one of these labels.
    pub skip_labels: Vec<String>,
    /// Only these, if any are named.
    pub only: Vec<String>,
    /// Only those with one of these labels, if any are named.
    pub only_labels: Vec<String>,
}

/// The reports of a scope to make, in order. `rules` is the `reports` field of the definition or
/// workflow: `skip` there beats everything, `require` there beats the command line, except that
/// [`ReportFilter::skip_all`] beats `require`. A requirement may name the methods it is for.
pub fn select(
    scope: ReportScope,
    filter: &ReportFilter,
    rules: Option<&Value>,
    method: Option<&MethodName>,
) -> Vec<&'static ReportInfo> {
    if filter.skip_all {
        return Vec::new();
    }
    let list = |key: &str| rules.and_then(|rules| rules.get(key)).and_then(Value::as_array);
    let skipped =
        |name: &str| list("skip").is_some_and(|skip| skip.iter().any(|entry| entry == name));
    let required = |name: &str| {
        list("require")
            .is_some_and(|require| require.iter().any(|entry| is_required(entry, name, method)))
    };
    let wanted = |report: &ReportInfo| {
        let labelled =
            |labels: &[String]| labels.iter().any(|label| report.labels.contains(&label.as_str()));
        let named = |names: &[String]| names.iter().any(|name| name == report.name);
        let chosen = (filter.only.is_empty() && filter.only_labels.is_empty())
            || named(&filter.only)
            || labelled(&filter.only_labels);
        chosen && !named(&filter.skip) && !labelled(&filter.skip_labels)
    };
    BUILTIN
        .iter()
        .filter(|report| report.scope == scope && !skipped(report.name))
        .filter(|report| required(report.name) || wanted(report))
        .collect()
}

fn is_required(entry: &Value, name: &str, method: Option<&MethodName>) -> bool {
    match entry {
        Value::String(required) => required == name,
        Value::Object(map) if map.get("name").is_some_and(|required| required == name) => {
            let methods = map.get("methods").and_then(Value::as_array);
            methods.is_none_or(|methods| {
                method.is_some_and(|method| methods.iter().any(|known| known == method.as_str()))
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn definition_rules_and_command_line_meet() {
        let summary = "@swamp/method-summary";
        let none = ReportFilter::default;
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let cases = [
            (json!(null), none(), true),
            (json!({"skip": [summary]}), none(), false),
            (json!({"skip": [summary], "require": [summary]}), none(), false),
            (json!(null), ReportFilter { skip_all: true, ..none() }, false),
            (json!({"require": [summary]}), ReportFilter { skip_all: true, ..none() }, false),
            (json!(null), ReportFilter { skip: names(&[summary]), ..none() }, false),
            (
                json!({"require": [summary]}),
                ReportFilter { skip: names(&[summary]), ..none() },
                true,
            ),
            (
                json!({"require": [{"name": summary}]}),
                ReportFilter { skip: names(&[summary]), ..none() },
                true,
            ),
            (
                json!({"require": [{"name": summary, "methods": ["execute"]}]}),
                ReportFilter { skip: names(&[summary]), ..none() },
                true,
            ),
            (
                json!({"require": [{"name": summary, "methods": ["other"]}]}),
                ReportFilter { skip: names(&[summary]), ..none() },
                false,
            ),
            (json!(null), ReportFilter { skip_labels: names(&["summary"]), ..none() }, false),
            (json!(null), ReportFilter { only: names(&[summary]), ..none() }, true),
            (json!(null), ReportFilter { only: names(&["@swamp/other"]), ..none() }, false),
            (json!(null), ReportFilter { only_labels: names(&["summary"]), ..none() }, true),
            (json!(null), ReportFilter { only_labels: names(&["cost"]), ..none() }, false),
        ];
        for (rules, filter, want) in cases {
            let method = MethodName::new("execute");
            let got = select(ReportScope::Method, &filter, Some(&rules), Some(&method));
            assert_eq!(!got.is_empty(), want, "{rules} {filter:?}");
        }
    }
}
