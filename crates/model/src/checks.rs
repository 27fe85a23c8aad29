//! Pre-flight checks: what a type wants to be true before a method changes something.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use swamp_ident::MethodName;

/// A check that a model type offers.
#[derive(Clone)]
pub struct PreflightCheck {
    /// Its name, unique in the type.
    pub name: String,
    /// Labels it can be chosen by.
    pub labels: Vec<String>,
    /// The methods it is for; all if absent.
    pub applies_to: Option<Vec<MethodName>>,
    /// What it does.
    pub body: Arc<dyn CheckBody>,
}

/// What a check does.
pub trait CheckBody: Send + Sync {
    /// Looks at the arguments of a call. Gives what is wrong, nothing if all is well; an error if
    /// the check itself could not be made.
    fn check(&self, globals: &Map<String, Value>) -> Result<Vec<String>, String>;
}

impl fmt::Debug for PreflightCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreflightCheck").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the command line says about pre-flight checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckFilter {
    /// Leave out all that the definition does not require.
    pub skip_all: bool,
    /// Leave out these.
    pub skip: Vec<String>,
    /// Leave out those with one of these labels.
    pub skip_labels: Vec<String>,
}

/// The names under `require` or `skip` of a definition's `checks`.
pub(crate) fn names<'a>(rules: Option<&'a Value>, key: &str) -> Vec<&'a str> {
    let list = rules.and_then(|rules| rules.get(key)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The checks to make before a method. `rules` is the definition's `checks` field: `skip` there
/// beats everything, `require` there beats the command line.
pub(crate) fn select<'a>(
    checks: &'a [PreflightCheck],
    rules: Option<&Value>,
    filter: &CheckFilter,
    method: &MethodName,
) -> Vec<&'a PreflightCheck> {
    let skipped = names(rules, "skip");
    let required = names(rules, "require");
    checks
        .iter()
        .filter(|check| !skipped.contains(&check.name.as_str()))
        .filter(|check| check.applies_to.as_ref().is_none_or(|methods| methods.contains(method)))
        .filter(|check| {
            required.contains(&check.name.as_str())
                || !(filter.skip_all
                    || filter.skip.contains(&check.name)
                    || check.labels.iter().any(|label| filter.skip_labels.contains(label)))
        })
        .collect()
}

/// Makes a check; gives what is wrong, never an empty list for a check that failed.
pub(crate) fn make(check: &PreflightCheck, globals: &Map<String, Value>) -> Vec<String> {
    check.body.check(globals).unwrap_or_else(|error| {
        vec![if error.is_empty() { "Check failed".to_owned() } else { error }]
    })
}

/// Makes checks; what is wrong as one text for people.
pub(crate) fn make_all(
    checks: &[&PreflightCheck],
    model: &str,
    method: &MethodName,
    globals: &Map<String, Value>,
) -> Result<(), String> {
    let mut lines = Vec::new();
    for check in checks {
        let problems = make(check, globals);
        if !problems.is_empty() {
            lines.push(format!("  {}:", check.name));
            lines.extend(problems.into_iter().map(|problem| format!("    - {problem}")));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(format!("Pre-flight checks failed for \"{model}\" → {method}:\n{}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Says(Result<Vec<String>, String>);

    impl CheckBody for Says {
        fn check(&self, _: &Map<String, Value>) -> Result<Vec<String>, String> {
            self.0.clone()
        }
    }

    fn check(name: &str, methods: Option<&[&str]>, says: Result<&[&str], &str>) -> PreflightCheck {
        let says = says.map(|says| says.iter().map(ToString::to_string).collect());
        PreflightCheck {
            name: name.to_owned(),
            labels: vec![format!("{name}-label")],
            applies_to: methods.map(|names| names.iter().map(MethodName::new).collect()),
            body: Arc::new(Says(says.map_err(str::to_owned))),
        }
    }

    #[test]
    fn definition_and_command_line_choose() {
        let checks = [check("a", None, Ok(&[])), check("b", Some(&["create"]), Ok(&[]))];
        let none = CheckFilter::default;
        let named = |name: &str| vec![name.to_owned()];
        for (rules, filter, method, want) in [
            (json!(null), none(), "create", vec!["a", "b"]),
            (json!(null), none(), "update", vec!["a"]),
            (json!({"skip": ["a"]}), none(), "create", vec!["b"]),
            (json!({"skip": ["a"], "require": ["a"]}), none(), "create", vec!["b"]),
            (json!(null), CheckFilter { skip_all: true, ..none() }, "create", vec![]),
            (
                json!({"require": ["b"]}),
                CheckFilter { skip_all: true, ..none() },
                "create",
                vec!["b"],
            ),
            (json!({"require": ["b"]}), none(), "update", vec!["a"]),
            (json!(null), CheckFilter { skip: named("a"), ..none() }, "create", vec!["b"]),
            (
                json!(null),
                CheckFilter { skip_labels: named("b-label"), ..none() },
                "create",
                vec!["a"],
            ),
        ] {
            let got = select(&checks, Some(&rules), &filter, &MethodName::new(method));
            let got: Vec<&str> = got.iter().map(|check| check.name.as_str()).collect();
            assert_eq!(got, want, "{rules} {filter:?} {method}");
        }
    }

    #[test]
    fn all_failures_are_told() {
        let checks = [
            check("fine", None, Ok(&[])),
            check("size", None, Ok(&["too big", "really"])),
            check("broken", None, Err("")),
        ];
        let checks: Vec<&PreflightCheck> = checks.iter().collect();
        let method = MethodName::new("create");
        let error = make_all(&checks, "big", &method, &Map::new()).unwrap_err();
        assert_eq!(
            error,
            "Pre-flight checks failed for \"big\" → create:\n  size:\n    - too big\n    - really\n  broken:\n    - Check failed"
        );
        assert_eq!(make_all(&checks[..1], "big", &method, &Map::new()), Ok(()));
    }
}
