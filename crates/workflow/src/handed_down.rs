//! Inputs of a nested workflow.
//!
//! They are values, evaluated by the workflow that calls, with one exception: an expression that
//! reads the environment or a vault must not become a value that ends up in an evaluated copy on
//! disk. Such an input is handed down as it was written, and stands in the nested workflow wherever
//! that mentions it: `run: "login ${{ inputs.token }}"` becomes
//! `run: "login ${{ vault.get('main', 'TOKEN') }}"`.

use serde_json::{Map, Value};
use swamp_expr::{
    Context, DocumentPath, Failure, PathItem, Template, for_each_template, keep_runtime, substitute,
};

/// What a nested workflow gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HandedDown {
    /// The inputs. Where one is handed down as written, its text.
    pub(crate) values: Map<String, Value>,
    /// The inputs that are handed down as written: their path below `inputs`, and the text.
    pub(crate) as_written: Vec<(Vec<String>, String)>,
}

/// Why inputs cannot be handed down.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HandingError {
    /// An expression fails.
    Expression(Failure),
    /// An expression has parts that only the calling workflow knows, and parts that must not be
    /// evaluated yet.
    Mixed { path: String },
}

impl HandedDown {
    /// Evaluates `task.inputs`. `context` is that of the calling step.
    pub(crate) fn evaluate(
        written: &Map<String, Value>,
        context: &Context<'_>,
    ) -> Result<Self, HandingError> {
        let document = Value::Object(written.clone());
        let substitution = substitute(&document, context, &keep_runtime);
        if let Some(failure) = substitution.failures.into_iter().next() {
            return Err(HandingError::Expression(failure));
        }
        let mut as_written = Vec::new();
        let mut mixed = None;
        for_each_template(&document, &mut |path, template| {
            let Ok(template) = template else { return };
            if !template.is_runtime() {
                return;
            }
            let keys: Option<Vec<String>> = path.items().iter().map(key).collect();
            let text = text_at(&substitution.persistable, path);
            let own_parts = template.expressions().iter().any(|expression| {
                expression.program.is_runtime()
                    && expression.program.references().roots.iter().any(|root| is_local(root))
            });
            match (keys, text) {
                (Some(keys), Some(text)) if !own_parts => as_written.push((keys, text.to_owned())),
                _ => drop(mixed.get_or_insert_with(|| path.to_string())),
            }
        });
        if let Some(path) = mixed {
            return Err(HandingError::Mixed { path });
        }
        let mut values = match substitution.value {
            Value::Object(values) => values,
            _ => Map::new(),
        };
        for (keys, text) in &as_written {
            put(&mut values, keys, text);
        }
        Ok(Self { values, as_written })
    }

    /// A document of the nested workflow, with the expressions that were handed down in place of
    /// the inputs that stand for them.
    pub(crate) fn inline(&self, document: &mut Value) {
        if self.as_written.is_empty() {
            return;
        }
        match document {
            Value::String(text) if Template::is_template(text) => {
                if let Ok(template) = Template::parse(text) {
                    *text = self.inline_text(&template);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.inline(item)),
            Value::Object(entries) => entries.values_mut().for_each(|value| self.inline(value)),
            _ => {}
        }
    }

    fn inline_text(&self, template: &Template) -> String {
        let source = template.source();
        let mut out = String::new();
        let mut after = 0;
        for expression in template.expressions() {
            out.push_str(&source[after..expression.range.start]);
            let code = expression.program.source();
            let found = mentions(code, &self.as_written);
            match found.as_slice() {
                [] => out.push_str(&source[expression.range.clone()]),
                // The input alone: its text takes the place of the expression.
                [(range, text)] if code[range.clone()] == *code.trim() => out.push_str(text),
                _ => {
                    out.push_str("${{ ");
                    let mut done = 0;
                    for (range, text) in &found {
                        out.push_str(&code[done..range.start]);
                        out.push_str(&as_code(text));
                        done = range.end;
                    }
                    out.push_str(&code[done..]);
                    out.push_str(" }}");
                }
            }
            after = expression.range.end;
        }
        out.push_str(&source[after..]);
        out
    }
}

/// Names that mean something else in the nested workflow.
fn is_local(root: &str) -> bool {
    !matches!(root, "env" | "vault" | "data" | "file" | "model")
}

fn key(item: &PathItem) -> Option<String> {
    match item {
        PathItem::Key(key) => Some(key.clone()),
        PathItem::Index(_) => None,
    }
}

fn text_at<'v>(document: &'v Value, path: &DocumentPath) -> Option<&'v str> {
    let node = path.items().iter().try_fold(document, |node, item| match item {
        PathItem::Key(key) => node.get(key),
        PathItem::Index(index) => node.get(index),
    });
    node?.as_str()
}

