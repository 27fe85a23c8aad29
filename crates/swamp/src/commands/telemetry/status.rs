//! `swamp telemetry status`

use serde_json::{Value, json};
use swamp_ident::Timestamp;
use swamp_telemetry::preferences::Names;
use swamp_telemetry::{KeyChoice, Limits, Named, NoKey, Off, Setup, Status, status};

use crate::arguments::RepoArgs;
use crate::cx::Cx;
use crate::delivery;
use crate::ending::{CommandResult, Ending};
use crate::progress::duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    repo: RepoArgs,
}

impl Args {
    pub(crate) fn run(self, cx: &Cx<'_>) -> CommandResult {
        let setup = delivery::setup(cx, &self.repo)?;
        let env = |name: &str| cx.environment.get(name);
        let key = setup.key(&env);
        // A spool that cannot be used is one of the things this command is there to tell.
        let (spool, fault) = match setup.spool.as_deref().map(status) {
            None => (Status::default(), Some("there is no place for telemetry here".to_owned())),
            Some(Ok(spool)) => (spool, None),
            Some(Err(error)) => (Status::default(), Some(error.to_string())),
        };
        let seen = Seen { setup: &setup, key: key.as_ref(), spool: &spool, fault };
        if cx.output.is_json() {
            cx.output.document(&seen.document());
        } else {
            for line in seen.lines(cx.clock.now().wall) {
                cx.output.line(line);
            }
        }
        Ok(Ending::SUCCESS)
    }
}

struct Seen<'a> {
    setup: &'a Setup,
    key: Option<&'a KeyChoice>,
    spool: &'a Status,
    /// Why the spool cannot be used.
    fault: Option<String>,
}

impl Seen<'_> {
    fn document(&self) -> Value {
        let Self { setup, spool, .. } = self;
        let Limits { entries, bytes, days } = setup.preferences.limits;
        let endpoint = setup.endpoint.as_ref().map(|Named { origin, endpoint }| {
            json!({
                "url": endpoint.as_ref().ok().map(ToString::to_string),
                "setBy": origin.as_str(),
                "error": endpoint.as_ref().err().map(ToString::to_string),
            })
        });
        let key = self.key.map(|key| match key {
            KeyChoice::Key(_, source) => json!({"sent": true, "from": source.as_str()}),
            KeyChoice::None(why) => json!({"sent": false, "reason": why.as_str()}),
        });
        json!({
            "recording": setup.off.is_none() && self.fault.is_none(),
            "offReason": setup.off.map(Off::as_str),
            "sending": setup.off.is_none() && setup.usable_endpoint().is_some(),
            "endpoint": endpoint,
            "key": key,
            "names": match setup.names() { Names::Clear => "clear", Names::Hashed => "hashed" },
            "spool": {
                "path": setup.spool,
                "error": self.fault,
                "waiting": spool.waiting,
                "kept": spool.kept,
                "bytes": spool.bytes,
                "oldest": spool.oldest,
                "setAside": spool.set_aside,
                "sessions": spool.sessions,
                "limits": {"entries": entries, "bytes": bytes, "days": days},
            },
            "flushing": spool.is_sending,
            "lastFlush": spool.last_flush,
            "failures": spool.failures,
            "nextTry": spool.next_try,
            "dropped": spool.dropped,
            "lost": spool.lost,
            "recovered": {
                "sessions": spool.recovered_sessions,
                "entries": spool.recovered_entries,
            },
        })
    }

    fn lines(&self, now: Timestamp) -> Vec<String> {
        let Self { setup, spool, .. } = self;
        let mut lines = Vec::new();
        let mut say = |what: &str, text: String| lines.push(format!("{what:<12}{text}"));
        let ago = |at: Timestamp| {
            let millis = now.as_millis().saturating_sub(at.as_millis());
            format!("{} ago", duration::show(u64::try_from(millis).unwrap_or(0)))
        };
        say(
            "recording",
            match (setup.off, &self.fault) {
                (Some(off), _) => format!("off: {}", off.as_str()),
                (None, Some(fault)) => format!("not possible: {fault}"),
                (None, None) => "on".to_owned(),
            },
        );
        say("sending", self.sending());
        if let Some(key) = self.key {
            say(
                "key",
                match key {
                    KeyChoice::Key(_, source) => format!("sent, from {}", source.as_str()),
                    KeyChoice::None(NoKey::NotSet) => "none".to_owned(),
                    KeyChoice::None(why) => format!("not sent: {}", why.as_str()),
                },
            );
        }
        if setup.names() == Names::Hashed {
            say("names", "of workflows, jobs and steps are sent as hashes".to_owned());
        }
        if let Some(path) = &setup.spool {
            let oldest =
                spool.oldest.map_or_else(String::new, |at| format!(", oldest {}", ago(at)));
            let mut text = format!("{} waiting{oldest}", spool.waiting);
            if spool.kept > 0 {
                text.push_str(&format!(", {} sent and kept", spool.kept));
            }
            text.push_str(&format!(", {}", kibibytes(spool.bytes)));
            say("spool", format!("{text} in {}", path.display()));
        }
        if let Some(last) = &spool.last_flush {
            let mut text = format!("{}: {}, {} sent", ago(last.at), last.result, last.sent);
            if last.left > 0 {
                text.push_str(&format!(", {} left", last.left));
            }
            say("last flush", text);
        }
        if spool.is_sending {
            say("now", "a process is sending".to_owned());
        } else if let Some(at) = spool.next_try.filter(|at| *at > now) {
            say("next try", format!("{at}, after {} failure(s) in a row", spool.failures));
        }
        if spool.set_aside > 0 {
            let text = format!("{}, in quarantine/ of the spool with the reasons", spool.set_aside);
            say("set aside", text);
        }
        let dropped = &spool.dropped;
        if dropped.total() > 0 {
            let reasons = [
                (dropped.too_many, "too many"),
                (dropped.too_much, "too many bytes"),
                (dropped.too_old, "too old"),
                (dropped.by_server, "not wanted by the endpoint"),
            ];
            let reasons: Vec<String> = reasons
                .iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, reason)| format!("{number} {reason}"))
                .collect();
            say("given up", format!("{} ({})", dropped.total(), reasons.join(", ")));
        }
        if spool.lost > 0 {
            say("lost", format!("{} that could not be written", spool.lost));
        }
        if spool.recovered_sessions > 0 {
            let (sessions, entries) = (spool.recovered_sessions, spool.recovered_entries);
            say("recovered", format!("{entries} entries of {sessions} command(s) that died"));
        }
        lines
    }

    fn sending(&self) -> String {
        match (&self.setup.endpoint, self.setup.off) {
            (None, _) => "nothing: no endpoint is set".to_owned(),
            (Some(Named { origin, endpoint: Err(error) }), _) => {
                format!("nothing: the endpoint in {} cannot be used: {error}", origin.as_str())
            }
            (Some(Named { origin, endpoint: Ok(endpoint) }), off) => {
                let not = if off.is_some() { "nothing; otherwise " } else { "" };
                format!("{not}to {endpoint} (set by {})", origin.as_str())
            }
        }
    }
}

fn kibibytes(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
