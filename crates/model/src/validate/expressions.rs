//! The expressions of a definition: do they say anything, and does what they name exist?

use serde_json::Value;
use swamp_expr::{Program, RecordFilter, Template, for_each_template};
use swamp_store::Definition;

use crate::engine::Engine;
use crate::types::{ModelType, OutputKind, OutputSpec};

/// What `self` has.
const SELF_FIELDS: [&str; 5] = ["id", "name", "version", "tags", "globalArguments"];

/// What the record of a file has.
const FILE_FIELDS: [&str; 6] = ["id", "version", "createdAt", "path", "size", "contentType"];

/// How many existing names are shown for one that does not exist.
const SHOWN_NAMES: usize = 5;

/// Everything that is wrong with the expressions of a definition, as one text for people.
pub(super) fn check(engine: &Engine, definition: &Definition) -> Option<String> {
    let mut checker = Checker { engine, problems: Vec::new() };
    for (key, fields) in
        [("globalArguments", &definition.global_arguments), ("methods", &definition.methods)]
    {
        checker.look_for_typos(&Value::Object(fields.clone()), key);
        for_each_template(&Value::Object(fields.clone()), &mut |path, template| {
            let path = format!("{key}.{path}");
            match template {
                Ok(template) => checker.check_template(template, &path),
                Err(error) => {
                    let source = format!("${{{{ {} }}}}", error.source_text().trim());
                    checker.add(&source, &format!("{} at \"{path}\"", error.message()), &[]);
                }
            }
        });
    }
    let lines: Vec<String> = checker.problems.iter().map(Problem::lines).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

struct Problem {
    expression: String,
    error: String,
    hints: Vec<String>,
}

impl Problem {
    fn lines(&self) -> String {
        let mut lines = format!("  - {}\n    {}", self.expression, self.error);
        for hint in &self.hints {
            lines.push_str("\n    ");
            lines.push_str(hint);
        }
        lines
    }
}

struct Checker<'a> {
    engine: &'a Engine,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn add(&mut self, expression: &str, error: &str, hints: &[String]) {
        self.problems.push(Problem {
            expression: expression.to_owned(),
            error: error.to_owned(),
            hints: hints.to_vec(),
        });
    }

    fn check_template(&mut self, template: &Template, path: &str) {
        for expression in template.expressions() {
            let text = &template.source()[expression.range.clone()];
            self.check_program(&expression.program, text, path);
        }
    }

    fn check_program(&mut self, program: &Program, text: &str, path: &str) {
        let references = program.references();
        for model in &references.models {
            if let Some(name) = &model.name {
                self.check_model(name, &model.fields);
            }
        }
        for used in references.paths.iter().filter(|used| used.root == "self") {
            if let Some(field) = used.fields.first().filter(|f| !SELF_FIELDS.contains(&f.as_str()))
            {
                let error = format!(
                    "Invalid self reference segment \"{field}\". Valid segments: {}",
                    SELF_FIELDS.join(", ")
                );
                self.add(&format!("self.{}", used.fields.join(".")), &error, &[]);
            }
        }
        let refers =
            ["model", "self", "env", "inputs"].iter().any(|root| references.roots.contains(*root));
        if !refers && !stands_for_itself(program.source().trim()) {
            self.refers_to_nothing(program.source().trim(), text, path);
        }
    }

    fn refers_to_nothing(&mut self, source: &str, text: &str, path: &str) {
        let is_name = |part: &str| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        };
        let parts: Vec<&str> = source.split('.').collect();
        let (error, hint) = match parts.as_slice() {
            [name] if is_name(name) => (
                format!("Invalid expression \"{source}\" at \"{path}\". Expression must reference model, self, or env"),
                format!("Use: self.globalArguments.{name}, inputs.{name}, or env.{name}"),
            ),
            [model, field] if is_name(model) && is_name(field) => (
                format!("Invalid expression \"{source}\" at \"{path}\". Missing \"model.\" prefix and path structure"),
                format!("Use: model.{model}.resource.<specName>.<instanceName>.attributes.{field} or model.{model}.definition.globalArguments.{field}"),
            ),
            _ => (
                format!("Expression \"{source}\" at \"{path}\" does not contain valid model, self, or env references"),
                "Begin with data.latest(…), data.version(…), data.listVersions(…), data.findByTag(…), file.contents(…) or vault.get(…), or use inputs, self, env or model".to_owned(),
            ),
        };
        self.add(text, &error, &[hint]);
    }

    /// Texts that look like one of our expressions but are none: `{{ self.name }}`, `${ inputs.x }`.
    /// Braces that belong to somebody else (`${HOME}`, `{{ .Names }}`) are none of our business.
    fn look_for_typos(&mut self, value: &Value, path: &str) {
        match value {
            Value::String(text) => {
                for (written, error, hint) in typos(text) {
                    self.add(written, &format!("{error} at \"{path}\""), &[hint.to_owned()]);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.look_for_typos(item, &format!("{path}[{index}]"));
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.look_for_typos(value, &format!("{path}.{key}"));
                }
            }
            _ => {}
        }
    }

    fn check_model(&mut self, name: &str, fields: &[String]) {
        let whole = format!("model.{name}.{}", fields.join("."));
        let Ok(definition) = self.engine.definitions().find(name) else {
            return self.add(&whole, &format!("Referenced model \"{name}\" not found"), &[]);
        };
        let model_type = self.engine.parts().types.get(&definition.type_name);
        let (Some((kind, rest)), Ok(model_type)) = (fields.split_first(), model_type) else {
            return;
        };
        match kind.as_str() {
            "resource" => self.check_output(&whole, name, model_type, OutputKind::Resource, rest),
            "file" => self.check_output(&whole, name, model_type, OutputKind::File, rest),
            "input" | "definition" => {
                let Some(field) = rest.first() else { return };
                let is_inputs = kind == "definition" && field == "inputs";
                if !SELF_FIELDS.contains(&field.as_str()) && !is_inputs {
                    let expected = SELF_FIELDS.join(", ");
                    let error =
                        format!("Invalid path segment \"{field}\". Expected one of: {expected}");
                    self.add(&whole, &error, &[]);
                }
            }
            other => {
                let error = format!(
                    "Invalid path segment \"{other}\". Expected one of: input, definition, resource, file"
                );
                self.add(&whole, &error, &[]);
            }
        }
    }

    /// `<spec>.<instance>.<field>.<attribute>` of what a model stores.
    fn check_output(
        &mut self,
        whole: &str,
        model: &str,
        model_type: &ModelType,
        kind: OutputKind,
        rest: &[String],
    ) {
        let Some(spec) = rest.first() else { return };
        let of_kind = || model_type.outputs.iter().filter(|output| output.kind() == kind);
        let word = kind.as_str();
        let Some(output) = of_kind().find(|output| output.name() == spec.as_str()) else {
            let known: Vec<&str> = of_kind().map(|output| output.name().as_str()).collect();
            let hint = format!("Available {word} specs: {}", known.join(", "));
            let error = format!("Unknown {word} spec \"{spec}\" on model \"{model}\"");
            return self.add(whole, &error, &[hint]);
        };
        let Some(field) = rest.get(2) else { return };
        let fields: &[&str] =
            if kind == OutputKind::File { &FILE_FIELDS } else { &RecordFilter::FIELDS };
        if !fields.contains(&field.as_str()) {
            let error = format!("Invalid field \"{field}\" on {word} \"{spec}\"");
            return self.add(whole, &error, &[format!("Available: {}", fields.join(", "))]);
        }
        if let (OutputSpec::Resource(resource), "attributes", Some(attribute)) =
            (output, field.as_str(), rest.get(3))
        {
            let schema = &resource.schema;
            if !schema.is_open() && schema.property(attribute).is_none() {
                let mut names: Vec<&str> = schema.property_names().collect();
                names.sort_unstable();
                let mut hints = Vec::new();
                if let Some(near) = nearest(attribute, &names) {
                    hints.push(format!("Did you mean \"{near}\" instead of \"{attribute}\"?"));
                }
                let shown = names.iter().take(SHOWN_NAMES).copied().collect::<Vec<_>>().join(", ");
                hints.push(match names.len().saturating_sub(SHOWN_NAMES) {
                    0 => format!("Available: {shown}"),
                    more => format!("Available: {shown}, ... ({more} more)"),
                });
                self.add(whole, &format!("Property \"{attribute}\" not found"), &hints);
            }
        }
    }
}

