//! `swamp model method describe`

use serde_json::json;
use swamp_ident::MethodName;
use swamp_model::TypeRegistry;

use crate::arguments::RepoArgs;
use crate::commands::model::describe_type;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// The method
    #[arg(value_name = "method_name")]
    method: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let definition = repository.definitions().find(&self.model)?;
        let types = TypeRegistry::builtin();
        let model_type = types.get(&definition.type_name).map_err(|_| {
            CommandError::user(format!("Model type not found: {}", definition.type_name))
        })?;
        let method = model_type.method(&MethodName::new(&self.method)).ok_or_else(|| {
            let known: Vec<&str> =
                model_type.methods.iter().map(|method| method.name.as_str()).collect();
            CommandError::user(format!(
                "Unknown method '{}' for type '{}'. Available methods: {}",
                self.method,
                definition.type_name,
                known.join(", ")
            ))
        })?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "modelName": definition.name,
                "modelType": definition.type_name,
                "version": model_type.version,
                "method": model_type.describe_method(method),
            }));
            return Ok(Ending::SUCCESS);
        }
        cx.output.line(format!("Model: {}", definition.name));
        cx.output.line(format!("Type: {}", definition.type_name));
        cx.output.line(format!("Version: {}\n", model_type.version));
        describe_type::method(model_type, method).iter().for_each(|line| cx.output.line(line));
        Ok(Ending::SUCCESS)
    }
}
