//! `swamp telemetry trust`

use serde_json::json;
use swamp_telemetry::Endpoint;
use swamp_telemetry::preferences::Preferences;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "telemetry·trust";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Trust this repository no more
    #[arg(long)]
    revoke: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        cx.repository(&self.repo)?;
        let setup = delivery::setup(cx, &self.repo)?;
        let Some(config) = setup.config.as_deref() else {
            let message = "There is no configuration directory: set HOME or XDG_CONFIG_HOME.";
            return Err(CommandError::user(message));
        };
        let marker = setup.marker.unwrap_or_default();
        let Some(repo_id) = marker.repo_id else {
            return Err(CommandError::user("This repository has no id to trust it by.")
                .with_hint("Run `swamp repo upgrade` first."));
        };
        let endpoint = if self.revoke {
            None
        } else {
            let text = marker.endpoint.ok_or_else(|| {
                CommandError::user("The marker of this repository names no telemetryEndpoint.")
            })?;
            Some(Endpoint::parse(&text).map_err(|error| {
                let message = format!("telemetryEndpoint in .swamp.yaml cannot be used: {error}.");
                CommandError::user(message)
            })?)
        };
        let changed = Preferences::set_trust(config, &repo_id, endpoint.as_ref())
            .map_err(|error| CommandError::user(error.to_string()))?;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "repoId": repo_id,
                "endpoint": endpoint.map(|endpoint| endpoint.to_string()),
                "trusted": !self.revoke,
                "changed": changed,
            }));
            return Ok(Ending::SUCCESS);
        }
        let text = match &endpoint {
            Some(endpoint) => format!(
                "Your key may go to {endpoint} for entries of this repository. Should its marker name another endpoint, that one gets no key"
            ),
            None if changed => "This repository is trusted no more".to_owned(),
            None => "This repository was not trusted".to_owned(),
        };
        cx.output.record(Level::Info, CATEGORY, text);
        Ok(Ending::SUCCESS)
    }
}
