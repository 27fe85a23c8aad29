//! `swamp model evaluate`

use serde_json::{Value, json};
use swamp_model::EvaluatedCopy;
use swamp_store::ModelKey;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};
use crate::engine;
use crate::output::Level;

const CATEGORY: &str = "model·evaluate";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition [default: all]
    #[arg(value_name = "model_id_or_name")]
    model: Option<String>,
    /// Evaluate all definitions
    #[arg(long, conflicts_with = "model")]
    all: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let engine = engine::build(cx, repository.clone())?;
        let mut notice = |notice| cx.tell_lock(&notice);
        let locks = repository.locks(cx.lock_owner());
        if let Some(model) = &self.model {
            let definition = engine.find_definition(model)?;
            let key =
                ModelKey { type_name: definition.type_name.clone(), id: definition.id.clone() };
            let _lock = locks.models(&[key], &mut notice, &|| false)?;
            one(cx, &engine.evaluate(model)?);
        } else {
            let _lock = locks.global(&mut notice, &|| false)?;
            all(cx, &engine.evaluate_all()?);
        }
        Ok(Ending::SUCCESS)
    }
}

fn to_json(copy: &EvaluatedCopy) -> Value {
    json!({
        "id": copy.definition.id,
        "name": copy.definition.name,
        "type": copy.definition.type_name,
        "hadExpressions": copy.had_expressions,
        "outputPath": copy.path,
    })
}

fn one(cx: &Cx<'_>, copy: &EvaluatedCopy) {
    if cx.output.is_json() {
        let mut document = to_json(copy);
        document["globalArguments"] = Value::Object(copy.definition.global_arguments.clone());
        cx.output.document(&document);
        return;
    }
    let (name, kind) = (&copy.definition.name, &copy.definition.type_name);
    let record = |text: String| cx.output.record(Level::Info, CATEGORY, text);
    record(format!("Evaluated \"{name}\" ({kind})"));
    record(format!("  {}", expressions(copy)));
    record(format!("  Output: {}", copy.path.display()));
}

fn all(cx: &Cx<'_>, copies: &[EvaluatedCopy]) {
    let evaluated = copies.iter().filter(|copy| copy.had_expressions).count();
    if cx.output.is_json() {
        cx.output.document(&json!({
            "items": copies.iter().map(to_json).collect::<Vec<_>>(),
            "total": copies.len(),
            "evaluated": evaluated,
        }));
        return;
    }
    let record = |text: String| cx.output.record(Level::Info, CATEGORY, text);
    record(format!("Evaluated {evaluated} of {} definitions", copies.len()));
    for copy in copies {
        let (name, kind) = (&copy.definition.name, &copy.definition.type_name);
        record(format!("  \"{name}\" ({kind}): {}", expressions(copy)));
        record(format!("    Output: {}", copy.path.display()));
    }
}

const fn expressions(copy: &EvaluatedCopy) -> &'static str {
    if copy.had_expressions { "expressions evaluated" } else { "no expressions" }
}
