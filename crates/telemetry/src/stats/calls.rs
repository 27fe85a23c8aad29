//! Method calls: how many, how many failed, how long.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use serde::Serialize;
use swamp_ident::{DriverName, JobName, Phase, RunId, StepName, TypeName, WorkflowName};
use swamp_wire::{ResultStatus, TelemetryEntry, Word};

use super::summary::ratio;

/// All method calls, and the same by what they have in common. Groups with most calls come first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// All of them.
    pub total: CallStats,
    /// By the model's type.
    pub by_model_type: Vec<Group<ByModelType>>,
    /// By the driver.
    pub by_driver: Vec<Group<ByDriver>>,
    /// By type and method.
    pub by_method: Vec<Group<ByMethod>>,
    /// By step as written in the workflow file: the items of a `forEach` are one group.
    pub by_step: Vec<Group<ByStep>>,
    /// By the workflow in whose file the step stands.
    pub by_workflow: Vec<Group<ByWorkflow>>,
}

/// What some calls have in common, and their numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group<K> {
    /// What they have in common.
    #[serde(flatten)]
    pub key: K,
    /// Their numbers.
    #[serde(flatten)]
    pub stats: CallStats,
}

/// A model type; absent for models that were not found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByModelType {
    /// The type.
    pub model_type: Option<TypeName>,
}

/// A driver; absent where none was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByDriver {
    /// The driver.
    pub driver: Option<DriverName>,
}

/// A method of a model type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByMethod {
    /// The type; absent for models that were not found.
    pub model_type: Option<TypeName>,
    /// The method.
    pub method: String,
}

/// A step of a workflow file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByStep {
    /// The workflow.
    pub workflow: WorkflowName,
    /// The job.
    pub job: JobName,
    /// The step's name as written.
    pub step: StepName,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByWorkflow {
    /// The workflow.
    pub workflow: WorkflowName,
}

/// The numbers of some calls.
///
/// Times are those of calls whose method ran; a percentile is the smallest time that at least so
/// many per cent of them did not exceed (nearest rank). Absent when no method ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallStats {
    /// Calls.
    pub calls: u64,
    /// Runs they were made in, direct calls not included.
    pub runs: u64,
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that failed, `user_errors` included.
    pub failed: u64,
    /// Calls that failed with something the user can put right.
    pub user_errors: u64,
    /// Calls that failed before their method ran.
    pub before_method: u64,
    /// `failed` as a part of `calls`, 0 to 1.
    pub failure_rate: f64,
    /// Failed calls by category; `unknown` for entries that have none.
    pub failures: BTreeMap<String, u64>,
    /// Half of the calls took at most this, in milliseconds.
    pub p50_ms: Option<u64>,
    /// 95 per cent took at most this, in milliseconds.
    pub p95_ms: Option<u64>,
    /// The longest, in milliseconds.
    pub max_ms: Option<u64>,
    /// All together, in milliseconds.
    pub total_ms: u64,
}

/// Numbers in the making.
#[derive(Debug, Default)]
struct Tally {
    runs: HashSet<RunId>,
    succeeded: u64,
    user_errors: u64,
    before_method: u64,
    failures: BTreeMap<String, u64>,
    times: Vec<u64>,
}

impl Tally {
    fn add(&mut self, entry: &TelemetryEntry) {
        if let Some(context) = &entry.workflow_context
            && !self.runs.contains(&context.run_id)
        {
            self.runs.insert(context.run_id.clone());
        }
        let phase = phase(entry);
        let succeeded = entry.result.status == ResultStatus::Success;
        if succeeded {
            self.succeeded += 1;
        } else {
            let category = entry.result.error_category.as_ref().map_or("unknown", Word::as_str);
            match self.failures.get_mut(category) {
                Some(count) => *count += 1,
                None => {
                    self.failures.insert(category.to_owned(), 1);
                }
            }
            self.user_errors += u64::from(entry.result.status == ResultStatus::UserError);
        }
        // Entries of older versions do not tell the phase; there a failure in no time is one
        // before the method.
        let never_ran = phase == Some(Phase::BeforeMethod)
            || (phase.is_none() && !succeeded && entry.duration_ms == 0);
        if never_ran {
            self.before_method += 1;
        } else {
            self.times.push(u64::try_from(entry.duration_ms).unwrap_or(0));
        }
    }