fn put(values: &mut Map<String, Value>, keys: &[String], text: &str) {
    let Some((first, rest)) = keys.split_first() else { return };
    match (rest.is_empty(), values.get_mut(first)) {
        (true, _) => drop(values.insert(first.clone(), text.into())),
        (false, Some(Value::Object(inner))) => put(inner, rest, text),
        (false, _) => {}
    }
}

/// A text with expressions as one expression.
fn as_code(text: &str) -> String {
    let Ok(template) = Template::parse(text) else { return quoted(text) };
    let mut parts = Vec::new();
    let mut after = 0;
    for expression in template.expressions() {
        let between = &text[after..expression.range.start];
        if !between.is_empty() {
            parts.push(quoted(between));
        }
        let code = expression.program.source();
        parts.push(if template.is_whole_value() {
            format!("({code})")
        } else {
            format!("string({code})")
        });
        after = expression.range.end;
    }
    if after < text.len() {
        parts.push(quoted(&text[after..]));
    }
    if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" + ")) }
}

/// A text as a literal; JSON's escapes are a part of the expression language's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The places in an expression that mean one of these inputs, with the input's text.
fn mentions<'t>(
    code: &str,
    inputs: &'t [(Vec<String>, String)],
) -> Vec<(std::ops::Range<usize>, &'t str)> {
    let mut found = Vec::new();
    let mut scanner = Scanner { code, at: 0 };
    let mut after_dot = false;
    while let Some(word) = scanner.next_word() {
        let start = scanner.at - word.len();
        if word == "inputs" && !after_dot {
            let (fields, ends) = scanner.fields();
            let fits = inputs.iter().filter(|(path, _)| fields.starts_with(path));
            if let Some((path, text)) = fits.max_by_key(|(path, _)| path.len()) {
                found.push((start..ends[path.len() - 1], text.as_str()));
            }
        }
        after_dot = word == ".";
    }
    found
}

/// Walks over an expression word by word: names, and single characters between them. White space
/// and the insides of texts are passed over.
struct Scanner<'c> {
    code: &'c str,
    at: usize,
}

impl<'c> Scanner<'c> {
    fn rest(&self) -> &'c str {
        &self.code[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.code.len() - self.rest().trim_start().len();
    }

    fn next_word(&mut self) -> Option<&'c str> {
        self.skip_space();
        let rest = self.rest();
        let first = rest.chars().next()?;
        if first == '"' || first == '\'' {
            self.at += literal_length(rest);
            return Some(&rest[..0]);
        }
        let length = if is_name(first) {
            rest.find(|character| !is_name(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        self.at += length;
        Some(&rest[..length])
    }

    /// The fixed fields that follow, `.name` or `["name"]`, and where each ends.
    fn fields(&self) -> (Vec<String>, Vec<usize>) {
        let mut scanner = Scanner { code: self.code, at: self.at };
        let (mut fields, mut ends) = (Vec::new(), Vec::new());
        loop {
            scanner.skip_space();
            let field = match scanner.rest().chars().next() {
                Some('.') => {
                    scanner.at += 1;
                    match scanner.next_word() {
                        Some(name) if name.starts_with(is_name) => name.to_owned(),
                        _ => break,
                    }
                }
                Some('[') => {
                    scanner.at += 1;
                    scanner.skip_space();
                    let rest = scanner.rest();
                    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''));
                    let Some(quote) = quote else { break };
                    let length = literal_length(rest);
                    let text = rest[1..length].trim_end_matches(quote).to_owned();
                    scanner.at += length;
                    if scanner.next_word() != Some("]") {
                        break;
                    }
                    text
                }
                _ => break,
            };
            fields.push(field);
            ends.push(scanner.at);
        }
        (fields, ends)
    }
}

