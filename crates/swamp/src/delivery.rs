//! What becomes of recorded entries once a command has ended.
//!
//! Nothing, unless an endpoint is set. Then a process of its own sends them, and the command exits
//! at once; or the command waits for it, where the machine goes away right after (continuous
//! integration). The same process sees to the bounds of the spool, endpoint or not, and settles what
//! dead sessions left when that is too much for the end of a command.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use swamp_ident::{Clock, IdSource};
use swamp_store::{Repository, Span};
use swamp_telemetry::flush::{Backoff, BatchLimits, Errand, FlushJob, FlushReport, due};
use swamp_telemetry::{Named, Setup, note_told, recover_sessions, was_told};

use crate::arguments::RepoArgs;
use crate::command_line::CommandLine;
use crate::commands::VERSION;
use crate::cx::Cx;
use crate::ending::CommandError;
use crate::environment::Environment;
use crate::output::{Output, Stream};
use crate::recorder::Recorded;

/// How long `wait` waits when it does not say.
const WAIT: Duration = Duration::from_secs(10);

/// How long a process of its own may be at it. The next command starts another one.
const BACKGROUND: Duration = Duration::from_mins(5);

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// What to do about sending when a command has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flushing {
    /// Have a process of its own send what is due.
    #[default]
    Detach,
    /// Send it, for so long at most.
    Wait(Duration),
    /// Nothing.
    Off,
}

impl Flushing {
    /// What `--telemetry-flush` says, else `SWAMP_TELEMETRY_FLUSH`.
    pub(crate) fn wanted(
        line: &CommandLine,
        environment: Environment,
    ) -> Result<Self, CommandError> {
        let (place, text) = match &line.telemetry_flush {
            Some(text) => ("--telemetry-flush", text.clone()),
            None => match environment.get("SWAMP_TELEMETRY_FLUSH") {
                Some(text) => ("SWAMP_TELEMETRY_FLUSH", text),
                None => return Ok(Self::default()),
            },
        };
        Self::parse(&text).ok_or_else(|| {
            CommandError::usage(format!(
                "Invalid value \"{text}\" of {place}: expected detach, wait, wait:30s or off."
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "detach" => Some(Self::Detach),
            "wait" => Some(Self::Wait(WAIT)),
            "off" => Some(Self::Off),
            other => other.strip_prefix("wait:").and_then(wait).map(Self::Wait),
        }
    }
}

/// A length of time: `30`, `30s`, `5m`.
pub(crate) fn wait(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.strip_suffix('s').unwrap_or(text);
    let millis = match seconds.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => u64::try_from(Span::parse(text).ok()?.as_millis()).ok()?,
    };
    // No deadline is further away than a clock can count.
    (millis > 0).then(|| Duration::from_millis(millis.min(30 * 86_400_000)))
}

/// What holds where a command of the group `telemetry` runs.
pub(crate) fn setup(cx: &Cx<'_>, args: &RepoArgs) -> Result<Setup, CommandError> {
    let variable = cx.environment.get("SWAMP_REPO_DIR");
    let option = args.repo_dir.as_deref();
    let directory = Repository::directory(option, variable.as_deref(), &cx.cwd()?);
    let env = |name: &str| cx.environment.get(name);
    let setup = Setup::read(Some(&directory), cx.global.no_telemetry, &env);
    if setup.repository.is_none() && option.is_some() {
        // A repository that was named is not to be passed over.
        cx.repository(args)?;
    }
    Ok(setup)
}

/// A flush as it is usually done.
pub(crate) fn job<'a>(
    setup: &'a Setup,
    spool: &'a Path,
    deadline: Instant,
    is_on: &'a dyn Fn() -> bool,
    (clock, ids): (&'a dyn Clock, &'a dyn IdSource),
) -> FlushJob<'a> {
    let env = |name: &str| Environment.get(name);
    FlushJob {
        spool,
        target: setup.target(VERSION, &env),
        config: setup.config.as_deref(),
        repo_id: setup.marker.as_ref().and_then(|marker| marker.repo_id.as_ref()),
        names: setup.names(),
        limits: setup.preferences.limits,
        keep_sent: setup.marker.as_ref().is_some_and(|marker| marker.keep_sent),
        batch: BatchLimits::default(),
        request_timeout: REQUEST,
        backoff: Backoff::default(),
        deadline,
        waits_for_others: false,
        is_impatient: false,
        is_on,
        clock,
        ids,
    }
}

/// Whether telemetry is still on for a repository, or outside any.
pub(crate) fn is_on(setup: &Setup) -> bool {
    let env = |name: &str| Environment.get(name);
    Setup::read(setup.repository.as_deref(), false, &env).off.is_none()
}

