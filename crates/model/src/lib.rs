//! Model types, their methods, and the one way a method is run.
//!
//! A *model type* ([`ModelType`]) says which methods there are, what arguments they take and what
//! data they make; a *definition* is an instance of it in the repository. [`Engine::run_method`]
//! runs one method of one definition, whether a person asked for it directly or a workflow's step
//! did: there is no second path. It finds the definition, evaluates its expressions, checks
//! arguments, runs the method through a driver, stores data, an output record and reports, and
//! tells everything it does as events.
//!
//! Rules that hold here:
//!
//! * **What the method uses must be resolved.** An expression that fails in an argument of the
//!   invoked method, or in a global argument it uses, is an error that names the place. Failures in
//!   fields nobody uses stay as text.
//! * **Expressions that read the environment or a vault are never written to disk evaluated**; they
//!   are evaluated with everything else, once, just before the method runs.
//! * **Text from outside is never a template.** What an expression or an input gives is a value.
//! * `MethodExecuting` is only told when nothing but the method's own code is left to do; what
//!   fails earlier failed before the method ([`Phase::BeforeMethod`](swamp_ident::Phase)).

mod checks;
mod engine;
mod evaluate;
pub mod inputs;
mod method;
mod outcome;
pub mod reports;
mod request;
mod runner;
mod schema;
mod secrets;
mod sources;
mod types;
mod validate;

pub use checks::{CheckBody, CheckFilter, PreflightCheck};
pub use engine::{Engine, EngineParts, EvaluatedCopy};
pub use method::{MethodBody, MethodCall, MethodError, Produced};
pub use outcome::{FailureCode, MethodFailure, MethodRun, ReportOutcome, StoredArtifact};
pub use request::{Call, DataOverride, DriverChoice, MethodRequest, StepCall};
pub use runner::describe_lock_notice;
pub use schema::{Schema, SchemaProblem};
pub use types::{
    FileSpec, MethodKind, MethodType, ModelType, OutputSpec, ResourceSpec, TypeRegistry,
    UnknownType,
};
pub use validate::{ENV_WARNING, ValidateOptions, Validation, ValidationCheck, ValidationWarning};
