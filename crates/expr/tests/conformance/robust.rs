//! Properties of arbitrary expressions.

use proptest::prelude::*;
use swamp_expr::{ErrorKind, Program, Template};

use crate::world::World;

const CONSTANTS: &[&str] = &[
    "0",
    "1",
    "-7",
    "9223372036854775807",
    "1.5",
    "-0.0",
    "1e300",
    "3u",
    "\"\"",
    "\"a\"",
    "\"a😀b\"",
    "'42'",
    "true",
    "false",
    "null",
    "b\"hi\"",
    "[1, 2]",
    "[\"a\", \"b\"]",
    "[[1], []]",
    "{\"a\": 1}",
    "{1: \"x\"}",
    "int",
    "timestamp(0)",
    "duration(\"90m\")",
];

/// Their types are known at evaluation only, or make those of others so.
const DATA: &[&str] = &[
    "[]",
    "{}",
    "inputs.n",
    "inputs.f",
    "inputs.s",
    "inputs.b",
    "inputs.nul",
    "inputs.list",
    "inputs.strs",
    "inputs.mixed",
    "inputs.obj",
    "inputs.objs",
    "inputs.zz",
    "inputs",
    "self.name",
    "unknown",
    "env.HOME",
    "env.NOPE",
    "env",
    "model",
    "model.my-model.input.name",
    "vault.get(v, k)",
    "vault.get(nope, k)",
    "data.latest(\"m\", \"d\")",
    "data.listVersions(\"m\", \"d\")",
    "dyn(1)",
];

const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"];

const FUNCTIONS: &[&str] =
    &["size", "int", "uint", "double", "string", "bool", "bytes", "type", "timestamp", "duration"];

const METHODS: &[&str] = &[
    "size",
    "trim",
    "lowerAscii",
    "upperAscii",
    "join",
    "hex",
    "string",
    "base64",
    "getHours",
    "getFullYear",
    "getDayOfWeek",
    "getMilliseconds",
    "startsWith",
    "contains",
    "matches",
    "indexOf",
    "lastIndexOf",
    "substring",
    "split",
    "at",
];

const MACROS: &[&str] = &["all", "exists", "exists_one", "filter", "map"];

/// Expressions over some atoms. Names `x` and `y` are bound by macros, or unknown.
fn expressions(atoms: Vec<&'static str>) -> impl Strategy<Value = String> {
    let pick = prop::sample::select::<&'static str>;
    let leaf = prop::sample::select(atoms).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, move |inner| {
        let one = || inner.clone().prop_map(|text| format!("({text})"));
        prop_oneof![
            (one(), pick(OPERATORS), one()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (pick(&["-", "!"]), one()).prop_map(|(op, a)| format!("{op}{a}")),
            (one(), one(), one()).prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|all| format!("[{}]", all.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{\"a\": {a}, \"b\": {b}}}")),
            (pick(FUNCTIONS), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (one(), pick(METHODS)).prop_map(|(a, m)| format!("{a}.{m}()")),
            (one(), pick(METHODS), inner.clone()).prop_map(|(a, m, b)| format!("{a}.{m}({b})")),
            (one(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (one(), pick(MACROS), inner.clone()).prop_map(|(a, m, b)| format!("{a}.{m}(x, {b})")),
            (one(), pick(MACROS)).prop_map(|(a, m)| format!("{a}.{m}(x, x)")),
            (one(), pick(MACROS), pick(OPERATORS), inner.clone())
                .prop_map(|(a, m, op, b)| format!("{a}.{m}(y, y {op} ({b}))")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("cel.bind(x, {a}, [x, {b}])")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Whatever is evaluated gives a value or an error at a place in it, the same each time.
    #[test]
    fn evaluation_is_total_and_repeatable(
        source in expressions([CONSTANTS, DATA].concat())
    ) {
        let world = World;
        let context = world.context();
        let run = || {
            let program = Program::compile(&source)?;
            let _ = program.references();
            let value = program.evaluate(&context)?;
            Ok((value.to_json()?, value.to_text()?))
        };
        let first: Result<_, swamp_expr::ExprError> = run();
        if let Err(error) = &first {
            let known = error.position().is_some();
            prop_assert!(known || matches!(error.kind(), ErrorKind::Data(_)), "{error}");
            prop_assert!(error.render().contains(&error.message()));
        }
        prop_assert_eq!(first, run());
    }

    /// The checker keeps its word: where every type is known beforehand, evaluation finds no misfit.
    #[test]
    fn what_is_checked_fits(source in expressions(CONSTANTS.to_vec())) {
        let world = World;
        if let Ok(program) = Program::compile(&source)
            && let Err(error) = program.evaluate(&world.context())
        {
            let message = error.message();
            let misfit = ["no such overload", "found no matching", "Logical", "Ternary", "Expression of"];
            prop_assert!(!misfit.iter().any(|start| message.starts_with(start)), "{source}: {message}");
            prop_assert!(!message.contains("must return bool"), "{source}: {message}");
        }
    }

    /// An expression in a template is the expression.
    #[test]
    fn templates_hold_expressions(source in expressions([CONSTANTS, DATA].concat())) {
        let world = World;
        let context = world.context();
        let alone = Program::compile(&source).and_then(|program| program.evaluate(&context)?.to_json());
        let text = format!("${{{{ {source} }}}}");
        let within = Template::parse(&text).and_then(|template| {
            assert!(template.is_whole_value());
            template.evaluate(&context)
        });
        prop_assert_eq!(within, alone);
    }
}