    fn finish(&self) -> CallStats {
        let mut times = self.times.clone();
        times.sort_unstable();
        let failed: u64 = self.failures.values().sum();
        let calls = self.succeeded + failed;
        CallStats {
            calls,
            runs: self.runs.len() as u64,
            succeeded: self.succeeded,
            failed,
            user_errors: self.user_errors,
            before_method: self.before_method,
            failure_rate: if calls == 0 { 0.0 } else { ratio(failed, calls) },
            failures: self.failures.clone(),
            p50_ms: percentile(&times, 50),
            p95_ms: percentile(&times, 95),
            max_ms: times.last().copied(),
            total_ms: times.iter().copied().fold(0, u64::saturating_add),
        }
    }
}

/// The value of the nearest rank in a sorted list.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// How far a call came, if its entry says so.
fn phase(entry: &TelemetryEntry) -> Option<Phase> {
    let of_step = entry.workflow_context.as_ref().and_then(|context| context.phase.as_ref());
    let of_command = entry.method_context.as_ref().and_then(|context| context.phase.as_ref());
    of_step.or(of_command).and_then(Word::known)
}

/// All groups in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    total: Tally,
    by_model_type: HashMap<ByModelType, Tally>,
    by_driver: HashMap<ByDriver, Tally>,
    by_method: HashMap<ByMethod, Tally>,
    by_step: HashMap<ByStep, Tally>,
    by_workflow: HashMap<ByWorkflow, Tally>,
}

impl Builder {
    pub(super) fn add(&mut self, entry: &TelemetryEntry) {
        let Some(method) = entry.method() else {
            return;
        };
        let (mut model_type, mut driver) = (None, None);
        if let Some(context) = &entry.workflow_context {
            (model_type, driver) = (context.model_type.clone(), context.driver.clone());
            let workflow = context.workflow_name.clone();
            let step = ByStep {
                workflow: workflow.clone(),
                job: context.job_name.clone(),
                step: context.step_template.as_ref().unwrap_or(&context.step_name).clone(),
            };
            self.by_step.entry(step).or_default().add(entry);
            self.by_workflow.entry(ByWorkflow { workflow }).or_default().add(entry);
        } else if let Some(context) = &entry.method_context {
            (model_type, driver) = (context.model_type.clone(), context.driver.clone());
        }
        self.total.add(entry);
        let key = ByModelType { model_type: model_type.clone() };
        self.by_model_type.entry(key).or_default().add(entry);
        self.by_driver.entry(ByDriver { driver }).or_default().add(entry);
        let key = ByMethod { model_type, method: method.to_owned() };
        self.by_method.entry(key).or_default().add(entry);
    }

    pub(super) fn finish(&self) -> Calls {
        Calls {
            total: self.total.finish(),
            by_model_type: groups(&self.by_model_type),
            by_driver: groups(&self.by_driver),
            by_method: groups(&self.by_method),
            by_step: groups(&self.by_step),
            by_workflow: groups(&self.by_workflow),
        }
    }
}

/// Groups with most calls first, equal ones by name.
fn groups<K: Clone + Ord + Hash>(tallies: &HashMap<K, Tally>) -> Vec<Group<K>> {
    let mut groups: Vec<Group<K>> = tallies
        .iter()
        .map(|(key, tally)| Group { key: key.clone(), stats: tally.finish() })
        .collect();
    groups.sort_by(|a, b| b.stats.calls.cmp(&a.stats.calls).then_with(|| a.key.cmp(&b.key)));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 95), Some(95));
        assert_eq!(percentile(&[3, 9], 50), Some(3));
        assert_eq!(percentile(&[3, 9], 95), Some(9));
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }
}
