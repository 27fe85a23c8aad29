//! Documents before and after substitution.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::source::{EnvSource, SecretError, SecretSource};
use crate::value::Value;

struct Outside;

impl EnvSource for Outside {
    fn var(&self, name: &str) -> Option<String> {
        (name == "SITE").then(|| "berlin".to_owned())
    }

    fn names(&self) -> Vec<String> {
        vec!["SITE".to_owned()]
    }
}

impl SecretSource for Outside {
    fn get(&self, vault: &str, key: &str) -> Result<String, SecretError> {
        match vault {
            "v" => Ok(format!("secret-{key}")),
            _ => Err(SecretError(format!("Vault '{vault}' not found."))),
        }
    }
}

fn context(text: &str) -> Context<'static> {
    let inputs = json!({"text": text, "n": 5, "env": {"region": "eu"}, "list": [text]});
    let own = json!({
        "name": "site",
        "globalArguments": {"whole": "${{ env.SITE }}", "plain": "${{ 1 == 1 }}"},
        "tags": {"t": "x ${{ env.SITE }} ${{ broken here }} ${{ 1 }}"},
        "item": "${{ env.SITE }}",
    });
    Context::new()
        .with("inputs", Value::from_json(&inputs))
        .with("self", Value::from_json(&own))
        .with_env(&Outside)
        .with_secrets(&Outside)
}

fn texts(failures: &[Failure]) -> Vec<String> {
    failures.iter().map(|one| format!("{}: {}", one.path, one.error.message())).collect()
}

#[test]
fn one_pass_gives_what_runs_and_what_is_written() {
    for (given, value, persistable) in [
        (json!("${{ inputs.n + 1 }}"), json!(6), json!(6)),
        (json!("n=${{ inputs.n }}"), json!("n=5"), json!("n=5")),
        (json!("${{ env.SITE }}"), json!("berlin"), json!("${{ env.SITE }}")),
        (json!("${{ env[\"SITE\"] }}"), json!("berlin"), json!("${{ env[\"SITE\"] }}")),
        (
            json!("${{ inputs.n }}-${{ env.SITE }}-${{ vault.get(v, k) }}"),
            json!("5-berlin-secret-k"),
            json!("5-${{ env.SITE }}-${{ vault.get(v, k) }}"),
        ),
        (
            json!("${{ self.name + env.SITE }}"),
            json!("siteberlin"),
            json!("${{ self.name + env.SITE }}"),
        ),
        (json!("${{ inputs.env.region }} x"), json!("eu x"), json!("eu x")),
        (json!(["${{ 1 }}", "x${{ 2 }}"]), json!([1, "x2"]), json!([1, "x2"])),
        (json!({"${{ 1 }}": 2}), json!({"${{ 1 }}": 2}), json!({"${{ 1 }}": 2})),
        (
            json!({"a": [null, 1.5, true]}),
            json!({"a": [null, 1.5, true]}),
            json!({"a": [null, 1.5, true]}),
        ),
    ] {
        let done = substitute(&given, &context("t"), &evaluate_all);
        assert_eq!(texts(&done.failures), Vec::<String>::new(), "{given}");
        assert_eq!(done.value, value, "{given}");
        assert_eq!(done.persistable, persistable, "{given}");
    }
}

#[test]
fn given_text_is_never_evaluated_and_survives_writing() {
    for text in ["${{ env.SITE }}", "{{ env.SITE }}", "${{ broken here }}", "${{ 1 + 1 }}", "${{ '"]
    {
        let given = json!({
            "whole": "${{ inputs.text }}",
            "nested": "${{ inputs.list }}",
            "within": "a ${{ inputs.text }} b ${{ env.SITE }}",
            "joined": "$${{ inputs.text }}",
            "own": "${{ \"${{ env.SITE }}\" }}",
        });
        let done = substitute(&given, &context(text), &evaluate_all);
        let want = json!({
            "whole": text,
            "nested": [text],
            "within": format!("a {text} b berlin"),
            "joined": format!("${text}"),
            "own": "${{ env.SITE }}",
        });
        assert_eq!(done.value, want, "{text}");
        let again = substitute(&done.persistable, &context("other"), &only_runtime);
        assert_eq!(texts(&again.failures), Vec::<String>::new(), "{}", done.persistable);
        assert_eq!(again.value, want, "{}", done.persistable);
    }
    let harmless =
        substitute(&json!("${{ inputs.text }}"), &context("${{ 1 + 1 }}"), &evaluate_all);
    assert_eq!(harmless.persistable, json!("${{ 1 + 1 }}"));
}

