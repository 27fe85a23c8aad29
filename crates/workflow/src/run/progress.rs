//! How far a run has come: what its record and its JSON view are made of.

use std::io;

use serde_json::{Map, Value, json};
use swamp_events::{DriverUse, RunTotals};
use swamp_ident::{
    DriverOrigin, JobName, Moment, RunId, Status, StepName, WorkflowId, WorkflowName,
};

use super::fragments::Fragment;
use super::summary::Row;
use crate::yaml_text::indented;

/// What never changes about a run.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) id: RunId,
    pub(super) workflow_id: WorkflowId,
    pub(super) workflow_name: WorkflowName,
    pub(super) tags: Vec<(String, String)>,
    /// Relative to the repository.
    pub(super) log_file: String,
}

/// A run.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) status: Status,
    pub(super) times: Times,
    pub(super) error: Option<String>,
    /// In file order.
    pub(super) jobs: Vec<JobProgress>,
}

/// A job.
#[derive(Debug)]
pub(super) struct JobProgress {
    pub(super) name: JobName,
    pub(super) status: Status,
    pub(super) times: Times,
    pub(super) error: Option<String>,
    /// In file order; `forEach` steps expanded once the job has begun.
    pub(super) steps: Vec<StepProgress>,
}

/// A step.
#[derive(Debug)]
pub(super) struct StepProgress {
    pub(super) name: StepName,
    pub(super) status: Status,
    pub(super) times: Times,
    pub(super) error: Option<Box<str>>,
    pub(super) allowed: bool,
    /// The driver of its method, as far as it was resolved.
    pub(super) driver: Option<DriverUse>,
    /// `dataArtifacts` as compact JSON.
    pub(super) artifacts: Option<Fragment>,
    /// The keys that follow the others in the record, as YAML of the step's mapping.
    pub(super) rest: Option<Fragment>,
    /// What the workflow summary says about the step, or about the steps of the run it was.
    pub(super) rows: Vec<Row>,
}

/// Begin and end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) started: Option<Moment>,
    pub(super) completed: Option<Moment>,
}

impl Times {
    /// Whole milliseconds, once both ends are known.
    pub(super) fn duration(&self) -> Option<u64> {
        Some(self.completed?.millis_since(&self.started?))
    }

    fn put(&self, keys: &mut Map<String, Value>) {
        let text = |moment: Moment| Value::from(moment.wall.to_string());
        if let Some(started) = self.started {
            keys.insert("startedAt".to_owned(), text(started));
        }
        if let Some(completed) = self.completed {
            keys.insert("completedAt".to_owned(), text(completed));
        }
    }
}

impl StepProgress {
    /// A step that waits.
    pub(super) fn pending(name: StepName) -> Self {
        Self {
            name,
            status: Status::Pending,
            times: Times::default(),
            error: None,
            allowed: false,
            driver: None,
            artifacts: None,
            rest: None,
            rows: Vec::new(),
        }
    }

    fn keys(&self) -> Value {
        let mut keys = Map::new();
        keys.insert("stepName".to_owned(), self.name.as_str().into());
        keys.insert("status".to_owned(), self.status.as_str().into());
        self.times.put(&mut keys);
        if let Some(error) = &self.error {
            keys.insert("error".to_owned(), Value::from(&**error));
        }
        // That nobody chose one needs no saying.
        let chosen = |driver: &&DriverUse| driver.origin != DriverOrigin::Default;
        if let Some(DriverUse { name, origin }) = self.driver.as_ref().filter(chosen) {
            keys.insert("driver".to_owned(), name.as_str().into());
            keys.insert("driverOrigin".to_owned(), origin.as_str().into());
        }
        Value::Object(keys)
    }
}

impl Progress {
    /// The progress, given away.
    pub(super) fn take(&mut self) -> Self {
        Self {
            status: self.status,
            times: self.times,
            error: self.error.take(),
            jobs: std::mem::take(&mut self.jobs),
        }
    }

