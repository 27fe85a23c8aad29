//! `swamp model method run`

use serde_json::{Map, Value, json};
use swamp_events::EnvUse;
use swamp_ident::{DriverName, DriverOrigin, MethodName};
use swamp_model::{Call, DriverChoice, MethodRequest, MethodRun, ReportOutcome};

use crate::arguments::{CheckArgs, ExecutionArgs, InputArgs, RepoArgs, ReportArgs, TagArgs};
use crate::conduct::{Conduct, View};
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::{engine, exit_code, times};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition
    #[arg(value_name = "model_id_or_name")]
    model: String,
    /// The method
    #[arg(value_name = "method_name")]
    method: String,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    execution: ExecutionArgs,
    #[command(flatten)]
    tags: TagArgs,
    #[command(flatten)]
    checks: CheckArgs,
    #[command(flatten)]
    reports: ReportArgs,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let timeout = self.execution.timeout.as_deref().map(times::timeout).transpose()?;
        let inputs = self.inputs.read(cx)?;
        let tags = self.tags.read()?;
        let driver = self.execution.driver.as_deref();
        let request = MethodRequest {
            drivers: driver
                .map(|name| DriverChoice {
                    name: DriverName::new(name),
                    config: None,
                    origin: DriverOrigin::CommandLine,
                })
                .into_iter()
                .collect(),
            tags,
            checks: self.checks.into(),
            reports: self.reports.into(),
            last_evaluated: self.execution.last_evaluated,
            ..MethodRequest::new(self.model, MethodName::new(&self.method), Call::Direct { inputs })
        };
        let conduct = Conduct::prepare(cx, View::of_method(cx), timeout)?;
        let engine = engine::with_cancel(cx, repository, conduct.cancel().clone());
        let result = engine.call_method(&request, &conduct.emitter());
        let stopped = conduct.finish();
        match result {
            Ok(run) => {
                if cx.output.is_json() {
                    cx.output.document(&document(&run));
                }
                if run.reports_ok() {
                    return Ok(Ending::SUCCESS);
                }
                Ok(Ending::bad_result("A report could not be made"))
            }
            Err(failure) => {
                let warnings = env_warnings(failure.call.model.as_str(), &failure.env_uses);
                let mut error = CommandError::from(*failure);
                error.warnings = warnings;
                if let Some(cause) = stopped {
                    error.exit = exit_code::of_cause(cause);
                }
                Err(error)
            }
        }
    }
}

fn document(run: &MethodRun) -> Value {
    let artifacts = run.artifacts.iter().map(|stored| {
        let mut entry = json!({
            "id": stored.artifact.id,
            "name": stored.artifact.name,
            "path": stored.path,
        });
        if let Some(attributes) = &stored.attributes {
            entry["attributes"] = attributes.clone();
        }
        entry
    });
    let mut document = json!({
        "modelId": run.definition.id,
        "modelName": run.definition.name,
        "modelType": run.definition.type_name,
        "methodName": run.call.method,
        "status": if run.reports_ok() { "succeeded" } else { "failed" },
        "duration": run.duration_ms,
        "outputId": run.output_id,
        "logFile": run.log_file,
        "dataArtifacts": artifacts.collect::<Vec<_>>(),
    });
    if let Some(reports) = &run.reports {
        let reports: Map<String, Value> =
            reports.iter().map(|report| (report.name.clone(), report_json(report))).collect();
        document["reports"] = Value::Object(reports);
    }
    let warnings = env_warnings(run.definition.name.as_str(), &run.env_uses);
    if !warnings.is_empty() {
        document["warnings"] = Value::Array(warnings);
    }
    document
}

/// A report as JSON documents show it.
pub(crate) fn report_json(report: &ReportOutcome) -> Value {
    let (name, scope) = (&report.name, report.scope.as_str());
    match &report.result {
        Ok((markdown, json)) => json!({
            "name": name, "scope": scope, "success": true, "markdown": markdown, "json": json,
        }),
        Err(error) => json!({"name": name, "scope": scope, "success": false, "error": error}),
    }
}

fn env_warnings(model: &str, uses: &[EnvUse]) -> Vec<Value> {
    if uses.is_empty() {
        return Vec::new();
    }
    let uses: Vec<Value> =
        uses.iter().map(|env| json!({"path": env.path, "envVar": env.variable})).collect();
    vec![json!({
        "warning": "env_var_usage",
        "modelName": model,
        "envVars": uses,
        "message": "What this model stores depends on the environment it runs in.",
    })]
}
