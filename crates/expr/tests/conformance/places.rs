//! How errors are shown, what they are counted under, and that no expression is too deep.

use serde_json::json;
use swamp_expr::{Context, ErrorKind, ExprError, Program, Value};
use swamp_ident::ErrorCategory;

use crate::world::World;

fn error(source: &str) -> ExprError {
    let world = World;
    let context = world.context();
    let value = Program::compile(source).and_then(|program| program.evaluate(&context));
    value.expect_err(source)
}

#[test]
fn the_caret_is_under_what_failed() {
    for (source, frame) in [
        ("inputs.zz", "No such key: zz\n\n>    1 | inputs.zz\n                ^"),
        (
            "inputs.s + inputs.n",
            "no such overload: dyn<string> + dyn<double>\n\n>    1 | inputs.s + inputs.n\n         ^",
        ),
        ("1 / 0", "division by zero\n\n>    1 | 1 / 0\n         ^"),
        (
            "inputs.list[7]",
            "No such key: index out of bounds, index 7 >= size 3\n\n>    1 | inputs.list[7]\n         ^",
        ),
        ("nosuch.thing", "Unknown variable: nosuch\n\n>    1 | nosuch.thing\n         ^"),
        (
            "[1, 'a']",
            "List elements must have the same type, expected type 'int' but found 'string'\n\n>    1 \
             | [1, 'a']\n             ^",
        ),
        ("has(inputs['s'])", "has() invalid argument\n\n>    1 | has(inputs['s'])\n             ^"),
        ("1 +", "Unexpected token: EOF\n\n>    1 | 1 +\n            ^"),
        ("'open", "Unterminated string\n\n>    1 | 'open\n         ^"),
        ("'a' 'b'", "Unexpected character: '''\n\n>    1 | 'a' 'b'\n             ^"),
        (
            "inputs.s.upper()",
            "found no matching overload for 'dyn.upper()'\n\n>    1 | inputs.s.upper()\n         ^",
        ),
        (
            "model.nowhere.input.name",
            "No such key: nowhere\n\n>    1 | model.nowhere.input.name\n               ^",
        ),
        (
            "1 &&\ttrue",
            "Logical operator requires bool operands, got 'int'\n\n>    1 | 1 &&\ttrue\n         ^",
        ),
        (
            "self.name + workflow.name",
            "Unknown variable: workflow\n\n>    1 | self.name + workflow.name\n                     ^",
        ),
        (
            "true\n  && inputs.zz",
            "No such key: zz\n\n>    2 |   && inputs.zz\n                     ^",
        ),
        ("", "Unexpected token: EOF"),
    ] {
        assert_eq!(error(source).to_string(), format!("Invalid expression: {frame}"), "{source}");
    }
}

#[test]
fn a_failing_query_has_no_place_in_the_outer_expression() {
    let shown = error("data.query('nosuch == 1')").to_string();
    assert!(shown.starts_with("Invalid expression: Unknown field \"nosuch\""), "{shown}");
    assert!(!shown.contains('^'), "{shown}");
}

#[test]
fn categories() {
    for (source, category) in [
        ("1 +", ErrorCategory::Expression),
        ("1 + \"a\"", ErrorCategory::Expression),
        ("inputs.zz", ErrorCategory::Expression),
        ("nosuch", ErrorCategory::Expression),
        ("data.findBySpec(\"broken\", \"s\")", ErrorCategory::Expression),
        ("env.NOPE", ErrorCategory::Env),
        ("env[\"NOPE\"]", ErrorCategory::Env),
        ("\"x\" + env.NOPE", ErrorCategory::Env),
        ("vault.get(nope, k)", ErrorCategory::Vault),
    ] {
        assert_eq!(error(source).category(), category, "{source}");
    }
}

#[test]
fn roots_do_not_exist_without_their_source() {
    let inputs = Value::from_json(&json!({"env": {"region": "eu"}}));
    let context = Context::new().with("inputs", inputs);
    for (source, root) in [
        ("env.HOME", "env"),
        ("model.a.input", "model"),
        ("data.latest(\"m\", \"d\")", "data"),
        ("file.contents(\"m\", \"f\")", "file"),
        ("vault.get(v, k)", "vault"),
        ("vault", "vault"),
        ("self", "self"),
    ] {
        let program = Program::compile(source).expect(source);
        let error = program.evaluate(&context).expect_err(source);
        assert_eq!(*error.kind(), ErrorKind::UnknownVariable(root.to_owned()), "{source}");
    }
}

#[test]
fn variables_hide_the_roots_of_the_same_name() {
    let world = World;
    let env = Value::from_json(&json!({"HOME": "mine"}));
    let context = world.context().with("env", env);
    let value = Program::compile("env.HOME").and_then(|program| program.evaluate(&context));
    assert_eq!(value.and_then(|value| value.to_text()).as_deref(), Ok("mine"));
}

/// The deepest expressions that are accepted fit on the stack of a thread, as does giving up on
/// deeper ones.
#[test]
fn depth_fits_on_a_small_stack() {
    let nested =
        |open: &str, close: &str, count| format!("{}1{}", open.repeat(count), close.repeat(count));
    let sources: Vec<String> = [50, 100, 200, 245, 249, 300, 399, 1000, 20_000]
        .into_iter()
        .flat_map(|count| {
            [
                nested("(", ")", count),
                nested("[", "]", count),
                nested("dyn(", ")", count),
                nested("true ? 1 : ", "", count),
                nested("-", "", count),
                nested("[1].map(x, ", ")", count),
                vec!["1"; count].join(" + "),
                format!("inputs{}", ".a".repeat(count)),
                format!("inputs{}", "[0]".repeat(count)),
                vec!["inputs.b"; count].join(" && "),
            ]
        })
        .collect();
    let work = move || {
        let world = World;
        let context = world.context();
        let ok = |source: &String| {
            let program = Program::compile(source)?;
            let _ = program.references();
            program.evaluate(&context)
        };
        sources.iter().filter(|source| ok(source).is_ok()).count()
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread");
    assert!(thread.join().expect("no overflow") > 40);
}
