//! Where an invocation happened: its surroundings, its workflow, its method.

use swamp_ident::{
    DriverName, DriverOrigin, JobName, Phase, RunId, StepName, TypeName, WorkflowName,
};

use crate::Word;
use crate::object::object;

object! {
    /// The surroundings of a command, equal for the command and all its children.
    pub struct InvocationContext {
        required {
            /// Whether an AI agent seems to be driving.
            "agentSessionDetected" agent_session_detected: bool,
            /// Whether standard input is a terminal.
            "isInteractive" is_interactive: bool,
        }
        optional {
            /// Whether the repository keeps its data somewhere else than on a file system.
            "externalDatastoreConfigured" external_datastore_configured: bool,
            /// The AI tools the repository is set up for. An empty list says "none", an absent one
            /// "not known".
            "configuredAiTools" configured_ai_tools: Vec<String>,
            /// The AI tool that is driving, when it could be told.
            "detectedAiTool" detected_ai_tool: String,
            /// The continuous integration system, when there is one; `unknown` when only the
            /// general variable says so.
            "ciSystem" ci_system: String,
        }
    }
}

object! {
    /// The step of a workflow run a method was called for.
    pub struct WorkflowContext {
        required {
            /// The workflow in whose file the step stands: the innermost of nested ones.
            "workflowName" workflow_name: WorkflowName,
            /// The run of that workflow.
            "runId" run_id: RunId,
            /// The job.
            "jobName" job_name: JobName,
            /// The step, after `forEach` expansion.
            "stepName" step_name: StepName,
        }
        optional {
            /// The model's type; absent when the model was not found.
            "modelType" model_type: TypeName,
            /// The driver; absent when it was not resolved.
            "driver" driver: DriverName,
            /// Who chose the driver.
            "driverOrigin" driver_origin: Word<DriverOrigin>,
            /// How far the invocation came. `before_method` means that the method never ran.
            "phase" phase: Word<Phase>,
            /// The step's name as written in the file, for steps that come from a `forEach`.
            "stepTemplate" step_template: StepName,
            /// Position of the `forEach` item, from 0.
            "forEachIndex" for_each_index: u64,
            /// Which attempt this was; absent for the first.
            "attempt" attempt: u32,
            /// The workflow the user started, when this run is nested in it.
            "rootWorkflowName" root_workflow_name: WorkflowName,
            /// The run the user started, when this run is nested in it.
            "rootRunId" root_run_id: RunId,
            /// How many runs are around this one; absent for none.
            "depth" depth: u64,
            /// The workflow allows this step to fail, and it failed.
            "allowedFailure" allowed_failure: bool,
        }
    }
}

impl WorkflowContext {
    /// The context of a step of a run that is not nested, with nothing else known.
    pub fn new(workflow: WorkflowName, run: RunId, job: JobName, step: StepName) -> Self {
        Self {
            workflow_name: workflow,
            run_id: run,
            job_name: job,
            step_name: step,
            model_type: None,
            driver: None,
            driver_origin: None,
            phase: None,
            step_template: None,
            for_each_index: None,
            attempt: None,
            root_workflow_name: None,
            root_run_id: None,
            depth: None,
            allowed_failure: None,
            extra: crate::Extra::new(),
        }
    }
}

object! {
    /// The method a command called directly, so that statistics know what ran without a workflow.
    pub struct MethodContext {
        optional {
            /// The model's type; absent when the model was not found.
            "modelType" model_type: TypeName,
            /// The driver; absent when it was not resolved.
            "driver" driver: DriverName,
            /// Who chose the driver.
            "driverOrigin" driver_origin: Word<DriverOrigin>,
            /// How far the invocation came.
            "phase" phase: Word<Phase>,
        }
    }
}
