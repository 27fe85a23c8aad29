//! `swamp workflow edit`

use serde_json::{Value, json};
use swamp_store::{Repository, StoreError, WorkflowFile, WorkflowOrigin};
use swamp_workflow::{SchemaError, Workflow};
use swamp_yaml::Document;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::editor;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workflow
    #[arg(value_name = "workflow_id_or_name")]
    workflow: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let Some(name) = self.workflow else {
            return Err(CommandError::user("Which workflow? Give its name or id."));
        };
        // A file that cannot be read as a workflow can still be edited.
        let file = repository.workflow_files().find(&name).map_err(|error| match error {
            StoreError::WorkflowNotFound(_) => {
                CommandError::user(format!("Workflow not found: {name}"))
            }
            other => other.into(),
        })?;
        let id = file.id().unwrap_or_default().to_owned();
        let mut document = json!({"path": file.path});
        if let Some(text) = editor::piped_text()? {
            let (workflow, path) = replace(cx, &repository, &file, &id, &text)?;
            document["path"] = json!(path);
            document["status"] = json!("updated");
            document["name"] = json!(workflow.name);
        } else {
            document["editor"] = json!(editor::open(cx, &file.path)?);
            document["status"] = json!("opened");
            document["name"] = json!(file.name());
        }
        document["id"] = json!(id);
        if cx.output.is_json() {
            cx.output.document(&document);
        } else {
            let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
            let what = match document.get("editor") {
                Some(Value::String(editor)) => format!("Opened in {editor}"),
                _ => "Updated from standard input".to_owned(),
            };
            let message = format!("{what}: \"{}\" at {}", text("name"), text("path"));
            cx.output.record(Level::Info, "workflow·edit", message);
        }
        Ok(Ending::SUCCESS)
    }
}

/// Puts `text` in place of a workflow file. The id stays. A read-only workflow gets a copy of its
/// own in the repository, which from then on is found first.
fn replace(
    cx: &Cx<'_>,
    repository: &Repository,
    file: &WorkflowFile,
    id: &str,
    text: &str,
) -> Result<(Workflow, std::path::PathBuf), CommandError> {
    let bad = |problem: String| {
        CommandError::user(format!("The workflow on standard input is not valid: {problem}"))
    };
    let document = Document::parse(text).map_err(|error| {
        let place = error.position.map_or_else(String::new, |place| format!("{place}: "));
        bad(format!("{place}{}", error.message))
    })?;
    // Complaints about the id are moot: it is about to be replaced.
    let complaints = |error: SchemaError| {
        let issues = error.issues.iter().filter(|issue| issue.path != "id");
        let issues: Vec<String> = issues.map(ToString::to_string).collect();
        bad(issues.join("; "))
    };
    let has_id = document.value().get("id").is_some();
    let checked = Workflow::parse(&document);
    let mut value = document.into_value();
    let workflow = match (checked, value.as_object_mut()) {
        (Err(error), Some(map))
            if !has_id || error.issues.iter().all(|issue| issue.path == "id") =>
        {
            map.insert("id".to_owned(), json!(id));
            Workflow::from_value(&value).map_err(|_| complaints(error))?
        }
        (Err(error), _) => return Err(complaints(error)),
        (Ok(mut workflow), _) => {
            workflow.id = id.to_owned().into();
            workflow
        }
    };
    let mut notice = |notice| cx.tell_lock(&notice);
    let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
    let files = repository.workflow_files();
    let path = if file.origin == WorkflowOrigin::Primary {
        files.save(file, &workflow.to_value())?;
        file.path.clone()
    } else {
        files.create(&workflow.id, &workflow.to_value())?
    };
    Ok((workflow, path))
}
