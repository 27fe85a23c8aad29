//! One step written, many run: the items of a `forEach` and the names of its iterations.

use serde_json::{Value, json};
use swamp_events::ForEachRef;
use swamp_expr::{Context, ExprError, Template};

use crate::schema::ForEach;

/// How much of an item is shown to people.
const SHOWN: usize = 64;

/// Why the items of a `forEach` cannot be had. No step of the job runs then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForEachError {
    /// There is no expression in the text.
    #[error("Invalid forEach.in expression: {0}. Must be in ${{{{ }}}} format.")]
    NoExpression(String),
    /// The expression fails.
    #[error("{0}")]
    Expression(#[from] ExprError),
    /// Its value is no list or map.
    #[error("forEach.in must evaluate to an array or object, got: {0}")]
    NotIterable(&'static str),
}

/// One item of a list, or one entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// Position, from 0.
    pub(crate) index: usize,
    /// The key of a map entry.
    key: Option<String>,
    /// What `self.<item>` is: the element, or key and value of the entry.
    pub(crate) value: Value,
}

/// The items that `forEach.in` evaluates to. Only the first expression in the text counts.
pub(crate) fn items(for_each: &ForEach, context: &Context<'_>) -> Result<Vec<Item>, ForEachError> {
    let template = Template::parse(&for_each.within)?;
    let Some(first) = template.expressions().first() else {
        return Err(ForEachError::NoExpression(for_each.within.clone()));
    };
    match first.program.evaluate(context)?.to_json()? {
        Value::Array(elements) => Ok(elements
            .into_iter()
            .enumerate()
            .map(|(index, value)| Item { index, key: None, value })
            .collect()),
        Value::Object(entries) => Ok(entries
            .into_iter()
            .enumerate()
            .map(|(index, (key, value))| Item {
                index,
                value: json!({"key": key, "value": value}),
                key: Some(key),
            })
            .collect()),
        Value::Null => Err(ForEachError::NotIterable("null")),
        Value::Bool(_) => Err(ForEachError::NotIterable("boolean")),
        Value::Number(_) => Err(ForEachError::NotIterable("number")),
        Value::String(_) => Err(ForEachError::NotIterable("string")),
    }
}

/// The context with the `forEach` variable as `self.<item>`.
pub(crate) fn with_item<'c>(context: Context<'c>, name: &str, value: &Value) -> Context<'c> {
    let entry = (name, swamp_expr::Value::from_json(value));
    context.with("self", swamp_expr::Value::Map([entry].into_iter().collect()))
}

/// The name of an iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IterationName {
    pub(crate) text: String,
    /// Something to tell the user about the name.
    pub(crate) remark: Option<String>,
}

impl Item {
    /// The item as events show it: the key of a map entry, or the element as short text.
    pub(crate) fn reference(&self) -> ForEachRef {
        let mut value = self
            .key
            .clone()
            .or_else(|| text(&self.value))
            .unwrap_or_else(|| self.value.to_string());
        if let Some((cut, _)) = value.char_indices().nth(SHOWN) {
            value.truncate(cut);
            value.push('…');
        }
        ForEachRef { index: self.index, value }
    }

    /// What keeps names apart when the item's own text cannot: its key, else its position.
    fn suffix(&self) -> String {
        self.key.clone().unwrap_or_else(|| self.index.to_string())
    }

    /// Names this item's iteration. `context` has the item as `self.<item>`.
    pub(crate) fn name(
        &self,
        template: &Template,
        item_name: &str,
        context: &Context<'_>,
    ) -> IterationName {
        let source = template.source();
        if !template.has_expressions() {
            return self.name_without_expression(source, item_name);
        }
        let mut name = String::new();
        let mut after = 0;
        let mut failed = false;
        for expression in template.expressions() {
            name.push_str(&source[after..expression.range.start]);
            let value = expression.program.evaluate(context).and_then(|value| value.to_text());
            if let Ok(text) = value {
                name.push_str(&text);
            } else {
                failed = true;
                name.push_str(&source[expression.range.clone()]);
            }
            after = expression.range.end;
        }
        name.push_str(&source[after..]);
        let remark = failed.then(|| {
            format!(
                "forEach step '{source}' has an expression in its name that fails for the item at \
                 index {}; the name gets the suffix '-{}' instead. Check that it refers to \
                 something that self.{item_name} has.",
                self.index,
                self.suffix()
            )
        });
        if failed {
            name.push('-');
            name.push_str(&self.suffix());
        }
        IterationName { text: name, remark }
    }

    fn name_without_expression(&self, source: &str, item_name: &str) -> IterationName {
        if self.key.is_some() {
            return IterationName { text: format!("{source}-{}", self.suffix()), remark: None };
        }
        match text(&self.value) {
            Some(value) => IterationName { text: format!("{source}-{value}"), remark: None },
            None => IterationName {
                text: format!("{source}-{}", self.index),
                remark: Some(format!(
                    "forEach step '{source}' is named after positions because its items are maps \
                     or lists. An expression such as ${{{{ self.{item_name}.<field> }}}} in the \
                     step name tells iterations apart better."
                )),
            },
        }
    }
}