    /// Ends everything that has not ended, where nobody else can any more.
    pub(super) fn give_up(&mut self, why: &str, now: Moment) {
        fn end(status: &mut Status, times: &mut Times, now: Moment) {
            if matches!(status, Status::Pending | Status::Running) {
                *status = Status::Cancelled;
                times.completed = Some(now);
            }
        }
        for job in &mut self.jobs {
            end(&mut job.status, &mut job.times, now);
            for step in &mut job.steps {
                end(&mut step.status, &mut step.times, now);
            }
        }
        if matches!(self.status, Status::Pending | Status::Running) {
            self.status = Status::Failed;
            self.times.completed = Some(now);
            self.error = Some(why.to_owned());
        }
    }

    /// How the steps ended.
    pub(super) fn totals(&self) -> RunTotals {
        let mut totals = RunTotals::default();
        for step in self.jobs.iter().flat_map(|job| &job.steps) {
            match step.status {
                Status::Succeeded => totals.succeeded += 1,
                Status::Failed => totals.failed += 1,
                Status::Skipped => totals.skipped += 1,
                Status::Cancelled => totals.cancelled += 1,
                Status::Pending | Status::Running => {}
            }
        }
        totals
    }

    /// The record as it is now. Cheap compared with writing it: what steps gave is not copied.
    pub(super) fn record(&self, identity: &Identity) -> RecordText {
        let mut pieces = Pieces::default();
        let mut head = Map::new();
        head.insert("id".to_owned(), identity.id.as_str().into());
        head.insert("workflowId".to_owned(), identity.workflow_id.as_str().into());
        head.insert("workflowName".to_owned(), identity.workflow_name.as_str().into());
        head.insert("status".to_owned(), self.status.as_str().into());
        self.times.put(&mut head);
        if let Some(error) = &self.error {
            head.insert("error".to_owned(), error.as_str().into());
        }
        pieces.yaml(&Value::Object(head), 0);
        pieces.text("jobs:\n");
        for job in &self.jobs {
            let mut keys = Map::new();
            keys.insert("jobName".to_owned(), job.name.as_str().into());
            keys.insert("status".to_owned(), job.status.as_str().into());
            job.times.put(&mut keys);
            if let Some(error) = &job.error {
                keys.insert("error".to_owned(), error.as_str().into());
            }
            pieces.yaml(&json!([keys]), 2);
            pieces.text(if job.steps.is_empty() { "    steps: []\n" } else { "    steps:\n" });
            for step in &job.steps {
                pieces.yaml(&json!([step.keys()]), 6);
                if let Some(rest) = &step.rest {
                    pieces.fragment(rest.clone());
                }
                if step.allowed {
                    pieces.text("        allowedFailure: true\n");
                }
            }
        }
        let tags: Map<String, Value> =
            identity.tags.iter().map(|(key, tag)| (key.clone(), tag.as_str().into())).collect();
        pieces.yaml(&json!({"tags": tags, "logFile": identity.log_file}), 0);
        RecordText(pieces.done())
    }
}

/// Keys of a step that follow its error, `output` and `dataArtifacts`, as they stand in the record.
pub(super) fn in_step(yaml: &str) -> String {
    if yaml.is_empty() { String::new() } else { indented(yaml, 8) }
}

/// The text of a record, in pieces.
#[derive(Debug)]
pub(super) struct RecordText(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Fragment(Fragment),
}

impl RecordText {
    pub(super) fn write_to(&self, writer: &mut dyn io::Write) -> io::Result<()> {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => writer.write_all(text.as_bytes()),
            Piece::Fragment(fragment) => fragment.write_to(writer),
        })
    }
}

#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    text: String,
}

