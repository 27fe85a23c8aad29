//! How many values of a dimension are told apart.

pub use swamp_ident::Dimension;

/// The value that stands for all values beyond the limit of a dimension.
pub const OTHER: &str = "__other__";

/// How many different values a project may have before [`OTHER`] stands for further ones.
///
/// Names of steps and error texts are made by users and programs; a mistake there (a number in a
/// name) must not fill the memory.
pub const fn most_values(dimension: Dimension) -> usize {
    match dimension {
        Dimension::Step | Dimension::Job => 10_000,
        Dimension::Workflow
        | Dimension::ModelType
        | Dimension::Method
        | Dimension::ErrorMessage => 5_000,
        Dimension::Driver
        | Dimension::Status
        | Dimension::ErrorCategory
        | Dimension::Platform
        | Dimension::Agent => 200,
    }
}
