//! `swamp model get`

use serde_json::{Map, Value, json};
use swamp_model::TypeRegistry;

use super::describe_type::{self, plain};
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition
    #[arg(value_name = "model_id_or_name")]
    model: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let definition = repository.definitions().find(&self.model)?;
        let types = TypeRegistry::builtin();
        let model_type = types.get(&definition.type_name).ok();
        if cx.output.is_json() {
            let mut document = json!({
                "id": definition.id,
                "name": definition.name,
                "type": definition.type_name,
                "version": definition.version,
                "tags": definition.tags,
                "globalArguments": definition.global_arguments,
            });
            if let Some(model_type) = model_type {
                document["typeVersion"] = json!(model_type.version);
                if let Some(schema) = &model_type.global_arguments {
                    document["globalArgumentsSchema"] = schema.as_json().clone();
                }
                let methods =
                    model_type.methods.iter().map(|method| model_type.describe_method(method));
                document["methods"] = Value::Array(methods.collect());
            }
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        let line = |text: String| cx.output.line(text);
        line(format!("Name: {} ({})", definition.name, definition.type_name));
        line(format!("ID: {}", definition.id));
        line(format!("Version: {}", definition.version));
        for (heading, map) in
            [("Tags:", &definition.tags), ("Global Arguments:", &definition.global_arguments)]
        {
            map_lines(heading, map).into_iter().for_each(line);
        }
        let Some(model_type) = model_type else {
            line(String::new());
            line(format!("The type {} is not installed.", definition.type_name));
            return Ok(Ending::SUCCESS);
        };
        line(String::new());
        line(format!("Type Version: {}", model_type.version));
        if let Some(schema) = &model_type.global_arguments {
            line(String::new());
            describe_type::arguments("Global Arguments Schema:", schema.as_json())
                .into_iter()
                .for_each(line);
        }
        line(String::new());
        describe_type::methods(model_type).into_iter().for_each(line);
        Ok(Ending::SUCCESS)
    }
}

/// A map below its heading, one line per key; nothing for an empty one.
fn map_lines(heading: &str, map: &Map<String, Value>) -> Vec<String> {
    if map.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), heading.to_owned()];
    lines.extend(map.iter().map(|(key, value)| format!("  {key}: {}", plain(value))));
    lines
}
