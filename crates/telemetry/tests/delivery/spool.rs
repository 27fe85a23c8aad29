//! A spool with entries, and a flush that is in no hurry.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use swamp_ident::{RandomIds, RepoId, SystemClock};
use swamp_telemetry::flush::{Backoff, BatchLimits, FlushJob, FlushReport, Target};
use swamp_telemetry::preferences::Names;
use swamp_telemetry::{ApiKey, Limits, Status, status};
use tempfile::TempDir;

use crate::server::Server;

/// How many files were written so far.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

pub struct Spool {
    pub home: TempDir,
    pub path: PathBuf,
    pub names: Names,
    pub limits: Limits,
    pub batch: BatchLimits,
    pub keep_sent: bool,
    pub key: Option<&'static str>,
    pub deadline: Duration,
    pub request_timeout: Duration,
    pub backoff: Backoff,
    pub is_impatient: bool,
}

impl Spool {
    /// A spool with so many entries `id-0`, `id-1`, …, the first being the oldest.
    pub fn with(entries: usize) -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("repo/.swamp/telemetry");
        fs::create_dir_all(&path).unwrap();
        let spool = Self {
            home,
            path,
            names: Names::Clear,
            limits: Limits::default(),
            batch: BatchLimits::default(),
            keep_sent: false,
            key: None,
            deadline: Duration::from_secs(30),
            request_timeout: Duration::from_secs(20),
            backoff: Backoff { first: Duration::from_mins(1), most: Duration::from_hours(1) },
            is_impatient: true,
        };
        for n in 0..entries {
            spool.add(&format!("id-{n}"), json!({}));
        }
        spool
    }

    /// Adds an entry of today with more keys.
    pub fn add(&self, id: &str, more: Value) -> PathBuf {
        let entry = entry(id, more);
        self.write(id, &serde_json::to_string_pretty(&entry).unwrap())
    }

    /// Adds a file of today as it is.
    pub fn write(&self, id: &str, text: &str) -> PathBuf {
        let path = self.path.join(format!("telemetry-{}-{id}.json", today()));
        fs::write(&path, text).unwrap();
        // The clock of a file system may be too coarse to tell them apart.
        let millis = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let at = SystemTime::now() - Duration::from_secs(20) + Duration::from_millis(millis);
        fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        path
    }

    /// Sends to a server.
    pub fn flush(&self, server: &Server) -> FlushReport {
        self.flush_to(&server.url())
    }

    /// Sends to an address.
    pub fn flush_to(&self, url: &str) -> FlushReport {
        self.job(url, |job| job.run().unwrap())
    }

    /// Does something with a flush.
    pub fn job<T>(&self, url: &str, then: impl FnOnce(FlushJob<'_>) -> T) -> T {
        let (clock, config, repo) =
            (SystemClock::new(), self.home.path().join("config"), RepoId::new("repo-1"));
        then(FlushJob {
            spool: &self.path,
            target: Some(Target {
                url: format!("{url}/ingest"),
                key: self.key.and_then(ApiKey::new),
                version: "1.2.3".to_owned(),
            }),
            config: Some(&config),
            repo_id: Some(&repo),
            names: self.names,
            limits: self.limits,
            keep_sent: self.keep_sent,
            batch: self.batch,
            request_timeout: self.request_timeout,
            backoff: self.backoff,
            deadline: Instant::now() + self.deadline,
            waits_for_others: false,
            is_impatient: self.is_impatient,
            is_on: &|| true,
            clock: &clock,
            ids: &RandomIds,
        })
    }

    /// What is known of it.
    pub fn status(&self) -> Status {
        status(&self.path).unwrap()
    }

    /// The ids of the files that wait, sorted.
    pub fn waiting(&self) -> Vec<String> {
        let mut ids: Vec<String> = fs::read_dir(&self.path)
            .unwrap()
            .filter_map(|item| item.unwrap().file_name().into_string().ok())
            .filter_map(|name| {
                let rest = name.strip_prefix("telemetry-")?.get(11..)?;
                Some(rest.strip_suffix(".json")?.to_owned())
            })
            .collect();
        ids.sort();
        ids
    }

    /// Why an entry was set aside.
    pub fn reason(&self, id: &str) -> String {
        let name = format!("quarantine/telemetry-{}-{id}.json.reason", today());
        fs::read_to_string(self.path.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// The UTC date.
pub fn today() -> String {
    use swamp_ident::Clock as _;
    SystemClock::new().now().wall.date()
}

/// An entry.
pub fn entry(id: &str, more: Value) -> Value {
    let mut entry = json!({
        "id": id,
        "invocation": {"command": "version", "args": [], "optionKeys": [], "globalOptions": []},
        "result": {"status": "success", "exitCode": 0},
        "startedAt": format!("{}T00:00:00.000Z", today()),
        "completedAt": format!("{}T00:00:00.001Z", today()),
        "durationMs": 1,
        "swampVersion": "1",
        "denoVersion": "0.0.0",
        "platform": "linux",
        "repoId": "repo-1",
    });
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    entry
}

/// The ids of so many entries, each taken once.
pub fn each_once(entries: usize) -> std::collections::BTreeMap<String, usize> {
    (0..entries).map(|n| (format!("id-{n}"), 1)).collect()
}
