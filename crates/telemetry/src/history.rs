//! What commands did: each with the method calls it made.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::convert::Infallible;
use std::path::Path;

use serde::Serialize;
use swamp_ident::{
    DriverName, ErrorCategory, InvocationId, JobName, Phase, RunId, Status, StepName, Timestamp,
    TypeName, WorkflowName,
};
use swamp_wire::{MethodCounts, ResultStatus, TelemetryEntry, Word, WorkflowContext};

use crate::facts::ran;
use crate::rollup;
use crate::spool::{Spool, SpoolError};
use crate::stats::{Range, Stored, each};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Candidates that are remembered for a beginning that fits too many.
const MOST_CANDIDATES: usize = 1_000;

/// A command with the method calls it made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// The command's id.
    pub id: InvocationId,
    /// The command; absent when only its calls are there, because it has not ended or has been
    /// delivered already.
    pub command: Option<Command>,
    /// Its method calls, in the order they began.
    pub calls: Vec<Call>,
}

/// A command as its entry tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// Command and sub-command.
    pub words: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How it went.
    #[serde(flatten)]
    pub ending: Ending,
    /// Its exit code.
    pub exit_code: i64,
    /// The method it called directly.
    pub method: Option<String>,
    /// The run it started.
    pub run_id: Option<RunId>,
    /// How that run ended.
    pub run_status: Option<Word<Status>>,
    /// What became of its method calls.
    pub method_counts: Option<MethodCounts>,
}

/// A method call of a run as its entry tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its id.
    pub id: InvocationId,
    /// When it began.
    pub started_at: Timestamp,
    /// How long after the command that was, in milliseconds; absent when the command is not there.
    pub offset_ms: Option<i64>,
    /// How it went.
    #[serde(flatten)]
    pub ending: Ending,
    /// Whether the method ran at all.
    pub ran: bool,
    /// How far it came, if the entry says so.
    pub phase: Option<Word<Phase>>,
    /// Whether its failure was allowed.
    pub allowed_failure: bool,
    /// The model's type.
    pub model_type: Option<TypeName>,
    /// The driver.
    pub driver: Option<DriverName>,
    /// The method.
    pub method: Option<String>,
    /// The workflow in whose file the step stands.
    pub workflow: WorkflowName,
    /// The run of that workflow.
    pub run_id: RunId,
    /// How many runs are around that one.
    pub depth: u64,
    /// The job.
    pub job: JobName,
    /// The step.
    pub step: StepName,
    /// Which attempt; absent for the first.
    pub attempt: Option<u32>,
}

/// How something went.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// In one word.
    pub status: Word<ResultStatus>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What went wrong.
    pub error_category: Option<Word<ErrorCategory>>,
    /// The same in words.
    pub error_message: Option<String>,
}

/// What an id belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdKind {
    /// A command.
    Command,
    /// A method call of a run.
    Call,
    /// A run of a workflow.
    Run,
}

/// What was found for an id or its beginning.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// The command; for a run only the calls of it and of the runs inside it, for a call only that.
    Found(Box<Tree>),
    /// Several begin like this.
    Ambiguous(Vec<(String, IdKind)>),
    /// It was delivered, and removed afterwards.
    Delivered(InvocationId),
    /// There is nothing like it here.
    Missing,
}

/// The last commands, latest first, with the calls of each.
///
/// Memory grows with what is returned, not with what is in the spool.
pub fn last(spool: &Path, count: usize, now: Timestamp) -> Result<Vec<Tree>, SpoolError> {
    // Most often, the last day has enough of them; looking at all files takes long.
    let recent = [DAY, 8 * DAY].map(|back| Some(Range::since(now.plus_millis(-back))));
    let mut newest = BinaryHeap::new();
    for range in recent.into_iter().chain([None]) {
        newest.clear();
        visit(spool, range.as_ref(), |stored| {
            let entry = stored.entry;
            if entry.parent_invocation_id.is_none() {
                newest.push(Reverse((entry.started_at, entry.id.as_str().to_owned())));
                if newest.len() > count {
                    newest.pop();
                }
            }
        })?;
        if newest.len() >= count {
            break;
        }
    }
    let wanted = newest.into_sorted_vec().into_iter();
    let wanted: Vec<_> = wanted.map(|Reverse((at, id))| (at, InvocationId::from(id))).collect();
    let Some(first) = wanted.iter().map(|(at, _)| *at).min() else {
        return Ok(Vec::new());
    };
    let places: HashMap<&str, usize> =
        wanted.iter().enumerate().map(|(place, (_, id))| (id.as_str(), place)).collect();
    let mut trees: Vec<Tree> = wanted
        .iter()
        .map(|(_, id)| Tree { id: id.clone(), command: None, calls: Vec::new() })
        .collect();
    // A clock that was set back dates calls before their command.
    let range = Range::since(first.plus_millis(-DAY));
    visit(spool, Some(&range), |stored| {
        let entry = stored.entry;
        let owner = entry.parent_invocation_id.as_ref().unwrap_or(&entry.id);
        if let Some(place) = places.get(owner.as_str()) {
            trees[*place].add(entry);
        }
    })?;
    trees.iter_mut().for_each(Tree::finish);
    Ok(trees)
}

