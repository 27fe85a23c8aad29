//! Predicates and projections over data records (`data query`, `data.query`).

use std::sync::Arc;

use serde_json::Value as Json;

use crate::context::Context;
use crate::error::{ErrorKind, ExprError};
use crate::program::Program;
use crate::syntax::tree::{Binary, Kind, NodeId};
use crate::value::Value;

/// A compiled data query: which records match, and what is shown of them.
#[derive(Clone, Debug)]
pub struct RecordFilter {
    predicate: Program,
    /// The fields the predicate uses.
    fields: Vec<Arc<str>>,
    select: Option<Select>,
    latest_only: bool,
}

#[derive(Clone, Debug)]
struct Select {
    program: Program,
    fields: Vec<Arc<str>>,
}

/// The root names of an expression.
fn roots(program: &Program) -> Vec<Arc<str>> {
    program.references().roots.into_iter().map(Into::into).collect()
}

fn uses(fields: &[Arc<str>], name: &str) -> bool {
    fields.iter().any(|field| &**field == name)
}

impl RecordFilter {
    /// The fields of a data record, in alphabetical order.
    pub const FIELDS: [&'static str; 23] = [
        "attributes",
        "content",
        "contentType",
        "createdAt",
        "dataType",
        "id",
        "isLatest",
        "jobName",
        "lifetime",
        "modelName",
        "modelType",
        "name",
        "ownerRef",
        "ownerType",
        "size",
        "source",
        "specName",
        "stepName",
        "streaming",
        "tags",
        "version",
        "workflowName",
        "workflowRunId",
    ];

    /// Compiles a predicate and, if given, a projection. A root in the predicate that is not a
    /// field of records is an error that lists the fields.
    pub fn compile(predicate: &str, select: Option<&str>) -> Result<Self, ExprError> {
        let predicate = Program::compile_query(predicate)?;
        let fields = roots(&predicate);
        let unknown: Vec<String> = fields
            .iter()
            .filter(|field| Self::FIELDS.binary_search(&&***field).is_err())
            .map(|field| format!("\"{field}\""))
            .collect();
        if !unknown.is_empty() {
            let plural = if unknown.len() == 1 { "" } else { "s" };
            let message = format!(
                "Unknown field{plural} {} in query predicate.\nAvailable: {}",
                unknown.join(", "),
                Self::FIELDS.join(", ")
            );
            let source = predicate.source().into();
            return Err(ExprError::new(ErrorKind::Check(message), &source, None));
        }
        let select = match select {
            Some(select) => {
                let program = Program::compile_query(select)?;
                let fields = roots(&program);
                Some(Select { program, fields })
            }
            None => None,
        };
        let latest_only = !uses(&fields, "version") && !uses(&fields, "isLatest");
        Ok(Self { predicate, fields, select, latest_only })
    }

    /// Whether only latest versions can match: the predicate mentions neither `version` nor
    /// `isLatest`. [`Self::matches`] checks that too.
    pub fn latest_only(&self) -> bool {
        self.latest_only
    }

    fn mentions(&self, field: &str) -> bool {
        let selected = self.select.as_ref().is_some_and(|select| uses(&select.fields, field));
        selected || uses(&self.fields, field)
    }

    /// Whether predicate or projection use `attributes` (else give `{}`).
    pub fn needs_attributes(&self) -> bool {
        self.mentions("attributes")
    }

    /// Whether predicate or projection use `content` (else give `""`).
    pub fn needs_content(&self) -> bool {
        self.mentions("content")
    }

    /// Whether the predicate itself uses `attributes` or `content`; when not, records can be
    /// filtered before either is loaded.
    pub fn predicate_needs_body(&self) -> bool {
        uses(&self.fields, "attributes") || uses(&self.fields, "content")
    }

    /// Fields that must equal a text for a record to match (`modelName == "web" && …`): a store may
    /// use them to narrow its search before asking [`Self::matches`].
    pub fn required_texts(&self) -> Vec<(String, String)> {
        let mut required = Vec::new();
        self.collect_required(self.predicate.tree().root, &mut required);
        required
    }

