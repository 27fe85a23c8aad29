//! What stands in a journal.

use serde::{Deserialize, Serialize};
use swamp_ident::{InvocationId, MethodName, Phase, RunId};
use swamp_wire::{InvocationResult, MethodContext, TelemetryEntry, WorkflowContext};

/// Version of this layout. Records a reader does not know are passed over, so it only grows when
/// one changes its meaning.
pub(crate) const LAYOUT: u32 = 1;

/// One line. Times called `t` are milliseconds by the monotonic clock of the process, `at` is
/// milliseconds since the Unix epoch.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Record {
    /// The first line: the command.
    Open(Box<Open>),
    /// The run that the user started.
    Run {
        /// Its id.
        id: RunId,
    },
    /// A method that the command calls directly begins.
    Direct {
        /// When.
        t: u64,
        /// What is called.
        context: MethodContext,
    },
    /// A step's method begins.
    Begin(Box<Begin>),
    /// A step's method ended; saving its data comes after.
    Finish(Finish),
    /// A step whose method began has ended; its entry is final.
    End(End),
    /// A step's call that failed before its method began; its entry is final.
    Whole(Box<Whole>),
    /// All entries that became final before this place in the journal are files.
    Spooled {
        /// The place, in bytes from the start.
        to: u64,
    },
    /// Written by whoever settles the journal of a dead process and stops before the end: of the
    /// calls that the process left open, so many are files, in the order of their numbers.
    Settled {
        /// How many.
        calls: u64,
    },
    /// The last line: the command's own entry, final.
    Close(Box<TelemetryEntry>),
}

/// The command.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// [`LAYOUT`].
    pub(crate) v: u32,
    /// When the command began.
    pub(crate) t: u64,
    /// The command's entry as it is to be if the process dies.
    pub(crate) entry: TelemetryEntry,
}

/// The beginning of a step's method.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// Number of the call in this journal.
    pub(crate) n: u64,
    /// Id of the entry.
    pub(crate) id: InvocationId,
    /// When.
    pub(crate) at: i64,
    /// When.
    pub(crate) t: u64,
    /// The method.
    pub(crate) method: MethodName,
    /// The step.
    pub(crate) context: WorkflowContext,
}

/// The end of a step's method.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finish {
    /// Number of the call.
    pub(crate) n: u64,
    /// When.
    pub(crate) t: u64,
    /// How.
    pub(crate) ending: Ending,
}

/// The end of a step.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct End {
    /// Number of the call.
    pub(crate) n: u64,
    /// How, if not as the end of the method said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ending: Option<Ending>,
}

/// How a method call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// How long the method ran, in milliseconds.
    pub(crate) ms: u64,
    /// The result.
    pub(crate) result: InvocationResult,
    /// How far the call came.
    pub(crate) phase: Phase,
    /// Whether the workflow allows the failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allowed: bool,
}

/// A call that failed before its method began.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Whole {
    /// Id of the entry.
    pub(crate) id: InvocationId,
    /// When.
    pub(crate) at: i64,
    /// When.
    pub(crate) t: u64,
    /// The method.
    pub(crate) method: MethodName,
    /// The result.
    pub(crate) result: InvocationResult,
    /// The step, with everything that is known of the call.
    pub(crate) context: WorkflowContext,
}
