//! What `swamp telemetry on` and `swamp telemetry off` share.

use serde_json::json;
use swamp_telemetry::preferences::Preferences;

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "telemetry·switch";

/// Whose telemetry.
#[derive(Debug, clap::Args)]
pub(crate) struct Whose {
    /// For everything you do, instead of this repository
    #[arg(long)]
    global: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Whose {
    /// Switches it.
    pub(crate) fn switch(self, cx: &Cx<'_>, off: bool) -> CommandResult {
        let before = delivery::setup(cx, &self.repo)?;
        let (place, scope) = if self.global {
            let config = before.config.as_deref().ok_or_else(|| {
                let message = "There is no configuration directory: set HOME or XDG_CONFIG_HOME.";
                CommandError::user(message)
            })?;
            Preferences::set_disabled(config, off)
                .map_err(|error| CommandError::user(error.to_string()))?;
            (config.join("telemetry.yaml"), "everything you do")
        } else if let Some(root) = &before.repository {
            let mut repository = cx.repository(&self.repo)?;
            repository.change_marker(&[("telemetryDisabled", off.then(|| json!(true)))])?;
            (root.join(".swamp.yaml"), "this repository")
        } else {
            return Err(CommandError::user("There is no repository here.")
                .with_hint("Add --global to switch telemetry for everything you do."));
        };
        let after = delivery::setup(cx, &self.repo)?;
        let still = after.off.filter(|_| !off).map(swamp_telemetry::Off::as_str);
        if cx.output.is_json() {
            cx.output.document(&json!({
                "scope": if self.global { "user" } else { "repository" },
                "off": off,
                "file": place,
                "recording": after.off.is_none(),
                "offReason": after.off.map(swamp_telemetry::Off::as_str),
            }));
            return Ok(Ending::SUCCESS);
        }
        let word = if off { "off" } else { "on" };
        let text = format!("Telemetry is {word} for {scope} ({})", place.display());
        cx.output.record(Level::Info, CATEGORY, text);
        if let Some(why) = still {
            cx.output.record(Level::Warning, CATEGORY, format!("It stays off all the same: {why}"));
        }
        if off {
            let text = "What was recorded before stays on your disk and is not sent; remove it: swamp telemetry clear";
            cx.output.record(Level::Info, CATEGORY, text);
        }
        Ok(Ending::SUCCESS)
    }
}
