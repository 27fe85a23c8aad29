//! What calls can be told apart by, in words for people.

use swamp_ident::Dimension;

/// What a page calls a dimension.
pub(crate) const fn label(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Driver => "Driver",
        Dimension::ModelType => "Model type",
        Dimension::Method => "Method",
        Dimension::Workflow => "Workflow",
        Dimension::Job => "Job",
        Dimension::Step => "Step",
        Dimension::Status => "Status",
        Dimension::ErrorCategory => "Error category",
        Dimension::Platform => "Platform",
        Dimension::Agent => "Agent",
        Dimension::ErrorMessage => "Error message",
    }
}
