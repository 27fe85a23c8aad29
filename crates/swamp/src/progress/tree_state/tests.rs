use super::*;
use std::sync::Arc;
use std::time::Duration;
use swamp_events::{JobPlan, RunTotals, StepRef};
use swamp_ident::{
    ErrorCategory, Failure, Fault, Phase, RunId, Timestamp, WorkflowId, WorkflowName,
};

fn moment(millis: u64) -> Moment {
    Moment { wall: Timestamp::from_millis(0), mono: Duration::from_millis(millis) }
}

fn run(name: &str) -> RunRef {
    RunRef { workflow: WorkflowName::new(name), id: RunId::new(name) }
}

fn step(job: &Scope, name: &str) -> Scope {
    let name = StepName::new(name);
    job.in_step(StepRef { name: name.clone(), template: name, for_each: None })
}

fn started(jobs: &[(&str, usize, &[&str])]) -> EventKind {
    let jobs = jobs
        .iter()
        .map(|(name, step_count, depends_on)| JobPlan {
            name: JobName::new(name),
            step_count: *step_count,
            depends_on: depends_on.iter().map(JobName::new).collect(),
        })
        .collect();
    let log_path = std::path::PathBuf::new();
    EventKind::RunStarted { workflow_id: WorkflowId::new("w"), driver: None, jobs, log_path }
}

fn apply(state: &mut TreeState, at: u64, scope: &Scope, kind: EventKind) {
    let scope = Arc::new(scope.clone());
    state.apply(&RunEvent { seq: 0, at: moment(at), scope, kind });
}

fn text(lines: &[Line]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.iter().map(|(_, text)| text.as_str()).collect::<String>())
        .collect();
    lines.join("\n")
}

fn fan_out(steps: usize) -> (TreeState, Scope) {
    let mut state = TreeState::default();
    let scope = Scope::of_run(run("nightly"));
    apply(&mut state, 0, &scope, started(&[("scan", 1, &[]), ("report", 2, &["scan"])]));
    let job = scope.in_job(JobName::new("scan"));
    apply(&mut state, 0, &job, EventKind::JobStarted);
    for index in 0..steps {
        let step = step(&job, &format!("host-{index}"));
        apply(&mut state, index as u64, &step, EventKind::StepStarted);
    }
    (state, job)
}

#[test]
fn a_frame_shows_jobs_and_running_steps_with_their_times() {
    let (mut state, job) = fan_out(2);
    let line = EventKind::MethodOutput { stream: OutputStream::Stdout, line: "50%".to_owned() };
    apply(&mut state, 5, &step(&job, "host-1"), line);
    assert_eq!(
        text(&state.frame(moment(1500), 20)),
        "nightly  1.5s  2 running, 0 done\n\
         ├─ ⠦ scan  1.5s  2 running\n\
         │  ⠦ host-0  1.5s\n\
         │  ⠦ host-1  1.4s\n\
         │    │ 50%\n\
         └─ ○ report  2 steps  waits for scan"
    );
}

#[test]
fn a_thousand_steps_fit_the_window() {
    let (state, _) = fan_out(1000);
    let frame = state.frame(moment(1000), 10);
    assert_eq!(frame.len(), 10);
    let text = text(&frame);
    assert!(text.starts_with("nightly  1.0s  1000 running, 0 done\n"), "{text}");
    assert!(text.ends_with("… 994 lines not shown"), "{text}");
    assert!(text.contains("host-0") && text.contains("scan"), "{text}");
}

#[test]
fn nested_runs_hang_below_their_step() {
    let (mut state, job) = fan_out(1);
    let inner = step(&job, "host-0").nested(run("inner"));
    apply(&mut state, 10, &inner, started(&[("a", 1, &[])]));
    apply(&mut state, 10, &inner.in_job(JobName::new("a")), EventKind::JobStarted);
    let frame = text(&state.frame(moment(10), 20));
    assert!(frame.contains("│  ⠋ host-0  10ms\n│    └─ ⠋ a  0ms  \n"), "{frame}");
}

#[test]
fn failures_stay_with_the_last_lines_of_output() {
    let (mut state, job) = fan_out(1);
    let scope = step(&job, "host-0");
    for number in 0..7 {
        let line = format!("line {number}");
        let stream = OutputStream::Stdout;
        apply(&mut state, 5, &scope, EventKind::MethodOutput { stream, line });
    }
    let failure = Failure {
        message: "Command exited with code 3".to_owned(),
        category: ErrorCategory::Method,
        fault: Fault::User,
        phase: Phase::Method,
    };
    let failed = EventKind::StepFailed { failure, allowed: false, call: None };
    apply(&mut state, 9, &scope, failed);
    let status = Status::Failed;
    apply(&mut state, 9, &job, EventKind::JobCompleted { status, error: None });
    let totals = RunTotals { failed: 1, ..RunTotals::default() };
    let root = Scope::of_run(run("nightly"));
    apply(&mut state, 9, &root, EventKind::RunCompleted { status, error: None, totals });
    assert!(state.has_ended());
    assert_eq!(
        text(&state.take_lasting()),
        "✗ scan › host-0  Command exited with code 3\n  \
           │ line 2\n  │ line 3\n  │ line 4\n  │ line 5\n  │ line 6\n\
         ✗ scan  9ms  1 failed\n\
         ○ report  2 steps\n\
         ✗ nightly failed in 9ms: 1 failed"
    );
}
