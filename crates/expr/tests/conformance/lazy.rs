//! Maps that are made when asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};
use swamp_expr::{Context, LazyMap, Program, SourceError, Value};

/// Squares of the numbers that are its keys, counting how often it is asked.
#[derive(Debug, Default)]
struct Squares {
    asked: AtomicUsize,
}

impl LazyMap for Squares {
    fn get(&self, key: &str) -> Result<Option<Value>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match key {
            "cursed" => Err(SourceError::Failed("the disk is on fire".to_owned())),
            _ => Ok(key.parse().ok().filter(|n: &f64| *n < 4.0).map(|n| Value::from(n * n))),
        }
    }

    fn keys(&self) -> Result<Vec<String>, SourceError> {
        Ok(vec!["3".to_owned(), "1".to_owned()])
    }
}

fn run(source: &str) -> (Result<Json, String>, usize) {
    let squares = Arc::new(Squares::default());
    let lazy: Arc<dyn LazyMap> = squares.clone();
    let context = Context::new().with("squares", Value::Lazy(lazy));
    let value = Program::compile(source).and_then(|program| program.evaluate(&context));
    let json = value.and_then(|value| value.to_json()).map_err(|error| error.message());
    (json, squares.asked.load(Ordering::Relaxed))
}

#[test]
fn only_what_is_used_is_made() {
    for (source, want, asked) in [
        ("squares[\"3\"] + 1", json!(10), 1),
        ("squares[2]", json!(4), 1),
        ("has(squares.x) ? 1 : 2", json!(2), 1),
        ("\"1\" in squares", json!(true), 1),
        ("size(squares)", json!(2), 0),
        ("squares.map(k, k)", json!(["3", "1"]), 0),
        ("squares.exists(k, squares[k] == 9)", json!(true), 1),
        ("squares", json!({"3": 9, "1": 1}), 2),
        ("type(squares) == map", json!(true), 0),
        ("squares == {\"1\": 1.0, \"3\": 9.0}", json!(true), 2),
        ("{\"1\": 1.0} == squares", json!(false), 2),
        ("false ? squares.x : null", json!(null), 0),
    ] {
        assert_eq!(run(source), (Ok(want), asked), "{source}");
    }
}

#[test]
fn failures_are_those_of_the_map() {
    for (source, want) in [
        ("squares.cursed", "the disk is on fire"),
        ("has(squares.cursed)", "the disk is on fire"),
        ("\"cursed\" in squares", "the disk is on fire"),
        ("squares.x", "No such key: x"),
        ("squares + 1", "no such overload: dyn<map<string, dyn>> + int"),
    ] {
        assert_eq!(run(source).0, Err(want.to_owned()), "{source}");
    }
}
