//! `swamp telemetry flush`

use std::time::{Duration, Instant};

use serde_json::json;
use swamp_telemetry::Setup;
use swamp_telemetry::flush::{FlushJob, FlushReport, FlushResult};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandError, CommandResult, Ending};
use crate::output::Level;

const CATEGORY: &str = "telemetry·flush";

/// How long the background process may be at it.
const BACKGROUND: Duration = Duration::from_mins(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Stop after this time; what is left waits for the next time
    #[arg(long, value_name = "duration", default_value = "30s")]
    wait_for: String,
    /// Be the process that commands start when they end
    #[arg(long, hide = true)]
    background: bool,
    /// Send what was recorded outside repositories, wherever this runs
    #[arg(long, hide = true)]
    outside: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let setup = if self.outside {
            let env = |name: &str| cx.environment.get(name);
            Setup::read(None, cx.global.no_telemetry, &env)
        } else {
            delivery::setup(cx, &self.repo)?
        };
        if self.background {
            return Ok(Self::in_background(cx, &setup));
        }
        let limit = delivery::wait(&self.wait_for).ok_or_else(|| {
            let text = &self.wait_for;
            CommandError::usage(format!("Invalid --wait-for value \"{text}\": expected 30s, 5m"))
        })?;
        if let Some(off) = setup.off {
            let message = format!("Telemetry is off: {}. Nothing was sent.", off.as_str());
            return Err(CommandError::user(message));
        }
        let wrong = match &setup.endpoint {
            None => Some("no endpoint is set".to_owned()),
            Some(named) => named.endpoint.as_ref().err().map(|error| {
                format!("the endpoint in {} cannot be used: {error}", named.origin.as_str())
            }),
        };
        if let Some(wrong) = wrong {
            let hint = "Set SWAMP_TELEMETRY_ENDPOINT, telemetryEndpoint in .swamp.yaml, or endpoint in telemetry.yaml in your configuration directory.";
            let message = format!("Nothing was sent: {wrong}.");
            return Err(CommandError::user(message).with_hint(hint));
        }
        let Some(spool) = setup.spool.as_deref() else {
            return Err(CommandError::user("There is no place for telemetry here."));
        };
        let is_on = || delivery::is_on(&setup);
        let sources = (&*cx.clock, &*cx.ids);
        let job = FlushJob {
            waits_for_others: true,
            is_impatient: true,
            ..delivery::job(&setup, spool, Instant::now() + limit, &is_on, sources)
        };
        let report = job.run().map_err(|error| CommandError::user(error.to_string()))?;
        Self::tell(cx, &report)
    }

    fn tell(cx: &Cx<'_>, report: &FlushReport) -> CommandResult {
        let FlushReport { result, sent, set_aside, dropped, left, next_try, fault } = report;
        if cx.output.is_json() {
            cx.output.document(&json!({
                "ok": result.is_good(),
                "result": result.to_string(),
                "sent": sent,
                "setAside": set_aside,
                "dropped": dropped,
                "left": left,
                "nextTry": next_try,
                "fault": fault,
            }));
        } else {
            let mut text = format!("{sent} sent, {left} left");
            for (number, what) in [(set_aside, "set aside"), (dropped, "given up")] {
                if *number > 0 {
                    text.push_str(&format!(", {number} {what}"));
                }
            }
            if result.is_good() {
                cx.output.record(Level::Info, CATEGORY, text);
            } else {
                let next = next_try.map_or_else(String::new, |at| format!("; next try at {at}"));
                cx.output.record(Level::Warning, CATEGORY, format!("{text}: {result}{next}"));
            }
            if let Some(fault) = fault {
                cx.output.record(Level::Warning, CATEGORY, fault);
            }
        }
        if result.is_good() {
            Ok(Ending::SUCCESS)
        } else {
            Ok(Ending::bad_result(result.to_string()))
        }
    }

    /// Nobody looks at this process: whatever happens is in the spool's own notes.
    fn in_background(cx: &Cx<'_>, setup: &Setup) -> Ending {
        if let (None, Some(spool)) = (setup.off, setup.spool.as_deref()) {
            let is_on = || delivery::is_on(setup);
            let sources = (&*cx.clock, &*cx.ids);
            let deadline = Instant::now() + BACKGROUND;
            let job = delivery::job(setup, spool, deadline, &is_on, sources);
            return match job.run() {
                Ok(report) if report.result.is_good() || report.result == FlushResult::Busy => {
                    Ending::SUCCESS
                }
                Ok(report) => Ending::bad_result(report.result.to_string()),
                Err(error) => Ending::bad_result(error.to_string()),
            };
        }
        Ending::SUCCESS
    }
}