/// The text of a scalar; nothing for lists and maps.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
        scalar => swamp_expr::Value::from_json(scalar).to_text().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn for_each(within: &str) -> ForEach {
        ForEach { item: "x".to_owned(), within: within.to_owned() }
    }

    fn with_self(item: &Item) -> Context<'static> {
        Context::new().with("self", swamp_expr::Value::from_json(&json!({"x": item.value})))
    }

    fn names(template: &str, within: &str) -> Vec<IterationName> {
        let template = Template::parse(template).unwrap();
        let items = items(&for_each(within), &Context::new()).unwrap();
        items.iter().map(|item| item.name(&template, "x", &with_self(item))).collect()
    }

    fn texts(template: &str, within: &str) -> Vec<String> {
        names(template, within).into_iter().map(|name| name.text).collect()
    }

    #[test]
    fn iterations_are_named_by_expression_value_key_or_position() {
        for (template, within, want) in [
            ("ping-${{ self.x }}", "${{ ['web1', 'db1'] }}", &["ping-web1", "ping-db1"][..]),
            ("probe", "${{ [3.0, 1.5, 2.0] }}", &["probe-3", "probe-1.5", "probe-2"]),
            ("probe", "${{ [true] }}", &["probe-true"]),
            ("nothing", "${{ [null] }}", &["nothing-null"]),
            ("site", "${{ [{'code': 'ber'}, {'code': 'muc'}] }}", &["site-0", "site-1"]),
            (
                "${{ self.x.code }}-${{ self.x.code }}",
                "${{ [{'code': 'ber'}, {'code': 'muc'}] }}",
                &["ber-ber", "muc-muc"],
            ),
            (
                "bad-${{ self.x.nope }}-${{ self.x.code }}",
                "${{ [{'code': 'ber'}] }}",
                &["bad-${{ self.x.nope }}-ber-0"],
            ),
            ("roll", "${{ {'eu': 2, 'us': 3} }}", &["roll-eu", "roll-us"]),
            ("${{ self.x.key }}=${{ self.x.value }}", "${{ {'eu': 2} }}", &["eu=2"]),
            ("${{ self.x.nope }}", "${{ {'eu': 2} }}", &["${{ self.x.nope }}-eu"]),
            ("never", "${{ [] }}", &[]),
            ("never", "${{ {} }}", &[]),
            ("first", "a ${{ [1] }} and ${{ [2] }}", &["first-1"]),
        ] {
            assert_eq!(texts(template, within), want, "{template} in {within}");
        }
    }

    #[test]
    fn names_that_say_little_come_with_a_remark() {
        assert!(names("a", "${{ [[1]] }}")[0].remark.as_ref().unwrap().contains("self.x.<field>"));
        assert!(
            names("${{ self.y }}", "${{ [1] }}")[0].remark.as_ref().unwrap().contains("index 0")
        );
        assert_eq!(names("a", "${{ [1] }}")[0].remark, None);
    }

    #[test]
    fn only_lists_and_maps_can_be_iterated() {
        let error =
            |within: &str| items(&for_each(within), &Context::new()).unwrap_err().to_string();
        assert_eq!(error("a,b"), "Invalid forEach.in expression: a,b. Must be in ${{ }} format.");
        for (value, kind) in
            [("'text'", "string"), ("3", "number"), ("true", "boolean"), ("null", "null")]
        {
            assert_eq!(
                error(&format!("${{{{ {value} }}}}")),
                format!("forEach.in must evaluate to an array or object, got: {kind}")
            );
        }
        assert!(error("${{ nothing }}").contains("Unknown variable: nothing"));
    }

    #[test]
    fn items_are_shown_shortly() {
        let long = json!(["é".repeat(100)]).to_string();
        let items = items(&for_each(&format!("${{{{ {long} }}}}")), &Context::new()).unwrap();
        let shown = items[0].reference().value;
        assert_eq!(shown.chars().count(), SHOWN + 1);
        assert!(shown.ends_with('…'));
    }

    proptest! {
        #[test]
        fn different_scalars_and_keys_get_different_names(
            keys in proptest::collection::btree_set("[a-z0-9:/ -]{1,6}", 1..10)
        ) {
            let list = json!(keys.iter().collect::<Vec<_>>()).to_string();
            let map: serde_json::Map<_, _> =
                keys.iter().map(|key| (key.clone(), json!({"a": 1}))).collect();
            for (template, within) in [
                ("s", format!("${{{{ {list} }}}}")),
                ("s-${{ self.x }}", format!("${{{{ {list} }}}}")),
                ("s", format!("${{{{ {} }}}}", Value::Object(map))),
            ] {
                let mut names = texts(template, &within);
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), keys.len());
            }
        }
    }
}
