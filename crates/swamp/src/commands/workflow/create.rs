//! `swamp workflow create`

use serde_json::json;
use swamp_ident::{JobName, StepName, WorkflowId, WorkflowName, check_entity_name};
use swamp_workflow::{Job, Step, Task, Workflow, load_all};

use super::show;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The name of the workflow
    #[arg(value_name = "name")]
    name: String,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let name = self.name;
        check_entity_name(&name)
            .map_err(|error| CommandError::user(format!("\"{name}\": {error}")))?;
        let mut notice = |notice| cx.tell_lock(&notice);
        let _lock = repository.locks(cx.lock_owner()).global(&mut notice, &|| false)?;
        let (known, broken) = load_all(&repository)?;
        let is_taken = known.iter().any(|loaded| loaded.workflow.name == *name)
            || broken.iter().any(|broken| broken.name.as_deref() == Some(&name));
        if is_taken {
            return Err(CommandError::user(format!("Workflow already exists: {name}")));
        }
        let workflow = example(cx.ids.uuid().into(), &name);
        let path = repository.workflow_files().create(&workflow.id, &workflow.to_value())?;
        if cx.output.is_json() {
            let mut document = json!({"id": workflow.id, "name": workflow.name, "path": path});
            document["jobs"] = show::outline(&workflow);
            cx.output.document(&document);
            return Ok(Ending::SUCCESS);
        }
        cx.output.line(format!("Created: {name}"));
        cx.output.line(format!("Path: {}\n", path.display()));
        show::jobs(&workflow).iter().for_each(|line| cx.output.line(line));
        Ok(Ending::SUCCESS)
    }
}

/// A workflow to start from.
fn example(id: WorkflowId, name: &str) -> Workflow {
    let step = Step {
        name: StepName::new("example"),
        description: Some("Example step (edit or replace)".to_owned()),
        task: Task::ModelMethod {
            model: "example-model".to_owned(),
            method: "run".to_owned(),
            inputs: None,
        },
        for_each: None,
        depends_on: Vec::new(),
        weight: 0.0,
        concurrency: None,
        data_output_overrides: Vec::new(),
        allow_failure: false,
        driver: None,
    };
    let job = Job {
        name: JobName::new("main"),
        description: Some("Main job (edit or replace)".to_owned()),
        steps: vec![step],
        depends_on: Vec::new(),
        weight: 0.0,
        concurrency: None,
        driver: None,
    };
    Workflow {
        id,
        name: WorkflowName::new(name),
        description: None,
        trigger: None,
        tags: indexmap::IndexMap::new(),
        inputs: None,
        jobs: vec![job],
        version: 1,
        concurrency: None,
        reports: None,
        driver: None,
    }
}
