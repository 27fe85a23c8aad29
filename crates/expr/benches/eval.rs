//! How fast expressions are compiled and evaluated, per core. Prints figures; compares nothing.
//!
//! ```text
//! cargo bench -p swamp-expr
//! ```

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints and may stop")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use swamp_expr::{Context, Program, RecordFilter, Template, Value, evaluate_all, substitute};

/// How often `work` can be done per second: the best of several rounds.
fn rate(mut work: impl FnMut()) -> f64 {
    const ROUND: Duration = Duration::from_millis(60);
    let mut best = 0.0_f64;
    for _ in 0..7 {
        let start = Instant::now();
        let mut count = 0_u32;
        while start.elapsed() < ROUND {
            for _ in 0..256 {
                work();
            }
            count += 256;
        }
        best = best.max(f64::from(count) / start.elapsed().as_secs_f64());
    }
    best
}

fn show(what: &str, first: (&str, f64), second: Option<(&str, f64)>) {
    let figure = |(name, rate): (&str, f64)| format!("{:>8.2} M/s {name}", rate / 1e6);
    let second = second.map(figure).unwrap_or_default();
    println!("{what:<48}{}  {second}", figure(first));
}

fn main() {
    let inputs = json!({
        "env": "prod", "n": 5, "s": "hello", "list": [1, 2, 3, 4, 5],
        "obj": {"a": {"b": {"c": 1}}}, "region": "eu", "dry": false,
    });
    let own = json!({"name": "web", "version": 3, "tags": {"team": "net"}});
    let context = Context::new()
        .with("self", Value::from_json(&own))
        .with("inputs", Value::from_json(&inputs));
    for source in [
        "inputs.n",
        "inputs.obj.a.b.c",
        "inputs.env == \"prod\" && inputs.n > 2",
        "inputs.dry ? \"x\" : inputs.region",
        "1 + 2 * 3",
        "\"n=\" + string(inputs.n)",
        "[1,2,3,4,5].map(x, x*2)",
        "inputs.list.exists(x, x == 5)",
        "inputs.s.matches(\"^h.*o$\")",
    ] {
        let program = Program::compile(source).expect(source);
        let evaluated = rate(|| {
            let _ = black_box(black_box(&program).evaluate(&context));
        });
        let compiled = rate(|| {
            let _ = black_box(Program::compile(black_box(source)));
        });
        show(source, ("evaluate", evaluated), Some(("compile", compiled)));
    }

    let text = "echo \"${{ self.name }}-${{ inputs.env }} ${{ inputs.n + 1 }}\"";
    let template = Template::parse(text).expect(text);
    let evaluated = rate(|| {
        let _ = black_box(template.evaluate(&context));
    });
    let parsed = rate(|| {
        let _ = black_box(Template::parse(black_box(text)));
    });
    show("template with three expressions", ("evaluate", evaluated), Some(("parse", parsed)));

    let document = json!({"methods": {"execute": {"arguments": {"run": text, "timeout": 5}}}});
    let substituted = rate(|| {
        black_box(substitute(&document, &context, &evaluate_all));
    });
    show("document with that template", ("substitute", substituted), None);

    let filter =
        RecordFilter::compile("modelName == \"web\" && size > 100", None).expect("a query");
    let record = json!({"modelName": "web", "size": 120, "isLatest": true, "name": "out"});
    let matched = rate(|| {
        black_box(filter.matches(&record));
    });
    show("query over a record", ("match", matched), None);
}
