//! `swamp doctor`: what is wrong around a repository, and putting it right
//!
//! Looks at what a run leaves outside of the repository when it is killed, and at what drivers need.
//! Nothing is changed without `--fix`.

mod containers;
mod finding;
mod secrets;
mod sockets;
mod used;

use serde_json::{Value, json};
use swamp_store::Repository;

use self::finding::{Finding, State};
use self::used::Used;
use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::engine;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Put right what can be put right
    #[arg(short, long)]
    fix: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let repository = self.repository(cx)?;
        let used = Used::by(repository.as_ref())?;
        let mut findings = used.broken.clone();
        findings.extend(containers::look(&used));
        findings.extend(sockets::look(&used, &engine::runtime_dir(cx)));
        findings.extend(secrets::look(repository.as_ref()));
        if self.fix {
            findings.iter_mut().for_each(Finding::fix);
        }
        show(cx, &findings, self.fix);
        let left = findings.iter().filter(|finding| finding.is_problem()).count();
        if left == 0 {
            return Ok(Ending::SUCCESS);
        }
        Ok(Ending::bad_result(format!("{left} problem(s) left")))
    }

    /// The repository, if there is one. One that was named has to be there.
    fn repository(&self, cx: &Cx<'_>) -> Result<Option<Repository>, CommandError> {
        let named = self.repo.repo_dir.is_some() || cx.environment.get("SWAMP_REPO_DIR").is_some();
        match cx.repository(&self.repo) {
            Ok(repository) => Ok(Some(repository)),
            Err(_) if !named && !cx.cwd()?.join(".swamp.yaml").exists() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn show(cx: &Cx<'_>, findings: &[Finding], fixing: bool) {
    let problems: Vec<&Finding> =
        findings.iter().filter(|finding| finding.state != State::Fine).collect();
    if cx.output.is_json() {
        let fine: Vec<Value> = findings
            .iter()
            .filter(|finding| finding.state == State::Fine)
            .map(|finding| json!({"check": finding.check, "what": finding.what}))
            .collect();
        cx.output.document(&json!({
            "ok": !findings.iter().any(Finding::is_problem),
            "findings": problems.iter().map(|finding| finding.to_json()).collect::<Vec<_>>(),
            "fine": fine,
        }));
        return;
    }
    for finding in findings {
        cx.output.line(format!("{} {}: {}", finding.sign(), finding.check, finding.what));
        if let Some(remedy) = finding.remedy() {
            cx.output.line(format!("  {remedy}"));
        }
    }
    let left = findings.iter().filter(|finding| finding.is_problem()).count();
    let fixable = findings.iter().filter(|finding| finding.can_be_fixed()).count();
    cx.output.line(match (left, fixable) {
        (0, _) => "No problems.".to_owned(),
        (left, fixable) if fixable > 0 && !fixing => {
            format!("{left} problem(s); `swamp doctor --fix` puts {fixable} of them right.")
        }
        (left, _) => format!("{left} problem(s)."),
    });
}
