//! The entry: what is known about one command, or about one method call inside it.

use swamp_ident::{ErrorCategory, InvocationId, RepoId, RunId, Status, Timestamp};

use crate::object::object;
use crate::{InvocationContext, MethodContext, ResultStatus, Word, WorkflowContext};

/// What stands in `args` instead of a word that is the user's own.
pub const REDACTED: &str = "<REDACTED>";

/// What we say in `denoVersion`, which consumers require to be a text: there is none.
pub const NO_DENO: &str = "0.0.0";

object! {
    /// A command line, reduced to words that the program itself declares.
    pub struct Invocation {
        required {
            /// The command; empty when the program was called without one.
            "command" command: String,
            /// The positional arguments, each a declared word or [`REDACTED`].
            "args" args: Vec<String>,
            /// The options given, without their values.
            "optionKeys" option_keys: Vec<String>,
            /// The options given that every command has.
            "globalOptions" global_options: Vec<String>,
        }
        optional {
            /// The sub-command.
            "subcommand" subcommand: String,
        }
    }
}

object! {
    /// How an invocation ended.
    pub struct InvocationResult {
        required {
            /// In one word.
            "status" status: Word<ResultStatus>,
            /// The exit code of a command; 0 or 1 for a method call.
            "exitCode" exit_code: i64,
        }
        optional {
            /// The class of the error, as the seed of this format calls it.
            "errorType" error_type: String,
            /// First line of the error text, cleaned and cut.
            "errorMessage" error_message: String,
            /// What kind of thing went wrong.
            "errorCategory" error_category: Word<ErrorCategory>,
        }
    }
}

impl InvocationResult {
    /// The result of an invocation that did what it should.
    pub fn success() -> Self {
        Self {
            status: ResultStatus::Success.into(),
            exit_code: 0,
            error_type: None,
            error_message: None,
            error_category: None,
            extra: crate::Extra::new(),
        }
    }
}

object! {
    /// The language runtime of the program that wrote the entry.
    pub struct Runtime {
        required {
            /// Its name.
            "name" name: String,
            /// Its version.
            "version" version: String,
        }
    }
}

object! {
    /// How many method calls of a run ended how, nested runs included.
    pub struct MethodCounts {
        required {
            /// All that were planned and came to be looked at: the sum of the others.
            "total" total: u64,
            /// Calls that succeeded.
            "success" success: u64,
            /// Calls that failed, allowed failures included.
            "error" error: u64,
            /// Steps that were skipped.
            "skipped" skipped: u64,
        }
    }
}

object! {
    /// One entry: the content of a spool file, and the properties of an event on the wire.
    pub struct TelemetryEntry {
        required {
            /// Random, made when the command starts or the method call begins.
            "id" id: InvocationId,
            /// What was called.
            "invocation" invocation: Invocation,
            /// How it ended.
            "result" result: InvocationResult,
            /// When it began.
            "startedAt" started_at: Timestamp,
            /// When it ended.
            "completedAt" completed_at: Timestamp,
            /// How long it took, in milliseconds. Older writers compute it from a wall clock that
            /// may have been set back, so it can be negative.
            "durationMs" duration_ms: i64,
            /// Version of the program.
            "swampVersion" swamp_version: String,
            /// Version of the Deno runtime; [`NO_DENO`] from us.
            "denoVersion" deno_version: String,
            /// Name of the operating system.
            "platform" platform: String,
        }
        optional {
            /// The surroundings; absent in entries of the oldest versions.
            "invocationContext" invocation_context: InvocationContext,
            /// The entry of the command that made this call; absent on a command's own entry.
            "parentInvocationId" parent_invocation_id: InvocationId,
            /// The step this call was made for; absent on a command's own entry.
            "workflowContext" workflow_context: WorkflowContext,
            /// The runtime that wrote this.
            "runtime" runtime: Runtime,
            /// The repository it was recorded in.
            "repoId" repo_id: RepoId,
            /// On the entry of a command that ran a workflow: the run the user started.
            "runId" run_id: RunId,
            /// How that run ended.
            "runStatus" run_status: Word<Status>,
            /// What became of its method calls.
            "methodCounts" method_counts: MethodCounts,
            /// On the entry of a command that called a method directly: which.
            "methodContext" method_context: MethodContext,
            /// W3C trace id, equal to that of the OpenTelemetry span.
            "traceId" trace_id: String,
            /// W3C span id, equal to that of the OpenTelemetry span.
            "spanId" span_id: String,
        }
    }
}

impl TelemetryEntry {
    /// Whether this is the entry of a method call inside a workflow run.
    pub fn is_child(&self) -> bool {
        self.workflow_context.is_some()
    }

    /// The name of the method that was called, if this is the entry of a method call.
    pub fn method(&self) -> Option<&str> {
        let call = &self.invocation;
        let is_call = call.command == "model"
            && call.subcommand.as_deref() == Some("method")
            && call.args.first().is_some_and(|verb| verb == "run");
        if is_call { call.args.get(2).map(String::as_str) } else { None }
    }
}
