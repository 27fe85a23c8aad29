//! What calls can be told apart by.

/// A property of method calls that pages filter and group by. The same list as in the collector's
/// query API, with words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The driver that ran the method.
    Driver,
    /// The model's type.
    ModelType,
    /// The method.
    Method,
    /// The workflow.
    Workflow,
    /// The job.
    Job,
    /// The step as written in the file.
    Step,
    /// How the call ended.
    Status,
    /// What kind of thing went wrong.
    ErrorCategory,
    /// The operating system.
    Platform,
    /// The AI agent that drove the command.
    Agent,
    /// First line of the error.
    ErrorMessage,
}

impl Dimension {
    /// Every dimension, in the order people look for them.
    pub const ALL: [Self; 11] = [
        Self::Driver,
        Self::ModelType,
        Self::Method,
        Self::Workflow,
        Self::Job,
        Self::Step,
        Self::Status,
        Self::ErrorCategory,
        Self::ErrorMessage,
        Self::Platform,
        Self::Agent,
    ];

    /// The name in addresses and in the query API.
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

    /// The words for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Driver => "Driver",
            Self::ModelType => "Model type",
            Self::Method => "Method",
            Self::Workflow => "Workflow",
            Self::Job => "Job",
            Self::Step => "Step",
            Self::Status => "Status",
            Self::ErrorCategory => "Error category",
            Self::Platform => "Platform",
            Self::Agent => "Agent",
            Self::ErrorMessage => "Error message",
        }
    }
}