fn is_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}

/// The length of the literal a text begins with, quotes included.
fn literal_length(text: &str) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let mark = if text.starts_with(&triple) { triple.as_str() } else { quote };
    let mut at = mark.len();
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(mark) {
            return at + mark.len();
        }
        let mut characters = rest.chars();
        let first = characters.next().map_or(0, char::len_utf8);
        let escaped =
            if rest.starts_with('\\') { characters.next().map_or(0, char::len_utf8) } else { 0 };
        at += first + escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::prepare::inputs_value;

    fn evaluate(written: &Value) -> Result<HandedDown, HandingError> {
        let inputs = json!({"zone": "north", "n": 3, "template": "${{ env.HOME }}"});
        let context = Context::new().with("inputs", inputs_value(inputs.as_object().unwrap()));
        HandedDown::evaluate(written.as_object().unwrap(), &context)
    }

    #[test]
    fn values_are_evaluated_and_runtime_expressions_are_not() {
        let handed = evaluate(&json!({
            "zone": "${{ inputs.zone }}",
            "n": "${{ inputs.n }}",
            "text": "${{ inputs.template }}",
            "token": "${{ vault.get('main', 'TOKEN') }}",
            "deep": {"header": "Bearer ${{ env.T }} for ${{ inputs.zone }}", "other": 1},
        }))
        .unwrap();
        assert_eq!(
            Value::Object(handed.values),
            json!({
                "zone": "north",
                "n": 3,
                "text": "${{ env.HOME }}",
                "token": "${{ vault.get('main', 'TOKEN') }}",
                "deep": {"header": "Bearer ${{ env.T }} for north", "other": 1},
            })
        );
        assert_eq!(
            handed.as_written,
            [
                (vec!["token".to_owned()], "${{ vault.get('main', 'TOKEN') }}".to_owned()),
                (
                    vec!["deep".to_owned(), "header".to_owned()],
                    "Bearer ${{ env.T }} for north".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn an_expression_must_not_be_half_evaluated() {
        assert_eq!(
            evaluate(&json!({"a": "${{ env.HOME + inputs.zone }}"})),
            Err(HandingError::Mixed { path: "a".to_owned() })
        );
        assert!(matches!(
            evaluate(&json!({"a": "${{ inputs.nope }}"})),
            Err(HandingError::Expression(_))
        ));
    }

    #[test]
    fn expressions_take_the_place_of_the_inputs_that_stand_for_them() {
        let handed = HandedDown {
            values: Map::new(),
            as_written: vec![
                (vec!["t".to_owned()], "${{ vault.get('m', 'T') }}".to_owned()),
                (vec!["d".to_owned(), "h".to_owned()], "Bearer ${{ env.T }}!".to_owned()),
            ],
        };
        for (text, want) in [
            ("plain inputs.t", "plain inputs.t"),
            ("${{ inputs.t }}", "${{ vault.get('m', 'T') }}"),
            ("echo \"${{inputs.t}} x\"", "echo \"${{ vault.get('m', 'T') }} x\""),
            ("${{ inputs['t'] }}", "${{ vault.get('m', 'T') }}"),
            ("${{ inputs.d.h }}", "Bearer ${{ env.T }}!"),
            ("${{ inputs.d }}", "${{ inputs.d }}"),
            ("${{ inputs.tt }} ${{ x.inputs.t }}", "${{ inputs.tt }} ${{ x.inputs.t }}"),
            ("${{ 'inputs.t' + inputs.t }}", "${{ 'inputs.t' + (vault.get('m', 'T')) }}"),
            (
                "${{ size(inputs.d.h) + 1 }}",
                r#"${{ size(("Bearer " + string(env.T) + "!")) + 1 }}"#,
            ),
            ("${{ inputs.t.size() }}", "${{ (vault.get('m', 'T')).size() }}"),
        ] {
            let mut document = json!({"a": [text]});
            handed.inline(&mut document);
            assert_eq!(document["a"][0], want, "{text}");
        }
    }
}
