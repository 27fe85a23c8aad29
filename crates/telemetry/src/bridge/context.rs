//! From an event's scope to an entry's context.

use swamp_events::{MethodRef, Scope};
use swamp_wire::WorkflowContext;

/// What is known of a step's call; `None` for a call that is not a step's.
pub(super) fn step_context(scope: &Scope, method: &MethodRef) -> Option<WorkflowContext> {
    let (run, job, step) = (scope.run.as_ref()?, scope.job.as_ref()?, scope.step.as_ref()?);
    let mut context =
        WorkflowContext::new(run.workflow.clone(), run.id.clone(), job.clone(), step.name.clone());
    context.model_type.clone_from(&method.model_type);
    context.driver.clone_from(&method.driver);
    if let Some(item) = &step.for_each {
        context.step_template = Some(step.template.clone());
        context.for_each_index = u64::try_from(item.index).ok();
    }
    context.attempt = (scope.attempt > 1).then_some(scope.attempt);
    if let Some(root) = scope.ancestors.first() {
        context.root_workflow_name = Some(root.workflow.clone());
        context.root_run_id = Some(root.id.clone());
        context.depth = u64::try_from(scope.depth()).ok();
    }
    Some(context)
}
