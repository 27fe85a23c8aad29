//! `swamp model validate`

use serde_json::{Value, json};
use swamp_model::{ValidateOptions, Validation};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::engine;
use crate::output::Stream;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The definition [default: all]
    #[arg(value_name = "model_id_or_name")]
    model: Option<String>,
    /// Run only the checks with this label; may be repeated
    #[arg(long = "label", value_name = "label")]
    labels: Vec<String>,
    /// Run also the checks for this method
    #[arg(long, value_name = "name")]
    method: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = cx.repository(&self.repo)?;
        let engine = engine::build(cx, repository)?;
        let options = ValidateOptions { labels: self.labels, method: self.method };
        let passed = match &self.model {
            Some(model) => one(cx, &engine.validate(model, &options)?),
            None => all(cx, &engine.validate_all(&options)?)?,
        };
        if passed { Ok(Ending::SUCCESS) } else { Ok(Ending::bad_result("Validation failed")) }
    }
}

fn one(cx: &Cx<'_>, validation: &Validation) -> bool {
    if cx.output.is_json() {
        cx.output.document(&to_json(validation));
    } else {
        let (name, kind) = (&validation.model_name, &validation.type_name);
        cx.output.line(format!("Validating: {name} ({kind})"));
        lines(cx, validation);
        let passed = validation.checks.iter().filter(|check| check.error.is_none()).count();
        let warnings = match validation.warnings.len() {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            count => format!(", {count} warnings"),
        };
        let total = validation.checks.len();
        cx.output.line(format!("Summary: {passed}/{total} validations passed{warnings}"));
        cx.output.line(format!("Result: {}", verdict(cx, validation.passed())));
    }
    validation.passed()
}

fn all(cx: &Cx<'_>, validations: &[Validation]) -> Result<bool, CommandError> {
    if validations.is_empty() {
        return Err(CommandError::user("No models found"));
    }
    let passed = validations.iter().filter(|validation| validation.passed()).count();
    let failed = validations.len() - passed;
    if cx.output.is_json() {
        let warnings: usize = validations.iter().map(|validation| validation.warnings.len()).sum();
        cx.output.document(&json!({
            "models": validations.iter().map(to_json).collect::<Vec<_>>(),
            "totalPassed": passed,
            "totalFailed": failed,
            "totalWarnings": warnings,
            "passed": failed == 0,
        }));
    } else {
        for validation in validations {
            cx.output.line(format!("{} ({})", validation.model_name, validation.type_name));
            lines(cx, validation);
            cx.output.line(format!("Result: {}\n", verdict(cx, validation.passed())));
        }
        cx.output.line(format!("Summary: {passed}/{} models passed", validations.len()));
        cx.output.line(format!("Overall: {}", verdict(cx, failed == 0)));
    }
    Ok(failed == 0)
}

fn to_json(validation: &Validation) -> Value {
    let checks = validation.checks.iter().map(|check| {
        let mut entry = json!({"name": check.name, "passed": check.error.is_none()});
        if let Some(error) = &check.error {
            entry["error"] = json!(error);
        }
        entry
    });
    let warnings = validation.warnings.iter().map(|warning| {
        let mut entry = json!({"name": warning.name, "message": warning.message});
        if !warning.env_uses.is_empty() {
            let uses = warning.env_uses.iter();
            let uses = uses.map(|env| json!({"path": env.path, "envVar": env.variable}));
            entry["envVars"] = uses.collect();
        }
        entry
    });
    json!({
        "modelId": validation.model_id,
        "modelName": validation.model_name,
        "type": validation.type_name,
        "validations": checks.collect::<Vec<_>>(),
        "warnings": warnings.collect::<Vec<_>>(),
        "passed": validation.passed(),
    })
}

fn lines(cx: &Cx<'_>, validation: &Validation) {
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
    for warning in &validation.warnings {
        cx.output.line(format!("  {} {}", paint.yellow("⚠"), warning.name));
        for env in &warning.env_uses {
            cx.output.line(format!("    {} uses {}", env.path, env.variable));
        }
        cx.output.line(format!("    → {}", warning.message));
    }
}

fn verdict(cx: &Cx<'_>, passed: bool) -> String {
    let paint = cx.output.paint(Stream::Out);
    if passed { paint.green("PASSED") } else { paint.red("FAILED") }
}