impl Pieces {
    fn yaml(&mut self, value: &Value, depth: usize) {
        self.text.push_str(&indented(&swamp_yaml::to_string(value), depth));
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn fragment(&mut self, fragment: Fragment) {
        self.flush();
        self.done.push(Piece::Fragment(fragment));
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.done.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    fn done(mut self) -> Vec<Piece> {
        self.flush();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use swamp_ident::Timestamp;
    use swamp_yaml::Document;

    use super::*;

    fn moment(millis: u32) -> Moment {
        Moment {
            wall: Timestamp::from_millis(1_700_000_000_000 + i64::from(millis)),
            mono: Duration::from_millis(millis.into()),
        }
    }

    fn identity() -> Identity {
        Identity {
            id: RunId::new("run-1"),
            workflow_id: WorkflowId::new("wf-1"),
            workflow_name: WorkflowName::new("yes"),
            tags: vec![("team".to_owned(), "1".to_owned())],
            log_file: ".swamp/workflow-runs/wf-1/workflow-run-run-1.log".to_owned(),
        }
    }

    fn text(progress: &Progress) -> String {
        let mut bytes = Vec::new();
        progress.record(&identity()).write_to(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn progress(steps: Vec<StepProgress>) -> Progress {
        let times = Times { started: Some(moment(0)), completed: None };
        let job = |name: &str, steps| JobProgress {
            name: JobName::new(name),
            status: Status::Failed,
            times: Times { started: Some(moment(1)), completed: Some(moment(5)) },
            error: None,
            steps,
        };
        let mut empty = job("a: b", vec![]);
        empty.error = Some("no list".to_owned());
        let jobs = vec![job("j", steps), empty];
        Progress { status: Status::Running, times, error: None, jobs }
    }

    #[test]
    fn a_record_in_full() {
        let mut done = StepProgress::pending(StepName::new("copy"));
        done.status = Status::Failed;
        done.times = Times { started: Some(moment(1)), completed: Some(moment(3)) };
        done.error = Some("two\n\nlines".into());
        done.allowed = true;
        done.driver = Some(DriverUse { name: "docker".into(), origin: DriverOrigin::Job });
        let output = json!({"output": {"stdout": "x\n\n  y\n", "empty": {}}, "dataArtifacts": []});
        done.rest = Some(Fragment::Text(in_step(&swamp_yaml::to_string(&output)).into()));
        let progress = progress(vec![done, StepProgress::pending(StepName::new("null"))]);
        let want = "\
id: run-1
workflowId: wf-1
workflowName: 'yes'
status: running
startedAt: '2023-11-14T22:13:20.000Z'
jobs:
  - jobName: j
    status: failed
    startedAt: '2023-11-14T22:13:20.001Z'
    completedAt: '2023-11-14T22:13:20.005Z'
    steps:
      - stepName: copy
        status: failed
        startedAt: '2023-11-14T22:13:20.001Z'
        completedAt: '2023-11-14T22:13:20.003Z'
        error: |-
          two

          lines
        driver: docker
        driverOrigin: job
        output:
          stdout: |
            x

              y
          empty: {}
        dataArtifacts: []
        allowedFailure: true
      - stepName: 'null'
        status: pending
  - jobName: 'a: b'
    status: failed
    startedAt: '2023-11-14T22:13:20.001Z'
    completedAt: '2023-11-14T22:13:20.005Z'
    error: no list
    steps: []
tags:
  team: '1'
logFile: .swamp/workflow-runs/wf-1/workflow-run-run-1.log
";
        assert_eq!(text(&progress), want);
        let totals = progress.totals();
        assert_eq!((totals.failed, totals.succeeded), (1, 0));
    }

    proptest! {
        /// Whatever a step prints, the record says exactly that.
        #[test]
        fn any_text_survives(name in ".{1,20}", error in "(?s).{0,80}", output in "(?s)[ \\n\\t-~é:#'\"|>-]{0,200}") {
            let mut step = StepProgress::pending(StepName::new(&name));
            step.error = Some(error.as_str().into());
            let rest = json!({"output": {"deep": [{"stdout": output}]}});
            step.rest = Some(Fragment::Text(in_step(&swamp_yaml::to_string(&rest)).into()));
            let text = text(&progress(vec![step]));
            let document = Document::parse(&text).unwrap();
            let step = &document.value()["jobs"][0]["steps"][0];
            prop_assert_eq!(&step["stepName"], &json!(name));
            prop_assert_eq!(&step["error"], &json!(error));
            prop_assert_eq!(&step["output"]["deep"][0]["stdout"], &json!(output));
        }
    }
}