/// The command, call or run whose id begins with a text.
pub fn find(spool: &Path, text: &str) -> Result<Lookup, SpoolError> {
    let mut candidates: BTreeMap<(String, IdKind), InvocationId> = BTreeMap::new();
    visit(spool, None, |stored| {
        let entry = stored.entry;
        let owner = entry.parent_invocation_id.as_ref().unwrap_or(&entry.id);
        for (id, kind) in ids(entry) {
            if id.starts_with(text) && candidates.len() < MOST_CANDIDATES {
                candidates.insert((id.to_owned(), kind), owner.clone());
            }
        }
    })?;
    if candidates.keys().any(|(id, _)| id == text) {
        candidates.retain(|(id, _), _| id == text);
    }
    if candidates.len() > 1 {
        return Ok(Lookup::Ambiguous(candidates.into_keys().collect()));
    }
    let Some(((id, kind), owner)) = candidates.pop_first() else {
        return delivered(spool, text);
    };
    let mut tree = Tree { id: owner, command: None, calls: Vec::new() };
    visit(spool, None, |stored| {
        let entry = stored.entry;
        let context = entry.workflow_context.as_ref();
        let is_wanted = match kind {
            IdKind::Command => true,
            IdKind::Call => context.is_none() || entry.id.as_str() == id,
            IdKind::Run => context.is_none_or(|context| runs(context).any(|run| run == id)),
        };
        if is_wanted && *entry.parent_invocation_id.as_ref().unwrap_or(&entry.id) == tree.id {
            tree.add(entry);
        }
    })?;
    tree.finish();
    Ok(Lookup::Found(Box::new(tree)))
}

fn delivered(spool: &Path, text: &str) -> Result<Lookup, SpoolError> {
    let spool = match Spool::open(spool) {
        Err(error) if error.is_missing() => return Ok(Lookup::Missing),
        other => other?,
    };
    let failed = |error| SpoolError::io("read the roll-up in", spool.path(), error);
    let days = rollup::days(&spool).map_err(failed)?;
    for date in days.dates.iter().rev() {
        let day = days.read(date).map_err(failed)?;
        let absorbed = day.iter().flat_map(|day| &day.absorbed);
        if let Some(id) = absorbed.filter(|id| id.as_str().starts_with(text)).min() {
            return Ok(Lookup::Delivered(id.clone()));
        }
    }
    Ok(Lookup::Missing)
}

fn visit(
    spool: &Path,
    range: Option<&Range>,
    mut look: impl FnMut(Stored<'_>),
) -> Result<(), SpoolError> {
    let read = each(spool, range, |stored| {
        look(stored);
        Ok::<_, Infallible>(())
    })?;
    match read {
        Ok(_) => Ok(()),
        Err(never) => match never {},
    }
}

/// Every id by which somebody may ask for an entry.
fn ids(entry: &TelemetryEntry) -> impl Iterator<Item = (&str, IdKind)> {
    let kind = if entry.is_child() { IdKind::Call } else { IdKind::Command };
    let of_calls = entry.workflow_context.iter().flat_map(runs);
    let of_commands = entry.run_id.iter().map(RunId::as_str);
    let runs = of_commands.chain(of_calls).map(|run| (run, IdKind::Run));
    std::iter::once((entry.id.as_str(), kind)).chain(runs)
}

/// The run of a call, and the one the user started.
fn runs(context: &WorkflowContext) -> impl Iterator<Item = &str> {
    [Some(&context.run_id), context.root_run_id.as_ref()].into_iter().flatten().map(RunId::as_str)
}

impl Tree {
    fn add(&mut self, entry: &TelemetryEntry) {
        match &entry.workflow_context {
            Some(context) => self.calls.push(Call::of(entry, context)),
            None => self.command = Some(Command::of(entry)),
        }
    }

    fn finish(&mut self) {
        self.calls
            .sort_by(|a, b| (a.started_at, a.id.as_str()).cmp(&(b.started_at, b.id.as_str())));
        let began = self.command.as_ref().map(|command| command.started_at.as_millis());
        for call in &mut self.calls {
            call.offset_ms = began.map(|began| call.started_at.as_millis().saturating_sub(began));
        }
    }
}

impl Command {
    fn of(entry: &TelemetryEntry) -> Self {
        let call = &entry.invocation;
        Self {
            words: match &call.subcommand {
                Some(subcommand) => format!("{} {subcommand}", call.command),
                None => call.command.clone(),
            },
            started_at: entry.started_at,
            ending: Ending::of(entry),
            exit_code: entry.result.exit_code,
            method: entry.method().map(str::to_owned),
            run_id: entry.run_id.clone(),
            run_status: entry.run_status.clone(),
            method_counts: entry.method_counts.clone(),
        }
    }
}

impl Call {
    fn of(entry: &TelemetryEntry, context: &WorkflowContext) -> Self {
        Self {
            id: entry.id.clone(),
            started_at: entry.started_at,
            offset_ms: None,
            ending: Ending::of(entry),
            ran: ran(entry).is_some(),
            phase: context.phase.clone(),
            allowed_failure: context.allowed_failure == Some(true),
            model_type: context.model_type.clone(),
            driver: context.driver.clone(),
            method: entry.method().map(str::to_owned),
            workflow: context.workflow_name.clone(),
            run_id: context.run_id.clone(),
            depth: context.depth.unwrap_or(0),
            job: context.job_name.clone(),
            step: context.step_name.clone(),
            attempt: context.attempt,
        }
    }
}

impl Ending {
    fn of(entry: &TelemetryEntry) -> Self {
        Self {
            status: entry.result.status.clone(),
            duration_ms: entry.duration_ms,
            error_category: entry.result.error_category.clone(),
            error_message: entry.result.error_message.clone(),
        }
    }
}
