//! The expression language, row by row: values, and the sentences of its errors.
//!
//! Rows marked `better` are where other implementations of the dialect give an empty map.

#![expect(clippy::expect_used, reason = "a test may stop")]

mod details;
mod lazy;
mod places;
mod robust;
mod world;

use serde_json::Value as Json;
use swamp_expr::Program;

use self::Want::{Fails, Gives};
use self::world::World;

/// What an expression should do.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// Gives a value, written as JSON.
    Gives(&'static str),
    /// Fails with this message.
    Fails(&'static str),
}

#[rustfmt::skip]
const TABLE: &[(&str, Want)] = &[
    // Literals
    ("0xFF", Gives("255")),
    (".5", Fails("Unexpected token: DOT")),
    ("1.", Fails("Expected IDENTIFIER, got EOF")),
    ("1e3", Gives("1000")),
    (r"'\u00e9\x41\101'", Gives(r#""éAA""#)),
    (r#"r"a\nb""#, Gives(r#""a\\nb""#)),
    (r#""\q""#, Fails(r"Invalid escape sequence: \q")),
    (r#""unterminated"#, Fails("Unterminated string")),
    ("[1,2,]", Gives("[1,2]")),
    (r#"[1,"a"]"#, Fails("List elements must have the same type, expected type 'int' but found 'string'")),
    ("[1,1.5]", Fails("List elements must have the same type, expected type 'int' but found 'double'")),
    ("[null, 1]", Fails("List elements must have the same type, expected type 'null' but found 'int'")),
    (r#"[inputs.s, "x"]"#, Fails("List elements must have the same type, expected type 'dyn' but found 'string'")),
    ("[inputs.s, inputs.n]", Gives(r#"["hello",5]"#)),
    (r#"[dyn(1), dyn("x")]"#, Gives(r#"[1,"x"]"#)),
    (r#"{"a":1,"b":"x"}"#, Fails("Map value uses wrong type, expected type 'int' but found 'string'")),
    (r#"{"a": inputs.s, "b": "lit"}"#, Fails("Map value uses wrong type, expected type 'dyn' but found 'string'")),
    (r#"{"a": inputs.s, "b": dyn("lit")}"#, Gives(r#"{"a":"hello","b":"lit"}"#)),
    ("{a:1}", Fails("Unknown variable: a")),
    (r#"{1:"a"}["1"]"#, Gives(r#""a""#)),
    (r#"{"a":1,"a":2}"#, Gives(r#"{"a":2}"#)),
    // Arithmetic
    ("1+2*3", Gives("7")),
    ("7/2", Gives("3")),
    ("-7/2", Gives("-3")),
    ("-7%3", Gives("-1")),
    ("7.0/2", Gives("3.5")),
    ("7.5%2", Gives("1.5")),
    ("7.5%2.5", Fails("no such overload: double % double")),
    ("1+1.5", Gives("2.5")),
    ("1/0", Fails("division by zero")),
    ("1%0", Fails("modulo by zero")),
    ("1.0/0", Gives("null")),
    ("9223372036854775807+1", Fails("integer overflow: 9223372036854775808")),
    ("9007199254740991 + 1", Gives("9007199254740992")),
    ("1u+1", Fails("no such overload: uint + int")),
    ("0.1+0.2", Gives("0.30000000000000004")),
    ("inputs.n + 1", Gives("6")),
    ("inputs.n / 2", Gives("2.5")),
    ("7 / inputs.n", Gives("1.4")),
    ("inputs.n % 2", Gives("1")),
    ("inputs.n % inputs.n", Fails("no such overload: dyn<double> % dyn<double>")),
    ("inputs.n / 0", Gives("null")),
    ("inputs.neg / 2", Gives("-1.5")),
    ("-inputs.n", Gives("-5")),
    // Strings
    (r#""a"+1"#, Fails("no such overload: string + int")),
    (r#""n=" + inputs.n"#, Fails("no such overload: string + dyn<double>")),
    (r#""n=" + string(inputs.n)"#, Gives(r#""n=5""#)),
    ("string(inputs.nul)", Fails("found no matching overload for 'string(null)'")),
    ("string(1e21)", Gives(r#""1e+21""#)),
    (r#""hello".substring(1,3)"#, Gives(r#""el""#)),
    (r#""hello".substring(9)"#, Fails("string.substring(start, end): start index out of range")),
    (r#""a".substring(inputs.n)"#, Fails("found no matching overload for 'string.substring(double)'")),
    (r#""a,b,c".split(",",2)"#, Gives(r#"["a","b,c"]"#)),
    (r#"["a","b"].join(",")"#, Gives(r#""a,b""#)),
    (r#"[1,2].join(",")"#, Fails("found no matching overload for 'list.join(string)'")),
    (r#"inputs.list.map(x, string(x)).join(",")"#, Gives(r#""1,2,3""#)),
    (r#""hello".matches("(?i)HELLO")"#, Fails("Invalid regular expression: (?i)HELLO")),
    (r#""hello".replace("l","L")"#, Fails("found no matching overload for 'string.replace(string, string)'")),
    (r#""hello"[0]"#, Fails("Cannot index type 'string'")),
    (r#"" x ".trim()"#, Gives(r#""x""#)),
    (r#"size("👍")"#, Gives("1")),
    (r#""a😀b".indexOf("b")"#, Gives("3")),
    // Comparison / logic
    ("1==1.0", Fails("no such overload: int == double")),
    ("dyn(1) == 1.0", Gives("true")),
    (r#"1=="1""#, Fails("no such overload: int == string")),
    (r#"inputs.n == "5""#, Gives("false")),
    ("inputs.n == 5", Gives("true")),
    ("inputs.nul == null", Gives("true")),
    ("1 == null", Fails("no such overload: int == null")),
    ("inputs.list == [1,2,3]", Gives("true")),
    ("1<2.5", Gives("true")),
    ("inputs.s < inputs.n", Fails("no such overload: dyn<string> < dyn<double>")),
    ("1 < 2 < 3", Fails("no such overload: bool < int")),
    ("1 && true", Fails("Logical operator requires bool operands, got 'int'")),
    ("inputs.n && true", Fails("Logical operator requires bool operands, got 'double'")),
    ("inputs.zz || true", Gives("true")),
    ("inputs.zz && true", Fails("No such key: zz")),
    (r#"inputs.b ? 1 : "a""#, Fails("Ternary branches must have the same type, got 'int' and 'string'")),
    (r#"inputs.b ? inputs.n : "a""#, Gives("5")),
    (r#"inputs.b ? "a" : null"#, Fails("Ternary branches must have the same type, got 'string' and 'null'")),
    ("inputs.n ? 1 : 2", Fails("Ternary condition must be bool, got 'double'")),
    (r#""ell" in "hello""#, Fails("no such overload: string in string")),
    (r#""s" in inputs"#, Gives("true")),
    ("1.0 in [1,2]", Fails("no such overload: double in list<int>")),
    // Access
    ("inputs.zz", Fails("No such key: zz")),
    ("undefinedvar", Fails("Unknown variable: undefinedvar")),
    ("inputs.nul.x", Fails("No such key: x")),
    (r#"inputs.obj["b-c"]"#, Gives(r#""dash""#)),
    ("inputs.my-key", Fails("No such key: my")),
    ("inputs.package", Gives(r#""pk""#)),
    ("inputs.in", Fails("Expected IDENTIFIER, got IN")),
    ("inputs.list[3]", Fails("No such key: index out of bounds, index 3 >= size 3")),
    ("inputs.list[0.0]", Gives("1")),
    ("has(inputs.zz)", Gives("false")),
    ("has(inputs.zz.y)", Fails("No such key: zz")),
    (r#"has(inputs.zz) ? inputs.zz : "def""#, Gives(r#""def""#)),
    (r#"has(inputs["s"])"#, Fails("has() invalid argument")),
    ("has(undefinedvar.x)", Fails("Unknown variable: undefinedvar")),
    ("inputs.?s", Fails("Expected IDENTIFIER, got QUESTION")),
    (r#"inputs.zz.orValue("d")"#, Fails("No such key: zz")),
    ("optional.of(1)", Fails("Unknown variable: optional")),
    (r#"inputs.s ?? "x""#, Fails("Unexpected token: QUESTION")),
    // Macros
    ("[1,2,3].map(x, x>1, x*2)", Gives("[4,6]")),
    ("inputs.objs.filter(o, o.v > 1)[0].k", Gives(r#""y""#)),
    (r#"inputs.objs.map(o, {"name": o.k, "val": o.v})"#, Gives(r#"[{"name":"x","val":1},{"name":"y","val":2}]"#)),
    ("inputs.obj.map(k, k)", Gives(r#"["a","b-c","nested"]"#)),
    ("[0,1].exists(x, 1/x == 1)", Gives("true")),
    ("[1,0].exists_one(x, 1/x == 1)", Fails("division by zero")),
    (r#"[1,2].exists(x, x == "a")"#, Fails("no such overload: int == string")),
    (r#"inputs.list.exists(x, x == "a")"#, Gives("false")),
    ("inputs.s.map(x, x)", Fails("Expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic).")),
    ("cel.bind(x, inputs.n, x + 1)", Gives("6")),
    // Types, time
    ("type(inputs.n) == double", Gives("true")),
    ("1u", Gives("1")), // better: an unsigned int is a number
    (r#"timestamp("2024-01-15T14:30:45Z")"#, Gives(r#""2024-01-15T14:30:45Z""#)), // better: a timestamp is RFC 3339 text
    (r#"timestamp("2024-01-15T14:30:45Z").getDayOfMonth()"#, Gives("14")),
    (r#"timestamp("2024-01-15")"#, Fails("timestamp() requires a string in ISO 8601 format")),
    (r#"duration("1h30m").getSeconds()"#, Gives("5400")),
    (r#"b"hi""#, Gives(r#""aGk=""#)), // better: bytes are base64 text
    // Swamp
    ("model.my-model.input.name", Gives(r#""my-model""#)),
    ("model.my-model.foo.x", Fails("No such key: my")),
    (r#"data.latest("m","d").attributes.x + 1"#, Gives("2")),
    (r#"data.latest("m","missing") == null"#, Gives("true")),
    (r#"data.latest("m","missing").attributes"#, Fails("No such key: attributes")),
    (r#"data.latest("m")"#, Fails("found no matching overload for 'dyn.latest(string)'")),
    (r#"data.version("m","d",inputs.n)"#, Fails("found no matching overload for 'CelDataNamespace.version(string, string, double)'")),
    (r#"data.nope("x")"#, Fails("found no matching overload for 'dyn.nope(string)'")),
    (r#"has(data.latest("m","d").attributes.x)"#, Fails("has() invalid argument")),
    (r#"size(data.listVersions("m","d"))"#, Gives("2")),
    ("1 +", Fails("Unexpected token: EOF")),
    ("a b", Fails("Unexpected character: 'b'")),
];

fn run(source: &str) -> Result<Json, String> {
    let world = World;
    let context = world.context();
    let value = Program::compile(source).and_then(|program| program.evaluate(&context));
    value.and_then(|value| value.to_json()).map_err(|error| error.message())
}

fn check(rows: &[(&str, Want)]) {
    let mut wrong = Vec::new();
    for (source, want) in rows {
        let wanted = match want {
            Gives(json) => Ok(serde_json::from_str(json).expect("the table holds JSON")),
            Fails(message) => Err((*message).to_owned()),
        };
        let got = run(source);
        if got != wanted {
            wrong.push(format!("{source}\n    wanted {wanted:?}\n    got    {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_row_of_the_table_holds() {
    assert_eq!(TABLE.len(), 131);
    check(TABLE);
}