/// Sees to what is due when a command has ended and everything is recorded. Nothing that goes wrong
/// here is the command's business.
pub(crate) fn after_command(
    Recorded { setup, is_unsettled }: &Recorded,
    flushing: Flushing,
    output: &Output,
    talks: bool,
    sources: (&dyn Clock, &dyn IdSource),
) {
    let now = sources.0.now().wall;
    let Some(spool) = setup.spool.as_deref() else {
        return;
    };
    if talks && !output.is_json() {
        tell_once(setup, output);
    }
    // Who waits, or wants no other process, does it now; that process begins with it.
    if *is_unsettled && flushing != Flushing::Detach {
        recover_sessions(spool, now);
    }
    let url = setup.usable_endpoint().map(swamp_telemetry::Endpoint::ingest_url);
    if let Flushing::Wait(limit) = flushing
        && url.is_some()
    {
        wait_for(setup, spool, limit, output, talks, sources);
        return;
    }
    let url = url.filter(|_| flushing != Flushing::Off);
    let errand = due(spool, url.as_deref(), &setup.preferences.limits, now);
    match (errand, flushing) {
        (None, Flushing::Detach) if *is_unsettled => drop(start(setup)),
        (None, _) => {}
        (Some(Errand::Tidy), Flushing::Off) => {
            let on = || true;
            let deadline = Instant::now() + BACKGROUND;
            let job = FlushJob { target: None, ..job(setup, spool, deadline, &on, sources) };
            drop(job.run());
        }
        (Some(_), _) => drop(start(setup)),
    }
}

/// Starts `swamp telemetry flush` as a process that nobody waits for: it stands in the root directory
/// and has nothing open. It is in a process group of its own from its first moment, because a terminal
/// that closes hangs up on the group in its foreground, which is ours, and that may be right after we
/// end: at once, if we were the terminal's own command (`ssh -t host swamp …`). A session of its own,
/// which it could only make later itself, would come too late.
fn start(setup: &Setup) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["telemetry", "flush", "--background"]);
    match &setup.repository {
        Some(root) => command.arg("--repo-dir").arg(root.canonicalize()?),
        None => command.arg("--outside"),
    };
    command.env_remove("SWAMP_REPO_DIR").current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A pipe that somebody gave us and reads to its end would stay open with the process. We start
    // no other one after it.
    close_fds::set_fds_cloexec(3, &[]);
    command.spawn().map(drop)
}

fn wait_for(
    setup: &Setup,
    spool: &Path,
    limit: Duration,
    output: &Output,
    talks: bool,
    sources: (&dyn Clock, &dyn IdSource),
) {
    let on = || is_on(setup);
    let job = FlushJob {
        waits_for_others: true,
        is_impatient: true,
        ..job(setup, spool, Instant::now() + limit, &on, sources)
    };
    let said = match job.run() {
        Ok(FlushReport { left: 0, .. }) => return,
        Ok(report) => format!(
            "Telemetry: {} of {} entries are left for a later command: {}.",
            report.left,
            report.left.saturating_add(report.sent),
            report.result
        ),
        Err(error) => format!("Telemetry: nothing was sent: {error}."),
    };
    if talks {
        output.write(Stream::Err, &format!("{said}\n"));
    }
}

/// Tells that entries leave the machine, once for each endpoint.
fn tell_once(setup: &Setup, output: &Output) {
    let (Some(Named { origin, endpoint: Ok(endpoint) }), Some(config)) =
        (&setup.endpoint, &setup.config)
    else {
        return;
    };
    if was_told(config, endpoint) {
        return;
    }
    let text = format!(
        "\nTelemetry of this and later commands is sent to {endpoint}\n\
         (set by {}): which commands and methods ran, when, for how long and how\n\
         it ended, with the names of workflows, jobs and steps. No values, no paths, no secrets.\n  \
         what exactly: swamp telemetry preview\n  \
         stop it:      swamp telemetry off        (or DO_NOT_TRACK=1)\n\
         This is said once for each endpoint.\n",
        origin.as_str()
    );
    output.write(Stream::Err, &text);
    // If it cannot be remembered, it is said again.
    drop(note_told(config, endpoint));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_words() {
        let seconds = |n| Some(Flushing::Wait(Duration::from_secs(n)));
        for (text, want) in [
            ("detach", Some(Flushing::Detach)),
            ("off", Some(Flushing::Off)),
            ("wait", seconds(10)),
            ("wait:30", seconds(30)),
            ("wait:30s", seconds(30)),
            ("wait:2m", seconds(120)),
            ("wait:0", None),
            ("wait:", None),
            ("wait:soon", None),
            ("", None),
            ("yes", None),
        ] {
            assert_eq!(Flushing::parse(text), want, "{text}");
        }
    }
}