#[test]
fn the_definitions_own_text_is_resolved_once() {
    let given = json!({
        "whole": "${{ self.globalArguments.whole }}",
        "within": "at ${{ self.globalArguments.whole }} x",
        "plain": "${{ self.globalArguments.plain }}",
        "map": "${{ self.globalArguments }}",
        "tags": "${{ self.tags.t }}!",
        "item": "${{ self.item }}",
    });
    let done = substitute(&given, &context("t"), &evaluate_all);
    assert_eq!(
        done.value,
        json!({
            "whole": "berlin",
            "within": "at berlin x",
            "plain": "${{ 1 == 1 }}",
            "map": {"whole": "berlin", "plain": "${{ 1 == 1 }}"},
            "tags": "x berlin ${{ broken here }} ${{ 1 }}!",
            "item": "${{ env.SITE }}",
        })
    );
    assert_eq!(done.persistable["whole"], json!("${{ env.SITE }}"));
    assert_eq!(done.persistable["within"], json!("at ${{ env.SITE }} x"));
    let again = substitute(&done.persistable, &context("t"), &only_runtime);
    assert_eq!(texts(&again.failures), Vec::<String>::new());
    assert_eq!(again.value, done.value);
}

#[test]
fn policies_decide_by_place_and_expression() {
    let given = json!({"a": "${{ env.SITE }} ${{ 1 }}", "b": {"c": ["${{ 2 }}"]}});
    let kept = substitute(&given, &context("t"), &keep_runtime);
    assert_eq!(kept.value, json!({"a": "${{ env.SITE }} 1", "b": {"c": [2]}}));
    assert_eq!(kept.value, kept.persistable);
    let placed = substitute(&given, &context("t"), &|site| {
        if site.path.starts_with(&["b"]) { Treatment::Evaluate } else { Treatment::Keep }
    });
    assert_eq!(placed.value, json!({"a": "${{ env.SITE }} ${{ 1 }}", "b": {"c": [2]}}));
    let runtime = substitute(&given, &context("t"), &only_runtime);
    assert_eq!(runtime.value, json!({"a": "berlin ${{ 1 }}", "b": {"c": ["${{ 2 }}"]}}));
}

#[test]
fn failures_name_their_place_and_leave_the_text() {
    let given = json!({
        "globalArguments": {"list": ["ok ${{ 1 }}", "x ${{ inputs.zz }} ${{ 2 }}"]},
        "methods": {"run": {"arguments": {"a": "${{ 1 + }}", "b": "${{ env.NOPE }}"}}},
        "vault": "${{ vault.get(nope, K) }}",
    });
    let done = substitute(&given, &context("t"), &evaluate_all);
    assert_eq!(
        texts(&done.failures),
        [
            "globalArguments.list[1]: No such key: zz",
            "methods.run.arguments.a: Unexpected token: EOF",
            "methods.run.arguments.b: No such key: NOPE",
            "vault: Failed to resolve vault expression vault.get(nope, K): Vault 'nope' not found.",
        ]
    );
    assert_eq!(done.value["globalArguments"]["list"], json!(["ok 1", "x ${{ inputs.zz }} 2"]));
    assert_eq!(done.value["methods"], given["methods"]);
    assert!(done.had_expressions);
    let first = done.strict().expect_err("there are failures");
    assert_eq!(first.path.to_string(), "globalArguments.list[1]");
    assert!(!substitute(&json!({"a": "x"}), &context("t"), &evaluate_all).had_expressions);
}

#[test]
fn templates_are_visited_in_order_with_their_paths() {
    let given = json!({"b": ["x", "${{ env.A }}"], "a": {"${{ 1 }}": "${{ 1 + }}"}});
    let mut seen = Vec::new();
    for_each_template(&given, &mut |path, template| {
        seen.push(format!("{path} {}", template.is_ok_and(Template::is_runtime)));
    });
    assert_eq!(seen, ["b[1] true", "a.${{ 1 }} false"]);
}

proptest! {
    /// Whatever text a value is, it is the same after writing and reading back, and no
    /// expression comes out of it.
    #[test]
    fn values_survive_writing(
        value in prop::collection::vec(
            prop::sample::select(vec![
                "${{", "}}", "{{", "$", "{", "}", " env.SITE ", "\"", "'", "\\", "\n", "x", "//",
            ]),
            0..12,
        ),
        before in "[$ {'a]{0,3}",
        after in "[} 'a]{0,3}",
    ) {
        let value: String = value.concat();
        let given = json!(format!("{before}${{{{ inputs.text }}}}{after}${{{{ env.SITE }}}}"));
        let alone = scan::expressions(given.as_str().expect("a text")).count() == 2;
        prop_assume!(alone && Template::parse(given.as_str().expect("a text")).is_ok());
        let done = substitute(&given, &context(&value), &evaluate_all);
        prop_assert_eq!(&done.value, &json!(format!("{before}{value}{after}berlin")));
        let again = substitute(&done.persistable, &context("other"), &only_runtime);
        prop_assert_eq!(texts(&again.failures), Vec::<String>::new());
        prop_assert_eq!(again.value, done.value);
    }
}
