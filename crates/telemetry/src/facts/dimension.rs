//! What method calls can be told apart by.

use std::fmt;

use serde::{Serialize, Serializer};

/// Something that method calls may have in common: what a collector knows as
/// [`swamp_ident::Dimension`], without the texts of errors, which are not counted on this disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The driver that ran it.
    Driver,
    /// The type of its model.
    ModelType,
    /// The method.
    Method,
    /// The workflow in whose file the step stands.
    Workflow,
    /// The job.
    Job,
    /// The step as written: the items of a `forEach` are one.
    Step,
    /// How it ended.
    Status,
    /// What went wrong.
    ErrorCategory,
    /// The operating system.
    Platform,
    /// The AI tool that drove the command.
    Agent,
}

/// The name of a dimension that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is nothing to group by; use one or more of {}", Dimension::list())]
pub struct UnknownDimension {
    /// What was asked for.
    pub name: String,
}

impl Dimension {
    /// All of them, in the order they are documented.
    pub const ALL: [Self; 10] = [
        Self::Driver,
        Self::ModelType,
        Self::Method,
        Self::Workflow,
        Self::Job,
        Self::Step,
        Self::Status,
        Self::ErrorCategory,
        Self::Platform,
        Self::Agent,
    ];

    /// Its name on the command line and in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::ModelType => "modelType",
            Self::Method => "method",
            Self::Workflow => "workflow",
            Self::Job => "job",
            Self::Step => "step",
            Self::Status => "status",
            Self::ErrorCategory => "errorCategory",
            Self::Platform => "platform",
            Self::Agent => "agent",
        }
    }

    /// The dimension of that name.
    pub fn parse(name: &str) -> Result<Self, UnknownDimension> {
        let found = Self::ALL.into_iter().find(|dimension| dimension.as_str() == name);
        found.ok_or_else(|| UnknownDimension { name: name.to_owned() })
    }

    fn list() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_fit() {
        for (place, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension as usize, place);
            assert_eq!(Dimension::parse(dimension.as_str()), Ok(dimension));
            assert_eq!(swamp_ident::Dimension::ALL[place].as_str(), dimension.as_str());
        }
        let error = Dimension::parse("colour").unwrap_err().to_string();
        assert!(
            error.contains("\"colour\"") && error.contains("errorCategory, platform"),
            "{error}"
        );
    }
}
