//! `swamp model create`

use serde_json::{Map, Value, json};
use swamp_ident::{ModelName, TypeName, check_entity_name};
use swamp_model::TypeRegistry;
use swamp_model::inputs::grammar;
use swamp_store::Definition;

use super::describe_type;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::input_files::InputFiles;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model type
    #[arg(value_name = "type")]
    type_name: String,
    /// The name of the definition
    #[arg(value_name = "name")]
    name: String,
    /// An argument for all methods, as key=value; may be repeated
    #[arg(long = "global-arg", value_name = "key=value", allow_hyphen_values = true)]
    global_args: Vec<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let types = TypeRegistry::builtin();
        let type_name = TypeName::normalised(&self.type_name);
        let model_type = types.get(&type_name).map_err(|error| {
            let known: Vec<&str> = types.iter().map(|known| known.name.as_str()).collect();
            CommandError::user(format!("{error}. Available types: {}", known.join(", ")))
        })?;
        check_entity_name(&self.name)
            .map_err(|error| CommandError::user(format!("\"{}\": {error}", self.name)))?;
        let files = InputFiles::new(cx.environment);
        let given = grammar::parse_assignments(&self.global_args, &files)
            .map_err(|error| CommandError::user(error.to_string()))?;
        let global_arguments = match &model_type.global_arguments {
            Some(schema) if !given.is_empty() => {
                let unknown: Vec<&String> = given
                    .keys()
                    .filter(|key| !schema.property_names().any(|known| known == key.as_str()))
                    .collect();
                if let Some(unknown) = unknown.first() {
                    let known: Vec<&str> = schema.property_names().collect();
                    return Err(CommandError::user(format!(
                        "Unknown global argument(s) for type '{type_name}': {unknown}. Valid arguments are: {}",
                        known.join(", ")
                    )));
                }
                given
            }
            _ => given,
        };
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let mut definition = Definition {
            type_name: type_name.clone(),
            type_version: Some(model_type.version.clone()),
            id: cx.ids.uuid().into(),
            name: ModelName::new(&self.name),
            version: 1,
            tags: Map::new(),
            global_arguments,
            methods: Map::new(),
            inputs: None,
            checks: None,
            reports: None,
            driver: None,
            driver_config: None,
            path: std::path::PathBuf::new(),
        };
        repository.definitions().create(&mut definition)?;

        if cx.output.is_json() {
            let mut document = json!({
                "id": definition.id,
                "type": type_name,
                "name": self.name,
                "path": definition.path,
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
        cx.output.line(format!("Created: {} ({type_name})", self.name));
        cx.output.line(format!("Path: {}", definition.path.display()));
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
