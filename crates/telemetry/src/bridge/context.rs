//! From an event's scope to an entry's context.

use swamp_events::{MethodRef, Scope};
use swamp_ident::{DriverName, DriverOrigin, Phase};
use swamp_wire::{Extra, MethodContext, Word, WorkflowContext};

use crate::words::BUILT_IN_DRIVERS;

/// What is known of a call that no step makes.
pub(super) fn method_context(method: &MethodRef, phase: Phase) -> MethodContext {
    let (driver, driver_origin) = driver(method);
    MethodContext {
        model_type: method.model_type.clone(),
        driver,
        driver_origin,
        phase: Some(phase.into()),
        extra: Extra::new(),
    }
}

/// The driver of a call, if it is one of ours. Any other name is what somebody typed.
pub(super) fn public_driver(method: &MethodRef) -> Option<&DriverName> {
    let name = method.driver.as_ref().map(|driver| &driver.name)?;
    BUILT_IN_DRIVERS.contains(&name.as_str()).then_some(name)
}

fn driver(method: &MethodRef) -> (Option<DriverName>, Option<Word<DriverOrigin>>) {
    let origin = method.driver.as_ref().map(|driver| driver.origin.into());
    (public_driver(method).cloned(), origin)
}

/// What is known of a step's call; `None` for a call that is not a step's.
pub(super) fn step_context(scope: &Scope, method: &MethodRef) -> Option<WorkflowContext> {
    let (run, job, step) = (scope.run.as_ref()?, scope.job.as_ref()?, scope.step.as_ref()?);
    let mut context =
        WorkflowContext::new(run.workflow.clone(), run.id.clone(), job.clone(), step.name.clone());
    context.model_type.clone_from(&method.model_type);
    (context.driver, context.driver_origin) = driver(method);
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
