//! Runs that are told to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swamp_driver::Cancel;
use swamp_events::{EventKind, EventSink, EventStream, RunEvent};
use swamp_ident::{CancelCause, Status, SystemClock};
use swamp_workflow::{RunOutcome, RunRequest, Runner, WorkflowError};

use crate::repo::{Repo, record_of, steps, view};

/// Stops everything when a method begins in a run with so many runs around it.
struct StopAtMethod(Cancel, usize, CancelCause);

impl EventSink for StopAtMethod {
    fn accept(&self, event: &Arc<RunEvent>) {
        if matches!(event.kind, EventKind::MethodExecuting(_)) && event.scope.depth() == self.1 {
            self.0.cancel(self.2);
        }
    }
}

fn run_and_stop(
    repo: &Repo,
    workflow: &str,
    depth: usize,
    cause: CancelCause,
) -> Result<RunOutcome, WorkflowError> {
    let stopper: Arc<dyn EventSink> = Arc::new(StopAtMethod(repo.cancel.clone(), depth, cause));
    let sink: Arc<dyn EventSink> = Arc::<crate::repo::Collected>::clone(&repo.events);
    let stream = EventStream::new(Arc::new(SystemClock::new()), vec![sink, stopper]);
    Runner::new(&repo.engine).run(&Repo::request(workflow), &stream.emitter())
}

const SLOW: &str = "
jobs:
  - name: a
    steps:
      - {name: s, task: {type: model_method, modelIdOrName: slow, methodName: execute}}
      - {name: t, dependsOn: [{step: s, condition: {type: always}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}
  - name: b
    dependsOn: [{job: a, condition: {type: always}}]
    steps: [{name: u, task: {type: model_method, modelIdOrName: good, methodName: execute}}]
";

#[test]
fn an_interrupted_run_ends_its_methods_and_marks_everything() {
    let repo = Repo::new(&[("slow", SLOW)]);
    let begin = Instant::now();
    let outcome = run_and_stop(&repo, "slow", 0, CancelCause::Interrupt).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(outcome.cancelled(), Some(CancelCause::Interrupt));
    let lines = steps(&view(&outcome));
    assert!(lines[0].starts_with("a/s=cancelled: "), "{lines:?}");
    assert_eq!(lines[1..], ["a/t=cancelled", "a=cancelled", "b/u=cancelled", "b=cancelled"]);
    let record = record_of(&outcome);
    assert_eq!(record.status, Status::Cancelled);
    assert_eq!(record.jobs[1].status, Status::Cancelled);
    let story = repo.story();
    let end: Vec<&str> = story.iter().rev().take(7).rev().map(String::as_str).collect();
    // The method ends at once; which of the two is noticed first is open.
    assert!(end[..2].contains(&"slow: cancelled Interrupt"), "{story:#?}");
    assert!(end[..2].contains(&"slow > a > s: finished badly"), "{story:#?}");
    assert!(end[2].starts_with("slow > a > s: step failed cancelled "), "{end:?}");
    assert_eq!(
        end[3..],
        [
            "slow > a > t: step skipped (Interrupt)",
            "slow > a: job cancelled",
            "slow > b: job skipped (Interrupt)",
            "slow: run cancelled 0/0/0/3",
        ]
    );
}

#[test]
fn a_deadline_ends_nested_runs_too() {
    let repo = Repo::new(&[
        ("slow", SLOW),
        (
            "outer",
            "jobs: [{name: j, steps: [{name: call, allowFailure: true, task: {type: workflow, workflowIdOrName: slow}}, {name: after, dependsOn: [{step: call, condition: {type: always}}], task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]",
        ),
    ]);
    let outcome = run_and_stop(&repo, "outer", 1, CancelCause::Deadline).unwrap();
    assert_eq!(outcome.cancelled(), Some(CancelCause::Deadline));
    assert_eq!(
        steps(&view(&outcome)),
        [
            "j/call=cancelled: Nested workflow \"slow\" was told to stop",
            "j/after=cancelled",
            "j=cancelled",
        ]
    );
    assert_eq!(repo.records("slow")[0]["status"], "cancelled");
    let failed: Vec<String> =
        repo.story().into_iter().filter(|line| line.contains("step failed timeout")).collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
}

#[test]
fn a_run_ends_when_its_time_is_over() {
    let repo = Repo::new(&[("slow", SLOW)]);
    let timeout = Some(Duration::from_millis(300));
    let begin = Instant::now();
    // On a machine that is busy enough, the time is over before anything has begun.
    let cause = match repo.run_with(&RunRequest { timeout, ..Repo::request("slow") }) {
        Ok(outcome) => {
            assert_eq!(outcome.status(), Status::Cancelled);
            outcome.cancelled()
        }
        Err(WorkflowError::Cancelled(cause)) => Some(cause),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(cause, Some(CancelCause::Deadline));
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_request_to_stop_after_the_last_method_changes_nothing() {
    let yaml = "jobs: [{name: j, steps: [{name: s, task: {type: model_method, modelIdOrName: good, methodName: execute}}]}]";
    let repo = Repo::new(&[("quick", yaml)]);
    let outcome = repo.run("quick").unwrap();
    repo.cancel.cancel(CancelCause::Terminate);
    assert_eq!((outcome.status(), outcome.cancelled()), (Status::Succeeded, None));
    let error = repo.run("quick").unwrap_err();
    assert!(matches!(error, WorkflowError::Cancelled(CancelCause::Terminate)), "{error}");
    assert_eq!(repo.records("quick").len(), 1);
}

#[test]
fn of_many_waiting_steps_none_begins_after_the_stop() {
    let repo = Repo::new(&[(
        "many",
        "
concurrency: 2
jobs: [{name: j, steps: [{name: \"s-${{ self.i }}\", forEach: {item: i, in: \"${{ [1, 2, 3, 4, 5, 6] }}\"}, task: {type: model_method, modelIdOrName: slow, methodName: execute}}]}]
",
    )]);
    let outcome = run_and_stop(&repo, "many", 0, CancelCause::Interrupt).unwrap();
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(outcome.totals().cancelled, 6);
    let started = repo.story().iter().filter(|line| line.ends_with("step started")).count();
    assert!(started <= 2, "{started}");
}