    fn collect_required(&self, id: NodeId, required: &mut Vec<(String, String)>) {
        let tree = self.predicate.tree();
        match tree.node(id).kind {
            Kind::Binary(Binary::And, left, right) => {
                self.collect_required(left, required);
                self.collect_required(right, required);
            }
            Kind::Binary(Binary::Equal, left, right) => {
                for (field, text) in [(left, right), (right, left)] {
                    if let (Some(field), Some(text)) =
                        (tree.free_name(field), tree.fixed_text(text))
                    {
                        required.push((field.to_owned(), text.to_owned()));
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether there is a projection.
    pub fn has_select(&self) -> bool {
        self.select.is_some()
    }

    /// Whether a record matches. A predicate that fails on a record, or gives anything but `true`,
    /// does not match.
    pub fn matches(&self, record: &Json) -> bool {
        if self.latest_only && record.get("isLatest") != Some(&Json::Bool(true)) {
            return false;
        }
        matches!(evaluate(&self.predicate, &self.fields, record), Ok(Value::Bool(true)))
    }

    /// The projection of a record, `null` when it fails; the record itself without a projection.
    pub fn project(&self, record: &Json) -> Json {
        let Some(select) = &self.select else { return record.clone() };
        match evaluate(&select.program, &select.fields, record) {
            Ok(value) => value.to_json().unwrap_or(Json::Null),
            Err(_) => Json::Null,
        }
    }
}

/// Evaluates over the fields of a record that are used.
fn evaluate(program: &Program, fields: &[Arc<str>], record: &Json) -> Result<Value, ExprError> {
    let value =
        |field: &Arc<str>| Some((Arc::clone(field), Value::from_json(record.get(&**field)?)));
    let variables = fields.iter().filter_map(value).collect();
    program.evaluate(&Context { variables, ..Context::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Json {
        json!({
            "id": "b999cfbf", "name": "out", "version": 5, "isLatest": true,
            "attributes": {"count": 3, "region": "eu"},
            "tags": {"type": "resource", "env": "prod"},
            "modelName": "one", "modelType": "command/shell", "specName": "out",
            "contentType": "application/json", "streaming": false, "size": 84, "content": "",
        })
    }

    #[test]
    fn predicates() {
        for (predicate, want) in [
            ("modelName == \"one\"", true),
            ("modelName == \"two\"", false),
            ("size > 80 && name.startsWith(\"o\")", true),
            ("tags.env == \"prod\"", true),
            ("tags.nope == \"x\"", false),
            ("has(tags.nope)", false),
            ("attributes.count >= 3", true),
            ("attributes.region in [\"eu\", 1]", true),
            ("version == 5", true),
            ("version * 2 == 10", false),
            ("size", false),
            ("true", true),
        ] {
            let filter = RecordFilter::compile(predicate, None).expect(predicate);
            assert_eq!(filter.matches(&record()), want, "{predicate}");
        }
    }

    #[test]
    fn only_latest_unless_versions_are_mentioned() {
        let mut old = record();
        old["isLatest"] = json!(false);
        for (predicate, latest_only) in [
            ("name == \"out\"", true),
            ("version >= 1", false),
            ("isLatest == false", false),
            ("\"version\" != \"isLatest\"", true),
        ] {
            let filter = RecordFilter::compile(predicate, None).expect(predicate);
            assert_eq!(filter.latest_only(), latest_only, "{predicate}");
            assert_eq!(filter.matches(&old), !latest_only, "{predicate}");
        }
    }

    #[test]
    fn unknown_fields_list_the_known_ones() {
        for (predicate, start) in [
            (
                "foo == 1",
                "Unknown field \"foo\" in query predicate.\nAvailable: attributes, content,",
            ),
            ("foo == bar.x", "Unknown fields \"bar\", \"foo\" in query predicate.\n"),
            ("env.HOME == \"x\"", "Unknown field \"env\" in query predicate.\n"),
        ] {
            let error = RecordFilter::compile(predicate, None).expect_err(predicate);
            assert!(error.message().starts_with(start), "{error}");
            assert_eq!(error.offset(), None);
        }
        assert!(RecordFilter::FIELDS.is_sorted());
        let syntax = RecordFilter::compile("name ==", None).expect_err("no right side");
        assert_eq!(syntax.message(), "Unexpected token: EOF");
    }

    #[test]
    fn projections() {
        for (select, want) in [
            ("name", json!("out")),
            ("1 + 1", json!(2)),
            ("{\"n\": name, \"v\": version}", json!({"n": "out", "v": 5})),
            ("attributes", json!({"count": 3, "region": "eu"})),
            ("version * 2", json!(null)),
            ("data.name", json!(null)),
            ("nope", json!(null)),
        ] {
            let filter = RecordFilter::compile("true", Some(select)).expect(select);
            assert_eq!(filter.project(&record()), want, "{select}");
        }
        let whole = RecordFilter::compile("true", None).expect("a filter");
        assert_eq!(whole.project(&record()), record());
    }

    #[test]
    fn what_has_to_be_loaded() {
        for (predicate, select, attributes, content, body) in [
            ("name == \"content\"", None, false, false, false),
            ("attributes.x == 1", None, true, false, true),
            ("true", Some("content"), false, true, false),
            ("content.contains(\"x\")", Some("attributes"), true, true, true),
        ] {
            let filter = RecordFilter::compile(predicate, select).expect(predicate);
            assert_eq!(filter.needs_attributes(), attributes, "{predicate}");
            assert_eq!(filter.needs_content(), content, "{predicate}");
            assert_eq!(filter.predicate_needs_body(), body, "{predicate}");
        }
    }

    #[test]
    fn required_texts_come_from_conjunctions_only() {
        for (predicate, want) in [
            (
                "modelName == \"one\" && (\"out\" == name && size > 1)",
                vec!["modelName=one", "name=out"],
            ),
            ("modelName == \"one\" || name == \"out\"", vec![]),
            ("!(modelName == \"one\")", vec![]),
            ("tags.env == \"prod\" && version == 1", vec![]),
        ] {
            let filter = RecordFilter::compile(predicate, None).expect(predicate);
            let pairs = filter.required_texts();
            let got: Vec<String> =
                pairs.iter().map(|(field, text)| format!("{field}={text}")).collect();
            assert_eq!(got, want, "{predicate}");
        }
    }
}
