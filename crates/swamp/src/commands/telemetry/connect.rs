//! `swamp telemetry connect`

use std::time::Duration;

use serde_json::json;
use swamp_telemetry::flush::{CheckError, Target, check};
use swamp_telemetry::preferences::Preferences;
use swamp_telemetry::{ApiKey, Endpoint, Origin, store_key};

use crate::arguments::RepoArgs;
use crate::commands::VERSION;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;
use crate::secret_input;

const CATEGORY: &str = "telemetry·connect";

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address of the collector, as it prints it
    url: String,
    /// Read the key from standard input instead of asking for it
    #[arg(long)]
    key_stdin: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let endpoint = Endpoint::parse(&self.url).map_err(|error| {
            CommandError::user(format!("The address of the collector cannot be used: {error}."))
                .with_hint("An address like https://collector.example.com or http://127.0.0.1:7070")
        })?;
        let before = delivery::setup(cx, &self.repo)?;
        let config = before.config.as_deref().ok_or_else(|| {
            let message = "There is no configuration directory: set HOME or XDG_CONFIG_HOME.";
            CommandError::user(message)
        })?;
        let key = self.key(cx)?;
        if key.is_some() && endpoint.is_readable_on_the_way() {
            let message = format!("The key would travel to {endpoint} for everybody to read.");
            return Err(CommandError::user(message)
                .with_hint("Use an https:// address. Nothing was sent or changed."));
        }
        let target =
            Target { url: endpoint.ingest_url(), key: key.clone(), version: VERSION.to_owned() };
        check(&target, PATIENCE).map_err(|error| refused(&endpoint, &error))?;

        // The key is kept for this endpoint alone. One that was kept for the endpoint before is
        // replaced or removed: it must not go to the new one.
        Preferences::set_endpoint(config, Some(&endpoint))
            .map_err(|error| CommandError::user(error.to_string()))?;
        store_key(config, &endpoint, key.as_ref()).map_err(|error| {
            CommandError::user(format!("The key cannot be kept in {}: {error}", config.display()))
        })?;
        self.tell(cx, &endpoint, key.is_some())
    }

    /// The key, from where it was said to come.
    fn key(&self, cx: &Cx<'_>) -> Result<Option<ApiKey>, CommandError> {
        let text = if self.key_stdin {
            let piped = secret_input::piped()?;
            Some(piped.ok_or_else(|| {
                CommandError::user("There is no key on standard input.")
                    .with_hint("swamp telemetry connect <url> --key-stdin < file-with-the-key")
            })?)
        } else {
            secret_input::asked(cx, "Key (none: just press Enter): ")?
        };
        let Some(text) = text.filter(|text| self.key_stdin || !text.expose().trim().is_empty())
        else {
            return Ok(None);
        };
        ApiKey::new(text.expose()).map(Some).ok_or_else(|| {
            CommandError::user(
                "This is no key: it is empty, or has blanks or other characters that no key has.",
            )
            .with_hint("`swamp collector key create --scope ingest` makes one.")
        })
    }

    fn tell(self, cx: &Cx<'_>, endpoint: &Endpoint, has_key: bool) -> CommandResult {
        let after = delivery::setup(cx, &self.repo)?;
        let stronger = after
            .endpoint
            .as_ref()
            .map(|named| named.origin)
            .filter(|origin| *origin != Origin::UserSettings)
            .map(Origin::as_str);
        let off = after.off.map(swamp_telemetry::Off::as_str);
        if cx.output.is_json() {
            cx.output.document(&json!({
                "endpoint": endpoint.to_string(),
                "key": has_key,
                "overriddenBy": stronger,
                "offReason": off,
            }));
            return Ok(Ending::SUCCESS);
        }
        let key = if has_key { "with a key" } else { "without a key" };
        let text = format!("Connected to {endpoint} {key}: what you run is sent there from now on");
        cx.output.record(Level::Info, CATEGORY, text);
        if let Some(stronger) = stronger {
            let text = format!("Not from here, though: {stronger} names another endpoint");
            cx.output.record(Level::Warning, CATEGORY, text);
        }
        if let Some(off) = off {
            let text = format!("Nothing is recorded here, though: {off}");
            cx.output.record(Level::Warning, CATEGORY, text);
        }
        Ok(Ending::SUCCESS)
    }
}

/// The round trip failed: what to do about it.
fn refused(endpoint: &Endpoint, error: &CheckError) -> CommandError {
    let hint = match error {
        CheckError::NoAnswer(_) => {
            "Is the collector running, and is this the address it printed? Nothing was changed."
        }
        CheckError::NoKey(_) => {
            "Make a key where the collector is: swamp collector key create --scope ingest. Then pipe it in with --key-stdin. Nothing was changed."
        }
        CheckError::WrongKey(_) => {
            "It must be a key of this collector, for sending, and not revoked: swamp collector key create --scope ingest. Nothing was changed."
        }
        CheckError::Unwell(_) => "Try again in a minute. Nothing was changed.",
        CheckError::NoCollector(_) => {
            "Give the address that `swamp collector serve` printed, without /ingest. Nothing was changed."
        }
    };
    CommandError::user(format!("Not connected to {endpoint}: {error}.")).with_hint(hint)
}
