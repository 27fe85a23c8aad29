//! Reports: which ones are made of a run, and where they are kept.

mod method_summary;
mod selection;
mod store;

use swamp_events::ReportScope;
use swamp_ident::{DefinitionId, TypeName};

pub(crate) use method_summary::MethodSummary;
pub use selection::{ReportFilter, select};
pub(crate) use store::{artifact_of, save};

/// The report that every method run gets.
pub const METHOD_SUMMARY: &str = "@swamp/method-summary";

/// The report that every workflow run gets.
pub const WORKFLOW_SUMMARY: &str = "@swamp/workflow-summary";

/// A report that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportInfo {
    /// Its name.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// What it looks at.
    pub scope: ReportScope,
    /// Labels it can be chosen by.
    pub labels: &'static [&'static str],
}

/// The reports that are built in.
pub const BUILTIN: [ReportInfo; 2] = [
    ReportInfo {
        name: METHOD_SUMMARY,
        description: "How one method run went, with its arguments and how to get its data",
        scope: ReportScope::Method,
        labels: &["summary"],
    },
    ReportInfo {
        name: WORKFLOW_SUMMARY,
        description: "How the steps of a workflow run went and how to get their data",
        scope: ReportScope::Workflow,
        labels: &["summary"],
    },
];

/// Who a stored report belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOwner {
    /// The model's type, or `workflow`.
    pub type_name: TypeName,
    /// The model's id, or the workflow's.
    pub id: DefinitionId,
    /// The item of the `forEach` that the report is about, as part of a name. Iterations keep
    /// reports of their own.
    pub variant: Option<String>,
}
