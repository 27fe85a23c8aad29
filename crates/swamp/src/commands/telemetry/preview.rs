//! `swamp telemetry preview`

use std::time::Instant;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use swamp_telemetry::flush::Preview;
use swamp_telemetry::{KeyChoice, Setup};

use crate::arguments::RepoArgs;
use crate::commands::VERSION;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Stream;

/// What stands for the sender's id as long as there is none.
const NOBODY: &str = "<made when something is sent>";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let setup = delivery::setup(cx, &self.repo)?;
        let preview = preview(cx, &setup)?;
        let env = |name: &str| cx.environment.get(name);
        let url = setup.usable_endpoint().map(swamp_telemetry::Endpoint::ingest_url);
        let has_key = matches!(setup.key(&env), Some(KeyChoice::Key(..)));
        let (events, later) = preview.as_ref().map_or((0, 0), |next| (next.events, next.later));
        let body = preview.map(|next| String::from_utf8_lossy(&next.body).into_owned());
        let why_not = match (setup.off, &url) {
            (Some(off), _) => Some(format!("telemetry is off: {}", off.as_str())),
            (None, None) => Some("no endpoint is set".to_owned()),
            (None, Some(_)) => None,
        };
        if cx.output.is_json() {
            let mut headers = json!({
                "content-type": "application/json",
                "user-agent": format!("swamp-cli/{VERSION}"),
            });
            if has_key {
                headers["x-api-key"] = json!("<your key>");
            }
            // As it stands: numbers that do not fit any type are not to be changed.
            let body = body.map(RawValue::from_string).transpose();
            let body = body.map_err(|error| CommandError::internal(error.to_string()))?;
            cx.output.document(&Document {
                url: url.as_deref(),
                headers: &headers,
                events,
                later,
                not_sent_because: why_not.as_deref(),
                body: body.as_deref(),
            });
            return Ok(Ending::SUCCESS);
        }
        let mut said = match &why_not {
            Some(why) => format!("Nothing is sent: {why}.\n"),
            None => String::new(),
        };
        if body.is_some() {
            let to = url.as_deref().unwrap_or("an endpoint");
            let key = if has_key { ", with your key in the header x-api-key" } else { "" };
            said.push_str(&format!(
                "POST {to}: {events} event(s){key}; {later} more in later requests. The body:\n"
            ));
        } else {
            said.push_str("Nothing waits.\n");
        }
        cx.output.write(Stream::Err, &said);
        if let Some(body) = body {
            cx.output.line(body);
        }
        Ok(Ending::SUCCESS)
    }
}

/// The document of `--json`.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    url: Option<&'a str>,
    headers: &'a Value,
    events: u64,
    later: u64,
    not_sent_because: Option<&'a str>,
    body: Option<&'a RawValue>,
}

fn preview(cx: &Cx<'_>, setup: &Setup) -> Result<Option<Preview>, CommandError> {
    let Some(spool) = setup.spool.as_deref() else {
        return Ok(None);
    };
    let sources = (&*cx.clock, &*cx.ids);
    let job = delivery::job(setup, spool, Instant::now(), &|| true, sources);
    job.preview(NOBODY).map_err(|error| CommandError::user(error.to_string()))
}
