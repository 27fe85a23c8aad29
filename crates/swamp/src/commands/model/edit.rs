//! `swamp model edit`

use serde_json::{Value, json};
use swamp_model::TypeRegistry;
use swamp_store::{Definition, Repository};
use swamp_yaml::Document;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::editor;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition
    #[arg(value_name = "model_id_or_name")]
    model: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let Some(model) = self.model else {
            return Err(CommandError::user("Which definition? Give its name or id."));
        };
        let definition = repository.definitions().find(&model)?;
        let (definition, editor) = if let Some(text) = editor::piped_text()? {
            (replace(cx, &repository, &definition, &text)?, None)
        } else {
            let editor = editor::open(cx, &definition.path)?;
            (definition, Some(editor))
        };
        let (name, type_name) = (&definition.name, &definition.type_name);
        let status = if editor.is_some() { "opened" } else { "updated" };
        if cx.output.is_json() {
            let mut document = json!({"path": definition.path});
            if let Some(editor) = editor {
                document["editor"] = json!(editor);
            }
            document["status"] = json!(status);
            document["name"] = json!(name);
            document["type"] = json!(type_name);
            document["editType"] = json!("definition");
            cx.output.document(&document);
        } else {
            let what = match editor {
                Some(editor) => format!("Opened in {editor}"),
                None => "Updated from standard input".to_owned(),
            };
            let message =
                format!("{what}: \"{name}\" ({type_name}) at {}", definition.path.display());
            cx.output.record(Level::Info, "model·edit", message);
        }
        Ok(Ending::SUCCESS)
    }
}

/// Puts `text` in place of a definition. Identity and type stay.
fn replace(
    cx: &Cx<'_>,
    repository: &Repository,
    old: &Definition,
    text: &str,
) -> Result<Definition, CommandError> {
    let bad = |problem: String| {
        CommandError::user(format!("The definition on standard input is not valid: {problem}"))
    };
    let document = Document::parse(text).map_err(|error| {
        let place = error.position.map_or_else(String::new, |place| format!("{place}: "));
        bad(format!("{place}{}", error.message))
    })?;
    let Value::Object(mut map) = document.into_value() else {
        return Err(bad("it must be a mapping".to_owned()));
    };
    map.insert("id".to_owned(), json!(old.id));
    map.insert("type".to_owned(), json!(old.type_name));
    map.shift_remove("typeVersion");
    let text = swamp_yaml::to_string(&Value::Object(map));
    let mut new = Definition::parse(&text, &old.path, Some(&old.type_name))
        .map_err(|error| bad(without_place(&error)))?;
    new.type_version =
        TypeRegistry::builtin().get(&old.type_name).ok().map(|known| known.version.clone());
    let mut notice = |notice| cx.tell_lock(&notice);
    let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
    repository.definitions().save(&new)?;
    Ok(new)
}

/// An error about a text that is not in the file it is going to be in.
fn without_place(error: &swamp_store::StoreError) -> String {
    match error {
        swamp_store::StoreError::Invalid { message, .. } => message.clone(),
        other => other.to_string(),
    }
}
