//! What statistics of method calls can be broken down by.

use std::fmt;

use serde::{Serialize, Serializer};

/// A property of method calls that statistics can be filtered and grouped by.
///
/// The numbers stand in stored statistics: new dimensions go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Dimension {
    /// The driver that ran the method.
    Driver,
    /// The model's type.
    ModelType,
    /// The method.
    Method,
    /// The workflow in whose file the step stands.
    Workflow,
    /// The job.
    Job,
    /// The step as written in the file: the items of a `forEach` are one.
    Step,
    /// How the call ended.
    Status,
    /// What kind of thing went wrong.
    ErrorCategory,
    /// The operating system.
    Platform,
    /// The agent that drove the command.
    Agent,
    /// First line of the error, as the sender cleaned it.
    ErrorMessage,
}

impl Dimension {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// Every dimension, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
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
        Self::ErrorMessage,
    ];

    /// The name in queries and answers.
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
            Self::ErrorMessage => "errorMessage",
        }
    }

    /// The dimension of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == name)
    }

    /// The position in [`ALL`](Self::ALL), for arrays with a place for each dimension.
    pub const fn index(self) -> usize {
        self as usize
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
    fn numbers_and_names_find_their_dimension() {
        for (number, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension.index(), number);
            assert_eq!(Dimension::parse(dimension.as_str()), Some(dimension));
        }
        assert_eq!(Dimension::parse("Driver"), None);
    }
}
