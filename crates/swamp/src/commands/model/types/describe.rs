//! `swamp model type describe`

use serde_json::{Value, json};
use swamp_ident::TypeName;
use swamp_model::TypeRegistry;

use crate::commands::model::describe_type;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model type
    #[arg(value_name = "type")]
    type_name: String,
    /// Accepted like everywhere; the types are the same in every repository
    #[command(flatten)]
    _repo: crate::arguments::RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let types = TypeRegistry::builtin();
        let name = TypeName::normalised(&self.type_name);
        let model_type = types.get(&name).map_err(|_| {
            CommandError::user(format!("Model type not found: {}", self.type_name))
                .with_hint("\"swamp model type search\" lists the types there are.")
        })?;
        if cx.output.is_json() {
            let mut document = json!({
                "type": {"raw": self.type_name, "normalized": name},
                "version": model_type.version,
            });
            if let Some(schema) = &model_type.global_arguments {
                document["globalArguments"] = schema.as_json().clone();
            }
            let methods =
                model_type.methods.iter().map(|method| model_type.describe_method(method));
            document["methods"] = Value::Array(methods.collect());
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        cx.output.line(format!("Type: {name}"));
        cx.output.line(format!("Version: {}\n", model_type.version));
        if let Some(schema) = &model_type.global_arguments {
            let lines = describe_type::arguments("Global Arguments:", schema.as_json());
            for line in &lines {
                cx.output.line(line);
            }
            cx.output.line("");
        }
        describe_type::methods(model_type).iter().for_each(|line| cx.output.line(line));
        Ok(Ending::SUCCESS)
    }
}