/// Whether an expression without references is one that is meant: a literal, a secret, a look-up.
fn stands_for_itself(source: &str) -> bool {
    const LOOK_UPS: [&str; 5] = [
        "file.contents(",
        "data.version(",
        "data.latest(",
        "data.listVersions(",
        "data.findByTag(",
    ];
    let is_secret = || {
        let call = source.strip_prefix("vault.get(").and_then(|rest| rest.strip_suffix(')'));
        call.is_some_and(|arguments| !arguments.contains([')', '(']))
    };
    matches!(source, "true" | "false" | "null")
        || source.starts_with(|first: char| first.is_ascii_digit() || "\"'[{(".contains(first))
        || LOOK_UPS.iter().any(|prefix| source.starts_with(prefix))
        || is_secret()
}

/// Texts in braces that are not ours but talk about something of ours, with what is wrong and what
/// to do.
fn typos(text: &str) -> Vec<(&str, &'static str, &'static str)> {
    const OURS: [&str; 7] =
        ["self.", "model.", "inputs.", "env.", "data.", "vault.get(", "file.contents("];
    let is_ours = |inner: &str| OURS.iter().any(|prefix| inner.trim_start().starts_with(prefix));
    let mut found = Vec::new();
    let mut position = 0;
    while let Some(offset) = text[position..].find('{') {
        let open = position + offset;
        let has_dollar = text[..open].ends_with('$');
        let is_double = text[open + 1..].starts_with('{');
        let (start, length, close) = match (has_dollar, is_double) {
            // Ours, and looked at elsewhere.
            (true, true) => {
                position = open + 2;
                continue;
            }
            (false, true) => (open, 2, "}}"),
            (true, false) => (open - 1, 1, "}"),
            (false, false) => {
                position = open + 1;
                continue;
            }
        };
        let inner = open + length;
        let Some(end) = text[inner..].find(close) else { break };
        if is_ours(&text[inner..inner + end]) {
            let written = &text[start..inner + end + close.len()];
            found.push(if has_dollar {
                (
                    written,
                    "Expression uses ${...} instead of ${{...}}",
                    "Use double braces: ${{...}}",
                )
            } else {
                (
                    written,
                    "Expression uses {{...}} instead of ${{...}}",
                    "Add \"$\" prefix: ${{...}}",
                )
            });
        }
        position = inner;
    }
    found
}

