//! `swamp workflow validate`

use serde_json::{Value, json};
use swamp_workflow::{WorkflowValidation, load, load_all, validate};

use super::search::warn_of_broken;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::engine;
use crate::output::Stream;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workflow [default: all]
    #[arg(value_name = "workflow_id_or_name")]
    workflow: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let engine = engine::build(cx, repository.clone())?;
        let passed = if let Some(name) = &self.workflow {
            let loaded = load(&repository, name)?;
            one(cx, &validate(&engine, &loaded))
        } else {
            let (workflows, broken) = load_all(&repository)?;
            warn_of_broken(cx, &broken);
            let validations: Vec<WorkflowValidation> =
                workflows.iter().map(|loaded| validate(&engine, loaded)).collect();
            all(cx, &validations)?
        };
        if passed { Ok(Ending::SUCCESS) } else { Ok(Ending::bad_result("Validation failed")) }
    }
}

fn one(cx: &Cx<'_>, validation: &WorkflowValidation) -> bool {
    if cx.output.is_json() {
        cx.output.document(&validation.to_value());
    } else {
        cx.output.line(format!("Validating: {}", validation.name));
        lines(cx, validation);
        let passed = validation.checks.iter().filter(|check| check.error.is_none()).count();
        let total = validation.checks.len();
        cx.output.line(format!("Summary: {passed}/{total} validations passed"));
        cx.output.line(format!("Result: {}", verdict(cx, validation.passed())));
    }
    validation.passed()
}

fn all(cx: &Cx<'_>, validations: &[WorkflowValidation]) -> Result<bool, CommandError> {
    if validations.is_empty() {
        return Err(CommandError::user("No workflows found"));
    }
    let passed = validations.iter().filter(|validation| validation.passed()).count();
    let failed = validations.len() - passed;
    if cx.output.is_json() {
        let workflows: Vec<Value> = validations.iter().map(WorkflowValidation::to_value).collect();
        cx.output.document(&json!({
            "workflows": workflows,
            "totalPassed": passed,
            "totalFailed": failed,
            "passed": failed == 0,
        }));
    } else {
        for validation in validations {
            cx.output.line(validation.name.as_str());
            lines(cx, validation);
            cx.output.line(format!("Result: {}\n", verdict(cx, validation.passed())));
        }
        cx.output.line(format!("Summary: {passed}/{} workflows passed", validations.len()));
        cx.output.line(format!("Overall: {}", verdict(cx, failed == 0)));
    }
    Ok(failed == 0)
}

fn lines(cx: &Cx<'_>, validation: &WorkflowValidation) {
    let paint = cx.output.paint(Stream::Out);
    for check in &validation.checks {
        match &check.error {
            None => cx.output.line(format!("  {} {}", paint.green("✓"), check.name)),
            Some(error) => {
                cx.output.line(format!("  {} {}", paint.red("✗"), check.name));
                cx.output.line(format!("    → {}", error.replace('\n', "\n      ")));
            }
        }
    }
}

fn verdict(cx: &Cx<'_>, passed: bool) -> String {
    let paint = cx.output.paint(Stream::Out);
    if passed { paint.green("PASSED") } else { paint.red("FAILED") }
}
