//! Expressions: the `${{ … }}` templates of definitions and workflows, and the CEL dialect inside.
//!
//! A text becomes a [`Template`], a template holds [`Program`]s, a program is evaluated against a
//! [`Context`]. Nothing here reads files, the environment or secrets: `data`, `file`, `model`, `env`
//! and `vault` are answered by small traits ([`DataSource`], [`ModelSource`], [`EnvSource`],
//! [`SecretSource`]) that the caller puts into the context, and only when an expression asks.
//!
//! Compilation is lexer → Pratt parser → static checker; what a program refers to is read from its
//! tree ([`References`]), never from its text. Evaluation walks a flat tree whose local variables
//! are slots.
//!
//! Three rules the rest of the system leans on:
//!
//! * an expression is evaluated once: a result that looks like a template stays text;
//! * numbers from documents are doubles, literals are ints ([`Value::from_json`]);
//! * maps keep the order in which they were written.
//!
//! Whole documents are walked with [`for_each_template`] and rewritten with [`substitute`], which
//! gives both the document to run with and the one that may be written to disk (where expressions
//! that use `env` or `vault` stay unevaluated).

mod check;
mod context;
mod error;
mod eval;
mod functions;
mod path;
mod persist;
mod program;
mod query;
mod references;
mod scan;
mod source;
mod substitute;
mod syntax;
mod template;
mod value;

pub use context::Context;
pub use error::{ErrorKind, ExprError, Position};
pub use path::{DocumentPath, PathItem};
pub use program::Program;
pub use query::RecordFilter;
pub use references::{DataCall, EnvUse, ModelUse, PathUse, References, VaultCall};
pub use source::{
    DataSource, EnvSource, LazyMap, ModelSource, SecretError, SecretSource, SourceError,
};
pub use substitute::{
    Failure, Site, Substitution, Treatment, evaluate_all, for_each_template, keep_runtime,
    only_runtime, substitute,
};
pub use template::{Template, TemplateExpression};
pub use value::{Map, Type, Value};