/// The name that is most like another, if one is like it at all.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let with_distance = known.iter().map(|known| (distance(name, known), *known));
    with_distance.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known)
}

/// How many characters have to be added, removed or changed to make one text the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, character) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let change = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_braces_that_talk_about_us_are_typos() {
        for (text, want) in [
            ("echo {{ self.name }} ${HOME}", vec!["{{ self.name }}"]),
            ("{{ .Names }} ${SITE} {a} {b.c}", vec![]),
            ("${ inputs.x } and ${inputs.y}", vec!["${ inputs.x }", "${inputs.y}"]),
            ("${{ self.name }}", vec![]),
            ("{{ self.name", vec![]),
            ("{{{ env.X }}", vec![]),
            ("\u{fc}{{env.X}}\u{fc}", vec!["{{env.X}}"]),
        ] {
            let found: Vec<&str> = typos(text).into_iter().map(|(written, ..)| written).collect();
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn what_needs_no_reference() {
        for good in [
            "1 + 1",
            "'a'",
            "[1]",
            "{\"a\": 1}",
            "(1)",
            "true",
            "null",
            "vault.get('a', 'b')",
            "data.latest('a', 'b').x",
        ] {
            assert!(stands_for_itself(good), "{good}");
        }
        for bad in
            ["-1", "!true", "x", "a.b", "vault.get('a', 'b') + 'x'", "data.query('true')", "truex"]
        {
            assert!(!stands_for_itself(bad), "{bad}");
        }
    }

    #[test]
    fn near_names_are_found() {
        let known = ["command", "stderr", "stdout"];
        assert_eq!(nearest("stdoot", &known), Some("stdout"));
        assert_eq!(nearest("comand", &known), Some("command"));
        assert_eq!(nearest("zzz", &known), None);
    }
}
