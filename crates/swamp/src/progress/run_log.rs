//! Run logs: the story of each run in a file of its own, in every output mode.
//!
//! The log of a workflow run holds the lines of its nested runs too, indented; each nested run has
//! its own log besides. Lines are in the file soon after they happened: the writer flushes whenever
//! nothing more is waiting.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, TryRecvError};

use swamp_events::{EventKind, RunEvent, RunRef};
use swamp_secret::Redactor;

use super::narrate::Narrator;
use crate::output::{Level, Paint, layout};

/// Writes the run logs of one command.
pub(crate) struct RunLog {
    level: Level,
    narrator: Narrator,
    /// By run; `None` is a method that was called directly.
    files: HashMap<Option<RunRef>, BufWriter<File>>,
}

impl RunLog {
    /// Logs hold everything from [`Level::Info`] on, or from `level` if that is lower: a quiet
    /// console is no reason for an incomplete log.
    pub(crate) fn new(level: Level, redactor: Redactor) -> Self {
        let narrator = Narrator::new(redactor);
        Self { level: level.min(Level::Info), narrator, files: HashMap::new() }
    }

    /// Writes events until there are no more.
    pub(crate) fn run(mut self, events: &Receiver<Arc<RunEvent>>) {
        loop {
            let event = match events.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Empty) => {
                    self.flush();
                    match events.recv() {
                        Ok(event) => event,
                        Err(RecvError) => break,
                    }
                }
                Err(TryRecvError::Disconnected) => break,
            };
            self.write(&event);
        }
        self.flush();
    }

    fn write(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::LogOpened { path } => self.open(None, path),
            EventKind::RunStarted { log_path, .. } => self.open(event.scope.run.clone(), log_path),
            _ => {}
        }
        for line in self.narrator.lines(event) {
            if line.level < self.level {
                continue;
            }
            let plain = Paint::new(false);
            let text = layout(plain, event.at.wall, line.level, &line.category, &line.message);
            let runs = event.scope.ancestors.iter().chain(&event.scope.run).cloned().map(Some);
            let direct = event.scope.run.is_none().then_some(None);
            for run in runs.chain(direct) {
                if let Some(file) = self.files.get_mut(&run) {
                    // A full disk must not stop the run; its record says what became of it.
                    let _ = writeln!(file, "{text}");
                }
            }
        }
        if matches!(event.kind, EventKind::RunCompleted { .. })
            && let Some(mut file) = self.files.remove(&event.scope.run)
        {
            let _ = file.flush();
        }
    }

    fn open(&mut self, run: Option<RunRef>, path: &Path) {
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        let file = parent.and_then(|()| OpenOptions::new().create(true).append(true).open(path));
        if let Ok(file) = file {
            self.files.insert(run, BufWriter::new(file));
        }
    }

    fn flush(&mut self) {
        for file in self.files.values_mut() {
            let _ = file.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use swamp_events::{EventStream, OutputStream, RunTotals};
    use swamp_ident::{JobName, RunId, Status, SystemClock, WorkflowId, WorkflowName};

    fn run(name: &str) -> RunRef {
        RunRef { workflow: WorkflowName::new(name), id: RunId::new(name) }
    }

    #[test]
    fn a_log_is_complete_and_holds_its_nested_runs() {
        let dir = tempfile::tempdir().unwrap();
        let mut watchers = super::super::Watchers::default();
        watchers.start("run-log", |events| RunLog::new(Level::Error, Redactor::new()).run(&events));
        let stream = EventStream::new(Arc::new(SystemClock::new()), watchers.sinks());
        let started = |name: &str| EventKind::RunStarted {
            workflow_id: WorkflowId::new(name),
            driver: None,
            jobs: Vec::new(),
            log_path: dir.path().join("new").join(name),
        };
        let ended = || EventKind::RunCompleted {
            status: Status::Succeeded,
            error: None,
            totals: RunTotals::default(),
        };
        let outer = stream.emitter().for_run(run("outer"));
        outer.emit(started("outer"));
        let job = outer.for_job(JobName::new("j"));
        job.emit(EventKind::JobStarted);
        let inner = job.for_run(run("inner"));
        inner.emit(started("inner"));
        let stdout = OutputStream::Stdout;
        inner.emit(EventKind::MethodOutput { stream: stdout, line: "from inside".to_owned() });
        inner.emit(ended());
        outer.emit(ended());
        drop((stream, outer, job, inner));
        watchers.finish();
        let told = |name: &str| -> Vec<String> {
            fs::read_to_string(dir.path().join("new").join(name))
                .unwrap()
                .lines()
                .map(|line| line.split_once("] ").unwrap().1.to_owned())
                .collect()
        };
        let inner = [
            "workflow·run·inner:   Run started, 0 jobs",
            "workflow·run·inner:   from inside",
            "workflow·run·inner:   Run succeeded in 0ms: no steps",
        ];
        assert_eq!(told("inner"), inner);
        assert_eq!(
            told("outer"),
            [
                "workflow·run·outer: Run started, 0 jobs",
                "workflow·run·outer·j: Job started",
                inner[0],
                inner[1],
                inner[2],
                "workflow·run·outer: Run succeeded in 0ms: no steps",
            ]
        );
    }
}
